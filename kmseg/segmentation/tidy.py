"""Tidying: the last step of a segmentation, which changes labels by where pixels lie."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from kmseg.errors import LabelsError
from kmseg.labeling import ByPixel
from kmseg.picture.image import Image
from kmseg.regions.tidy import tidy
from kmseg.segmentation.result import Segmentation, mean_colors
from kmseg.settings import Settings


def check_pixels(settings: Settings, *, has_pixels: bool) -> None:
    """Refuse to tidy colours; raises ``LabelsError``."""
    if settings.tidies and not has_pixels:
        raise LabelsError(
            "smallest_region, fill_holes: a ColorHistogram has colours but no pixels to tidy; pass "
            "the Image to kmseg.segment, or leave these settings out"
        )


def tidied(base: Segmentation, settings: Settings) -> Segmentation:
    """The segmentation that :meth:`Segmentation.tidied` describes.

    Parameters
    ----------
    base : Segmentation
        One that was not tidied.
    settings : Settings
        Its settings and how to tidy.
    """
    if not settings.tidies:
        return base
    check_pixels(settings, has_pixels=base.image is not None)
    started = time.perf_counter()
    filled = base.rows_of(number - 1 for number in settings.fill_holes)
    smallest = smallest_pixels(settings.smallest_region, int(base.pixel_counts.sum()))
    before = base.labels_at(slice(None), slice(None))
    after = tidy(before, smallest, filled)
    labeling = ByPixel(after, base.color_labels)
    counts, sums = labeling.totals(base.image, base.n_clusters)
    clusters = base.clusters
    if not base.carried:
        sets = _by_size(before, after, counts)
        firsts = [rows[0] for rows in sets]
        counts, sums = counts[firsts], sums[firsts]
        clusters = clusters.merged(sets, mean_colors(counts, sums))
        numbers = np.empty(base.n_clusters, np.int16)
        for number, rows in enumerate(sets):
            numbers[rows] = number
        if (numbers != np.arange(base.n_clusters)).any():
            labeling = labeling.renumbered(numbers)
    return replace(
        base,
        settings=settings,
        clusters=clusters,
        pixel_counts=counts,
        color_sums=sums,
        labeling=labeling,
        seconds=base.seconds | {"tidy": time.perf_counter() - started},
        untidied=base,
        gray_ends=_gray_ends(base.image, labeling.labels, len(counts)),
    )


def _gray_ends(
    image: Image | None, labels: NDArray[np.int16], n_clusters: int
) -> NDArray[np.intp] | None:
    """``Segmentation.gray_ends``."""
    if image is None or image.scale is None:
        return None
    found = np.zeros((n_clusters, 256), bool)
    inside = labels >= 0
    found[labels[inside], image.pixels[..., 0][inside]] = True
    return np.array([found.argmax(axis=1), 255 - found[:, ::-1].argmax(axis=1)])


def smallest_pixels(smallest_region: int | str, n_pixels: int) -> int:
    """``Settings.smallest_region`` in pixels, rounded up, for a number of clustered pixels."""
    if isinstance(smallest_region, int):
        return smallest_region
    return math.ceil(Fraction(smallest_region.removesuffix("%")) * n_pixels / 100)


def _by_size(
    before: NDArray[np.int16], after: NDArray[np.int16], counts: NDArray[np.int64]
) -> list[list[int]]:
    """The clusters that have pixels, the largest first.

    A cluster that has lost all its pixels follows the one that took most of them.
    """
    sets = [[row] for row in np.argsort(-counts, kind="stable").tolist() if counts[row]]
    for row in np.flatnonzero(counts == 0).tolist():
        taken = np.bincount(after[before == row], minlength=len(counts))
        next(rows for rows in sets if rows[0] == np.argmax(taken)).append(row)
    return sets
