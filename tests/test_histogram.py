"""Distinct colours and their counts, and back to pixels, against ``np.unique``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import kmseg
from oracles import random_image, with_holes

images = st.builds(
    random_image,
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.sampled_from([2, 3, 17, 256]),
)


def pairs(histogram: kmseg.ColorHistogram) -> dict[tuple[int, ...], int]:
    keys = [tuple(color) for color in histogram.colors.tolist()]
    assert len(set(keys)) == len(keys), "a colour twice"
    return dict(zip(keys, histogram.counts.tolist(), strict=True))


def by_numpy(pixels: NDArray[np.uint8]) -> dict[tuple[int, ...], int]:
    colors, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    return dict(zip(map(tuple, colors.tolist()), counts.tolist(), strict=True))


@given(images, st.randoms(use_true_random=False))
@hypothesis_settings(max_examples=25)
def test_colours_and_counts_are_those_of_unique(image: kmseg.Image, random: Any) -> None:
    histogram = kmseg.color_histogram(image)
    assert pairs(histogram) == by_numpy(image.pixels)
    assert histogram.n_pixels == image.width * image.height == histogram.counts.sum()
    assert histogram.n_colors == len(histogram.colors)

    opaque = np.array([random.random() < 0.5 for _ in range(histogram.n_pixels)])
    opaque[random.randrange(len(opaque))] = True
    opaque = opaque.reshape(image.pixels.shape[:2])
    masked = kmseg.Image(image.pixels, opaque)
    assert pairs(kmseg.color_histogram(masked)) == by_numpy(image.pixels[opaque])


@pytest.mark.parametrize("key", ["china", "plate-74"])
def test_a_photos_colours_are_those_of_unique(key: str) -> None:
    image = kmseg.sample_image(key)
    histogram = kmseg.color_histogram(image)
    packed = image.pixels.astype(np.int64) @ [65536, 256, 1]
    codes, counts = np.unique(packed, return_counts=True)
    ours = histogram.colors.astype(np.int64) @ [65536, 256, 1]
    order = np.argsort(ours)
    np.testing.assert_array_equal(ours[order], codes)
    np.testing.assert_array_equal(histogram.counts[order], counts)


def codes(colors: NDArray[np.uint8]) -> NDArray[np.int64]:
    """24 bits: five of each channel, which say the cell, then three of each."""
    block = (colors >> 5).astype(np.int64) @ [1 << 21, 1 << 18, 1 << 15]
    cell = (colors >> 3 & 3).astype(np.int64) @ [1 << 13, 1 << 11, 1 << 9]
    return np.asarray(block + cell + (colors & 7).astype(np.int64) @ [1 << 6, 1 << 3, 1])


@given(
    st.lists(
        st.tuples(st.tuples(*[st.integers(0, 255)] * 3), st.integers(1, 1200)),
        min_size=1,
        max_size=8,
    ),
    st.integers(0, 2**32 - 1),
)
@hypothesis_settings(max_examples=25)
def test_few_colours_of_many_pixels_are_counted_in_order_and_found_again(
    runs: list[tuple[tuple[int, int, int], int]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    colors, counts = zip(*runs, strict=True)
    pixels = rng.permutation(np.repeat(np.array(colors, np.uint8), counts, axis=0))[None]
    opaque = rng.random(pixels.shape[:2]) < 0.7
    opaque[0, 0] = True
    for mask in (None, opaque):
        histogram = kmseg.color_histogram(kmseg.Image(pixels, mask))
        seen = slice(None) if mask is None else mask
        assert pairs(histogram) == by_numpy(pixels[seen])
        assert (np.diff(codes(histogram.colors)) > 0).all()
        order = rng.permutation(histogram.n_colors)
        shuffled = kmseg.ColorHistogram(histogram.colors[order], histogram.counts[order])
        for known in (histogram, shuffled):
            indices = known.values_at(pixels, np.arange(known.n_colors, dtype=np.int16), mask)
            assert mask is None or (indices[~mask] == -1).all()
            np.testing.assert_array_equal(known.colors[indices[seen]], pixels[seen])


@pytest.mark.parametrize("n", [127, 128, 254, 255, 256, 257, 509, 510, 511, 512, 513, 765, 766])
def test_counts_pass_every_multiple_of_a_byte(n: int) -> None:
    colors = np.array([(0, 0, 0), (0, 0, 1), (8, 0, 0), (255, 255, 255)], np.uint8)
    for counts in ([n, 2 * n, n, 1], [1, 3 * n, 2, 3 * n], [1, 1, 1, n]):
        image = kmseg.Image(np.repeat(colors, counts, axis=0)[None])
        histogram = kmseg.color_histogram(image)
        order = np.argsort(codes(colors))
        np.testing.assert_array_equal(histogram.colors, colors[order])
        np.testing.assert_array_equal(histogram.counts, np.array(counts)[order])


def test_two_million_pixels_of_one_colour() -> None:
    pixels = np.full((1000, 2001, 3), 77, np.uint8)
    assert pairs(kmseg.color_histogram(kmseg.Image(pixels))) == {(77, 77, 77): 2_001_000}
    opaque = np.zeros(pixels.shape[:2], bool)
    opaque[-1, -300:] = True
    histogram = kmseg.color_histogram(kmseg.Image(pixels, opaque))
    assert pairs(histogram) == {(77, 77, 77): 300}
    found = histogram.values_at(pixels, np.array([5], np.int16), opaque)
    np.testing.assert_array_equal(found, np.where(opaque, 5, -1))


def test_every_cell_may_be_occupied() -> None:
    rng = np.random.default_rng(0)
    tops = np.indices((32, 32, 32)).reshape(3, -1).T * 8
    pixels = np.concatenate([tops + rng.integers(0, 8, tops.shape) for _ in range(3)])
    pixels = rng.permutation(pixels.astype(np.uint8)).reshape(96, 1024, 3)
    histogram = kmseg.color_histogram(kmseg.Image(pixels))
    assert len(np.unique(codes(histogram.colors) >> 9)) == 32**3
    expected, counts = np.unique(codes(pixels.reshape(-1, 3)), return_counts=True)
    np.testing.assert_array_equal(codes(histogram.colors), expected)
    np.testing.assert_array_equal(histogram.counts, counts)
    found = histogram.values_at(pixels, np.arange(histogram.n_colors, dtype=np.int32))
    np.testing.assert_array_equal(histogram.colors[found], pixels)


def test_every_level_of_every_channel_is_told_apart() -> None:
    """One pixel for each level on the cube's edges and diagonal: no bit may be lost."""
    levels = np.arange(256, dtype=np.uint8)
    zero = np.zeros_like(levels)
    lines = [
        np.stack(line, axis=1)
        for line in (
            (levels, zero, zero),
            (zero, levels, zero),
            (zero, zero, levels),
            (levels, levels, levels),
            (levels, levels[::-1], zero + 7),
        )
    ]
    image = kmseg.Image(np.array(lines))
    assert pairs(kmseg.color_histogram(image)) == by_numpy(image.pixels)


@pytest.mark.parametrize("view", [np.s_[::2, ::3], np.s_[::-1, ::-1], np.s_[5:9, 7:8]])
def test_pixels_need_not_be_contiguous(view: tuple[slice, ...]) -> None:
    pixels = random_image(5, (30, 40), 6).pixels[view]
    image = kmseg.Image(pixels)
    histogram = kmseg.color_histogram(image)
    assert pairs(histogram) == by_numpy(pixels)
    indices = np.arange(histogram.n_colors)
    found = histogram.values_at(pixels, indices)
    np.testing.assert_array_equal(histogram.colors[found], pixels)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64])
def test_values_come_back_to_their_pixels(dtype: type) -> None:
    image = with_holes(random_image(3, (25, 18), 5), 1, 0.3)
    histogram = kmseg.color_histogram(image)
    values: NDArray[Any] = (np.arange(histogram.n_colors) * 3 + 1).astype(dtype)
    found = histogram.values_at(image.pixels, values, image.opaque)
    assert found.dtype == dtype and found.shape == (25, 18)
    value_of = dict(zip(map(tuple, histogram.colors.tolist()), values.tolist(), strict=True))
    assert image.opaque is not None
    for row, column in np.ndindex(25, 18):
        expected = (
            value_of[tuple(image.pixels[row, column].tolist())] if image.opaque[row, column] else -1
        )
        assert found[row, column] == expected


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64])
@pytest.mark.parametrize("extremes", [(-128, 127), (-1, 128), (-129, 127), (0, 254), (None, None)])
def test_values_of_any_size_are_found(dtype: type, extremes: tuple[int | None, ...]) -> None:
    colors = np.array([(1, 2, 3), (250, 2, 3), (1, 2, 4)], np.uint8)
    histogram = kmseg.ColorHistogram(colors, np.ones(3, np.int64))
    low, high = extremes if extremes[0] is not None else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    values: NDArray[Any] = np.array([high, low, 7], dtype)
    found = histogram.values_at(colors[[2, 0, 1, 1]], values)
    assert found.dtype == dtype
    assert found.tolist() == [7, high, low, low]


def test_values_of_any_shape_of_pixels_are_found() -> None:
    image = random_image(8, (12, 10), 4)
    histogram = kmseg.color_histogram(image)
    indices = np.arange(histogram.n_colors)
    for pixels in (image.pixels[0, 0], image.pixels[3], image.pixels[:0], image.pixels[None]):
        found = histogram.values_at(pixels, indices)
        assert found.shape == pixels.shape[:-1]
        np.testing.assert_array_equal(histogram.colors[found], pixels)


# -- representatives -------------------------------------------------------------------------------


@pytest.mark.parametrize("at_most", [8, 50, 1000, 8000, 100_000, 10**6])
def test_representatives_stand_for_every_pixel(at_most: int) -> None:
    histogram = kmseg.color_histogram(kmseg.sample_image("china"))
    chosen, pixels = histogram.representatives(at_most)
    assert 1 <= len(chosen) <= at_most
    assert len(set(chosen.tolist())) == len(chosen)
    assert pixels.shape == chosen.shape and pixels.sum() == histogram.n_pixels
    assert (pixels >= histogram.counts[chosen]).all()

    # The finest cubic grid that is allowed, each occupied cell once, by its commonest colour.
    def grid(bits: int) -> NDArray[np.int64]:
        cells = histogram.colors.astype(np.int64) >> (8 - bits)
        return np.asarray(cells @ [65536, 256, 1])

    bits = max(b for b in range(1, 9) if len(np.unique(grid(b))) <= at_most)
    cells = grid(bits)
    assert sorted(cells[chosen]) == np.unique(cells).tolist()
    for index, total in zip(
        chosen[:: max(1, len(chosen) // 50)], pixels[:: max(1, len(chosen) // 50)], strict=True
    ):
        inside = histogram.counts[cells == cells[index]]
        assert histogram.counts[index] == inside.max()
        assert total == inside.sum()

    again = histogram.representatives(at_most)
    np.testing.assert_array_equal(again[0], chosen)
    np.testing.assert_array_equal(again[1], pixels)


def test_few_colours_represent_themselves() -> None:
    histogram = kmseg.color_histogram(random_image(1, (9, 9), 2))
    chosen, pixels = histogram.representatives(8)
    assert sorted(chosen.tolist()) == list(range(histogram.n_colors))
    np.testing.assert_array_equal(pixels, histogram.counts[chosen])


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("colors", "counts", "field"),
    [
        (np.zeros((2, 3)), [1, 1], "colors"),
        (np.zeros((2, 4), np.uint8), [1, 1], "colors"),
        (np.zeros(3, np.uint8), [1], "colors"),
        (np.zeros((2, 3), np.uint8), [1], "counts"),
        (np.zeros((2, 3), np.uint8), [1, 0], "counts"),
        (np.zeros((0, 3), np.uint8), [], "counts"),
    ],
)
def test_invalid_colours_and_counts_are_rejected(colors: Any, counts: Any, field: str) -> None:
    with pytest.raises(kmseg.ImageError, match=f"^{field}: "):
        kmseg.ColorHistogram(colors, np.array(counts))


def test_values_are_as_many_as_colours() -> None:
    image = random_image(2, (5, 5))
    histogram = kmseg.color_histogram(image)
    for n in (1, histogram.n_colors - 1, histogram.n_colors + 1):
        with pytest.raises(ValueError, match=r"^values: one for each"):
            histogram.values_at(image.pixels, np.zeros(n, np.int16))


def test_a_histogram_cannot_be_changed() -> None:
    colors = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    histogram = kmseg.ColorHistogram(colors, np.array([5, 1], np.int32))
    assert histogram.counts.dtype == np.int64
    for array in (histogram.colors, histogram.counts):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 9
    with pytest.raises(AttributeError):
        histogram.counts = np.array([1, 1])  # type: ignore[misc]
