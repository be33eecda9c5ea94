"""Tidying: small regions go to their neighbours, and holes are filled."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import kmseg
from kmseg.labeling import ByColor, ByPixel, Packed, PixelGrid
from kmseg.output.units import cluster_units
from kmseg.picture.levels import Scale
from kmseg.picture.survey import Samples
from kmseg.regions.tidy import tidy
from kmseg.samples import SAMPLES
from kmseg.samples.sources import HiddenNumeral
from kmseg.settings import Settings
from oracles import image_at, numeral_overlap, with_holes
from regions import components, holes, label_pictures, shared_edges, tidied

PLATES = [key for key in SAMPLES if key.startswith("plate-")]


def coins() -> kmseg.Image:
    return kmseg.Image(np.dstack([skimage.data.coins()] * 3))


def n_regions_of(seg: kmseg.Segmentation, cluster: int) -> int:
    return int(np.count_nonzero(seg.regions().cluster == cluster))


# -- label pictures --------------------------------------------------------------------------------


@given(label_pictures(), st.integers(0, 12), st.sets(st.integers(0, 3)), st.integers(1, 5))
def test_it_equals_a_slow_loop(
    labels: NDArray[np.int16], smallest: int, filled: set[int], n_strips: int
) -> None:
    chosen = tuple(sorted(filled))
    found = tidy(labels, smallest, chosen, n_strips)
    np.testing.assert_array_equal(found, tidied(labels, smallest, chosen))
    np.testing.assert_array_equal(tidy(found, smallest, chosen), found)
    np.testing.assert_array_equal(found < 0, labels < 0)


@given(label_pictures(9), st.integers(0, 3), st.permutations(range(4)))
def test_the_order_of_filled_clusters_does_not_matter(
    labels: NDArray[np.int16], smallest: int, order: list[int]
) -> None:
    np.testing.assert_array_equal(tidy(labels, smallest, order), tidy(labels, smallest, range(4)))


@given(label_pictures(), st.integers(2, 30))
def test_no_small_region_is_left_unless_it_has_no_neighbour(
    labels: NDArray[np.int16], smallest: int
) -> None:
    found = components(tidy(labels, smallest))
    for number, area in enumerate(np.bincount(found.ravel())[1:], start=1):
        assert area >= smallest or not shared_edges(found, number).any()


@given(label_pictures(), st.integers(0, 3))
def test_no_hole_of_a_filled_cluster_is_left(labels: NDArray[np.int16], label: int) -> None:
    assert not holes(tidy(labels, 0, [label]), label).any()


@pytest.mark.parametrize(
    ("rows", "smallest", "filled", "expected"),
    [
        # Of equally long borders, that with the region whose first pixel comes first.
        (("0011", "0211", "0011"), 2, (), ("0011", "0011", "0011")),
        (("1100", "1200", "1100"), 2, (), ("1100", "1100", "1100")),
        # The longest border with one region counts, not with one label.
        (("00000", "22122", "00000"), 2, (), ("00000", "22022", "00000")),
        # Regions that are joined by a speck are one region afterwards.
        (("0110", "1001", "0110"), 2, (), ("1111", "1001", "1111")),
        # A small region without neighbours stays.
        (("0.1", "...", "1.0"), 9, (), ("0.1", "...", "1.0")),
        # Holes: of two rings, the outer one.
        (
            ("0000000", "0111110", "0122210", "0123210", "0122210", "0111110", "0000000"),
            0,
            (1, 2),
            ("0000000", "0111110", "0111110", "0111110", "0111110", "0111110", "0000000"),
        ),
        # A ring that is closed only across corners has no hole; one around a transparent pixel
        # neither.
        (("0110", "1001", "1001", "0110"), 0, (1,), ("0110", "1001", "1001", "0110")),
        (("1111", "10.1", "1111"), 0, (1,), ("1111", "10.1", "1111")),
        (("1111", "1021", "1111"), 0, (1,), ("1111", "1111", "1111")),
        # Small regions first: a speck closes the ring.
        (("1111", "1001", "1001", "1121"), 2, (1,), ("1111",) * 4),
    ],
)
def test_an_example(
    rows: tuple[str, ...], smallest: int, filled: tuple[int, ...], expected: tuple[str, ...]
) -> None:
    before, after = (
        np.array([[-1 if c == "." else int(c) for c in row] for row in each], np.int16)
        for each in (rows, expected)
    )
    np.testing.assert_array_equal(tidy(before, smallest, filled), after)


# -- pictures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["china", "flower", *PLATES[:2]])
@pytest.mark.parametrize("smallest", [4, 25])
def test_photos_and_plates_equal_a_slow_loop(key: str, smallest: int) -> None:
    seg = kmseg.segment(image_at(key, 48), Settings(color_space="cielab", n_clusters=5))
    found = tidy(seg.labels, smallest, (1, 2))
    np.testing.assert_array_equal(found, tidied(seg.labels, smallest, (1, 2)))
    np.testing.assert_array_equal(tidy(found, smallest, (1, 2)), found)


def test_the_result_does_not_depend_on_the_number_of_threads() -> None:
    seg = kmseg.segment(kmseg.sample_image("china"), Settings(n_clusters=16))
    for smallest, filled in ((9, ()), (60, (3,)), (0, (0, 5))):
        expected = tidy(seg.labels, smallest, filled, 1)
        for n_strips in (2, 3, 64):
            np.testing.assert_array_equal(tidy(seg.labels, smallest, filled, n_strips), expected)


def test_the_coins_are_counted_by_one_setting() -> None:
    settings = {"color_space": "cielab", "n_clusters": 2}
    plain = kmseg.segment(coins(), Settings(**settings))
    assert n_regions_of(plain, 1) == 166
    assert n_regions_of(kmseg.segment(coins(), Settings(**settings, smallest_region=50)), 1) == 22


@pytest.mark.parametrize("key", PLATES)
def test_a_numeral_stays_when_specks_are_removed(key: str) -> None:
    source = SAMPLES[key].source
    assert isinstance(source, HiddenNumeral)
    plate = source.plate()
    settings = Settings(**SAMPLES[key].settings, smallest_region=20)  # type: ignore[arg-type]
    seg = kmseg.segment(kmseg.Image(plate.pixels), settings)
    assert numeral_overlap(seg.labels, plate.numeral_mask, plate.dots_mask) >= 0.9
    assert seg.regions().area.min() >= 20


# -- segmentations ---------------------------------------------------------------------------------


def assert_consistent(seg: kmseg.Segmentation) -> None:
    """Counts and colours are those of the labels, and clusters are ordered by size."""
    assert seg.image is not None
    for cluster in range(seg.n_clusters):
        inside = seg.image.pixels[seg.labels == cluster].astype(np.int64)
        assert seg.pixel_counts[cluster] == len(inside) > 0
        np.testing.assert_array_equal(seg.color_sums[cluster], inside.sum(axis=0))
        np.testing.assert_array_equal(seg.palette[cluster], np.rint(inside.mean(axis=0)))
    assert (np.diff(seg.pixel_counts) <= 0).all()
    assert sorted(itertools.chain(*seg.members)) == list(range(len(seg.clusters.centroids)))


@pytest.mark.parametrize("engine", ["exact", "opencv"])
@pytest.mark.parametrize("transparent", [False, True])
def test_counts_and_colours_are_those_after_tidying(engine: str, transparent: bool) -> None:
    image = image_at("flower", 150)
    image = with_holes(image, 4) if transparent else image
    settings = Settings(n_clusters=8, engine=engine, attempts=1, smallest_region="0.3%")
    seg = kmseg.segment(image, settings)
    plain = kmseg.segment(image, settings.untidied())
    assert_consistent(seg)
    assert seg.settings == settings and seg.untidied is not None
    assert (seg.inertia, seg.attempts, seg.n_iter) == (plain.inertia, plain.attempts, plain.n_iter)
    np.testing.assert_array_equal(seg.untidied.labels, plain.labels)
    np.testing.assert_array_equal(seg.clusters.centroids, plain.clusters.centroids)
    smallest = -(-plain.pixel_counts.sum() * 3 // 1000)
    expected = tidy(plain.labels, int(smallest))
    np.testing.assert_array_equal(seg.in_members(seg.labels), expected)


def test_a_share_is_that_of_the_clustered_pixels_rounded_up() -> None:
    pixels = np.zeros((10, 20, 3), np.uint8)
    pixels[0, :3] = 255
    opaque = np.ones((10, 20), bool)
    opaque[5:] = False
    image = kmseg.Image(pixels, opaque)
    for share, kept in (("3%", True), ("3.000001%", False), ("2.9%", True)):
        seg = kmseg.segment(image, Settings(n_clusters=2, smallest_region=share))
        assert (len(seg.pixel_counts) == 2) is kept


def test_clusters_keep_their_numbers_when_their_order_changes() -> None:
    """A cluster that had become the largest took the number of another one."""
    pixels = np.zeros((30, 30, 3), np.uint8)
    pixels[4:26, 4:26] = 250
    pixels[6:24, 6:24] = 0
    seg = kmseg.segment(kmseg.Image(pixels), Settings(n_clusters=2, fill_holes=(2,)))
    assert seg.names == ["2", "1"] and seg.numbers == [2, 1]
    assert seg.pixel_counts.tolist() == [22 * 22, 30 * 30 - 22 * 22]
    assert_consistent(seg)
    again = seg.tidied(fill_holes=[2])
    np.testing.assert_array_equal(again.labels, seg.labels)


def test_a_cluster_without_pixels_joins_the_one_that_took_most_of_them() -> None:
    """An empty cluster stayed in the table."""
    pixels = np.zeros((12, 12, 3), np.uint8)
    pixels[:, 6:] = 120
    pixels[1, 1] = pixels[3, 8] = pixels[5, 8] = 255
    seg = kmseg.segment(kmseg.Image(pixels), Settings(n_clusters=3, smallest_region=2))
    assert seg.n_clusters == 2
    assert seg.pixel_counts.tolist() == [72, 72]
    assert sorted(seg.names) == ["1", "2+3"] if seg.palette[0, 0] == 0 else ["1+3", "2"]
    assert_consistent(seg)
    carried = seg.predict(kmseg.Image(pixels))
    assert carried.n_clusters == 2


def test_merged_clusters_are_merged_before_they_are_tidied() -> None:
    """Specks next to each other were removed one by one although they were one region."""
    image = kmseg.sample_image("flower")
    seg = kmseg.segment(image, Settings(n_clusters=8, smallest_region="0.2%", fill_holes=(5,)))
    groups = [[0, 2], [3, 7]]
    merged = seg.merged(groups)
    assert seg.untidied is not None
    before = [
        seg.untidied.rows_of(m for row in group for m in seg.members[row]) for group in groups
    ]
    expected = seg.untidied.merged(before).tidied("0.2%", [5])
    np.testing.assert_array_equal(merged.labels, expected.labels)
    assert merged.names == expected.names
    assert_consistent(merged)


def test_nothing_is_done_when_it_is_off() -> None:
    seg = kmseg.segment(image_at("flower", 60), Settings())
    assert isinstance(seg.labeling, ByColor) and "tidy" not in seg.seconds
    assert seg.tidied() is seg
    assert seg.tidied(50).tidied() is seg


def test_a_later_call_replaces_an_earlier_one() -> None:
    seg = kmseg.segment(image_at("flower", 120), Settings(n_clusters=6))
    np.testing.assert_array_equal(seg.tidied(500).tidied(20).labels, seg.tidied(20).labels)


def test_carried_clusters_keep_their_order_and_colours() -> None:
    seg = kmseg.segment(image_at("flower", 120), Settings(n_clusters=5))
    other = seg.predict(image_at("china", 120))
    tidy_other = other.tidied("1%", [1])
    assert tidy_other.names == other.names
    np.testing.assert_array_equal(tidy_other.palette, other.palette)
    np.testing.assert_array_equal(
        tidy_other.pixel_counts, [(tidy_other.labels == k).sum() for k in range(other.n_clusters)]
    )


def test_the_least_and_greatest_values_are_those_after_tidying() -> None:
    """A speck that had gone to another cluster still counted in the range of its own."""
    levels = np.full((9, 9), 40, np.uint8)
    levels[:, 5:] = 90
    levels[4, 2] = 85
    scale = Scale(Samples("unsigned", 16), 0, 2550)
    image = replace(kmseg.Image(np.dstack([levels] * 3)), scale=scale)
    seg = kmseg.segment(image, Settings(color_space="gray", n_clusters=2, smallest_region=2))
    units = cluster_units(seg)
    assert units is not None
    assert (units.least.tolist(), units.greatest.tolist()) == ([400.0, 900.0], [850.0, 900.0])


def test_a_histogram_cannot_be_tidied() -> None:
    histogram = kmseg.color_histogram(image_at("flower", 30))
    with pytest.raises(kmseg.LabelsError, match=r"smallest_region, fill_holes: .* no pixels"):
        kmseg.segment(histogram, Settings(smallest_region=4))
    with pytest.raises(kmseg.LabelsError, match="pass the Image"):
        kmseg.segment(histogram, Settings()).tidied(fill_holes=[1])


@pytest.mark.parametrize("value", [-1, 10**9 + 1, 2.5, "x", "", "-1%", "101%", "1e1%", True, None])
def test_a_smallest_region_that_is_not_allowed_is_named(value: Any) -> None:
    with pytest.raises(kmseg.SettingsError, match=r"^smallest_region: must be .*per cent.*, not "):
        Settings(smallest_region=value)


@pytest.mark.parametrize("value", [[0], [256], "1,x", "1;2", [1.5], 3, None])
def test_clusters_to_fill_that_are_not_allowed_are_named(value: Any) -> None:
    with pytest.raises(kmseg.SettingsError, match=r"^fill_holes: must be numbers .*, not "):
        Settings(fill_holes=value)


def test_packed_labels_are_those_of_the_pixels() -> None:
    image = with_holes(image_at("china", 150), 3)
    seg = kmseg.segment(image, Settings(n_clusters=7, smallest_region=20))
    assert isinstance(seg.labeling, ByPixel)
    packed = Packed.of(seg.labeling)
    grid = PixelGrid.of(image, seg.histogram, 37)
    np.testing.assert_array_equal(packed.on(grid), seg.labels_on(grid))
    for rows, columns in (
        (slice(None), slice(None)),
        (slice(10, 71), slice(3, 90)),
        (np.array([0, 63, 64, 90]), np.array([149, 2])),
    ):
        expected = seg.labels[rows][:, columns]
        np.testing.assert_array_equal(packed.at(image, rows, columns), expected)
    swapped = packed.renumbered(np.arange(7, dtype=np.int16)[::-1])
    expected = np.where(seg.labels < 0, -1, 6 - seg.labels)
    np.testing.assert_array_equal(swapped.labels, expected)
