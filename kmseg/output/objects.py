"""The regions of a segmentation as files: table, label picture, COCO annotations, numbered picture.

Objects are numbered as in ``Regions.label``: from 1, in raster order of their first pixel.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from kmseg.errors import RegionsError
from kmseg.output.encode import json_bytes
from kmseg.output.render import Pixels, outlined, picture_of
from kmseg.settings import to_hex

if TYPE_CHECKING:
    from kmseg.regions import Regions
    from kmseg.segmentation import Segmentation

MAX_OBJECTS: Final = 200_000
"""The largest number of objects in a file."""

_MAX_16_BIT: Final = 2**16 - 1
# The font size of numbers, in pixels, and the picture's pixels a side for each pixel of it.
_FONT_SIZES: Final = (11, 48)
_SIDE_PER_SIZE: Final = 60


def measured(seg: Segmentation) -> Regions:
    """The regions of a segmentation, for a file.

    Raises
    ------
    RegionsError
        There are more than ``MAX_OBJECTS``.
    """
    regions = seg.regions()
    if regions.n_regions > MAX_OBJECTS:
        raise RegionsError(
            f"objects: a file holds at most {MAX_OBJECTS:,}, not {regions.n_regions:,}; remove "
            "small regions first, for example those of less than 20 pixels"
        )
    return regions


def objects_csv(seg: Segmentation, pixels_per_mm: float = 0.0) -> bytes:
    """The regions as CSV (RFC 4180), one row each, with columns named as by ``regionprops_table``.

    ``cluster`` is the name in the table of clusters, ``area`` in pixels and ``percent`` of the
    clustered ones; rows and columns start at 0 at the top left; ``bbox-2`` and ``bbox-3`` are
    exclusive. With a scale, ``area_mm2``, ``perimeter_mm`` and ``centroid_mm`` are not rounded.
    """
    regions = measured(seg)
    names = np.array(seg.names)[regions.cluster].tolist()
    share = 100 * regions.area / seg.pixel_counts.sum()
    colors = np.rint(regions.mean_color).astype(np.uint8)
    columns: dict[str, list[Any]] = {
        "label": regions.label.tolist(),
        "cluster": names,
        "area": regions.area.tolist(),
        "percent": share.round(6).tolist(),
        **{
            f"centroid-{i}": column.round(4).tolist() for i, column in enumerate(regions.centroid.T)
        },
        **{f"bbox-{i}": column.tolist() for i, column in enumerate(regions.bbox.T)},
        "perimeter": regions.perimeter.round(4).tolist(),
        "eccentricity": regions.eccentricity.round(6).tolist(),
        **{
            f"mean_color-{i}": column.round(4).tolist()
            for i, column in enumerate(regions.mean_color.T)
        },
        "hex": [to_hex(color) for color in colors.tolist()],
        "touches_border": regions.touches_border.astype(int).tolist(),
    }
    if pixels_per_mm:
        columns["area_mm2"] = (regions.area / pixels_per_mm**2).tolist()
        for name in ("perimeter", "centroid-0", "centroid-1"):
            length, dash, axis = name.partition("-")
            columns[f"{length}_mm{dash}{axis}"] = [v / pixels_per_mm for v in columns[name]]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return buffer.getvalue().encode("ascii")


def objects_tiff(seg: Segmentation) -> bytes:
    """The picture of object numbers as a TIFF; 0 is no object.

    It has 16 bits without sign, or 32 with it if there are more than 65,535 objects.
    """
    from PIL import Image as Pillow

    regions = measured(seg)
    large = regions.n_regions > _MAX_16_BIT
    pixels = regions.label_image.astype(np.int32 if large else np.uint16)
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "TIFF", compression="tiff_adobe_deflate")
    return buffer.getvalue()


def objects_coco(seg: Segmentation, picture: str) -> bytes:
    """The regions as COCO annotations (https://cocodataset.org/#format-data).

    Each has its mask as uncompressed run lengths: the picture column by column, first the pixels
    outside. A category is a cluster, with its number in label pictures. ``bbox`` is left, top,
    width, height.
    """
    image, regions = picture_of(seg), measured(seg)
    size = [image.height, image.width]
    left, top = regions.bbox[:, 1], regions.bbox[:, 0]
    boxes = np.column_stack((left, top, regions.bbox[:, 3] - left, regions.bbox[:, 2] - top))
    annotations = [
        {
            "id": label,
            "image_id": 1,
            "category_id": seg.numbers[cluster],
            "segmentation": {"size": size, "counts": counts},
            "area": area,
            "bbox": box,
            "iscrowd": 0,
        }
        for label, cluster, area, box, counts in zip(
            regions.label.tolist(),
            regions.cluster.tolist(),
            regions.area.tolist(),
            boxes.tolist(),
            run_lengths(regions.label_image, regions.n_regions),
            strict=True,
        )
    ]
    categories = [
        {"id": number, "name": f"cluster {name}", "supercategory": "cluster"}
        for number, name in sorted(zip(seg.numbers, seg.names, strict=True))
    ]
    shown = {"id": 1, "file_name": picture, "width": image.width, "height": image.height}
    return json_bytes({"images": [shown], "categories": categories, "annotations": annotations})


def run_lengths(label_image: NDArray[np.int32], n_regions: int) -> Iterator[list[int]]:
    """The run lengths of each region's mask, column by column: outside, inside, outside, ..."""
    flat = label_image.ravel(order="F")
    starts = np.flatnonzero(np.diff(flat, prepend=-1))
    labels, lengths = flat[starts], np.diff(starts, append=len(flat))
    order = np.argsort(labels, kind="stable")[np.count_nonzero(labels == 0) :]
    labels, starts, lengths = labels[order], starts[order], lengths[order]
    first = np.diff(labels, prepend=0) > 0
    ends = starts + lengths
    gaps = starts - np.where(first, 0, np.concatenate(([0], ends[:-1])))
    runs = np.column_stack((gaps, lengths)).reshape(-1)
    edges = np.append(2 * np.flatnonzero(first), len(runs)).tolist()
    for i in range(n_regions):
        counts: list[int] = runs[edges[i] : edges[i + 1]].tolist()
        rest = len(flat) - sum(counts)
        yield [*counts, rest] if rest else counts


def objects_overlay(seg: Segmentation) -> Pixels:
    """The original with the outlines of objects, and their numbers in those with room for them.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3), or (H, W, 4) if any pixel is transparent
    """
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    image, regions = picture_of(seg), measured(seg)
    canvas = Pillow.fromarray(outlined(image, regions.label_image))
    draw = ImageDraw.Draw(canvas)
    least, most = _FONT_SIZES
    size = min(max(max(image.width, image.height) // _SIDE_PER_SIZE, least), most)
    font = ImageFont.load_default(size=size)
    top, left, bottom, right = regions.bbox.T
    digits = np.floor(np.log10(regions.label)) + 1
    has_room = (bottom - top > size) & (right - left > 0.7 * size * digits)
    for i in np.flatnonzero(has_room).tolist():
        row, column = inside(regions, i)
        draw.text(
            (column, row),
            str(regions.label[i]),
            fill="white",
            font=font,
            anchor="mm",
            stroke_width=max(1, size // 10),
            stroke_fill="black",
        )
    return np.asarray(canvas)


def inside(regions: Regions, i: int) -> tuple[int, int]:
    """A pixel of a region: the centroid, or the middle of the longest run in the middle row."""
    row, column = np.rint(regions.centroid[i]).astype(int).tolist()
    if regions.label_image[row, column] == regions.label[i]:
        return row, column
    top, left, bottom, right = regions.bbox[i].tolist()
    row = (top + bottom) // 2
    own = np.pad(regions.label_image[row, left:right] == regions.label[i], 1)
    starts, ends = np.flatnonzero(np.diff(own.astype(np.int8))).reshape(-1, 2).T
    longest = np.argmax(ends - starts)
    return row, left + int(starts[longest] + ends[longest] - 1) // 2
