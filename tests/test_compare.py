"""Two segmentations of one picture: contingency table, matched clusters and agreement."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.cluster import contingency_matrix

import kmseg
from kmseg.comparison import adjusted_rand, contingency, disagreeing, matching
from kmseg.labeling import PixelGrid
from oracles import image_at, random_image, with_holes

Labels = NDArray[np.int16]


def assert_as_the_oracles(first: kmseg.Segmentation, second: kmseg.Segmentation) -> None:
    """The comparison equals scikit-learn's and SciPy's on the label pictures."""
    found = kmseg.compare(first, second)
    one, other = (seg.labels[seg.labels >= 0] for seg in (first, second))
    occupied = np.ix_(first.pixel_counts > 0, second.pixel_counts > 0)
    np.testing.assert_array_equal(found.table[occupied], contingency_matrix(one, other))
    assert found.table.dtype == np.int64 and found.table.sum() == found.n_pixels == len(one)
    np.testing.assert_array_equal(found.table.sum(axis=1), first.pixel_counts)
    np.testing.assert_array_equal(found.table.sum(axis=0), second.pixel_counts)
    assert found.adjusted_rand == pytest.approx(adjusted_rand_score(one, other), abs=1e-12)
    rows, columns = linear_sum_assignment(found.table, maximize=True)
    assert found.n_agreeing == found.table[rows, columns].sum()
    assert found.share == found.n_agreeing / len(one)
    differs = found.differs(first.labels, second.labels)
    assert differs.sum() == found.n_pixels - found.n_agreeing
    assert not differs[first.labels < 0].any()
    for cluster, matched in enumerate(found.second_of_first):
        assert matched < 0 or found.first_of_second[matched] == cluster
    assert (found.second_of_first >= 0).sum() == min(found.table.shape)
    assert (found.first_of_second >= 0).sum() == min(found.table.shape)


@pytest.mark.parametrize("key", ["china", "flower", "plate-6"])
def test_full_size_labels_agree_with_scikit_learn_and_scipy(key: str) -> None:
    image = kmseg.sample_image(key)
    first = kmseg.segment(image, kmseg.Settings(n_clusters=6))
    for wanted in (
        kmseg.Settings(n_clusters=10, seed=3),
        kmseg.Settings(color_space="hsv", channels="02", n_clusters=4),
    ):
        second = kmseg.segment(image, wanted)
        assert_as_the_oracles(first, second)
        assert_as_the_oracles(second, first.merged([(0, 3)]))


@pytest.mark.parametrize("engine", ["opencv", "scikit-learn", "lloyd"])
def test_engines_that_label_pixels_are_compared_pixel_by_pixel(engine: str) -> None:
    image = with_holes(image_at("flower", 90), 2)
    first = kmseg.segment(image, kmseg.Settings(n_clusters=5, engine=engine, attempts=2))
    second = kmseg.segment(image, kmseg.Settings(color_space="cielab", n_clusters=7))
    assert_as_the_oracles(first, second)
    assert_as_the_oracles(second, first)
    assert kmseg.compare(first, first).share == 1


def test_carried_over_clusters_without_pixels_are_compared() -> None:
    image = image_at("china", 60)
    seg = kmseg.segment(image, kmseg.Settings(n_clusters=6))
    assert_as_the_oracles(seg, kmseg.segment(random_image(4, (9, 9)), seg.settings).predict(image))


def test_pictures_are_not_needed_where_colours_are_labelled() -> None:
    image = image_at("china", 60)
    histogram = kmseg.color_histogram(image)
    wanted = kmseg.Settings(n_clusters=3), kmseg.Settings(n_clusters=8)
    with_pixels = kmseg.compare(*(kmseg.segment(image, each) for each in wanted))
    alone = kmseg.compare(*(kmseg.segment(histogram, each) for each in wanted))
    np.testing.assert_array_equal(alone.table, with_pixels.table)


def test_a_preview_shows_which_of_its_pixels_differ() -> None:
    image = with_holes(image_at("china", 120), 1)
    first, second = (kmseg.segment(image, kmseg.Settings(n_clusters=k)) for k in (4, 6))
    found = kmseg.compare(first, second)
    grid = PixelGrid.of(image, first.histogram, 40)
    small = found.differs(first.labels_on(grid), second.labels_on(grid))
    whole = found.differs(first.labels, second.labels)
    np.testing.assert_array_equal(small, whole[grid.rows][:, grid.columns])


def test_equal_partitions_agree_whatever_their_numbers() -> None:
    image = image_at("flower", 50)
    seg = kmseg.segment(image, kmseg.Settings(n_clusters=5))
    turned = replace(seg.codebook, centroids=seg.centroids[::-1], colours=seg.palette[::-1])
    found = kmseg.compare(seg, turned.predict(image))
    assert (found.share, found.adjusted_rand) == (1, 1)
    assert found.second_of_first.tolist() == [4, 3, 2, 1, 0]


label_lists = st.integers(1, 30).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(-1, 4), min_size=n, max_size=n)] * 2)
)


@given(label_lists)
@example(([0], [0]))
@example(([0, 0, 0], [0, 1, 2]))
@example(([0, 1, 2], [2, 0, 1]))
@example(([0, 0], [0, 0]))
@example(([-1], [0]))
@settings(deadline=None)
def test_the_measures_of_any_labels_are_those_of_the_oracles(
    pair: tuple[list[int], list[int]],
) -> None:
    first, second = (np.array(labels, np.int16) for labels in pair)
    table = contingency(first, second, (5, 5))
    both = (first >= 0) & (second >= 0)
    assert table.sum() == both.sum()
    if both.any():
        expected = adjusted_rand_score(first[both], second[both])
        assert adjusted_rand(table) == pytest.approx(expected, abs=1e-12)
    matched = matching(table)
    differs = disagreeing(matched, first, second)
    kept = table[np.arange(5), matched].sum()
    assert (differs & both).sum() == table.sum() - kept


def test_the_index_is_exact_where_products_exceed_64_bits() -> None:
    n = 25_000_000  # pixels; products of pairs have 30 digits
    table = np.array([[n, 1], [0, n]])
    assert adjusted_rand(table) == pytest.approx(1 - 2 / n, abs=1e-9)
    assert adjusted_rand(np.array([[n, n], [n, n]])) == pytest.approx(0, abs=1e-7)


def test_weights_count_and_clusters_left_over_differ() -> None:
    first, second = np.array([0, 1, 2, 2], np.int16), np.array([1, 0, 0, 1], np.int16)
    weights = np.array([5, 4, 3, 2])
    table = contingency(first, second, (3, 2), weights)
    assert table.tolist() == [[0, 5], [4, 0], [3, 2]]
    matched = matching(table)
    assert matched.tolist() == [1, 0, -1]
    assert disagreeing(matched, first, second).tolist() == [False, False, True, True]


def test_segmentations_of_two_sizes_or_two_pictures_are_not_compared() -> None:
    image = image_at("china", 60)
    seg = kmseg.segment(image)
    with pytest.raises(kmseg.ComparisonError, match=r"60 x 40 and 30 x 20 .* the same width"):
        kmseg.compare(seg, kmseg.segment(image, kmseg.Settings(width=30)))
    with pytest.raises(kmseg.ComparisonError, match="two segmentations of one picture"):
        kmseg.compare(seg, kmseg.segment(image_at("flower", 60)))
    for other in (
        kmseg.Image(image.pixels[:, ::-1]),  # the same colours elsewhere
        with_holes(image, 1),
    ):
        with pytest.raises(kmseg.ComparisonError, match="one picture"):
            kmseg.compare(seg, kmseg.segment(other))
    again = kmseg.Image(image.pixels.copy())
    assert kmseg.compare(seg, kmseg.segment(again)).share == 1
