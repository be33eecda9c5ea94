from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from kmseg.errors import ImageError
from kmseg.picture.levels import Scale, choose_scale, format_value, parse_nodata
from kmseg.picture.reading import Levels
from kmseg.picture.survey import Samples

Array = npt.NDArray[np.generic]

UINT16 = Samples("unsigned", 16)
INT16 = Samples("signed", 16)
FLOAT = Samples("float", 32)


def strips(values: Array) -> Iterator[Array]:
    for top in range(0, len(values), 7):
        yield values[top : top + 7]


def scale_of(values: Array, samples: Samples, levels: Levels = "auto") -> Scale:
    n_pixels = values.shape[0] * values.shape[1]
    return choose_scale(lambda: strips(values), samples, levels, n_pixels)


def levels_of(values: Array, samples: Samples, levels: Levels = "auto") -> npt.NDArray[np.uint8]:
    scale = scale_of(values, samples, levels)
    return np.concatenate([scale.apply(strip)[0] for strip in strips(values)])


def scene(classes: list[tuple[float, float, float]], seed: int = 1) -> npt.NDArray[np.float64]:
    """320 x 240 values of classes (centre, standard deviation, share of the pixels)."""
    generator = np.random.default_rng(seed)
    n_pixels = 320 * 240
    shares = np.cumsum([share for _, _, share in classes])
    which = np.searchsorted(shares / shares[-1], (np.arange(n_pixels) + 0.5) / n_pixels)
    centres, deviations = np.array([one[:2] for one in classes]).T
    return generator.normal(centres[which], deviations[which]).reshape(240, 320)


def photo(seed: int = 0) -> npt.NDArray[np.uint8]:
    """A smooth 8-bit picture that uses its whole range."""
    rows, columns = np.mgrid[0:90, 0:120]
    noise = np.random.default_rng(seed).normal(0, 3, (90, 120, 3))
    color = np.stack([rows * 2.8, columns * 2.1, (rows + columns) * 1.2], axis=2) + noise
    color[:4] = 255
    return np.clip(color, 0, 255).astype(np.uint8)


SCENES = {
    "fluorescence": (
        [(150, 12, 0.738), (300, 12, 0.225), (420, 12, 0.037)], np.uint16, UINT16, 3, 65535,
    ),
    "fluorescence with a bright class of half a percent": (
        [(150, 12, 0.7), (300, 12, 0.295), (2500, 50, 0.005)], np.uint16, UINT16, 3, 65535,
    ),
    "thermal counts": (
        [(7400, 20, 0.5), (7900, 25, 0.3), (8600, 30, 0.2)], np.uint16, UINT16, 3, 16383,
    ),
    "thermal in kelvin": (
        [(278, 0.4, 0.3), (291, 0.6, 0.5), (306, 0.5, 0.2)], np.float32, FLOAT, 3, 1e6,
    ),
    "computed tomography": (
        [(-1000, 15, 0.4), (-90, 20, 0.2), (60, 18, 0.3), (900, 60, 0.1)],
        np.int16, INT16, 4, 32767,
    ),
}  # fmt: skip


@pytest.mark.parametrize("hot", [0, 5])
@pytest.mark.parametrize("name", SCENES)
def test_clusters_are_those_of_the_raw_values_clipped_to_the_levels(name: str, hot: int) -> None:
    classes, dtype, samples, k, white = SCENES[name]
    values = scene(classes).astype(dtype)
    generator = np.random.default_rng(2)
    where = generator.integers(0, 240, hot), generator.integers(0, 320, hot)
    values[where] = white
    scale = scale_of(values, samples)
    assert scale.high < white / 2 + classes[-1][0] / 2, "the hot pixels set the range"
    levels = levels_of(values, samples).reshape(-1, 1)
    raw = np.clip(values.astype(np.float64), scale.low, scale.high).reshape(-1, 1)
    fits = [KMeans(k, n_init=5, random_state=0).fit(data.astype(float)) for data in (raw, levels)]
    assert adjusted_rand_score(fits[0].labels_, fits[1].labels_) >= 0.99
    expected = np.sort([centre for centre, _, _ in classes])
    centroids = np.sort(scale.to_units(fits[1].cluster_centers_.ravel()))
    deviation = max(deviation for _, deviation, _ in classes)
    assert np.abs(centroids - expected).max() < max(deviation, scale.step)


def test_a_small_bright_class_keeps_its_distance() -> None:
    classes = SCENES["fluorescence with a bright class of half a percent"][0]
    levels = levels_of(scene(classes).astype(np.uint16), UINT16)
    n_bright = int(0.005 * levels.size)
    assert np.sort(levels.ravel())[-n_bright + 1] - np.sort(levels.ravel())[-n_bright - 2] > 100


def test_a_16_bit_gray_photo_looks_as_its_8_bit_twin() -> None:
    twin = photo()[..., 0]
    fine = twin.astype(np.uint16) * 257 + np.random.default_rng(0).integers(-128, 129, twin.shape)
    fine = np.clip(fine, 0, 65535).astype(np.uint16)
    assert (levels_of(fine, UINT16) == twin).all()
    assert (levels_of(fine, UINT16, "stored") == twin).all()


@pytest.mark.parametrize("factor", [256, 257])
def test_a_dark_8_bit_picture_saved_with_16_stays_dark(factor: int) -> None:
    twin = photo() // 9
    wide = twin.astype(np.uint16) * factor
    assert np.abs(levels_of(wide, UINT16).astype(int) - twin).max() == 0
    assert np.abs(levels_of(wide[..., 0], UINT16).astype(int) - twin[..., 0]).max() == 0


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("rounded", [np.rint, np.floor])
def test_colour_of_fewer_bits_in_16_looks_as_its_8_bit_twin(bits: int, rounded: np.ufunc) -> None:
    twin = photo()
    wide = rounded(twin * ((2**bits - 1) / 255)).astype(np.uint16)
    scale = scale_of(wide, UINT16)
    assert np.abs(levels_of(wide, UINT16).astype(int) - twin).max() <= 1
    said = f"{bits} bits in 16, shown as 8" if bits < 16 else "16-bit, shown as 8"
    assert scale.notes == (said,)


def test_a_14_bit_photo_that_does_not_reach_white_is_recognised_by_its_values() -> None:
    twin = photo() // 2
    wide = np.rint(twin * (16383 / 255)).astype(np.uint16)
    assert np.abs(levels_of(wide, UINT16).astype(int) - twin).max() == 0


def test_a_dark_16_bit_photo_is_not_brightened() -> None:
    generator = np.random.default_rng(0)
    dark = (photo() * (257 * 0.15) + generator.integers(0, 60, photo().shape)).astype(np.uint16)
    assert levels_of(dark, UINT16).max() <= 40


def test_floats_that_are_a_picture_stay_as_they_are() -> None:
    twin = photo()[..., 1]
    part = (twin / 255).astype(np.float32)
    assert (levels_of(part, FLOAT) == twin).all()
    assert (levels_of(twin.astype(np.float32), FLOAT) == twin).all()
    overshooting = part * 1.02 - 0.01
    assert np.abs(levels_of(overshooting, FLOAT).astype(int) - twin).max() <= 3


def test_floats_in_a_small_part_of_0_to_1_are_brought_out() -> None:
    values = np.linspace(0.41, 0.43, 6000, dtype=np.float32).reshape(60, 100)
    assert scale_of(values, FLOAT).notes == ("32-bit float, 0.41 to 0.43 shown as 0 to 255",)
    assert levels_of(values, FLOAT).max() == 255


def test_the_levels_stated_are_the_levels_used() -> None:
    values = scene(SCENES["thermal in kelvin"][0]).astype(np.float32)
    scale = scale_of(values, FLOAT)
    again = scale_of(values, FLOAT, (scale.low, scale.high))
    assert (levels_of(values, FLOAT) == levels_of(values, FLOAT, (scale.low, scale.high))).all()
    assert float(f"{scale.low:.4g}") == pytest.approx(scale.low, abs=1e-9)
    assert (again.low, again.high) == (scale.low, scale.high)


@pytest.mark.parametrize(
    ("values", "samples", "black_and_white"),
    [
        (np.array([[100, 200]], np.uint16), UINT16, (0, 65535)),
        (np.array([[100, 200]], np.uint16), Samples("unsigned", 12), (0, 4095)),
        (np.array([[-100, 200]], np.int32), INT16, (-32768, 32767)),
        (np.array([[1, 2]], np.int32), Samples("signed", 32), (-(2**31), 2**31 - 1)),
        (np.array([[0.1, 0.2]], np.float32), FLOAT, (0, 1)),
        (np.array([[1, 200]], np.float32), FLOAT, (0, 255)),
        (np.array([[278, 306]], np.float32), FLOAT, (0, 65535)),
        (np.array([[-5, 306]], np.float32), FLOAT, (-5, 306)),
    ],
)
def test_as_stored_means_the_range_of_the_type(
    values: Array, samples: Samples, black_and_white: tuple[float, float]
) -> None:
    scale = scale_of(values, samples, "stored")
    assert (scale.low, scale.high) == black_and_white


def test_given_levels_clip_and_scale_gray_and_colour_alike() -> None:
    gray = np.array([[0, 150, 285, 420, 65535]], np.uint16)
    assert levels_of(gray, UINT16, (150, 420)).tolist() == [[0, 0, 128, 255, 255]]
    color = np.repeat(gray[..., None], 3, axis=2)
    assert (levels_of(color, UINT16, (150, 420))[..., 2] == [[0, 0, 128, 255, 255]]).all()
    assert scale_of(gray, UINT16, (150, 420)).notes == ("16-bit, 150 to 420 shown as 0 to 255",)


@pytest.mark.parametrize("white_is_zero", [False, True])
def test_levels_map_back_to_the_units_of_the_file(white_is_zero: bool) -> None:
    samples = Samples("unsigned", 16, white_is_zero=white_is_zero)
    values = np.linspace(150, 420, 9000).astype(np.uint16).reshape(90, 100)
    scale = scale_of(values, samples)
    levels = levels_of(values, samples)
    assert (levels[0, 0] > levels[-1, -1]) == white_is_zero
    assert np.abs(scale.to_units(levels) - values).max() <= scale.step / 2 + 1e-9
    shown = "255 to 0" if white_is_zero else "0 to 255"
    assert scale.notes == (f"16-bit, 150 to 420 shown as {shown}",)


def test_pixels_without_a_value_are_masked_and_counted() -> None:
    values = scene([(300, 30, 1)]).astype(np.float32)
    values[:40] = np.nan
    values[40, :4] = [np.inf, -np.inf, np.finfo(np.float32).min, -9999]
    samples = Samples("float", 32, nodata=parse_nodata("-9999\0"))
    scale = scale_of(values, samples)
    assert scale.n_missing == 40 * 320 + 4
    assert scale.notes[1] == "12,804 pixels without a value are left out"
    assert scale.low > 100
    for strip in strips(values):
        levels, present = scale.apply(strip)
        assert present is not None
        assert (present == (np.isfinite(strip) & (np.abs(strip) < 9000))).all()
        assert not levels[~present].any()


def test_nodata_of_integers_and_of_colour() -> None:
    gray = np.full((20, 20), 1000, np.uint16)
    gray[0, 0] = 0
    scale = scale_of(gray, Samples("unsigned", 16, nodata=0))
    assert scale.notes[-1] == "1 pixel without a value is left out"
    color = np.zeros((20, 20, 3), np.uint8)
    color[0] = [0, 0, 9]
    scale = scale_of(color, Samples("unsigned", 8, nodata=0))
    assert scale.n_missing == 380
    levels, present = scale.apply(color)
    assert (levels == color).all()
    assert present is not None and present[0].all() and not present[1:].any()


def test_a_picture_without_any_value_is_refused() -> None:
    with pytest.raises(ImageError, match="No pixel of the picture has a value"):
        scale_of(np.full((3, 3), np.nan, np.float32), FLOAT)


@pytest.mark.parametrize("value", [0, 300, 65535])
@pytest.mark.parametrize("samples", [UINT16, FLOAT, Samples("signed", 32)])
def test_a_picture_of_one_value_is_read(value: int, samples: Samples) -> None:
    dtype = {"float": np.float32, "signed": np.int32}.get(samples.kind, np.uint16)
    for rule in ("auto", "stored"):
        assert np.unique(levels_of(np.full((9, 9), value, dtype), samples, rule)).size == 1
    assert np.unique(levels_of(np.full((9, 9), 3e37, np.float32), FLOAT)).size == 1


def test_32_bit_values_are_brought_out_with_outliers_clipped() -> None:
    values = scene([(100_000, 50, 0.6), (101_000, 50, 0.4)]).astype(np.int32)
    values[0, :5] = 2**31 - 1
    values[1, :5] = -(2**31)
    scale = scale_of(values, Samples("signed", 32))
    assert 99_700 < scale.low < 99_900
    assert 101_100 < scale.high < 101_300


def test_8_bit_samples_are_never_scaled() -> None:
    gray = np.full((9, 9), 7, np.uint8)
    scale = scale_of(gray, Samples("unsigned", 8), (5, 9))
    assert (levels_of(gray, Samples("unsigned", 8), (5, 9)) == 7).all()
    assert scale.notes == ()


CLASSES = [(1000, 40, 0.4), (1600, 40, 0.3), (2200, 40, 0.295)]
TYPES = [(np.uint16, UINT16), (np.float32, FLOAT), (np.int32, Samples("signed", 32))]


@pytest.mark.parametrize(("dtype", "samples"), TYPES)
def test_classes_are_told_apart_beside_saturated_pixels(
    dtype: type[np.generic], samples: Samples
) -> None:
    values = scene([*CLASSES, (65_000, 0, 0.005)]).astype(dtype)
    levels = levels_of(values, samples).reshape(-1, 1)
    truth = np.searchsorted([1300, 1900, 30_000], values.ravel())
    labels = KMeans(4, n_init=5, random_state=0).fit(levels.astype(float)).labels_
    assert adjusted_rand_score(truth, labels) >= 0.99
    assert scale_of(values, samples).high < 5000
    assert levels[truth == 3].min() == 255 and levels[truth < 3].max() < 160


@pytest.mark.parametrize(("dtype", "samples"), TYPES)
@pytest.mark.parametrize("noise", [0.5, 3, 20])
def test_a_few_bright_cells_on_noise_keep_their_own_differences(
    noise: float, dtype: type[np.generic], samples: Samples
) -> None:
    cells = [(500, noise, 0.992), (5000, 100, 0.004), (9000, 100, 0.004)]
    values = scene(cells).astype(dtype)
    levels = np.sort(levels_of(values, samples).ravel())
    n_each = int(0.004 * levels.size)
    assert levels[-n_each + 5] - levels[-n_each - 5] > 60


def test_classes_within_a_wide_tail_need_levels_of_their_own() -> None:
    """The limit that the module's docstring states, and the way out of it."""
    values = scene([*CLASSES, (40_000, 8000, 0.05)])
    values = np.clip(values, 0, 65535).astype(np.uint16)
    n_classes = int(0.95 * values.size)
    assert np.unique(levels_of(values, UINT16).ravel()[:n_classes]).size < 16
    own = levels_of(values, UINT16, (800, 2500)).reshape(-1, 1)[:n_classes]
    truth = np.searchsorted([1300, 1900], values.ravel()[:n_classes])
    labels = KMeans(3, n_init=3, random_state=0).fit(own.astype(float)).labels_
    assert adjusted_rand_score(truth, labels) >= 0.99


@pytest.mark.parametrize(
    ("text", "value"),
    [("-9999", -9999), (b"0\0", 0), ("1e20 ", 1e20), ("none", None), ("", None), (7, None)],
)
def test_nodata_is_a_number_or_nothing(text: object, value: float | None) -> None:
    assert parse_nodata(text) == value
    assert np.isnan(parse_nodata(" nan\0"))  # type: ignore[arg-type]


def test_values_are_written_with_the_decimals_that_a_level_supports() -> None:
    assert format_value(1023.96, 1.0) == "1,024"
    assert format_value(291.0437, 0.125) == "291.0"
    assert format_value(-0.001, 0.1) == "0.0"
    assert format_value(3.2e20, 1e18) == "3.2e+20"
