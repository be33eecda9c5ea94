"""The drawn samples: k-means fails on six as their texts say, and suits two."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import kmseg
from kmseg.explore import agreement
from kmseg.samples import SAMPLES
from kmseg.samples.drawn import Drawing
from kmseg.samples.sources import Drawn

DRAWN = {k: sample.source for k, sample in SAMPLES.items() if isinstance(sample.source, Drawn)}


def drawing(key: str) -> Drawing:
    return DRAWN[key].drawing()


def labels(key: str, **changed: Any) -> NDArray[np.int16]:
    """Labels of a sample at its own settings, except those that are changed."""
    settings = kmseg.Settings(**{**SAMPLES[key].settings, **changed})
    return kmseg.segment(kmseg.sample_image(key), settings).labels


def parts(key: str) -> NDArray[np.int16]:
    return drawing(key).parts.astype(np.int16)


def overlap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    return float((a & b).sum() / (a | b).sum())


def best_overlap(found: NDArray[np.int16], part: NDArray[np.bool_]) -> float:
    return max(overlap(found == cluster, part) for cluster in range(found.max() + 1))


@pytest.mark.parametrize("key", ["stained-glass", "stained-cells"])
def test_k_means_finds_every_part_of_pictures_that_suit_it(key: str) -> None:
    found = labels(key)
    assert found.max() == parts(key).max()
    assert agreement(parts(key), found) > 0.999


def test_a_gradient_without_edges_is_cut_into_equal_bands() -> None:
    pixels = drawing("gradient").pixels.astype(int)
    assert np.abs(np.diff(pixels, axis=1)).max() <= 1
    assert (np.diff(pixels, axis=0) == 0).all()
    for k in (3, 6, 9):
        found = labels("gradient", n_clusters=k)
        assert (found == found[0]).all()
        (edges,) = np.nonzero(np.diff(found[0]))
        assert len(edges) == k - 1
        shares = np.diff([-1, *edges, found.shape[1] - 1]) / found.shape[1]
        assert np.abs(shares * k - 1).max() < 0.05


@pytest.mark.parametrize("k", [2, 3])
def test_a_small_object_has_no_cluster_but_a_threshold_finds_it(k: int) -> None:
    small = parts("small-object") == 1
    assert 0.003 < small.mean() < 0.004 and "0.3%" in SAMPLES["small-object"].why
    assert best_overlap(labels("small-object", n_clusters=k), small) < 0.01
    pixels = drawing("small-object").pixels.astype(np.float32) / 255
    assert overlap(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)[..., 1] > 10, small) == 1


@pytest.mark.parametrize("color_space", ["rgb", "cielab"])
def test_elongated_clusters_are_cut_across_and_hue_separates_them(color_space: str) -> None:
    cloths = parts("elongated")
    assert agreement(cloths, labels("elongated", color_space=color_space)) < 0.55
    assert agreement(cloths, labels("elongated", color_space="hsv", channels="0")) > 0.999
    found = labels("elongated")
    lightness = drawing("elongated").pixels.sum(axis=2)
    assert agreement((lightness > np.median(lightness)).astype(np.int16), found) > 0.9


def test_red_is_split_in_hsv_and_not_with_hue_as_an_angle() -> None:
    red = parts("wrapped-hue") == 1
    found = labels("wrapped-hue")
    shares = [np.mean(found[red] == cluster) for cluster in (0, 1)]
    assert min(shares) > 0.4
    (with_green,) = np.unique(found[~red])
    assert shares[with_green] > 0.4
    assert best_overlap(labels("wrapped-hue", color_space="hsv-circular"), red) == 1


@pytest.mark.parametrize("k", [2, 6])
def test_each_colour_of_a_texture_is_as_frequent_inside_the_disc_as_outside(k: int) -> None:
    disc = parts("texture") == 1
    found = labels("texture", n_clusters=k)
    inside, outside = (np.bincount(found[area], minlength=k) / area.sum() for area in (disc, ~disc))
    assert np.abs(inside - outside).max() < 0.01
    assert best_overlap(found, disc) < 0.3


def test_a_sheet_in_uneven_light_is_split_by_light_and_not_by_ink() -> None:
    ink = parts("uneven-light") == 1
    found = labels("uneven-light")
    assert best_overlap(found, ink) < 0.3
    columns = np.arange(ink.shape[1])
    bright, dark = found[0, 0], found[0, -1]
    assert bright != dark
    assert (found[~ink & (columns < 200)] == bright).all()
    assert (found[~ink & (columns >= 280)] == dark).all()
    for k in (3, 4):
        assert best_overlap(labels("uneven-light", n_clusters=k), ink) < 0.4
    gray = cv2.cvtColor(drawing("uneven-light").pixels, cv2.COLOR_RGB2GRAY)
    mean, below = cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV
    assert overlap(cv2.adaptiveThreshold(gray, 255, mean, below, 51, 6) > 0, ink) > 0.99


def test_a_drawn_sample_is_the_same_every_time_and_in_every_process() -> None:
    code = (
        "import hashlib; from kmseg.samples import SAMPLES, sample_image;"
        f"[print(hashlib.sha256(sample_image(k).pixels).hexdigest()) for k in {list(DRAWN)}]"
    )
    command = [sys.executable, "-c", code]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    own = [hashlib.sha256(drawing(key).pixels.tobytes()).hexdigest() for key in DRAWN]
    assert output.split() == own
    assert len(set(own)) == 8
