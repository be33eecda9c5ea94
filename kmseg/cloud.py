"""``Segmentation`` -> the points of its colour cloud."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmseg.color import COLOR_SPACES, features
from kmseg.figures import Cloud, Ranges
from kmseg.segmentation import Segmentation


def _equal_ranges(coordinates: NDArray[np.float64]) -> Ranges:
    """Ranges around all colours of the picture, equally wide, so that distances read true."""
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    half = max(0.525 * float((high - low).max()), 0.5)
    first, second, third = ((m - half, m + half) for m in ((low + high) / 2).tolist())
    return first, second, third


def color_cloud(seg: Segmentation, n_points: int, *, clustered: bool) -> Cloud:
    """Colours that stand for a segmentation's, and its centroids, in three coordinates.

    Parameters
    ----------
    seg : Segmentation
    n_points : int
        The greatest number of points.
    clustered : bool
        Axes of the space that was clustered, which must have three; otherwise R, G, B. A coordinate
        that was not clustered shows each cluster's mean.

    Returns
    -------
    Cloud
    """
    histogram = seg.histogram
    space = COLOR_SPACES[seg.settings.color_space if clustered else "rgb"]
    chosen, counts = histogram.representatives(n_points)
    coordinates = features(histogram.colors, space.key)
    sums = [
        np.bincount(seg.color_labels, histogram.counts * column, seg.n_clusters)
        for column in coordinates.T
    ]
    mass = np.bincount(seg.color_labels, histogram.counts, seg.n_clusters)
    centroids = np.column_stack(sums) / np.maximum(mass, 1)[:, None]
    if clustered:
        centroids[:, list(space.selected(seg.settings.channels))] = seg.centroids
    return Cloud(
        points=coordinates[chosen],
        counts=counts,
        colors=histogram.colors[chosen],
        labels=seg.color_labels[chosen],
        centroids=centroids,
        palette=seg.palette,
        pixel_counts=seg.pixel_counts,
        axes=(space.coordinates[0], space.coordinates[1], space.coordinates[2]),
        ranges=_equal_ranges(coordinates),
    )
