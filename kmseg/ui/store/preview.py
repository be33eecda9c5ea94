"""What the page shows of one segmentation, and the files that it offers."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg import explore
from kmseg.output import cloud, encode, export
from kmseg.segmentation import Segmentation
from kmseg.ui.server import gates
from kmseg.ui.server.gates import slot, stop_if_cancelled
from kmseg.ui.store import caches
from kmseg.ui.store.pictures import Picture, key_of, pixels_of
from kmseg.ui.store.results import data, with_alpha

# The longest side of a region that is shown at full size, in pixels.
REGION_SIDE: Final = 2400

# Left, top, right, bottom, in pixels.
Box = tuple[int, int, int, int]


def previews(
    picture: Picture, seg: Segmentation
) -> tuple[tuple[bytes, str], bytes, tuple[int, int]]:
    """Original with its MIME type, labels as indexed PNG, and their size (width, height)."""
    width = seg.settings.width
    made = data(picture, width)
    labels: bytes = caches.results().get(
        key_of(picture, width),
        lambda: encode.indexed_png(seg.labels_on(made.preview), seg.palette),
        stop_if_cancelled,
        part=("labels", seg.settings),
    )
    return made.original, labels, (len(made.preview.columns), len(made.preview.rows))


def region(picture: Picture, seg: Segmentation, wanted: Box) -> tuple[Box, bytes, bytes]:
    """A region at full size: where it lies, and its original and its labels as PNG."""
    width = seg.settings.width
    made = data(picture, width)
    box = left, top, right, bottom = within(made.width, made.height, wanted)

    def make() -> tuple[bytes, bytes]:
        rows, columns = slice(top, bottom), slice(left, right)
        with pixels_of(picture, width) as image, slot():
            labels = replace(seg, image=image).labels_at(rows, columns)
            original = encode.png(with_alpha(image, rows, columns))
            return original, encode.indexed_png(labels, seg.palette)

    original, labels = caches.results().get(
        key_of(picture, width), make, stop_if_cancelled, part=("region", seg.settings, box)
    )
    return box, original, labels


def within(width: int, height: int, wanted: Box) -> Box:
    """The part of a box that lies in a picture, at most ``REGION_SIDE`` a side.

    Any whole numbers give at least one pixel.
    """

    def side(low: int, high: int, size: int) -> tuple[int, int]:
        middle = min(max((low + high) // 2, 0), size)
        half = min(max((high - low) // 2, 1), REGION_SIDE // 2)
        return max(min(middle - half, size - 1), 0), min(middle + half, size)

    (left, right), (top, bottom) = (
        side(wanted[0], wanted[2], width),
        side(wanted[1], wanted[3], height),
    )
    return left, top, right, bottom


def residual(picture: Picture, seg: Segmentation) -> NDArray[np.float64]:
    """Colour difference (Delta E) between original and segmentation at each preview pixel."""
    made = data(picture, seg.settings.width)
    with slot():
        return explore.residual(seg, made.preview)


def color_cloud(picture: Picture, seg: Segmentation, space: str, n_points: int) -> cloud.Cloud:
    """A picture's colours in a space, at most ``n_points``, with the clusters of a segmentation."""
    width = seg.settings.width
    data(picture, width)  # the points are cached as a part of it

    def make() -> cloud.Points:
        with slot():
            return cloud.points(seg.histogram, space, n_points)

    points: cloud.Points = caches.results().get(
        key_of(picture, width), make, stop_if_cancelled, part=("cloud", space, n_points)
    )
    return cloud.color_cloud(seg, points)


def file(
    picture: Picture, seg: Segmentation, download: export.Download, context: export.Context
) -> bytes:
    """The content of a file for download."""
    with pixels_of(picture, seg.settings.width):
        pass  # decode before taking the slot, so that files of small pictures do not wait
    with gates.FILES.admitted(stop_if_cancelled), pixels_of(picture, seg.settings.width) as image:
        return download.make(replace(seg, image=image), context)
