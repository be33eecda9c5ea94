"""Files of regions, read back by other programs' readers or by their documented format."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy import ndimage

import kmseg
from kmseg.output import export, objects
from kmseg.output.objects import run_lengths
from kmseg.settings import Settings, to_hex
from oracles import decoded, image_at, with_holes
from regions import components, label_pictures


@pytest.fixture(scope="module")
def seg() -> kmseg.Segmentation:
    image = with_holes(image_at("flower", 150), 4)
    seg = kmseg.segment(image, Settings(n_clusters=6, smallest_region=12))
    return seg.merged([[1, 3]])


def checkerboard(side: int) -> kmseg.Segmentation:
    """One with as many regions as pixels."""
    odd = np.indices((side, side)).sum(axis=0) % 2
    return kmseg.segment(kmseg.Image(np.dstack([odd * 255] * 3).astype(np.uint8)))


def made(seg: kmseg.Segmentation, key: str) -> bytes:
    download = next(each for each in export.DOWNLOADS if each.key == key)
    return download.make(seg, export.Context("flower.png"))


def test_the_table_has_the_regions(seg: kmseg.Segmentation) -> None:
    rows = list(csv.DictReader(io.StringIO(made(seg, "objects").decode("ascii"), newline="")))
    regions = seg.regions()
    assert len(rows) == regions.n_regions > 20
    columns: dict[str, NDArray[Any]] = {
        "label": regions.label,
        "area": regions.area,
        "percent": 100 * regions.area / seg.pixel_counts.sum(),
        "perimeter": regions.perimeter,
        "eccentricity": regions.eccentricity,
        "touches_border": regions.touches_border,
    }
    for name in ("centroid", "bbox", "mean_color"):
        for i, column in enumerate(getattr(regions, name).T):
            columns[f"{name}-{i}"] = column
    assert set(rows[0]) == {*columns, "cluster", "hex"}
    for name, column in columns.items():
        np.testing.assert_allclose([float(row[name]) for row in rows], column, atol=1e-4)
    assert [row["cluster"] for row in rows] == [seg.names[k] for k in regions.cluster]
    assert any("+" in row["cluster"] for row in rows)
    assert [row["hex"] for row in rows] == [to_hex(c) for c in np.rint(regions.mean_color)]


def test_the_label_picture_has_16_bits(seg: kmseg.Segmentation) -> None:
    data = made(seg, "objects_labels")
    found = tifffile.imread(io.BytesIO(data))
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, seg.regions().label_image)
    with Pillow.open(io.BytesIO(data)) as picture:
        np.testing.assert_array_equal(np.asarray(picture), found)
    assert (found == 0).any()


def test_the_label_picture_has_32_bits_where_16_are_too_few() -> None:
    found = tifffile.imread(io.BytesIO(made(checkerboard(260), "objects_labels")))
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found.ravel(), np.arange(1, 260**2 + 1))


def mask_of(segmentation: dict[str, Any]) -> NDArray[np.bool_]:
    """Decode COCO's uncompressed run lengths: column by column, first the pixels outside."""
    height, width = segmentation["size"]
    counts = segmentation["counts"]
    inside = np.arange(len(counts)) % 2 == 1
    return np.repeat(inside, counts).reshape(width, height).T


def test_coco_annotations_are_the_regions(seg: kmseg.Segmentation) -> None:
    coco = json.loads(made(seg, "objects_coco"))
    regions, image = seg.regions(), seg.image
    assert image is not None and set(coco) == {"images", "categories", "annotations"}
    assert coco["images"] == [
        {"id": 1, "file_name": "flower.png", "width": image.width, "height": image.height}
    ]
    names = {category["id"]: category["name"] for category in coco["categories"]}
    assert names == {n: f"cluster {name}" for n, name in zip(seg.numbers, seg.names, strict=True)}
    assert len(coco["annotations"]) == regions.n_regions
    for annotation in coco["annotations"]:
        mask = mask_of(annotation["segmentation"])
        label = annotation["id"]
        np.testing.assert_array_equal(mask, regions.label_image == label)
        assert annotation["area"] == mask.sum()
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert annotation["bbox"] == [
            columns[0],
            rows[0],
            len(range(*_ends(columns))),
            len(range(*_ends(rows))),
        ]
        assert annotation["category_id"] == seg.numbers[regions.cluster[label - 1]]
        assert annotation["image_id"] == 1 and annotation["iscrowd"] == 0


def _ends(indices: NDArray[np.intp]) -> tuple[int, int]:
    return int(indices[0]), int(indices[-1]) + 1


@given(label_pictures())
def test_run_lengths_are_those_of_each_region(labels: NDArray[np.int16]) -> None:
    found = components(labels)
    every = list(run_lengths(found, found.max()))
    assert len(every) == found.max()
    for number, counts in enumerate(every, start=1):
        mask = mask_of({"size": labels.shape, "counts": counts})
        np.testing.assert_array_equal(mask, found == number)
        assert all(counts[1:])


def test_numbers_stand_in_their_regions() -> None:
    """The centroid of a bent region lies outside of it."""
    pixels = np.full((200, 200, 3), 240, np.uint8)
    pixels[20:180, 20:60] = pixels[20:60, 20:180] = (20, 60, 20)
    pixels[100:180, 100:180] = (200, 20, 20)
    seg = kmseg.segment(kmseg.Image(pixels), Settings(n_clusters=3))
    regions = seg.regions()
    assert regions.n_regions == 3
    drawn = decoded(made(seg, "objects_numbered"))
    changed = (drawn != pixels).any(axis=2)
    for label in regions.label:
        inside = regions.label_image == label
        assert changed[ndimage.binary_erosion(inside, iterations=4)].any()


def test_too_many_objects_are_refused_in_a_sentence() -> None:
    many = checkerboard(460)
    assert many.regions().n_regions > objects.MAX_OBJECTS
    with pytest.raises(kmseg.KmsegError, match=r"at most 200,000, not 211,600; remove small"):
        made(many, "objects")


def test_the_archive_has_no_objects(seg: kmseg.Segmentation) -> None:
    assert not any(each.in_archive for each in export.DOWNLOADS if each.key.startswith("objects"))
