"""Python, command line, link, page and files have the same numbers for one picture."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import numpy as np
import pytest
import shapely
import skimage.data
import skimage.measure
import tifffile
from streamlit.testing.v1 import AppTest

import kmseg
from inprocess import component, counts, open_page, png, recorded, rerun
from kmseg.cli import main
from kmseg.output import export
from kmseg.ui import failures
from kmseg.ui.session import Key
from oracles import decoded
from test_objects import mask_of
from test_outlines import path_rings
from test_page_regions import fetched
from test_printout import Report

pytestmark = pytest.mark.xdist_group("agreement")  # the fixtures are made once

SETTINGS = kmseg.Settings(color_space="cielab", n_clusters=2, smallest_region=50, fill_holes=(2,))
CORNERS = ((12, 8), (376, 21), (371, 297), (6, 271))  # no centre of a pixel lies on an edge
READING = kmseg.Reading(region=CORNERS)
KINDS = "objects,objects-labels,objects-coco,objects-report,counts,labels,svg,geojson,settings"
OPTIONS = (
    "-s cielab -n 2 --smallest-region 50 --fill-holes 2 --region 12.8_376.21_371.297_6.271 "
    f"--json --save {KINDS} --smoothing 0 --pixels-per-mm 12.5"
)
SCALE = 12.5


@pytest.fixture(scope="module")
def file() -> bytes:
    return png(skimage.data.coins())


@pytest.fixture(scope="module")
def seg(file: bytes) -> kmseg.Segmentation:
    return kmseg.segment(kmseg.read_image(file, reading=READING), SETTINGS)


@pytest.fixture(scope="module")
def regions(seg: kmseg.Segmentation) -> kmseg.regions.Regions:
    return seg.regions()


@pytest.fixture(scope="module")
def expected(seg: kmseg.Segmentation) -> list[Any]:
    """What scikit-image measures; pixels outside the region of interest are background."""
    numbered = skimage.measure.label(seg.labels + 1, connectivity=1)
    return list(skimage.measure.regionprops(numbered, skimage.data.coins()))


@dataclass(frozen=True, slots=True)
class Saved:
    """What the command line printed and saved."""

    printed: dict[str, Any]
    folder: Path

    def content(self, suffix: str) -> bytes:
        (path,) = self.folder.glob(f"*_{suffix}")
        return path.read_bytes()

    def rows(self, suffix: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.content(suffix).decode(), newline="")))


@pytest.fixture(scope="module")
def saved(file: bytes, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    folder = tmp_path_factory.mktemp("agreement")
    (folder / "coins.png").write_bytes(file)
    results = folder / "results"
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", printed)
        arguments = ["-i", str(folder / "coins.png"), *OPTIONS.split(), "--out", str(results)]
        assert main(arguments) == 0
    return Saved(json.loads(printed.getvalue()), results)


def opened(file: bytes, query: dict[str, str]) -> AppTest:
    """The page of a link, after its reader has uploaded the picture."""
    app = open_page(**query)
    app.file_uploader(key="uploads").upload("coins.png", file)
    return rerun(app)


def test_python_counts_the_coins(
    seg: kmseg.Segmentation, regions: kmseg.regions.Regions, expected: list[Any]
) -> None:
    polygon = shapely.Polygon(CORNERS)
    y, x = np.indices(seg.labels.shape) + 0.5
    np.testing.assert_array_equal(seg.labels >= 0, shapely.contains_xy(polygon, x, y))
    assert seg.pixel_counts.tolist() == np.bincount(seg.labels[seg.labels >= 0]).tolist()
    assert regions.n_regions == len(expected) > 20
    assert regions.area.min() >= 50
    assert regions.area.tolist() == [one.area for one in expected]
    assert regions.bbox.tolist() == [list(one.bbox) for one in expected]
    assert regions.centroid.tolist() == [list(one.centroid) for one in expected]


def test_what_the_command_line_prints_is_what_python_has(
    seg: kmseg.Segmentation, saved: Saved
) -> None:
    printed = saved.printed
    assert printed["pixel_counts"] == seg.pixel_counts.tolist()
    assert printed["settings"] == SETTINGS.to_dict()
    assert printed["reading"] == READING.to_dict()
    assert printed["inertia"] == seg.inertia
    assert printed["size"] == [384, 303]
    np.testing.assert_array_equal(printed["centroids"], seg.centroids)


def test_the_table_of_objects_is_what_scikit_image_measures(
    regions: kmseg.regions.Regions, expected: list[Any], saved: Saved
) -> None:
    rows = saved.rows("objects.csv")
    columns: dict[str, Callable[[Any], float]] = {
        "label": lambda one: one.label,
        "area": lambda one: one.area,
        "percent": lambda one: 100 * one.area / regions.area.sum(),
        "perimeter": lambda one: one.perimeter,
        "eccentricity": lambda one: one.eccentricity,
        "mean_color-0": lambda one: one.intensity_mean,
        "area_mm2": lambda one: one.area / SCALE**2,
        "perimeter_mm": lambda one: one.perimeter / SCALE,
        "centroid_mm-0": lambda one: one.centroid[0] / SCALE,
        "centroid_mm-1": lambda one: one.centroid[1] / SCALE,
    }
    columns |= {f"bbox-{i}": lambda one, i=i: one.bbox[i] for i in range(4)}
    columns |= {f"centroid-{i}": lambda one, i=i: one.centroid[i] for i in range(2)}
    for name, of in columns.items():
        found = [float(row[name]) for row in rows]
        np.testing.assert_allclose(found, [of(one) for one in expected], atol=6e-5, err_msg=name)


def test_label_pictures_have_the_labels(
    seg: kmseg.Segmentation, regions: kmseg.regions.Regions, saved: Saved
) -> None:
    objects = tifffile.imread(io.BytesIO(saved.content("objects-labels.tif")))
    np.testing.assert_array_equal(objects, regions.label_image)
    labels = decoded(saved.content("labels.png"))
    expected = np.vstack((seg.palette, np.zeros((1, 3), np.uint8)))[seg.labels]
    np.testing.assert_array_equal(labels[..., :3][seg.labels >= 0], expected[seg.labels >= 0])
    assert (labels[..., 3] > 0).tolist() == (seg.labels >= 0).tolist()


def test_coco_masks_are_the_objects(regions: kmseg.regions.Regions, saved: Saved) -> None:
    coco = json.loads(saved.content("objects-coco.json"))
    assert [one["area"] for one in coco["annotations"]] == regions.area.tolist()
    for one in coco["annotations"]:
        mask = mask_of(one["segmentation"])
        np.testing.assert_array_equal(mask, regions.label_image == one["id"])


def test_counts_and_outlines_have_the_pixels_of_the_clusters(
    seg: kmseg.Segmentation, regions: kmseg.regions.Regions, saved: Saved
) -> None:
    pixels = seg.pixel_counts.tolist()
    assert [int(row["pixels"]) for row in saved.rows("counts.csv")] == pixels
    root = ElementTree.fromstring(saved.content("outlines.svg"))
    paths = [path.get("d") or "" for path in root.iter("{http://www.w3.org/2000/svg}path")]
    assert [_area(path) for path in paths] == pixels
    features = json.loads(saved.content("outlines.geojson"))["features"]
    drawn = [shapely.geometry.shape(one["geometry"]).area for one in features]
    assert drawn == [one["properties"]["area"] for one in features] == regions.area.tolist()
    clusters = [int(one["properties"]["cluster"]) - 1 for one in features]
    assert clusters == regions.cluster.tolist()


def _area(path: str) -> float:
    """The area of rings of a path: holes run the other way round."""
    total = 0.0
    for ring in path_rings(path):
        x, y = ring.T
        total += float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    return abs(total)


def test_the_report_has_the_objects(regions: kmseg.regions.Regions, saved: Saved) -> None:
    rows = Report(saved.content("objects-report.html")).objects
    areas = {int(row["No."]): int(row["Area"].replace(",", "")) for row in rows}
    assert areas == dict(zip(regions.label.tolist(), regions.area.tolist(), strict=True))


def test_the_link_of_the_report_opens_the_same_segmentation(
    file: bytes, seg: kmseg.Segmentation, saved: Saved
) -> None:
    report = Report(saved.content("objects-report.html"))
    (link,) = (text for text in report.text_of("code") if text.startswith("?"))
    query = dict(parse_qsl(link.removeprefix("?")))
    assert query["scale"] == "12.5"
    app = opened(file, query)
    assert not app.warning and not app.error
    assert component(app, "kmseg_viewer")["counts"] == seg.pixel_counts.tolist()
    listed = component(app, "kmseg_objects")
    assert listed["n"] == seg.regions().n_regions
    table = fetched(listed["table"])
    areas = np.frombuffer(table, "<u4", listed["n"], 8 * listed["n"])
    assert areas.tolist() == seg.regions().area.tolist()


def test_downloads_of_the_page_are_the_files_of_the_command_line(
    file: bytes, saved: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = recorded(monkeypatch, (failures, "in_download"))
    link = SETTINGS.to_query() | READING.to_query() | {"picture": "upload", "scale": "12.5"}
    app = opened(file, link | {"view": "download", "smoothing": "0"})
    titles = [button.label for button in app.get("download_button")]
    made = dict(zip(titles, [call for _, call in calls[-len(titles) :]], strict=True))
    downloads = {each.key: each for each in export.DOWNLOADS}
    for kind in KINDS.split(","):
        download = downloads[kind.replace("-", "_")]
        content, wanted = made[download.title](), saved.content(download.suffix.removeprefix("_"))
        if kind == "settings":
            content, wanted = (
                re.sub(rb'"seconds": {[^}]*}', b"", text) for text in (content, wanted)
            )
        assert content == wanted, kind


def test_saved_settings_reopened_give_the_same_segmentation(
    file: bytes, seg: kmseg.Segmentation, saved: Saved
) -> None:
    (path,) = saved.folder.glob("*_settings.json")
    found = kmseg.read_settings(path)
    assert found.settings == SETTINGS and found.reading == READING
    again = kmseg.segment(kmseg.read_image(file, reading=found.reading), found.settings)
    np.testing.assert_array_equal(again.labels, seg.labels)
    app = opened(file, {"picture": "upload", "n_clusters": "5"})
    app.file_uploader(key=Key.SETTINGS_FILE).upload("settings.json", path.read_bytes())
    rerun(app)
    assert counts(app) == seg.pixel_counts.tolist()
