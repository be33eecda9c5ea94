"""Colour spaces against OpenCV, published values and what their definitions imply."""

from __future__ import annotations

import colorsys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kmseg.color import ALIASES, COLOR_SPACES, features, offered
from kmseg.settings import Settings
from oracles import FROM_BGR, Floats

HUES = {"red": 0, "yellow": 60, "green": 120, "cyan": 180, "blue": 240, "magenta": 300}
PURE = {
    "red": (255, 0, 0),
    "yellow": (255, 255, 0),
    "green": (0, 255, 0),
    "cyan": (0, 255, 255),
    "blue": (0, 0, 255),
    "magenta": (255, 0, 255),
}

colors = st.tuples(*[st.integers(0, 255)] * 3)


def convert(color_space: str, *srgb: tuple[int, int, int], channels: str = "all") -> Floats:
    return features(np.array(srgb, np.uint8), color_space, channels)


@pytest.fixture(scope="module")
def dense() -> NDArray[np.uint8]:
    """Every fifth level of each channel, 0 and 255 among them, and the faces of the cube."""
    inside = np.stack(np.meshgrid(*[np.arange(0, 256, 5)] * 3), axis=-1).reshape(-1, 3)
    fine = np.stack(np.meshgrid(np.arange(0, 256, 3), np.arange(0, 256, 3)), axis=-1).reshape(-1, 2)
    faces = [np.insert(fine, channel, level, axis=1) for channel in range(3) for level in (0, 255)]
    return np.concatenate([inside, *faces]).astype(np.uint8)


# -- OpenCV's 8-bit spaces -------------------------------------------------------------------------


@pytest.mark.parametrize("key", FROM_BGR)
def test_eight_bit_spaces_are_what_the_article_gets_from_bgr(
    dense: NDArray[np.uint8], key: str
) -> None:
    bgr = np.ascontiguousarray(dense[:, None, ::-1])
    expected = cv2.cvtColor(bgr, FROM_BGR[key]).reshape(-1, 3)
    np.testing.assert_array_equal(features(dense, key), expected)


def test_gray_is_opencvs_luma(dense: NDArray[np.uint8]) -> None:
    expected = cv2.cvtColor(np.ascontiguousarray(dense[:, None, ::-1]), cv2.COLOR_BGR2GRAY)
    np.testing.assert_array_equal(features(dense, "gray"), expected.reshape(-1, 1))


def test_rgb_and_bgr_are_the_bytes_in_either_order(dense: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(features(dense, "rgb"), dense)
    np.testing.assert_array_equal(features(dense, "bgr"), dense[:, ::-1])


@given(colors)
def test_the_luma_of_ycrcb_is_that_of_itu_r_bt_601(color: tuple[int, int, int]) -> None:
    red, green, blue = color
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    Y, Cr, Cb = convert("ycrcb", color)[0]
    assert abs(Y - luma) <= 1
    assert abs(Cr - np.clip(128 + 0.713 * (red - luma), 0, 255)) <= 1.5
    assert abs(Cb - np.clip(128 + 0.564 * (blue - luma), 0, 255)) <= 1.5


# -- CIELAB and Oklab ------------------------------------------------------------------------------

# CIE 1976 L*a*b* of sRGB's corners, D65, 2 degrees, as widely published (Lindbloom).
CIELAB = {
    (255, 255, 255): (100.0, 0.0, 0.0),
    (0, 0, 0): (0.0, 0.0, 0.0),
    (255, 0, 0): (53.24, 80.09, 67.20),
    (0, 255, 0): (87.73, -86.18, 83.18),
    (0, 0, 255): (32.30, 79.19, -107.86),
    (0, 255, 255): (91.11, -48.09, -14.13),
    (255, 0, 255): (60.32, 98.23, -60.82),
    (255, 255, 0): (97.14, -21.55, 94.48),
    (128, 128, 128): (53.585, 0.0, 0.0),
    (1, 1, 1): (0.2742, 0.0, 0.0),
}
# Ottosson 2020; the corners as CSS Color 4 implementations print them.
OKLAB = {
    (255, 255, 255): (1.0, 0.0, 0.0),
    (0, 0, 0): (0.0, 0.0, 0.0),
    (255, 0, 0): (0.62796, 0.22486, 0.12585),
    (0, 255, 0): (0.86644, -0.23389, 0.17950),
    (0, 0, 255): (0.45201, -0.03246, -0.31153),
    (0, 255, 255): (0.90540, -0.14944, -0.03940),
    (255, 0, 255): (0.70167, 0.27457, -0.16916),
    (255, 255, 0): (0.96798, -0.07137, 0.19857),
}


@pytest.mark.parametrize("color", CIELAB)
def test_cielab_has_the_published_values(color: tuple[int, int, int]) -> None:
    np.testing.assert_allclose(convert("cielab", color)[0], CIELAB[color], atol=0.02)


@pytest.mark.parametrize("color", OKLAB)
def test_oklab_has_the_published_values_times_255(color: tuple[int, int, int]) -> None:
    expected = 255 * np.array(OKLAB[color])
    np.testing.assert_allclose(convert("oklab", color)[0], expected, atol=255 * 2e-5)


def test_cielab_is_opencvs_float_conversion_without_its_table(dense: NDArray[np.uint8]) -> None:
    floats = cv2.cvtColor(dense[:, None].astype(np.float32) / 255, cv2.COLOR_RGB2Lab).reshape(-1, 3)
    np.testing.assert_allclose(features(dense, "cielab"), floats, atol=0.7)


@pytest.mark.parametrize("key", ["cielab", "oklab"])
def test_grays_have_no_chroma_and_lightness_rises(key: str) -> None:
    values = convert(key, *[(level,) * 3 for level in range(256)])
    np.testing.assert_allclose(values[:, 1:], 0, atol=1e-4)
    assert (np.diff(values[:, 0]) > 0).all()


@pytest.mark.parametrize("key", ["cielab", "oklab", "hsv-circular"])
def test_spaces_that_are_not_rounded_tell_nearly_all_colours_apart(
    dense: NDArray[np.uint8], key: str
) -> None:
    distinct = len(np.unique(dense, axis=0))
    assert len(np.unique(features(dense, key).round(6), axis=0)) > 0.99 * distinct


# -- hue as an angle -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PURE)
def test_pure_hues_lie_at_their_angles(name: str) -> None:
    x, y, value = convert("hsv-circular", PURE[name])[0]
    assert np.degrees(np.arctan2(y, x)) % 360 == pytest.approx(HUES[name], abs=1e-9)
    assert np.hypot(x, y) == pytest.approx(255)
    assert value == 255


@given(colors)
def test_hue_saturation_and_value_are_those_of_the_textbook(color: tuple[int, int, int]) -> None:
    x, y, value = convert("hsv-circular", color)[0]
    hue, saturation, expected = colorsys.rgb_to_hsv(*(level / 255 for level in color))
    assert value == pytest.approx(255 * expected)
    assert np.hypot(x, y) == pytest.approx(255 * saturation, abs=1e-9)
    assert x == pytest.approx(255 * saturation * np.cos(2 * np.pi * hue), abs=1e-6)
    assert y == pytest.approx(255 * saturation * np.sin(2 * np.pi * hue), abs=1e-6)


@given(st.integers(0, 255))
def test_grays_have_no_hue(level: int) -> None:
    assert convert("hsv-circular", (level,) * 3).tolist() == [[0, 0, level]]


def test_reds_stay_together() -> None:
    """A red with a little blue and one with a little green: far apart in H, near as an angle."""
    pair = ((255, 0, 6), (255, 6, 0))
    linear, circular = convert("hsv", *pair), convert("hsv-circular", *pair)
    assert abs(linear[0, 0] - linear[1, 0]) > 170
    assert np.linalg.norm(circular[0] - circular[1]) < 15


# -- the table -------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", COLOR_SPACES)
def test_each_entry_is_complete(key: str) -> None:
    space = COLOR_SPACES[key]
    assert space.key == key == key.lower()
    assert space.title
    for line in (space.summary, space.source):
        assert line.endswith(".") and "\n" not in line
    assert len(space.summary) <= 90
    assert len(space.columns) == len(space.channels) == len({c.lower() for c in space.channels})
    assert len(space.coordinates) == len(set(space.coordinates))
    assert convert(key, (1, 2, 3)).shape == (1, len(space.coordinates))
    assert sorted(sum(space.columns, ())) == list(range(len(space.coordinates)))


# Links and scripts depend on these keys, and on the order of the channels.
PROMISED = {
    "bgr": ("B", "G", "R"),
    "rgb": ("R", "G", "B"),
    "hsv": ("H", "S", "V"),
    "hsv-circular": ("H", "V"),
    "lab": ("L", "a", "b"),
    "cielab": ("L*", "a*", "b*"),
    "oklab": ("L", "a", "b"),
    "ycrcb": ("Y", "Cr", "Cb"),
    "gray": ("Y",),
}


@pytest.mark.parametrize("key", PROMISED)
def test_no_promised_space_is_missing_or_has_other_channels(key: str) -> None:
    assert COLOR_SPACES[key].channels == PROMISED[key]


def test_spaces_that_cluster_alike_were_both_offered() -> None:
    keys = [key for key in COLOR_SPACES if key != "bgr"]
    for current in keys:
        assert [space.key for space in offered(current)] == keys
    assert [space.key for space in offered("bgr")] == [key for key in COLOR_SPACES if key != "rgb"]


@pytest.mark.parametrize("key", [key for key, space in COLOR_SPACES.items() if space.reorders])
def test_a_space_that_reorders_another_has_its_channels(key: str, dense: NDArray[np.uint8]) -> None:
    space = COLOR_SPACES[key]
    other = COLOR_SPACES[space.reorders]
    assert not other.reorders
    order = [other.channels.index(name) for name in space.channels]
    assert sorted(order) == list(range(len(other.channels)))
    sample = dense[::97]
    np.testing.assert_array_equal(features(sample, key), features(sample, other.key)[:, order])


def test_aliases_mean_one_space_each() -> None:
    assert ALIASES["ycc"] == "ycrcb"
    assert not set(ALIASES) & set(COLOR_SPACES)
    assert len(ALIASES) == sum(len(space.aliases) for space in COLOR_SPACES.values())


def test_the_table_in_the_readme_lists_every_space() -> None:
    rows = ["| `-s` | channels for `-c` (by index or name) | definition |", "|---|---|---|"]
    for key, space in COLOR_SPACES.items():
        keys = f"`{key}`" + "".join(f" (`{alias}`)" for alias in space.aliases)
        rows.append(f"| {keys} | {' '.join(space.channels)} | {space.source} |".replace("*", r"\*"))
    table = "\n".join(rows)
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"\n\n{table}\n\n" in readme, f"README.md needs this table:\n{table}"


def subsets(n: int) -> list[str]:
    digits = range(n)
    chosen = ["".join(str(i) for i in digits if mask >> i & 1) for mask in range(1, 1 << n)]
    return ["all", *chosen]


@pytest.mark.parametrize("key", COLOR_SPACES)
def test_any_subset_of_channels_is_those_columns(key: str, dense: NDArray[np.uint8]) -> None:
    space, sample = COLOR_SPACES[key], dense[::97]
    whole = features(sample, key)
    assert whole.shape == (len(sample), len(space.coordinates))
    for channels in subsets(len(space.channels)):
        indices = range(len(space.channels)) if channels == "all" else map(int, channels)
        columns = [column for index in indices for column in space.columns[index]]
        part = features(sample, key, channels)
        np.testing.assert_array_equal(part, whole[:, columns])
        assert part.dtype == np.float64 and part.flags.f_contiguous
        settings = Settings(color_space=key, channels=channels)
        assert settings.coordinate_names == tuple(space.coordinates[c] for c in columns)


@pytest.mark.parametrize("key", COLOR_SPACES)
def test_a_colours_coordinates_do_not_depend_on_its_neighbours(
    key: str, dense: NDArray[np.uint8]
) -> None:
    """Otherwise deduplication would change the result; OpenCV converts several colours at once."""
    sample = dense[:: len(dense) // 203]
    alone = np.concatenate([features(color[None], key) for color in sample])
    np.testing.assert_allclose(features(sample, key), alone, rtol=0, atol=1e-12)
    reversed_view = features(sample[::-1], key)[::-1]
    np.testing.assert_allclose(features(sample, key), reversed_view, rtol=0, atol=1e-12)
