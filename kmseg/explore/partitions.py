"""Measures of a partition of pixels, given as labels."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg.comparison import contingency

Labels = NDArray[np.int16]

# Distances at which pixels are compared, as shares of the longer side: larger than the grain of a
# photo and the dots of a plate, smaller than the objects they show.
_DISTANCES: Final = (0.02, 0.04, 0.06, 0.09)


def agreement(labels: Labels, others: Labels) -> float:
    """How nearly two partitions of the same pixels are equal, whatever their clusters' numbers.

    Each cluster of one partition is matched to the cluster of the other with which it shares most
    pixels. The result is the share of matched pixels, the lower of the two directions.

    Parameters
    ----------
    labels, others : ndarray of int16, shape (h, w)
        A pixel that is negative in either is left out.

    Returns
    -------
    float
        0 to 1.
    """
    shape = max(int(labels.max()), 0) + 1, max(int(others.max()), 0) + 1
    table = contingency(labels, others, shape)
    matched = min(table.max(axis=0).sum(), table.max(axis=1).sum())
    return float(matched / max(table.sum(), 1))


def coherence(labels: Labels) -> float:
    """How much more often than by chance pixels at a distance share a cluster.

    The mean over four distances, 2 to 9 % of the longer side, of Cohen's kappa between pixels and
    their neighbours in four directions: 1 for solid areas, 0 for speckle. Directions in which the
    picture is too short are left out. (Join-count statistics: P. A. P. Moran 1948. Kappa: J. Cohen
    1960.)

    Parameters
    ----------
    labels : ndarray of int16, shape (h, w)
        Negative labels are left out.

    Returns
    -------
    float
        At most 1; 0 for a single cluster or a single pixel.
    """
    n = max(int(labels.max()), 0) + 1
    clusters = labels.astype(np.intp)
    clusters[labels < 0] = n  # an extra cluster, dropped from the table
    kappas = []
    for share in _DISTANCES:
        straight = max(1, round(share * max(labels.shape)))
        diagonal = max(1, round(straight * math.sqrt(0.5)))
        table = np.zeros((n + 1, n + 1), np.int64)
        for dy, dx in (
            (0, straight),
            (straight, 0),
            (diagonal, diagonal),
            (diagonal, -diagonal),
        ):
            if dy < labels.shape[0] and abs(dx) < labels.shape[1]:
                table += _pair_counts(clusters, dy, dx, n + 1)
        kappa = _kappa(table[:n, :n])
        if kappa is not None:
            kappas.append(kappa)
    return sum(kappas) / max(len(kappas), 1)


def _pair_counts(clusters: NDArray[np.intp], dy: int, dx: int, n: int) -> NDArray[np.intp]:
    """Count pairs of clusters, shape (n, n), of pixels and their neighbours.

    A neighbour is ``dy`` rows below, 0 <= dy < h, and ``dx`` columns to the right, -w < dx < w.
    """
    height, width = clusters.shape
    pixels = clusters[: height - dy, max(-dx, 0) : width - max(dx, 0)]
    neighbours = clusters[dy:, max(dx, 0) : width + min(dx, 0)]
    return np.bincount((n * pixels + neighbours).ravel(), minlength=n * n).reshape(n, n)


def _kappa(table: NDArray[np.int64]) -> float | None:
    """Cohen's kappa of pair counts without order; None without pairs, 0 for a single cluster."""
    table = table + table.T
    total = table.sum()
    if not total:
        return None
    by_chance = float(((table.sum(axis=0) / total) ** 2).sum())
    same = float(np.trace(table) / total)
    return (same - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0


def explained(labels: Labels, coordinates: NDArray[np.float64]) -> float:
    """The share of the variance of coordinates that clusters explain.

    Parameters
    ----------
    labels : ndarray of int16, shape (n,)
        0 or more.
    coordinates : ndarray of float64, shape (n, C)

    Returns
    -------
    float
        One minus the variance within clusters over the whole variance; 0 where nothing varies.
    """
    counts = np.maximum(np.bincount(labels), 1)
    total = within = 0.0
    for column in coordinates.T:
        square = float(np.square(column).sum())
        total += square - float(column.sum()) ** 2 / max(len(column), 1)
        within += square - float((np.bincount(labels, column) ** 2 / counts).sum())
    return 1 - within / total if total > 0 else 0.0
