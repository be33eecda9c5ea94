"""Regions: every number equals that of scikit-image's ``regionprops``."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
import skimage.measure
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import kmseg
from kmseg.regions import Regions
from kmseg.regions.measure import measure
from oracles import image_at, with_holes
from regions import components, label_pictures


def assert_measured(regions: Regions, labels: NDArray[np.int16], pixels: NDArray[np.uint8]) -> None:
    found = skimage.measure.label(labels + 2, connectivity=1, background=1)
    np.testing.assert_array_equal(regions.label_image, found)
    expected = skimage.measure.regionprops(found, pixels)
    assert regions.n_regions == len(expected)
    for i, region in enumerate(expected):
        assert regions.label[i] == region.label
        assert regions.area[i] == region.area
        assert tuple(regions.bbox[i]) == region.bbox
        assert tuple(regions.centroid[i]) == region.centroid
        assert regions.perimeter[i] == pytest.approx(region.perimeter, rel=1e-9, abs=1e-6)
        assert regions.eccentricity[i] == pytest.approx(region.eccentricity, abs=1e-6)
        np.testing.assert_array_equal(regions.mean_color[i], region.intensity_mean)
    first_pixels = np.unique(found, return_index=True)[1][-regions.n_regions :]
    np.testing.assert_array_equal(regions.cluster, labels.reshape(-1)[first_pixels])
    edges = (found[0], found[-1], found[:, 0], found[:, -1])
    np.testing.assert_array_equal(
        np.flatnonzero(regions.touches_border) + 1, np.setdiff1d(np.concatenate(edges), 0)
    )


@given(label_pictures(), st.integers(1, 5), st.integers(0, 99))
def test_small_pictures_equal_regionprops(
    labels: NDArray[np.int16], n_strips: int, seed: int
) -> None:
    shape = (*labels.shape, 3)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    assert_measured(measure(labels, pixels, n_strips), labels, pixels)


@given(label_pictures())
def test_components_equal_those_of_scipy(labels: NDArray[np.int16]) -> None:
    pixels = np.zeros((*labels.shape, 3), np.uint8)
    np.testing.assert_array_equal(measure(labels, pixels).label_image, components(labels))


@pytest.mark.parametrize("key", ["china", "flower", "plate-74", "coins", "with holes"])
def test_pictures_equal_regionprops(key: str) -> None:
    if key == "coins":
        image = kmseg.Image(np.dstack([skimage.data.coins()] * 3))
    else:
        image = image_at("flower" if key == "with holes" else key, 160)
        image = with_holes(image, 2) if key == "with holes" else image
    seg = kmseg.segment(image, kmseg.Settings(color_space="cielab", n_clusters=6))
    assert_measured(seg.regions(), seg.labels, image.pixels)


def test_regions_are_those_after_tidying() -> None:
    image = image_at("china", 200)
    settings = kmseg.Settings(n_clusters=6, smallest_region=30, fill_holes=(2,))
    seg = kmseg.segment(image, settings)
    regions = seg.regions()
    assert regions.area.min() >= 30
    assert_measured(regions, seg.labels, image.pixels)
    np.testing.assert_array_equal(
        np.bincount(regions.cluster, regions.area, seg.n_clusters), seg.pixel_counts
    )


def test_the_result_does_not_depend_on_the_number_of_threads() -> None:
    image = kmseg.sample_image("china")
    seg = kmseg.segment(image, kmseg.Settings(n_clusters=12))
    expected = measure(seg.labels, image.pixels, 1)
    for n_strips in (2, 7):
        found = measure(seg.labels, image.pixels, n_strips)
        for name in Regions.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_sums_of_a_large_picture_do_not_overflow() -> None:
    """Squares of coordinates were added in 32 bits, so long regions had no eccentricity."""
    labels = np.zeros((3, 30_000), np.int16)
    regions = measure(labels, np.full((3, 30_000, 3), 255, np.uint8))
    assert regions.mean_color.tolist() == [[255.0] * 3]
    assert regions.centroid.tolist() == [[1.0, 14_999.5]]
    ratio = (3**2 - 1) / (30_000**2 - 1)  # of the variances of 3 and of 30,000 places
    assert regions.eccentricity[0] == pytest.approx(np.sqrt(1 - ratio), abs=1e-12)


def test_regions_can_be_selected() -> None:
    seg = kmseg.segment(image_at("china", 100), kmseg.Settings())
    regions = seg.regions()
    large = regions.selected(regions.area >= 50)
    assert 0 < large.n_regions < regions.n_regions
    np.testing.assert_array_equal(large.label, regions.label[regions.area >= 50])
    np.testing.assert_array_equal(large.bbox, regions.bbox[large.label - 1])


def test_colours_without_pixels_have_no_regions() -> None:
    seg = kmseg.segment(kmseg.color_histogram(image_at("flower", 30)))
    with pytest.raises(kmseg.LabelsError, match="pass the Image"):
        seg.regions()
