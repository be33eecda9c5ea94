"""The residual: how far a segmentation's colours are from the original."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmseg.color import features
from kmseg.explore.partitions import Labels
from kmseg.histogram import ColorHistogram


def residual(
    histogram: ColorHistogram,
    numbers: NDArray[np.int32],
    labels: Labels,
    palette: NDArray[np.uint8],
) -> NDArray[np.float64]:
    """The colour difference of each pixel to its cluster's colour: CIE 1976, Delta E*ab.

    Parameters
    ----------
    histogram : ColorHistogram
    numbers : ndarray of int32, shape (h, w)
        Pixels as indices of the histogram; -1 is transparent.
    labels : ndarray of int16, shape (h, w)
    palette : ndarray of uint8, shape (K, 3)

    Returns
    -------
    ndarray of float64, shape (h, w)
        About 2.3 is just noticeable (Mahy et al. 1994); NaN where transparent.
    """
    used, at = np.unique(numbers, return_inverse=True)
    colors = features(histogram.colors[used], "cielab")[at.reshape(numbers.shape)]
    distances: NDArray[np.float64] = np.linalg.norm(
        colors - features(palette, "cielab")[labels], axis=-1
    )
    distances[numbers < 0] = np.nan
    return distances
