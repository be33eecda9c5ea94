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
# With at most this many candidates, :func:`add_up` makes a pass with vector instructions for each.
_FEW_CANDIDATES: Final = 5
# Chunks are rounded up to whole vectors of this many samples, which are processed at equal cost.
_LANES: Final = 16
# Relative tolerance: a centroid is dropped only if it is further away by more than this, so
# rounding errors drop none.
_ROUNDING: Final = 1e-12


@inlined(fastmath={"reassoc", "nnan", "nsz"})
def survivors(  # type: ignore[no-untyped-def]
    boxes, box, slack, near, candidates, n_candidates, kept_near, kept, distances, columns
):
    """Keep the candidates that can be nearest somewhere in a box; returns their number.

    ``near`` holds the coordinates of the ``candidates``, column by column; ``kept_near`` and
    ``kept`` receive those that are kept. ``distances`` is working memory. Loops compute with the
    precision of ``near``, and each does one thing, so that all but the last use vector
    instructions.

    Let n be the candidate nearest to the middle of the box. A candidate k is dropped if n is nearer
    than k even in the corner of the box that lies furthest towards k, and so in all of the box.
    While both move by at most the slack s, n stays nearer if d_k - d_n > 2 s. Here d_k - d_n is the
    difference of the squared distances over d_k + d_n, which is at most 2 d_n + |k - n|.
    """
    zero, half = near.dtype.type(0), near.dtype.type(0.5)
    several = np.uint64(n_candidates)
    for j in range(several):
        distance = zero
        for d in range(len(columns)):
            difference = half * (boxes[box, 0, d] + boxes[box, 1, d]) - near[d, j]
            distance += difference * difference
        distances[j] = distance
    least, nearest = distances[0], 0
    for j in range(several):
        least = distances[j] if distances[j] < least else least
    while distances[nearest] > least:
        nearest += 1
    certain = near.dtype.type(1 - _ROUNDING)
    for j in range(several):
        margin = zero
        for d in range(len(columns)):
            margin += abs(near[d, j] - near[d, nearest]) * (boxes[box, 1, d] - boxes[box, 0, d])
        distances[j] = distances[j] * certain - margin
    if slack > 0:
        half_diagonal = zero
        for d in range(len(columns)):
            half_diagonal += (half * (boxes[box, 1, d] - boxes[box, 0, d])) ** 2
        reach = np.sqrt(least) + np.sqrt(half_diagonal)
        for j in range(several):
            gap = zero
            for d in range(len(columns)):
                difference = near[d, j] - near[d, nearest]
                gap += difference * difference
            distances[j] -= 2 * slack * (2 * reach + np.sqrt(gap))
    n_kept = 0
    for j in range(n_candidates):
        kept[n_kept] = candidates[j]
        for d in range(len(columns)):
            kept_near[d, n_kept] = near[d, j]
        n_kept += distances[j] <= least
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

    ``centroids`` are given column by column, (W, K).
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
                difference = X[0, offset + i] - centroids[0, j]
                distance = difference * difference
                for d in range(1, len(columns)):
                    difference = X[d, offset + i] - centroids[d, j]
                    distance += difference * difference
                further = distance if distance > least[i] else least[i]
                runner_up[i] = further if further < runner_up[i] else runner_up[i]
                nearest[i] = j if distance < least[i] else nearest[i]
                least[i] = distance if distance < least[i] else least[i]
        else:
            for i in range(filled):
                difference = X[0, offset + i] - centroids[0, j]
                distance = difference * difference
                for d in range(1, len(columns)):
                    difference = X[d, offset + i] - centroids[d, j]
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
    zero = X.dtype.type(0)
    if n_candidates > _FEW_CANDIDATES:
        for i in range(np.uint64(n_samples)):
            if nearest[i] >= 0:
                k, weight = candidates[nearest[i]], weights[offset + i]
                mass[k] += weight
                for d in range(len(columns)):
                    sums[k, d] += weight * X[d, offset + i]
        return
    for j in range(n_candidates):
        k, total = candidates[j], zero
        for i in range(filled):
            total += weights[offset + i] if nearest[i] == j else zero
        mass[k] += total
        for d in range(len(columns)):
            total = zero
            for i in range(filled):
                total += weights[offset + i] * X[d, offset + i] if nearest[i] == j else zero
            sums[k, d] += total


@inlined(fastmath={"reassoc"})
def squared_error(weights, begin, n_samples, nearest, least):  # type: ignore[no-untyped-def]
    """Weighted sum of ``least`` of :func:`find_nearest`, without samples at -1."""
    zero, offset = weights.dtype.type(0), np.uint64(begin)
    total = zero
    for i in range(_whole_vectors(begin, n_samples, len(weights))):
        total += weights[offset + i] * least[i] if nearest[i] >= 0 else zero
    return total
