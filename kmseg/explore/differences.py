"""The residual: how far a segmentation's colours are from the original."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmseg.color import features
from kmseg.labeling import PixelGrid
from kmseg.segmentation import Segmentation


def residual(seg: Segmentation, grid: PixelGrid) -> NDArray[np.float64]:
    """The colour difference of each pixel to its cluster's colour: CIE 1976, Delta E*ab.

    Parameters
    ----------
    seg : Segmentation
    grid : PixelGrid
        Pixels of its picture, shape (h, w).

    Returns
    -------
    ndarray of float64, shape (h, w)
        About 2.3 is just noticeable (Mahy et al. 1994); NaN where a pixel does not count.
    """
    used, at = np.unique(grid.colors, return_inverse=True)
    colors = features(seg.histogram.colors[used], "cielab")[at.reshape(grid.colors.shape)]
    distances: NDArray[np.float64] = np.linalg.norm(
        colors - features(seg.palette, "cielab")[seg.labels_on(grid)], axis=-1
    )
    distances[grid.colors < 0] = np.nan
    return distances
