"""The sample pictures: which clusterings find the hidden numerals, and which must not."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ks_2samp
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from kmseg.errors import ImageError, SettingsError
from kmseg.samples import SAMPLES, sample_image
from kmseg.samples.plates import (
    MAX_SIZE,
    MIN_SIZE,
    PALETTES,
    Palette,
    Plate,
    draw_plate,
    lch_to_srgb,
)
from kmseg.samples.sources import Drawn, HiddenNumeral, Photo
from kmseg.settings import Settings
from oracles import numeral_overlap

PLATES = {
    key: sample.source
    for key, sample in SAMPLES.items()
    if isinstance(sample.source, HiddenNumeral)
}
STEP = 5  # every fifth row and column is enough to compare clusters

# CIE 1931 xy of the copunctal points: Smith and Pokorny 1975.
COPUNCTAL = {"protan": (0.747, 0.253), "deutan": (1.40, -0.40), "tritan": (0.171, 0.0)}


@cache
def plate_of(key: str) -> Plate:
    return PLATES[key].plate()


def cielab(pixels: NDArray[np.uint8]) -> NDArray[Any]:
    return np.asarray(cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))


def coordinates(pixels: NDArray[np.uint8], settings: Settings) -> NDArray[np.float64]:
    """The coordinates that settings cluster, converted by OpenCV, for the spaces of the samples."""
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV).astype(np.float64)
    if settings.color_space == "hsv-circular":
        angle = np.radians(2 * hsv[..., 0])
        chosen = np.stack([hsv[..., 1] * np.cos(angle), hsv[..., 1] * np.sin(angle)], axis=-1)
        assert settings.channels == "0"
        return chosen.reshape(-1, 2)
    converted = {
        "hsv": hsv,
        "lab": cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB),
        "cielab": cielab(pixels),
        "rgb": pixels,
    }[settings.color_space]
    channels = [0, 1, 2] if settings.channels == "all" else [int(c) for c in settings.channels]
    return converted[..., channels].reshape(-1, len(channels)).astype(np.float64)


def best_iou(plate: Plate, color_space: str, channels: str, n_clusters: int) -> float:
    """Best intersection over union of the numeral with one or two clusters, on the dots."""
    settings = Settings(color_space=color_space, channels=channels, n_clusters=n_clusters)
    features = coordinates(np.ascontiguousarray(plate.pixels[::STEP, ::STEP]), settings)
    with threadpool_limits(1):  # few pixels are clustered faster without threads
        labels = KMeans(n_clusters, n_init=2, random_state=0).fit_predict(features)
    masks = (mask[::STEP, ::STEP].ravel() for mask in (plate.numeral_mask, plate.dots_mask))
    return numeral_overlap(labels, *masks)


def dot_colours(plate: Plate) -> NDArray[np.uint8]:
    columns, rows = plate.dots[:, :2].astype(int).T
    return np.asarray(plate.pixels[rows, columns])


def corners(palette: Palette) -> NDArray[np.float64]:
    """A grid over the colours of a palette in LCh, (n, 3)."""
    grids = [
        np.meshgrid(
            np.linspace(*palette.lightness, 9),
            np.linspace(*palette.chroma, 5),
            np.linspace(*band, 9),
        )
        for band in palette.numeral + palette.ground
    ]
    return np.concatenate([np.stack(grid, axis=-1).reshape(-1, 3) for grid in grids])


def test_the_table_has_photos_plates_and_pictures_for_and_against_k_means() -> None:
    assert list(SAMPLES)[:2] == ["china", "flower"]
    assert len(PLATES) >= 6
    assert sum(sample.fails for sample in SAMPLES.values()) == 6
    assert sum(bool(sample.why) and not sample.fails for sample in SAMPLES.values()) == 2
    for key, sample in SAMPLES.items():
        assert key == sample.key
        assert re.fullmatch("[a-z0-9-]+", key)
        assert sample.title and sample.description.endswith(".") and "\n" not in sample.description
        settings = Settings(**sample.settings)  # type: ignore[arg-type]
        assert f"K = {settings.n_clusters}" in sample.description
        for channel in settings.channel_names if settings.channels != "all" else ():
            assert re.search(rf"channels? .*{re.escape(channel)}", sample.description)


@pytest.mark.parametrize("key", SAMPLES)
def test_every_sample_is_a_picture(key: str) -> None:
    image = sample_image(key)
    assert image.opaque is None
    assert image.pixels.dtype == np.uint8
    sizes = {Photo: (427, 640), HiddenNumeral: (600, 600), Drawn: (320, 480)}
    assert image.pixels.shape[:2] == sizes[type(SAMPLES[key].source)]


def test_an_unknown_sample_is_refused_with_a_list_of_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"'nope'.*china, flower, plate-"):
        sample_image("nope")


def test_photos_are_found_without_importing_scikit_learn() -> None:
    code = (
        "import sys, kmseg.samples; assert not {'cv2', 'sklearn'} & set(sys.modules);"
        "kmseg.samples.sample_image('china'); assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_plate_is_the_same_every_time_and_in_every_process() -> None:
    code = (
        "import hashlib; from kmseg.samples import sample_image;"
        "print(hashlib.sha256(sample_image('plate-74').pixels).hexdigest())"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert (
        output.stdout.strip()
        == hashlib.sha256(sample_image("plate-74").pixels.tobytes()).hexdigest()
    )
    other = draw_plate("74", PALETTES["deutan"], 75)
    assert (other.pixels != plate_of("plate-74").pixels).any()


@pytest.mark.parametrize("size", [MIN_SIZE, 600])
def test_dots_of_several_sizes_keep_apart_and_inside_the_disc(size: int) -> None:
    plate = draw_plate("42", PALETTES["tritan"], 1, size)
    centres, radii = plate.dots[:, :2], plate.dots[:, 2]
    assert len(np.unique(radii)) == 5
    apart = np.linalg.norm(centres[:, None] - centres, axis=-1) - radii[:, None] - radii
    np.fill_diagonal(apart, np.inf)
    assert apart.min() >= 1
    middle = (size - 1) / 2
    assert (np.linalg.norm(centres - middle, axis=1) + radii <= size / 2).all()
    assert 0.45 < (np.pi * radii**2).sum() / (np.pi * (0.485 * size) ** 2) < 0.8


def test_masks_are_the_pixels_whose_centre_lies_in_a_dot() -> None:
    plate = draw_plate("58", PALETTES["protan"], 3, 200)
    rows, columns = np.indices((200, 200))
    expected = np.zeros((2, 200, 200), bool)
    for (x, y, radius), in_numeral in zip(plate.dots, plate.in_numeral, strict=True):
        inside = np.hypot(columns - x, rows - y) < radius
        expected[0] |= inside
        expected[1] |= inside & in_numeral
    assert (plate.dots_mask == expected[0]).all()
    assert (plate.numeral_mask == expected[1]).all()


@pytest.mark.parametrize("digit", "0123456789")
def test_every_numeral_covers_between_a_tenth_and_three_tenths_of_the_dots(digit: str) -> None:
    for numeral in (digit, digit + "8", "6" + digit):
        plate = draw_plate(numeral, PALETTES["deutan"], int(digit), 300)
        assert 0.1 < plate.numeral_mask.sum() / plate.dots_mask.sum() < 0.3


@pytest.mark.parametrize(
    ("numeral", "seed", "size"),
    [
        ("", 0, 600),
        ("123", 0, 600),
        ("A", 0, 600),
        ("\u0665", 0, 600),
        ("-1", 0, 600),
        ("5", -1, 600),
        ("5", 0, MIN_SIZE - 1),
        ("5", 0, MAX_SIZE + 1),
    ],
)
def test_invalid_arguments_of_a_plate_are_refused(numeral: str, seed: int, size: int) -> None:
    with pytest.raises(SettingsError, match=r"not '?"):
        draw_plate(numeral, PALETTES["protan"], seed, size)


@pytest.mark.parametrize("name", PALETTES)
def test_palettes_lie_in_the_gamut(name: str) -> None:
    srgb = lch_to_srgb(corners(PALETTES[name]))
    assert srgb.min() >= 0 and srgb.max() <= 1


def test_lch_is_converted_as_opencv_converts_back() -> None:
    lch = np.concatenate([corners(palette) for palette in PALETTES.values()])
    lab = cv2.cvtColor(lch_to_srgb(lch).astype(np.float32)[None], cv2.COLOR_RGB2LAB)[0]
    angle = np.radians(lch[:, 2])
    expected = np.stack([lch[:, 0], lch[:, 1] * np.cos(angle), lch[:, 1] * np.sin(angle)], axis=-1)
    assert np.abs(lab - expected).max() < 0.5


@pytest.mark.parametrize("name", [name for name in PALETTES if name != "two-tone"])
def test_numeral_and_ground_share_a_confusion_line(name: str) -> None:
    palette = PALETTES[name]
    hues = [np.mean(palette.numeral), np.mean(palette.ground)]
    lch = np.array([[np.mean(palette.lightness), np.mean(palette.chroma), hue] for hue in hues])
    xyz = cv2.cvtColor(lch_to_srgb(lch).astype(np.float32)[None] ** 2.2, cv2.COLOR_RGB2XYZ)[0]
    xy = xyz[:, :2] / xyz.sum(axis=1, keepdims=True)
    first, second = xy - COPUNCTAL[name.split("-")[0]]
    off_line = abs(first[0] * second[1] - first[1] * second[0]) / np.linalg.norm(first)
    assert off_line < 0.15 * np.linalg.norm(first - second)


@pytest.mark.parametrize("key", PLATES)
def test_lightness_and_chroma_are_distributed_alike_and_hue_is_not(key: str) -> None:
    plate = plate_of(key)
    lab = cielab(dot_colours(plate)[None])[0]
    chroma, hue = np.hypot(lab[:, 1], lab[:, 2]), np.arctan2(lab[:, 2], lab[:, 1])
    for values, same in ((lab[:, 0], True), (chroma, True), (hue, False)):
        statistic = ks_2samp(values[plate.in_numeral], values[~plate.in_numeral]).statistic
        assert statistic < 0.06 if same else statistic > 0.5


@pytest.mark.parametrize("key", PLATES)
def test_lightness_alone_does_not_show_the_numeral(key: str) -> None:
    assert max(best_iou(plate_of(key), "cielab", "0", k) for k in (2, 3, 4)) < 0.3


@pytest.mark.parametrize(("name", "numeral", "seed"), [("protan", "88", 1), ("deutan", "60", 2)])
def test_lightness_alone_does_not_show_other_numerals_either(
    name: str, numeral: str, seed: int
) -> None:
    plate = draw_plate(numeral, PALETTES[name], seed)
    assert max(best_iou(plate, "cielab", "0", k) for k in (2, 3, 4)) < 0.3
    assert best_iou(plate, "cielab", "12", 3) > 0.8


@pytest.mark.parametrize("key", PLATES)
def test_the_settings_of_a_sample_show_its_numeral(key: str) -> None:
    settings = Settings(**SAMPLES[key].settings)  # type: ignore[arg-type]
    assert settings.n_clusters in (2, 3, 4)
    iou = best_iou(plate_of(key), settings.color_space, settings.channels, settings.n_clusters)
    assert iou > 0.8


def test_rgb_misses_the_six_as_its_description_says() -> None:
    assert "RGB with K = 3 misses" in SAMPLES["plate-6"].description
    assert best_iou(plate_of("plate-6"), "rgb", "all", 3) < 0.3


def test_a_photo_without_scikit_learn_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    with pytest.raises(ImageError, match="pip install scikit-learn"):
        Photo("china").image()
