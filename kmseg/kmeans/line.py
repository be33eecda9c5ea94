"""Samples on a line: the clustering into K with the least inertia there is.

In one dimension the clusters of an optimum are intervals, so dynamic programming over the sorted
values finds one (Wang & Song 2011, "Ckmeans.1d.dp", The R Journal 3(2)); which interval ends are
worth a look narrows down by divide and conquer, O(K n log n) (Grønlund et al. 2017, "Fast exact
k-means, k-medians and Bregman divergence clustering in 1D", arXiv:1701.07204).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from kmseg.kmeans.cells import Samples

# The table of interval ends has one entry of 4 bytes for each cluster and distinct value.
MAX_ENTRIES: Final = 1 << 26


def optimum(X: Samples, weights: Samples, n_clusters: int) -> Samples | None:
    """Centroids of an optimal clustering.

    Parameters
    ----------
    X : ndarray of float64, shape (n, 1)
    weights : ndarray of float64, shape (n,)
    n_clusters : int
        K, at most the number of distinct values.

    Returns
    -------
    ndarray of float64, shape (K, 1), ascending; or None
        None where it would take more than 256 MB, K times distinct values above 2**26.
    """
    values, inverse = np.unique(X[:, 0], return_inverse=True)
    if n_clusters * len(values) > MAX_ENTRIES:
        return None
    mass = np.bincount(inverse, weights)
    middle = np.average(values, weights=mass)  # near zero, little is lost in differences of sums
    shifted = values - middle
    sums = [np.append(0.0, np.cumsum(mass * shifted**power)) for power in range(3)]
    starts = np.zeros((n_clusters, len(values)), np.int32)
    _fill(sums[0], sums[1], sums[2], starts)
    ends = np.empty(n_clusters + 1, np.int64)
    ends[n_clusters] = len(values)
    for cluster in range(n_clusters - 1, -1, -1):
        ends[cluster] = starts[cluster, ends[cluster + 1] - 1]
    begin = ends[:-1]
    first = np.repeat(values[begin], np.diff(ends))  # a run of one value has exactly that mean
    above = np.add.reduceat(mass * (values - first), begin) / np.add.reduceat(mass, begin)
    centroids: Samples = (values[begin] + above)[:, None]
    return centroids


@njit(nogil=True, cache=True, inline="always")
def _cost(mass, first, second, begin, end):  # type: ignore[no-untyped-def]
    """Inertia of the values from ``begin`` up to ``end``, that one left out, as one cluster."""
    moment = first[end] - first[begin]
    spread = (second[end] - second[begin]) - moment * moment / (mass[end] - mass[begin])
    return max(spread, 0.0)


@njit(nogil=True, cache=True)
def _fill(mass, first, second, starts):  # type: ignore[no-untyped-def]
    """For k clusters of the values up to each, where the last of them starts."""
    n_clusters, n_values = starts.shape
    before = np.empty(n_values)
    for last in range(n_values):
        before[last] = _cost(mass, first, second, 0, last + 1)
    now = np.empty(n_values)
    todo = np.empty((128, 4), np.int64)  # a range of ends, and the range their starts lie in
    for k in range(1, n_clusters):
        for last in range(k):
            starts[k, last] = last
            now[last] = 0.0
        depth = 1
        todo[0, 0], todo[0, 1], todo[0, 2], todo[0, 3] = k, n_values - 1, k, n_values - 1
        while depth > 0:
            depth -= 1
            low, high, least_start, most_start = todo[depth]
            if low > high:
                continue
            last = (low + high) // 2
            best, best_start = np.inf, least_start
            for start in range(least_start, min(last, most_start) + 1):
                total = before[start - 1] + _cost(mass, first, second, start, last + 1)
                if total < best:
                    best, best_start = total, start
            now[last] = best
            starts[k, last] = best_start
            todo[depth, 0], todo[depth, 1] = low, last - 1
            todo[depth, 2], todo[depth, 3] = least_start, best_start
            depth += 1
            todo[depth, 0], todo[depth, 1] = last + 1, high
            todo[depth, 2], todo[depth, 3] = best_start, most_start
            depth += 1
        before, now = now, before
