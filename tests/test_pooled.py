"""One palette for several pictures: histograms add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import kmseg
from kmseg.color import features
from oracles import image_at, inertia, random_image, with_holes

KEYS = ("china", "flower", "plate-6", "stained-cells")


def test_a_colour_that_a_histogram_lists_twice_lost_its_pixels() -> None:
    colors = np.array([[1, 2, 3], [9, 9, 9], [1, 2, 3]], np.uint8)
    twice = kmseg.ColorHistogram(colors, np.array([5, 1, 2]))
    assert kmseg.pooled([twice, twice]).n_pixels == 16


def pictures() -> list[kmseg.Image]:
    """Four pictures of different sizes, two of them with transparent pixels."""
    images = [image_at(key, 50 + 20 * number) for number, key in enumerate(KEYS)]
    return [with_holes(image, n) if n % 2 else image for n, image in enumerate(images)]


def concatenated(images: list[kmseg.Image]) -> NDArray[np.uint8]:
    """The opaque pixels of all pictures, shape (N, 3)."""
    return np.concatenate(
        [image.pixels[... if image.opaque is None else image.opaque].reshape(-1, 3)
         for image in images]
    )  # fmt: skip


def test_the_pooled_histogram_is_that_of_all_pixels_in_the_same_order() -> None:
    images = pictures()
    found = kmseg.pooled(map(kmseg.color_histogram, images))
    expected = kmseg.color_histogram(kmseg.Image(concatenated(images)[None]))
    np.testing.assert_array_equal(found.colors, expected.colors)
    np.testing.assert_array_equal(found.counts, expected.counts)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(2, 4)), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_colours_that_pictures_share_are_added(given: list[tuple[int, int]]) -> None:
    images = [random_image(seed, (7, 9), levels) for seed, levels in given]
    found = kmseg.pooled([kmseg.color_histogram(image) for image in images])
    colors, counts = np.unique(concatenated(images), axis=0, return_counts=True)
    order = np.lexsort(found.colors.T[::-1])
    np.testing.assert_array_equal(found.colors[order], colors)
    np.testing.assert_array_equal(found.counts[order], counts)


@pytest.mark.parametrize(
    ("space", "engine"),
    [("bgr", "exact"), ("cielab", "exact"), ("hsv-circular", "exact"), ("oklab", "lloyd")],
)
def test_a_pooled_fit_is_the_fit_on_the_concatenated_pixels(space: str, engine: str) -> None:
    images = pictures()
    wanted = kmseg.Settings(color_space=space, n_clusters=9, engine=engine, attempts=3)
    pooled = kmseg.segment(kmseg.pooled(map(kmseg.color_histogram, images)), wanted)
    pixels = concatenated(images)
    joined = kmseg.segment(kmseg.Image(pixels[None]), wanted)
    np.testing.assert_allclose(pooled.centroids, joined.centroids, rtol=1e-12)
    np.testing.assert_array_equal(pooled.palette, joined.palette)
    assert pooled.inertia == pytest.approx(joined.inertia, rel=1e-9)
    plain = inertia(features(pixels, space), pooled.centroids)
    assert pooled.inertia == pytest.approx(plain, rel=1e-9)

    carried = [pooled.codebook.predict(image) for image in images]
    assert sum(seg.inertia for seg in carried) == pytest.approx(pooled.inertia, rel=1e-9)
    np.testing.assert_array_equal(sum(seg.pixel_counts for seg in carried), pooled.pixel_counts)
    labels = np.concatenate([seg.labels[seg.labels >= 0] for seg in carried])
    np.testing.assert_array_equal(labels, joined.labels[0])


def test_no_picture_at_all_is_refused() -> None:
    with pytest.raises(kmseg.ImageError, match="at least one"):
        kmseg.pooled([])
