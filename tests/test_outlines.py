"""Outlines of regions: polygons that fit together, and their files SVG and GeoJSON."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
import resvg_py
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from PIL import Image as Pillow

import kmseg
from kmseg.cli import main
from kmseg.errors import RegionsError
from kmseg.output import export, tables
from kmseg.regions import outlines as traced
from kmseg.regions.measure import measure
from kmseg.regions.outlines import Outlines, outlines
from kmseg.settings import to_hex
from oracles import image_at, with_holes

Labels = NDArray[np.int16]
SVG = "{http://www.w3.org/2000/svg}"
# How far a border moves when its turns are cut (half the diagonal of a quarter pixel) and removed.
TURNS = 0.354 + 0.5

label_pictures = arrays(
    np.int16, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(-1, 3)
)
strengths = st.sampled_from([0.1, 0.5, 1.0, 2.5, 100.0])


def picture(text: str) -> Labels:
    """Labels of digits; a dot is transparent."""
    rows = [[-1 if each == "." else int(each) for each in row] for row in text.split()]
    return np.array(rows, np.int16)


def blobs(seed: int, shape: tuple[int, int], n_labels: int = 4) -> Labels:
    """A tidy label picture: noise after a median filter, with transparent parts."""
    noise = np.random.default_rng(seed).integers(0, n_labels + 1, shape).astype(np.uint8)
    return np.asarray(cv2.medianBlur(noise, 5), np.int16) - 1


def rings_of(drawn: Outlines) -> Iterator[NDArray[np.float64]]:
    """Each ring in pixels, closed."""
    for begin, end in pairwise(drawn.ring_starts.tolist()):
        yield np.vstack((drawn.points[begin:end], drawn.points[begin])) / 2


def polygons_of(drawn: Outlines) -> NDArray[Any]:
    rings = list(rings_of(drawn))
    starts = np.concatenate(([0], np.cumsum([len(ring) for ring in rings])))
    points = np.concatenate([*rings, np.empty((0, 2))])
    return np.asarray(
        shapely.from_ragged_array(
            shapely.GeometryType.POLYGON, points, (starts, drawn.polygon_starts)
        )
    )


def rasterised(drawn: Outlines, values: NDArray[Any]) -> NDArray[np.int64]:
    """The sum of the values of the polygons that each pixel lies in; for exact edges.

    Along a row, each vertical edge that leads up enters its polygon, and one that leads down
    leaves it. So a gap gives 0, and an overlap a sum.
    """
    height, width = drawn.size
    steps = np.zeros((height, width + 1), np.int64)
    of_ring = np.repeat(values, np.diff(drawn.polygon_starts))
    for value, ring in zip(of_ring, rings_of(drawn), strict=True):
        for (x, y), (end_x, end_y) in pairwise(ring.astype(int).tolist()):
            assert (x == end_x) != (y == end_y), "an edge along no pixel"
            if end_y < y:
                steps[end_y:y, x] += value
            elif end_y > y:
                steps[y:end_y, x] -= value
    assert not steps.sum(axis=1).any()
    return steps.cumsum(axis=1)[:, :width]


def assert_a_coverage(drawn: Outlines, n_regions: int) -> NDArray[Any]:
    """Valid polygons, one for each region, without overlaps and with common points."""
    polygons = polygons_of(drawn)
    assert len(polygons) == n_regions
    assert shapely.is_valid(polygons).all() and not shapely.is_empty(polygons).any()
    assert shapely.coverage_is_valid(polygons)
    assert all(polygon.exterior.is_ccw for polygon in polygons)  # clockwise where y points down
    return polygons


# -- exact edges -----------------------------------------------------------------------------------


@given(label_pictures)
@example(picture("."))
@example(picture("0"))
@example(picture("01 10"))
@example(picture("0.0 .0. 0.0"))
@example(picture("000 010 001"))
def test_exact_outlines_are_the_regions(labels: Labels) -> None:
    drawn = outlines(labels)
    regions = measure(labels, np.zeros((*labels.shape, 3), np.uint8))
    polygons = assert_a_coverage(drawn, regions.n_regions)
    np.testing.assert_array_equal(drawn.areas, regions.area)
    np.testing.assert_array_equal(drawn.clusters, regions.cluster)
    np.testing.assert_allclose(shapely.area(polygons), regions.area, rtol=1e-12)
    np.testing.assert_array_equal(rasterised(drawn, regions.label), regions.label_image)
    boxes = regions.bbox[:, [1, 0, 3, 2]].reshape(-1, 4)
    np.testing.assert_array_equal(shapely.bounds(polygons).reshape(-1, 4), boxes)


@pytest.mark.parametrize(
    ("sample", "n_clusters"), [("flower", 6), ("china", 16), ("plate-6", 3), ("plate-74", 8)]
)
def test_outlines_of_samples_give_the_labels_back(sample: str, n_clusters: int) -> None:
    settings = kmseg.Settings(color_space="cielab", n_clusters=n_clusters)
    seg = kmseg.segment(with_holes(image_at(sample, 160), 1, 0.02), settings)
    drawn = outlines(seg.labels)
    np.testing.assert_array_equal(rasterised(drawn, drawn.clusters + 1), seg.labels + 1)
    areas = shapely.area(polygons_of(drawn))
    assert abs(areas.sum() / seg.pixel_counts.sum() - 1) < 1e-9
    by_cluster = np.bincount(drawn.clusters, areas, seg.n_clusters)
    np.testing.assert_allclose(by_cluster, seg.pixel_counts, rtol=1e-9)


def test_a_ring_that_touched_itself_at_a_corner_was_no_valid_polygon() -> None:
    """The hole in the middle touches the notch at the right: two rings, not one."""
    drawn = outlines(picture("0000 0100 0010 0000"))
    (polygon,) = (each for each in polygons_of(drawn) if each.area == 14)
    assert len(polygon.interiors) == 2 and polygon.is_valid
    drawn = outlines(picture("000 010 001"))
    polygon = polygons_of(drawn)[0]
    assert (polygon.area, len(polygon.interiors), polygon.is_valid) == (7, 1, True)


def test_parts_that_meet_only_at_a_corner_are_regions_of_their_own() -> None:
    drawn = outlines(picture("01 10"))
    assert drawn.areas.tolist() == [1, 1, 1, 1]
    assert drawn.clusters.tolist() == [0, 1, 1, 0]


# -- smoothing -------------------------------------------------------------------------------------


def check_smoothed(labels: Labels, strength: float) -> None:
    exact, smooth = outlines(labels), outlines(labels, strength)
    polygons = assert_a_coverage(smooth, len(exact.areas))
    np.testing.assert_array_equal(smooth.areas, exact.areas)
    np.testing.assert_array_equal(smooth.clusters, exact.clusters)
    height, width = labels.shape
    # What is transparent is smoothed as one more label, so that all areas add up to the picture's.
    whole = polygons_of(outlines(np.where(labels < 0, 9, labels).astype(np.int16), strength))
    assert abs(shapely.area(whole).sum() / labels.size - 1) < 1e-9
    assert shapely.union_all(whole).equals(shapely.box(0, 0, width, height))
    assert shapely.get_num_interior_rings(polygons).sum() == sum(
        len(polygon.interiors) for polygon in polygons_of(exact)
    )
    boundaries = shapely.boundary(polygons)
    for boundary, polygon in zip(boundaries, polygons_of(exact), strict=True):
        corners = shapely.points(shapely.get_coordinates(polygon))
        assert shapely.distance(corners, boundary).max() <= strength + TURNS


@given(label_pictures, strengths)
@example(picture("0000 0110 0110 0000"), 100.0)
@example(picture("00011 02211 00011"), 100.0)
@example(picture("01 10"), 100.0)
def test_smooth_outlines_fit_together(labels: Labels, strength: float) -> None:
    check_smoothed(labels, strength)


@pytest.mark.parametrize("strength", [0.25, 0.5, 1, 4])
def test_smooth_outlines_of_large_regions_fit_together(strength: float) -> None:
    check_smoothed(blobs(3, (90, 120)), strength)


def test_a_lens_between_two_regions_collapsed_to_a_line() -> None:
    """Two arcs joined the same two nodes, and each of them may become the straight line."""
    lens = picture("0001111 0001111 0002111 0022111 0022211 0002111 0001111 0001111")
    for strength in (0.5, 2, 100):
        polygons = polygons_of(outlines(lens, strength))
        assert len(polygons) == 3 and shapely.area(polygons).min() > 0
        check_smoothed(lens, strength)


@pytest.mark.parametrize("slope", [1, 2, 4, 7.3, 23.3])
def test_a_staircase_becomes_a_line(slope: float) -> None:
    y, x = np.mgrid[:60, :200] + 0.5
    below = outlines((x / slope > y + 0.3).astype(np.int16), export.SMOOTHING)
    line = shapely.LineString([(0.3 * slope, 0), (60.3 * slope, 60)])
    inside = [point for point in below.points / 2 if not (point == 0).any()]
    inside = [point for point in inside if point[0] < 200 and point[1] < 60]
    assert len(inside) <= 8 and all(line.distance(shapely.Point(p)) < 0.75 for p in inside)


def test_small_discs_became_diamonds() -> None:
    """Every point within the smoothing of a chord was removed, and a sixth of the area with it."""
    y, x = np.mgrid[:40, :40]
    disc = (np.hypot(x - 20, y - 20) <= 4).astype(np.int16)
    drawn = outlines(disc, export.SMOOTHING)
    area = shapely.area(polygons_of(drawn))[1]
    assert 0.93 < area / disc.sum() < 1.07


def test_a_long_diagonal_has_no_points_in_its_middle() -> None:
    side = 700
    drawn = outlines(np.tri(side, dtype=np.int16), 0.1)
    assert len(drawn.points) < 20


def test_edges_of_the_picture_stay() -> None:
    for labels in (picture("000 000"), picture("0.. 00. 000"), picture("001 011 111")):
        height, width = labels.shape
        polygons = polygons_of(outlines(np.where(labels < 0, 9, labels).astype(np.int16), 100))
        assert shapely.union_all(polygons).equals(shapely.box(0, 0, width, height))


# -- SVG -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["opaque", "holed", "merged"])
def seg(request: pytest.FixtureRequest) -> kmseg.Segmentation:
    image = image_at("flower", 120)
    if request.param == "holed":
        image = with_holes(image, 2, 0.05)
    found = kmseg.segment(image, kmseg.Settings(n_clusters=6))
    return found.merged([(0, 2)]) if request.param == "merged" else found


def made(seg: kmseg.Segmentation, key: str, smoothing: float = export.SMOOTHING) -> bytes:
    (download,) = (each for each in export.outlines(smoothing) if each.key == key)
    return download.make(seg, export.Context("a.png"))


def drawn_by_resvg(svg: bytes, background: str | None = None, zoom: float = 1) -> NDArray[Any]:
    data = bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg.decode(), background=background, zoom=zoom, skip_system_fonts=True
        )
    )
    return np.asarray(Pillow.open(io.BytesIO(data)).convert("RGBA"))


def test_the_svg_with_exact_edges_is_the_segmented_picture(seg: kmseg.Segmentation) -> None:
    pixels = drawn_by_resvg(made(seg, "svg", 0))
    expected = np.vstack((np.insert(seg.palette, 3, 255, axis=1), np.zeros((1, 4), np.uint8)))
    np.testing.assert_array_equal(pixels, expected[seg.labels])


def test_the_background_showed_through_between_the_shapes() -> None:
    """Where two shapes met, renderers blended both with the background: thin lines."""
    seg = kmseg.segment(image_at("flower", 120), kmseg.Settings(n_clusters=6))
    for smoothing in (0, 0.5, 2):
        for zoom in (0.5, 1, 1.7, 4):
            black, white = (
                drawn_by_resvg(made(seg, "svg", smoothing), color, zoom)[2:-2, 2:-2]
                for color in ("black", "white")
            )
            np.testing.assert_array_equal(black, white)


@pytest.mark.parametrize("smoothing", [0, 0.5, 2])
def test_the_svg_has_a_path_for_each_cluster(seg: kmseg.Segmentation, smoothing: float) -> None:
    content = made(seg, "svg", smoothing)
    root = ElementTree.fromstring(content)
    height, width = seg.labels.shape
    assert root.get("viewBox") == f"0 0 {width} {height}"
    shapes = list(root.iter(f"{SVG}path"))
    assert [path.get("fill") for path in shapes] == [to_hex(color) for color in seg.palette]
    titles = [path.findtext(f"{SVG}title") or "" for path in shapes]
    for title, name, share in zip(titles, seg.names, seg.shares, strict=True):
        assert title.startswith(f"Cluster {name}: ") and title.endswith(f"{share:.1%}")
    drawn = outlines(seg.labels, smoothing)
    rings = np.array(list(rings_of(drawn)), object)
    of_ring = np.repeat(drawn.clusters, np.diff(drawn.polygon_starts))
    for cluster, path in enumerate(shapes):
        found = list(path_rings(path.get("d") or ""))
        for ring, expected in zip(found, rings[of_ring == cluster], strict=True):
            np.testing.assert_allclose(ring, expected[:-1])


def path_rings(data: str) -> Iterator[NDArray[np.float64]]:
    """The rings of a path of the commands M, h, v, l and z."""
    for ring in data.split("z")[:-1]:
        commands = re.findall(r"([Mhvl])([^Mhvl]*)", ring)
        assert "".join(letter + text for letter, text in commands) == ring
        points = [(0.0, 0.0)]
        for letter, text in commands:
            values = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]
            if letter == "h":
                steps = [(x, 0.0) for x in values]
            elif letter == "v":
                steps = [(0.0, y) for y in values]
            else:
                steps = list(zip(values[::2], values[1::2], strict=True))
            for x, y in steps:
                points.append((points[-1][0] + x, points[-1][1] + y))
        yield np.array(points[1:])


def test_a_cluster_without_pixels_has_an_empty_path() -> None:
    halves = np.zeros((4, 6, 3), np.uint8)
    halves[:, 3:] = 255
    book = kmseg.segment(kmseg.Image(halves), kmseg.Settings(n_clusters=2)).codebook
    seg = book.predict(kmseg.Image(np.zeros((4, 6, 3), np.uint8)))
    root = ElementTree.fromstring(made(seg, "svg"))
    assert sorted(len(path.get("d") or "") > 0 for path in root.iter(f"{SVG}path")) == [False, True]
    assert len(json.loads(made(seg, "geojson"))["features"]) == 1


# -- GeoJSON ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0, 0.5])
def test_the_geojson_has_a_feature_for_each_region(
    seg: kmseg.Segmentation, smoothing: float
) -> None:
    found = json.loads(made(seg, "geojson", smoothing))
    regions = seg.regions()
    assert found["type"] == "FeatureCollection"
    assert [found["height"], found["width"]] == list(seg.labels.shape)
    assert len(found["features"]) == regions.n_regions
    polygons = [shapely.geometry.shape(feature["geometry"]) for feature in found["features"]]
    expected = polygons_of(outlines(seg.labels, smoothing))
    assert shapely.equals_exact(polygons, expected).all()
    rows = tables.cluster_rows(seg)
    for i, feature in enumerate(found["features"]):
        row = rows[regions.cluster[i]]
        assert feature["properties"] == {
            "region": regions.label[i],
            "cluster": row["cluster"],
            "color": row["hex"],
            "area": regions.area[i],
            "share": pytest.approx(regions.area[i] / seg.pixel_counts.sum(), abs=1e-9),
        }
        for ring in feature["geometry"]["coordinates"]:
            assert len(ring) >= 4 and ring[0] == ring[-1]
        assert polygons[i].exterior.is_ccw and not any(h.is_ccw for h in polygons[i].interiors)


def test_the_command_line_smooths_as_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), image_at("flower", 60).pixels[..., ::-1])
    seg = kmseg.segment(kmseg.read_image(tmp_path / "a.png"), kmseg.Settings(n_clusters=3))
    line = f"-i {tmp_path / 'a.png'} -n 3 --save svg,geojson --force --out {tmp_path}".split()
    for extra, smoothing in (((), 0.4), (("--smoothing", "0"), 0), (("--smoothing=2.5",), 2.5)):
        assert main([*line, *extra]) == 0
        for key in ("svg", "geojson"):
            (path,) = tmp_path.glob(f"*_outlines.{key}")
            assert path.read_bytes() == made(seg, key, smoothing)
    capsys.readouterr()
    for wrong in ("-1", "nan", "101", "much"):
        assert main([*line, f"--smoothing={wrong}"]) == 2
        said = capsys.readouterr().err
        assert f"--smoothing: must be a number from 0 to 100, not '{wrong}'" in said


# -- refusals --------------------------------------------------------------------------------------


def test_a_picture_of_specks_is_refused() -> None:
    specks = (np.indices((400, 600)).sum(axis=0) % 2).astype(np.int16)
    with pytest.raises(RegionsError, match=r"240,000 regions have 2\d\d,\d{3}.*smallest region"):
        outlines(specks)


def test_too_many_corners_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traced, "MAX_CORNERS", 10)
    outlines(picture("01"))
    with pytest.raises(RegionsError, match="at most 10 corners"):
        outlines(picture("0101 1010"))


def test_outlines_that_were_refused_kept_all_other_files_from_being_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(traced, "MAX_REGIONS", 3)
    cv2.imwrite(str(tmp_path / "a.png"), image_at("flower", 40).pixels)
    line = f"-i {tmp_path / 'a.png'} -n 3 --out {tmp_path / 'out'} --save"
    assert main([*line.split(), "svg"]) == 2
    said = capsys.readouterr().err
    assert "--save svg: Outlines are drawn for at most 3 regions" in said
    assert said.count("\n") == 1 and not (tmp_path / "out").exists()
    assert main([*line.split(), "all"]) == 0
    said = capsys.readouterr().err
    assert "--save svg: " in said and "--save geojson: " in said
    names = {path.suffix for path in (tmp_path / "out").iterdir()}
    assert {".png", ".csv", ".json", ".zip"} <= names and not {".svg", ".geojson"} & names
