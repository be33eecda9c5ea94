"""Clusters carried over to other pictures."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

import kmseg
from kmseg.color import COLOR_SPACES, features
from kmseg.explore import ladder, residual, tile_grid
from kmseg.explore.tiles import tile_of
from kmseg.labeling import PixelGrid
from kmseg.output import cloud, encode, export, figure, render, tables
from kmseg.output.labelcodec import encode_labels
from kmseg.output.report import report
from kmseg.output.units import cluster_units
from kmseg.picture.levels import Scale
from kmseg.picture.survey import Samples
from oracles import image_at, nearest, random_image, squared_distances, tied, with_holes

RED, GREEN, BLUE = (250, 10, 10), (10, 240, 10), (10, 10, 230)


def flat(*colours: tuple[int, int, int]) -> kmseg.Image:
    """One row of pixels."""
    return kmseg.Image(np.array([colours], np.uint8))


@pytest.fixture(scope="module")
def fitted() -> kmseg.Segmentation:
    return kmseg.segment(image_at("china", 90), kmseg.Settings(color_space="cielab", n_clusters=6))


@pytest.fixture(scope="module")
def with_empty() -> kmseg.Segmentation:
    """Clusters 1 (red), 2 (green), 3 (blue) on a picture without green, with a transparent part."""
    three = kmseg.segment(flat(RED, RED, RED, GREEN, GREEN, BLUE), kmseg.Settings(n_clusters=3))
    pixels = np.empty((12, 16, 3), np.uint8)
    pixels[:, :10], pixels[:, 10:] = BLUE, RED
    opaque = np.ones((12, 16), bool)
    opaque[:, :2] = False
    return three.predict(kmseg.Image(pixels, opaque))


# -- assignment ------------------------------------------------------------------------------------


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("n_clusters", [2, 7, 32])
@pytest.mark.parametrize(
    ("space", "channels"),
    [("bgr", "all"), ("hsv", "02"), ("lab", "12"), ("cielab", "all"), ("oklab", "all"),
     ("hsv-circular", "0"), ("ycrcb", "all"), ("gray", "all")],
)  # fmt: skip
def test_labels_are_those_of_the_nearest_centroid(
    space: str, channels: str, n_clusters: int, holes: bool
) -> None:
    wanted = kmseg.Settings(color_space=space, channels=channels, n_clusters=n_clusters)
    book = kmseg.segment(image_at("china", 60), wanted).codebook
    image = image_at("flower", 110)
    image = with_holes(image, 1) if holes else image
    carried = book.predict(image)
    opaque = np.ones(image.pixels.shape[:2], bool) if image.opaque is None else image.opaque
    X = features(image.pixels[opaque], space, channels)
    expected = nearest(X, book.centroids)
    clear = ~tied(X, book.centroids)
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(carried.labels[opaque][clear], expected[clear])
    assert (carried.labels[~opaque] == -1).all()
    inertia = squared_distances(X, book.centroids).min(axis=1).sum()
    assert carried.inertia == pytest.approx(inertia, rel=1e-9)
    counts = np.bincount(carried.labels[opaque], minlength=len(book.centroids))
    np.testing.assert_array_equal(carried.pixel_counts, counts)
    assert carried.pixel_counts.sum() == opaque.sum()


@given(
    st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=12),
    st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=9),
)
@settings(max_examples=60, deadline=None)
def test_of_equally_near_centroids_the_lowest_number_wins(
    centroids: list[tuple[int, int, int]], pixels: list[tuple[int, int, int]]
) -> None:
    """Whole numbers have exact distances; equal centroids and K above the colours are common."""
    colours = np.array(centroids, np.uint8)
    book = kmseg.Codebook("rgb", "all", colours, colours)
    carried = book.predict(flat(*pixels))
    X = np.array(pixels, np.float64)
    np.testing.assert_array_equal(carried.labels[0], nearest(X, colours.astype(np.float64)))
    assert carried.inertia == squared_distances(X, colours.astype(float)).min(axis=1).sum()
    assert carried.n_clusters == len(centroids)


def test_a_picture_carried_over_to_itself_keeps_its_clusters(fitted: kmseg.Segmentation) -> None:
    again = fitted.predict(image_at("china", 90))
    np.testing.assert_array_equal(again.labels, fitted.labels)
    np.testing.assert_array_equal(again.palette, fitted.palette)
    assert again.inertia == pytest.approx(fitted.inertia, rel=1e-12)
    assert again.carried and not fitted.carried


def test_one_cluster_can_be_carried_over() -> None:
    book = kmseg.segment(flat(RED, RED), kmseg.Settings(n_clusters=2)).codebook
    carried = book.predict(random_image(1, (5, 6)))
    assert carried.pixel_counts.tolist() == [30] and carried.n_clusters == 1


def test_a_width_resizes_the_picture_and_a_histogram_is_taken_as_it_is(
    fitted: kmseg.Segmentation,
) -> None:
    image = image_at("flower", 120)
    small = fitted.codebook.predict(image, width=40)
    assert small.labels.shape == (26, 40) and small.settings.width == 40
    histogram = kmseg.color_histogram(image)
    coordinates = features(histogram.colors, "cielab")
    alone = fitted.codebook.predict(histogram)
    known = fitted.codebook.predict(image, histogram=histogram, coordinates=coordinates)
    assert alone.pixel_counts.tolist() == known.pixel_counts.tolist()
    with pytest.raises(kmseg.LabelsError):
        alone.labels  # noqa: B018


# -- what stays -----------------------------------------------------------------------------------


def test_numbers_and_colours_stay_and_sizes_do_not_sort_them(
    with_empty: kmseg.Segmentation,
) -> None:
    assert with_empty.carried
    assert with_empty.palette.tolist() == [list(RED), list(GREEN), list(BLUE)]
    assert with_empty.pixel_counts.tolist() == [72, 0, 96]
    assert with_empty.shares.tolist() == [72 / 168, 0, 96 / 168]
    assert with_empty.names == ["1", "2", "3"]
    assert with_empty.labels[0, [0, 2, 15]].tolist() == [-1, 2, 0]


def test_no_fit_was_made_and_none_is_claimed(with_empty: kmseg.Segmentation) -> None:
    assert (with_empty.n_iter, with_empty.converged, with_empty.attempts) == (None, None, ())
    assert not with_empty.global_optimum
    assert with_empty.settings.n_clusters == 3
    assert set(with_empty.seconds) == {"resize", "histogram", "features", "assign"}


def test_halves_of_one_picture_have_the_same_clusters_and_their_shares_add_up() -> None:
    """As of one stained slide, photographed in two halves: after a refit they would differ."""
    whole = image_at("flower", 120)
    halves = [kmseg.Image(half) for half in np.split(whole.pixels, 2, axis=1)]
    seg = kmseg.segment(whole, kmseg.Settings(color_space="oklab", n_clusters=4))
    counts = [seg.predict(half).pixel_counts for half in halves]
    np.testing.assert_array_equal(sum(counts), seg.pixel_counts)
    refit = [kmseg.segment(half, seg.settings).pixel_counts for half in halves]
    assert (sum(refit) != seg.pixel_counts).any()


def test_a_colour_has_one_number_in_all_frames_though_it_shrinks() -> None:
    frames = [flat(*[BLUE] * n, *[GREEN] * (10 - n)) for n in (7, 2)]
    first = kmseg.segment(frames[0], kmseg.Settings(n_clusters=2))
    second = first.predict(frames[1])
    assert first.labels[0, 0] == second.labels[0, 0] == 0  # the blue sky
    assert second.pixel_counts.tolist() == [2, 8]
    assert kmseg.segment(frames[1], first.settings).labels[0, 0] == 1  # a fit sorts by size


def test_a_carried_over_segmentation_can_be_carried_on(with_empty: kmseg.Segmentation) -> None:
    again = with_empty.predict(flat(GREEN, BLUE))
    assert again.pixel_counts.tolist() == [0, 1, 1]
    assert again.codebook.digest == with_empty.codebook.digest


# -- merged clusters -------------------------------------------------------------------------------


def test_merged_clusters_are_compared_by_their_own_centroids(fitted: kmseg.Segmentation) -> None:
    """The mean of two centroids may be nearest to pixels of a third cluster."""
    groups = [(0, 5), (1, 3)]
    image = image_at("flower", 80)
    merged = fitted.merged(groups)
    carried, plain = merged.predict(image), fitted.predict(image)
    assert carried.names == merged.names
    np.testing.assert_array_equal(carried.palette, merged.palette)
    np.testing.assert_array_equal(carried.centroids, merged.centroids)
    for cluster, members in enumerate(merged.members):
        inside = np.isin(plain.labels, members)
        np.testing.assert_array_equal(carried.labels == cluster, inside)
    assert carried.inertia == plain.inertia


def test_merging_carried_over_clusters_gives_one_colour_on_every_picture(
    fitted: kmseg.Segmentation,
) -> None:
    pictures = [image_at("flower", 50), random_image(3, (9, 9)), flat(RED)]
    merged = [fitted.predict(picture).merged([(1, 4)]) for picture in pictures]
    assert {seg.palette.tobytes() for seg in merged} == {merged[0].palette.tobytes()}
    assert merged[0].names == ["1", "2+5", "3", "4", "6"]
    own = fitted.merged([(1, 4)])
    place = own.names.index("2+5")
    assert np.abs(merged[0].palette[1].astype(int) - own.palette[place]).max() <= 1
    np.testing.assert_allclose(merged[0].centroids[1], own.centroids[place])


def test_empty_clusters_can_be_merged(with_empty: kmseg.Segmentation) -> None:
    seg = with_empty.merged([(0, 1)])
    assert seg.pixel_counts.tolist() == [72, 96]
    assert np.isfinite(seg.centroids).all()
    assert seg.merged([(0, 1)]).members == ((0, 1, 2),)


# -- everything that takes a segmentation takes clusters without pixels ----------------------------


def every_number_is_finite(value: object) -> None:
    json.dumps(value, allow_nan=False)


def test_tables_and_json_have_clusters_without_pixels(with_empty: kmseg.Segmentation) -> None:
    rows = tables.cluster_rows(with_empty)
    assert [row["pixels"] for row in rows] == [72, 0, 96]
    assert rows[1]["share"] == 0 and rows[1]["hex"] == "#0af00a"
    every_number_is_finite(rows)
    found = report(with_empty)
    every_number_is_finite(found)
    assert found["carried"] is True and found["attempts"] == [] and found["n_iter"] is None
    assert found["palette"] == ["#fa0a0a", "#0af00a", "#0a0ae6"]
    assert b"2 0.0%" in tables.palette_gpl(with_empty)


@pytest.mark.parametrize("download", export.DOWNLOADS, ids=lambda download: download.key)
def test_every_download_can_be_made(
    with_empty: kmseg.Segmentation, download: export.Download
) -> None:
    for seg in (with_empty, with_empty.merged([(0, 1)]), with_empty.merged([(0, 1, 2)])):
        content = download.make(seg, export.Context("photo.png"))
        if download.mime.startswith("image/") and download.key != "svg":
            picture = Pillow.open(io.BytesIO(content))
            picture.load()


def test_the_archive_has_an_empty_mask(with_empty: kmseg.Segmentation) -> None:
    content = export.ARCHIVE.make(with_empty, export.Context("photo.png"))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("_mask002.png"))
        mask = np.asarray(Pillow.open(io.BytesIO(archive.read(name))))
        labels = next(n for n in archive.namelist() if n.endswith("_labels-gray.png"))
        numbers = np.asarray(Pillow.open(io.BytesIO(archive.read(labels))))
    assert mask.shape == (12, 16) and not mask.any()
    assert np.unique(numbers).tolist() == [0, 1, 3]
    assert render.cutout(with_empty, (1,))[..., 3].max() == 0


def test_files_of_other_clusters_have_other_names(with_empty: kmseg.Segmentation) -> None:
    counts = next(download for download in export.DOWNLOADS if download.key == "counts")
    book = with_empty.codebook
    other = replace(book, centroids=book.centroids + 0.5).predict(flat(RED))
    fit = kmseg.segment(flat(RED, GREEN, BLUE), with_empty.settings)
    names = {export.file_name(seg, "a.png", counts) for seg in (with_empty, other, fit)}
    assert len(names) == 3
    assert all(name.startswith("a_bgr_call_k3_") for name in names)


def test_labels_previews_cloud_and_residual_take_clusters_without_pixels(
    with_empty: kmseg.Segmentation,
) -> None:
    image = with_empty.image
    assert image is not None
    grid = PixelGrid.of(image, with_empty.histogram, 8)
    labels = with_empty.labels_on(grid)
    assert encode_labels(labels, with_empty.n_clusters)
    assert encode.indexed_png(labels, with_empty.palette)
    assert np.isfinite(residual(with_empty, grid)[labels >= 0]).all()
    oklab = features(with_empty.histogram.colors, "oklab")[grid.colors[grid.colors >= 0]]
    tile = tile_of(with_empty, grid, oklab)
    assert 0 <= tile.explained <= 1
    for space in ("rgb", "cielab", "bgr"):
        drawn = cloud.color_cloud(with_empty, cloud.points(with_empty.histogram, space, 100))
        expected = features(np.array([GREEN], np.uint8), space)[0]
        np.testing.assert_allclose(drawn.centroids[1], expected, atol=1e-9)
        every_number_is_finite(cloud.frame(drawn))


def test_the_figure_of_carried_over_clusters_shows_their_colours(
    with_empty: kmseg.Segmentation,
) -> None:
    picture = figure.figure(with_empty)
    assert (picture == BLUE).all(axis=2).any() and not (picture == GREEN).all(axis=2).any()


def test_a_cluster_without_pixels_has_no_values_in_the_files_units() -> None:
    image = kmseg.Image(
        np.repeat(np.array([[0, 0, 100, 255]], np.uint8)[..., None], 3, axis=2),
        scale=Scale(Samples("unsigned", 16), 150, 420),
    )
    book = kmseg.segment(image, kmseg.Settings(color_space="gray", n_clusters=3)).codebook
    assert book.levels == (150, 420)
    carried = book.predict(replace(image, pixels=image.pixels[:, :2]))
    assert carried.pixel_counts.tolist() == [2, 0, 0]
    units = cluster_units(carried)
    assert units is not None
    assert units.to_dict()["centroids"] == [150, None, None]
    assert units.summary(1) == "no pixels" and units.row(1).split() == ["-", "-", "-"]
    every_number_is_finite(report(carried))
    assert tables.counts_csv(carried).splitlines()[2].endswith(b",0,0.0,,,")


def test_exploring_goes_on_from_a_carried_over_segmentation(
    with_empty: kmseg.Segmentation,
) -> None:
    image = with_empty.image
    assert image is not None
    grid = tile_grid(image, with_empty.histogram)
    assert list(ladder(with_empty.histogram, grid, with_empty.settings, [2]))


# -- the codebook itself ---------------------------------------------------------------------------


def test_a_codebook_is_json_and_back_exactly(fitted: kmseg.Segmentation) -> None:
    for seg in (fitted, fitted.merged([(2, 0)])):
        book = replace(seg.codebook, levels=(-1.5, 0.1))
        again = kmseg.Codebook.from_dict(json.loads(json.dumps(book.to_dict(), allow_nan=False)))
        assert again.to_dict() == book.to_dict() and again.digest == book.digest
        np.testing.assert_array_equal(again.centroids, book.centroids)
        assert again.members == seg.members and again.levels == (-1.5, 0.1)


def test_levels_are_those_that_the_picture_was_read_with(fitted: kmseg.Segmentation) -> None:
    assert fitted.codebook.levels is None
    image = replace(image_at("flower", 20), reading=kmseg.Reading(levels=(10, 4000)))
    seg = kmseg.segment(image, kmseg.Settings(n_clusters=2))
    assert seg.codebook.levels == (10, 4000)
    assert seg.predict(image_at("flower", 20)).codebook.levels == (10, 4000)


COLOURS = np.array([RED, GREEN], np.uint8)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"space": "cmyk"}, "space: must be one of .* not 'cmyk'"),
        ({"space": 3}, "space: must be"),
        ({"channels": "7"}, "channels: must be"),
        ({"centroids": np.zeros((0, 3))}, "centroids: must be 1 to 255 rows of 3 numbers"),
        ({"centroids": np.zeros((256, 3))}, r"1 to 255 rows .* not an array of shape \(256, 3\)"),
        ({"centroids": np.zeros((2, 2))}, "rows of 3 numbers, one for each of R, G, B"),
        ({"centroids": np.zeros(3)}, "centroids: must be"),
        ({"centroids": [[0, 0, np.nan], [1, 1, 1]]}, "from -1,000 to 1,000, not nan"),
        ({"centroids": [[0, 0, 1e300], [1, 1, 1]]}, r"from -1,000 to 1,000, not 1e\+300"),
        ({"colours": COLOURS[:1]}, r"colours: must be an array of uint8 of shape \(2, 3\)"),
        ({"colours": COLOURS.astype(float)}, "uint8 .* not float64"),
        ({"levels": (5, 1)}, "levels: must be"),
        ({"merges": ((0,), (0, 1))}, "merges: must have each of the 2 centroids in one cluster"),
        ({"merges": ((0, 1), ())}, "merges: must"),
        ({"weights": [1, 0]}, "weights: must be 2 numbers above 0"),
        ({"weights": [1, np.inf]}, "weights: must be"),
        ({"weights": [1]}, "weights: must be"),
    ],
)
def test_a_codebook_that_could_not_be_used_is_refused(wrong: dict[str, object], said: str) -> None:
    given = {"space": "rgb", "channels": "all", "centroids": COLOURS, "colours": COLOURS} | wrong
    with pytest.raises(kmseg.SettingsError, match=said):
        kmseg.Codebook(**given)  # type: ignore[arg-type]


def test_centroids_of_every_space_are_in_the_range_of_codebooks() -> None:
    corners = np.array(np.meshgrid(*[[0, 64, 128, 255]] * 3), np.uint8).reshape(3, -1).T
    for space in COLOR_SPACES:
        assert np.abs(features(corners, space)).max() < 500
