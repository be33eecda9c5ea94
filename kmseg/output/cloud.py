"""``Segmentation`` -> the points of its colour cloud."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmseg.color import COLOR_SPACES, features
from kmseg.histogram import ColorHistogram
from kmseg.output.figures import Cloud, Ranges
from kmseg.segmentation import Segmentation


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """What of a cloud does not depend on clusters: where a picture's colours lie.

    Attributes
    ----------
    space : str
        Key of the space whose three coordinates are the axes.
    coordinates : ndarray of float64, shape (U, 3)
        Of all colours of the histogram.
    chosen : ndarray of intp, shape (P,)
        The colours that stand for all of them.
    counts : ndarray of int64, shape (P,)
        The pixels that each of those stands for.
    ranges : tuple of three (low, high)
        Around all colours, equally wide, so that distances read true.
    """

    space: str
    coordinates: NDArray[np.float64]
    chosen: NDArray[np.intp]
    counts: NDArray[np.int64]
    ranges: Ranges


def points(histogram: ColorHistogram, space: str, n_points: int) -> Points:
    """Choose colours that stand for all of a picture's.

    Parameters
    ----------
    histogram : ColorHistogram
    space : str
        Key of a space of three coordinates.
    n_points : int
        The greatest number of points.

    Returns
    -------
    Points
    """
    coordinates = features(histogram.colors, space)
    return Points(
        space, coordinates, *histogram.representatives(n_points), _equal_ranges(coordinates)
    )


def _equal_ranges(coordinates: NDArray[np.float64]) -> Ranges:
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    half = max(0.525 * float((high - low).max()), 0.5)
    first, second, third = ((m - half, m + half) for m in ((low + high) / 2).tolist())
    return first, second, third


def color_cloud(seg: Segmentation, points: Points) -> Cloud:
    """Colours that stand for a segmentation's, and its centroids, in three coordinates.

    Parameters
    ----------
    seg : Segmentation
    points : Points
        Of ``seg.histogram``. In the space that was clustered, a coordinate that was not clustered
        shows each cluster's mean; in another space, all three do.

    Returns
    -------
    Cloud
    """
    histogram, space = seg.histogram, COLOR_SPACES[points.space]
    sums = [
        np.bincount(seg.color_labels, histogram.counts * column, seg.n_clusters)
        for column in points.coordinates.T
    ]
    mass = np.bincount(seg.color_labels, histogram.counts, seg.n_clusters)
    centroids = np.column_stack(sums) / np.maximum(mass, 1)[:, None]
    if points.space == seg.settings.color_space:
        centroids[:, list(space.selected(seg.settings.channels))] = seg.centroids
    return Cloud(
        points=points.coordinates[points.chosen],
        counts=points.counts,
        colors=histogram.colors[points.chosen],
        labels=seg.color_labels[points.chosen],
        centroids=centroids,
        palette=seg.palette,
        pixel_counts=seg.pixel_counts,
        axes=(space.coordinates[0], space.coordinates[1], space.coordinates[2]),
        ranges=points.ranges,
    )
