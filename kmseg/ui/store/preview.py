"""Previews, regions, views and downloads of one segmentation."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg import explore
from kmseg.color import COLOR_SPACES
from kmseg.color.vision import DEFICIENCIES, simulated
from kmseg.labeling import ByColor
from kmseg.output import cloud, code, encode, export
from kmseg.output.labelcodec import checksum, encode_labels
from kmseg.segmentation import Segmentation
from kmseg.settings import Language, Settings
from kmseg.ui.server import gates
from kmseg.ui.server.gates import slot, stop_if_cancelled
from kmseg.ui.store import caches
from kmseg.ui.store.addresses import Content, Wanted, address_of
from kmseg.ui.store.pictures import Picture, key_of, pixels_of
from kmseg.ui.store.results import PictureData, as_seen, data, part_of
from kmseg.ui.store.store import Key

# The longest side of a region as sent, in pixels.
REGION_SIDE: Final = 2400
# The longest side of a simulation of colour vision, in pixels.
VISION_SIDE: Final = 480
# Originals of regions up to this many pixels are sent lossless, larger ones lossy.
EXACT_PIXELS: Final = 250_000
# The exact pixels of a preview are sent in this many stripes, so other transfers can go between.
N_STRIPES: Final = 16

_WEBP: Final = "image/webp"
_LABELS: Final = "application/octet-stream"

# Left, top, right, bottom, in pixels.
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """Data with which a browser that has a preview's exact pixels can compute their labels.

    Attributes
    ----------
    pixels : str
        Base address of the pixels: "0" to "15" below it are stripes of the preview from the top,
        whose heights differ by at most one row. Pixels that are not clustered are transparent.
    centroids : ndarray of float64, shape (K, D)
        A pixel's label is the index of the nearest centroid; ties go to the lowest index.
    columns : tuple of int
        Indices of the D clustered coordinates of the colour space.
    checksum : int
        :func:`kmseg.output.labelcodec.checksum` of the labels, to detect different rounding in the
        browser.
    """

    pixels: str
    centroids: NDArray[np.float64]
    columns: tuple[int, ...]
    checksum: int


@dataclass(frozen=True, slots=True, eq=False)
class Previews:
    """Previews of a picture and its segmentation for the viewer.

    Attributes
    ----------
    original, labels : str
        Addresses of the original, which may be lossy, and of the labels.
    width, height : int
        Their size, in pixels.
    nearest : Nearest or None
        None if labels depend on more than a pixel's colour.
    """

    original: str
    labels: str
    width: int
    height: int
    nearest: Nearest | None


def previews(picture: Picture, seg: Segmentation) -> Previews:
    """Addresses of a segmentation's previews, which are encoded at the first request.

    It is one without merges, or a tidied one, with or without. Each cluster's label is the first of
    its members.
    """
    key = key_of(picture, seg.settings.width)
    made = data(picture, seg.settings.width)
    about_picture = address_of(Wanted(key, "picture", _of_picture))
    nearest = None
    if isinstance(seg.labeling, ByColor):
        nearest = Nearest(
            about_picture,
            seg.centroids,
            COLOR_SPACES[seg.settings.color_space].selected(seg.settings.channels),
            checksum(seg.color_labels, made.preview.colors),
        )
    return Previews(
        f"{about_picture}/original",
        f"{address_of(Wanted(key, part_of(seg), _labels))}/labels",
        len(made.preview.columns),
        len(made.preview.rows),
        nearest,
    )


def preview_pixels(picture: Picture, width: int) -> tuple[str, int, int]:
    """Base address of a preview's exact pixels, see :class:`Nearest`, and its width and height."""
    made = data(picture, width)
    address = address_of(Wanted(key_of(picture, width), "picture", _of_picture))
    return address, len(made.preview.columns), len(made.preview.rows)


def _of_picture(key: Key, _: Hashable, name: str) -> Content | None:
    made: PictureData | None = caches.results().find(key)
    if made is None:
        return None
    if name == "original":
        return made.original, _WEBP
    if name not in map(str, range(N_STRIPES)):
        return None
    rows = made.preview.colors[_stripe(int(name), len(made.preview.rows))]
    if not len(rows):
        return None
    with slot():
        pixels = made.histogram.colors[rows]  # index -1, a transparent pixel, gets any colour
        if rows.min() < 0:
            pixels = np.dstack((pixels, np.where(rows < 0, np.uint8(0), np.uint8(255))))
        return encode.webp(pixels, exact=True), _WEBP


def _stripe(number: int, height: int) -> slice:
    return slice(number * height // N_STRIPES, (number + 1) * height // N_STRIPES)


def _labels(key: Key, part: Hashable, name: str) -> Content | None:
    made: PictureData | None = caches.results().find(key)
    seg: Segmentation | None = caches.results().find(key, part)
    if made is None or seg is None or name != "labels":
        return None

    def make() -> bytes:
        with slot():
            return _encoded(seg, seg.labels_on(made.preview))

    return caches.results().get(key, make, part=("labels", part)), _LABELS


def _encoded(seg: Segmentation, labels: NDArray[np.int16]) -> bytes:
    return encode_labels(seg.in_members(labels), sum(map(len, seg.members)))


@dataclass(frozen=True, slots=True)
class Region:
    """A region of a picture at the resolution of the screen.

    Attributes
    ----------
    box : Box
        Its position in the picture.
    original, labels : str
        Addresses of the original and of the labels.
    exact : bool
        Whether the original is lossless and not reduced.
    """

    box: Box
    original: str
    labels: str
    exact: bool


def region(picture: Picture, seg: Segmentation, wanted: Box, n_columns: int) -> Region:
    """A region of a picture and its labels.

    Parameters
    ----------
    picture : Picture
    seg : Segmentation
        As in :func:`previews`.
    wanted : Box
        Any whole numbers; clipped to the picture.
    n_columns : int
        Width of the box on the screen, in device pixels. A wider region is reduced: its original is
        averaged, and its labels are sampled at even distances.
    """
    width = seg.settings.width
    key, made = key_of(picture, width), data(picture, width)
    box = left, top, right, bottom = within(made.width, made.height, wanted)
    scale = n_columns / max(wanted[2] - wanted[0], 1)
    size = shown, _ = size_of(box, scale)
    exact = shown == right - left and size[0] * size[1] <= EXACT_PIXELS

    def make_original() -> bytes:
        with pixels_of(picture, width) as image, slot():
            pixels = as_seen(image, shown, slice(top, bottom), slice(left, right))
            return encode.webp(pixels, exact=exact)

    def make_labels() -> bytes:
        with pixels_of(picture, width) as image, slot():
            rows = top + _evenly(size[1], bottom - top)
            columns = left + _evenly(shown, right - left)
            return _encoded(seg, replace(seg, image=image).labels_at(rows, columns))

    original = ("region", box, size)
    labels = ("region", part_of(seg), box, size)
    for part, make in ((original, make_original), (labels, make_labels)):
        caches.results().get(key, make, stop_if_cancelled, part=part)
    return Region(
        box,
        f"{address_of(Wanted(key, original, _region_original))}/original",
        f"{address_of(Wanted(key, labels, _region_labels))}/labels",
        exact,
    )


def size_of(box: Box, scale: float) -> tuple[int, int]:
    """Width and height of a box as sent, given the screen's pixels per pixel of the box."""
    width, height = box[2] - box[0], box[3] - box[1]
    scale = min(scale, 1.0, REGION_SIDE / max(width, height))
    shown = max(int(width * scale), 1)
    return shown, max(1, int(shown / width * height))


def _evenly(n: int, of: int) -> NDArray[np.intp]:
    """The centres of ``n`` equal parts of ``of`` pixels."""
    return ((np.arange(n) + 0.5) * of / n).astype(np.intp)


def _region_original(key: Key, part: Hashable, _: str) -> Content | None:
    found: bytes | None = caches.results().find(key, part)
    return None if found is None else (found, _WEBP)


def _region_labels(key: Key, part: Hashable, _: str) -> Content | None:
    found: bytes | None = caches.results().find(key, part)
    return None if found is None else (found, _LABELS)


def within(width: int, height: int, wanted: Box) -> Box:
    """Clip a box to a picture; the result has at least one pixel for any whole numbers."""

    def side(low: int, high: int, size: int) -> tuple[int, int]:
        middle = min(max((low + high) // 2, 0), size)
        half = max((high - low) // 2, 1)
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


def color_vision(picture: Picture) -> dict[str, bytes]:
    """A small picture and its simulations, as WebP: "original" and each of ``DEFICIENCIES``."""
    data(picture)  # the pictures are cached as a part of it

    def make() -> dict[str, bytes]:
        with pixels_of(picture) as image, slot():
            side = max(image.width, image.height)
            pixels = as_seen(image, max(1, image.width * min(VISION_SIDE, side) // side))
        seen = {"original": pixels}
        for deficiency in DEFICIENCIES:
            seen[deficiency] = pixels.copy()
            seen[deficiency][..., :3] = simulated(pixels[..., :3], deficiency)
        return {name: encode.webp(each) for name, each in seen.items()}

    made: dict[str, bytes] = caches.results().get(
        key_of(picture, 0), make, stop_if_cancelled, part="colour vision"
    )
    return made


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
        pass  # decode before taking the slot, so files of small pictures do not wait
    with gates.FILES.admitted(stop_if_cancelled), pixels_of(picture, seg.settings.width) as image:
        return download.make(replace(seg, image=image), context)


def code_archive(picture: Picture, settings: Settings, language: Language, name: str) -> bytes:
    """A ZIP of program, notebook and picture; ``name`` is the picture's file name."""
    with pixels_of(picture):
        pass  # as above
    with gates.FILES.admitted(stop_if_cancelled), pixels_of(picture) as image:
        return code.archive(image, settings, language, name)
