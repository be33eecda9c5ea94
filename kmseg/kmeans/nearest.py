"""Compiled loops over samples and candidate centroids, which become part of their callers.

``columns`` is a tuple with as many elements as samples have columns: its length is known to the
compiler, which unrolls loops over columns.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from kmseg.parallel.compiled import inlined

# Samples processed together, so that their distances stay in the first-level cache.
CHUNK: Final = 256
# Chunks are rounded up to whole vectors of this many samples, which are processed at equal cost.
_LANES: Final = 16
# Relative tolerance: a centroid is dropped only if it is further away by more than this, so
# rounding errors drop none.
_ROUNDING: Final = 1e-12


@inlined()
def survivors(  # type: ignore[no-untyped-def]
    boxes, box, slack, near, candidates, n_candidates, kept_near, kept, distances, columns
):
    """Keep the candidates that can be nearest somewhere in a box; returns their number.

    ``near`` holds the coordinates of the ``candidates``; ``kept_near`` and ``kept`` receive those
    that are kept. ``distances`` is working memory.

    Let n be the candidate nearest to the middle of the box. A candidate k is dropped if n is nearer
    than k even in the corner of the box that lies furthest towards k, and so in all of the box.
    While both move by at most the slack s, n stays nearer if d_k - d_n > 2 s. Here d_k - d_n is the
    difference of the squared distances over d_k + d_n, which is at most 2 d_n + |k - n|.
    """
    nearest, least, half_diagonal = 0, np.inf, 0.0
    for j in range(n_candidates):
        distance = 0.0
        for d in range(len(columns)):
            difference = 0.5 * (boxes[box, 0, d] + boxes[box, 1, d]) - near[j, d]
            distance += difference * difference
        distances[j] = distance
        nearest = j if distance < least else nearest
        least = distance if distance < least else least
    reach = 0.0
    if slack > 0:
        for d in range(len(columns)):
            half_diagonal += (0.5 * (boxes[box, 1, d] - boxes[box, 0, d])) ** 2
        reach = np.sqrt(least) + np.sqrt(half_diagonal)
    n_kept = 0
    for j in range(n_candidates):
        margin, gap = 0.0, 0.0
        for d in range(len(columns)):
            difference = near[j, d] - near[nearest, d]
            margin += abs(difference) * (boxes[box, 1, d] - boxes[box, 0, d])
            gap += difference * difference
        if slack > 0:
            margin += 2 * slack * (2 * reach + np.sqrt(gap))
        kept[n_kept] = candidates[j]
        for d in range(len(columns)):
            kept_near[n_kept, d] = near[j, d]
        if distances[j] * (1 - _ROUNDING) <= least + margin:
            n_kept += 1
    return n_kept


@njit(inline="always")
def _whole_vectors(begin, n_samples, n_all):  # type: ignore[no-untyped-def]
    """``n_samples`` rounded up to whole vectors, as far as there are samples from ``begin``.

    Unsigned, so that the compiler need not allow for negative indices.
    """
    return np.uint64(min((n_samples + _LANES - 1) // _LANES * _LANES, n_all - begin))


@inlined()
def find_nearest(  # type: ignore[no-untyped-def]
    X, begin, n_samples, centroids, n_centroids, nearest, least, runner_up, columns
):
    """Find the nearest centroid of at most ``CHUNK`` samples from ``begin``.

    ``nearest`` receives its number, ``least`` the squared distance to it, and ``runner_up``, unless
    it is empty, the squared distance to the second nearest. Samples past ``n_samples`` that fill
    the last vector get -1 as ``nearest``.
    """
    filled, offset = _whole_vectors(begin, n_samples, X.shape[1]), np.uint64(begin)
    for i in range(filled):
        least[i] = np.inf
    for i in range(filled if len(runner_up) else np.uint64(0)):
        runner_up[i] = np.inf
    for j in range(n_centroids):
        if len(runner_up):
            for i in range(filled):
                distance = 0.0
                for d in range(len(columns)):
                    difference = X[d, offset + i] - centroids[j, d]
                    distance += difference * difference
                further = distance if distance > least[i] else least[i]
                runner_up[i] = further if further < runner_up[i] else runner_up[i]
                nearest[i] = j if distance < least[i] else nearest[i]
                least[i] = distance if distance < least[i] else least[i]
        else:
            for i in range(filled):
                distance = 0.0
                for d in range(len(columns)):
                    difference = X[d, offset + i] - centroids[j, d]
                    distance += difference * difference
                nearest[i] = j if distance < least[i] else nearest[i]
                least[i] = distance if distance < least[i] else least[i]
    for i in range(np.uint64(n_samples), filled):
        nearest[i] = -1


@inlined(fastmath={"reassoc"})
def add_up(  # type: ignore[no-untyped-def]
    X, weights, begin, n_samples, nearest, candidates, n_candidates, sums, mass, columns
):
    """Add samples from ``begin`` to the clusters that :func:`find_nearest` found; -1 is left out.

    The compiler may reorder the additions to use vector instructions. Sums of whole numbers, such
    as bytes times counts, are exact in any order.
    """
    filled, offset = _whole_vectors(begin, n_samples, X.shape[1]), np.uint64(begin)
    for j in range(n_candidates):
        k, total = candidates[j], 0.0
        for i in range(filled):
            total += weights[offset + i] if nearest[i] == j else 0.0
        mass[k] += total
        for d in range(len(columns)):
            total = 0.0
            for i in range(filled):
                total += weights[offset + i] * X[d, offset + i] if nearest[i] == j else 0.0
            sums[k, d] += total


@inlined(fastmath={"reassoc"})
def squared_error(weights, begin, n_samples, nearest, least):  # type: ignore[no-untyped-def]
    """Weighted sum of ``least`` of :func:`find_nearest`, without samples at -1."""
    total, offset = 0.0, np.uint64(begin)
    for i in range(_whole_vectors(begin, n_samples, len(weights))):
        total += weights[offset + i] * least[i] if nearest[i] >= 0 else 0.0
    return total
