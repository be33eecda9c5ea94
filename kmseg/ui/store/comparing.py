"""Segmentations beside each other: their pictures, and how far they agree."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from kmseg.comparison import Agreement, compare
from kmseg.labeling import ByColor
from kmseg.output import encode
from kmseg.output.figure import title_of
from kmseg.output.grid import grid
from kmseg.segmentation import Segmentation
from kmseg.ui.server import gates
from kmseg.ui.server.gates import slot, stop_if_cancelled
from kmseg.ui.store import caches
from kmseg.ui.store.pictures import Picture, key_of, pixels_of
from kmseg.ui.store.results import data

T = TypeVar("T")

# Longest side of a thumbnail, in pixels.
THUMBNAIL_SIDE: Final = 96
# Colour of pixels that agree, where only the others are shown in their colours.
_AGREEING = (232, 232, 232)


def agreement(picture: Picture, first: Segmentation, second: Segmentation) -> Agreement | None:
    """How far two segmentations of a picture agree, over all pixels; None at different sizes."""
    if data(picture, first.settings.width).width != data(picture, second.settings.width).width:
        return None

    def make() -> Agreement:
        if all(isinstance(seg.labeling, ByColor) for seg in (first, second)):
            with slot():
                return compare(first, second)
        with pixels_of(picture, first.settings.width) as image, slot():
            return compare(replace(first, image=image), replace(second, image=image))

    return _cached(picture, first, ("agreement", _part(first), _part(second)), make)


def pane(picture: Picture, seg: Segmentation, colors: NDArray[np.uint8]) -> bytes:
    """A segmentation's preview as a PNG, in these colours of its clusters, shape (K, 3)."""

    def make() -> bytes:
        labels = _labels(picture, seg)
        with slot():
            return encode.indexed_png(labels, colors)

    return _cached(picture, seg, ("pane", _part(seg), colors.tobytes()), make)


def thumbnail(picture: Picture, seg: Segmentation) -> bytes:
    """A segmentation as a PNG of at most 96 by 96 pixels, every n-th one of the preview."""

    def make() -> bytes:
        labels = _labels(picture, seg)
        step = -(-max(labels.shape) // THUMBNAIL_SIDE)
        with slot():
            return encode.indexed_png(labels[::step, ::step], seg.palette)

    return _cached(picture, seg, ("thumbnail", _part(seg)), make)


def differences(
    picture: Picture, first: Segmentation, second: Segmentation, found: Agreement
) -> bytes:
    """The preview of the second as a PNG; pixels that agree with the first are light grey."""

    def make() -> bytes:
        labels, others = _labels(picture, second), _labels(picture, first)
        with slot():
            agreeing = (labels >= 0) & ~found.differs(others, labels)
            shown = np.where(agreeing, np.int16(second.n_clusters), labels)
            return encode.indexed_png(shown, np.vstack((second.palette, [_AGREEING])).astype("u1"))

    return _cached(picture, second, ("differences", _part(first), _part(second)), make)


def preview_size(picture: Picture, seg: Segmentation) -> tuple[int, int]:
    """Width and height of these pictures, in pixels."""
    grid = data(picture, seg.settings.width).preview
    return len(grid.columns), len(grid.rows)


def grid_figure(shown: Sequence[tuple[Picture, Segmentation]]) -> bytes:
    """The figure of segmentations side by side, as a PNG for print.

    Parameters
    ----------
    shown : sequence of (Picture, Segmentation)
        One to six. If all are of one picture, the original is shown first.
    """
    with gates.FILES.admitted(stop_if_cancelled), ExitStack() as pictures:
        images = [
            pictures.enter_context(pixels_of(picture, seg.settings.width)) for picture, seg in shown
        ]
        entries = [
            (title_of(seg), replace(seg, image=image))
            for (_, seg), image in zip(shown, images, strict=True)
        ]
        is_one = len({key_of(picture) for picture, _ in shown}) == 1
        return grid(images[0] if is_one else None, entries)


def _cached(picture: Picture, seg: Segmentation, part: Hashable, make: Callable[[], T]) -> T:
    key = key_of(picture, seg.settings.width)
    made: T = caches.results().get(key, make, stop_if_cancelled, part=part)
    return made


def _labels(picture: Picture, seg: Segmentation) -> NDArray[np.int16]:
    """The labels of the preview's pixels."""
    grid = data(picture, seg.settings.width).preview
    with slot():
        return seg.labels_on(grid)


def _part(seg: Segmentation) -> tuple[object, ...]:
    merges = (seg.untidied or seg).merges
    return seg.settings, merges, seg.clusters.digest if seg.carried else ""
