"""Labels by colour and labels by pixel answer the same questions in the same way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import kmseg
from kmseg.labeling import ByColor, ByPixel, PixelGrid

SIDES = st.tuples(st.integers(1, 12), st.integers(1, 12))


@st.composite
def labelled(draw: st.DrawFn) -> tuple[kmseg.Image, ByColor, ByPixel, int]:
    """A picture with transparent pixels, and one labelling of its colours in both forms."""
    height, width = draw(SIDES)
    pixels = draw(arrays(np.uint8, (height, width, 3), elements=st.integers(0, 3)))
    opaque = draw(arrays(np.bool_, (height, width)))
    opaque[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = True
    image = kmseg.Image(pixels, opaque)
    histogram = kmseg.color_histogram(image)
    n_clusters = draw(st.integers(1, 5))
    clusters = st.integers(0, n_clusters - 1)
    by_color = ByColor(histogram, draw(arrays(np.int16, histogram.n_colors, elements=clusters)))
    labels = by_color.at(image, slice(None), slice(None))
    by_pixel = ByPixel.of(image, histogram, labels[opaque].astype(np.int32))
    return image, by_color, by_pixel, n_clusters


@given(labelled(), st.integers(1, 15))
def test_both_kinds_give_the_same_labels_and_totals(
    case: tuple[kmseg.Image, ByColor, ByPixel, int], side: int
) -> None:
    image, by_color, by_pixel, n_clusters = case
    grid = PixelGrid.of(image, by_color.histogram, side)
    expected = by_color.at(image, slice(None), slice(None))
    np.testing.assert_array_equal(by_pixel.at(image, slice(None), slice(None)), expected)
    np.testing.assert_array_equal(
        expected < 0, ~image.opaque if image.opaque is not None else False
    )
    for labeling in (by_color, by_pixel):
        np.testing.assert_array_equal(labeling.on(grid), expected[grid.rows][:, grid.columns])
        counts, sums = labeling.totals(image, n_clusters)
        for cluster in range(n_clusters):
            inside = image.pixels[expected == cluster].astype(np.int64)
            assert counts[cluster] == len(inside)
            np.testing.assert_array_equal(sums[cluster], inside.sum(axis=0))
    np.testing.assert_array_equal(by_pixel.by_color, by_color.by_color)


@given(labelled(), st.randoms(use_true_random=False))
def test_numbers_may_be_exchanged_and_joined(
    case: tuple[kmseg.Image, ByColor, ByPixel, int], random: object
) -> None:
    image, by_color, by_pixel, n_clusters = case
    numbers = np.array([random.randrange(n_clusters) for _ in range(n_clusters)], np.int16)  # type: ignore[attr-defined]
    labels = by_color.at(image, slice(None), slice(None))
    expected = np.where(labels < 0, labels, numbers[labels])
    for labeling in (by_color, by_pixel):
        renumbered = labeling.renumbered(numbers)
        np.testing.assert_array_equal(renumbered.at(image, slice(None), slice(None)), expected)


@pytest.mark.parametrize("engine", ["exact", "opencv"])
def test_a_preview_needs_no_pixels(engine: str) -> None:
    image = kmseg.sample_image("flower").resized(80)
    seg = kmseg.segment(image, kmseg.Settings(engine=engine, attempts=1))
    grid = PixelGrid.of(image, seg.histogram, 31)
    expected = seg.labels[grid.rows][:, grid.columns]
    np.testing.assert_array_equal(seg.labeling.on(grid), expected)
