"""Samples grouped into cells of their space, and Lloyd's step by filtering over the cells.

A cell all of which is nearer to one centroid than to any other is added in bulk by its sums, which
is exact. Only the samples of other cells are looked at, and only at the centroids that can be
nearest somewhere in the cell (Kanungo et al. 2002, "An efficient k-means clustering algorithm",
IEEE TPAMI 24(7); Pelleg & Moore 1999). Cells lie in blocks, which are filtered first.

Carrying bounds from step to step (Hamerly 2010) as well was measured and left out: from K = 16 on,
reading the bounds of the samples near a border took longer than looking at those samples again.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from kmseg.threads import N_CORES, in_threads

Samples = NDArray[np.float64]
Integers = NDArray[np.int64]
Labels = NDArray[np.int32]

# A centroid is dropped only if it is further by more than rounding can account for.
_ROOM: Final = 1e-12
# Work is divided into this many parts, whatever the number of threads, and summed in their order:
# results do not depend on how many threads there are.
_PARTS: Final = 4


class Cells(NamedTuple):
    """Samples in the order of their cells, and what each cell and block holds.

    Attributes
    ----------
    X : ndarray, shape (n, D)
    weights : ndarray, shape (n,)
    order : ndarray of int64, shape (n,)
        Where each sample was before.
    starts : ndarray of int64, shape (C + 1,)
        The samples of cell c are ``starts[c]`` to ``starts[c + 1]``.
    boxes : ndarray, shape (C, 2, D)
        Least and greatest coordinates.
    means, masses, scatter : ndarray, shapes (C, D), (C,), (C,)
        Weighted mean, weight, and weighted sum of squared distances to the mean.
    blocks : ndarray of int64, shape (B + 1,)
        The cells of block b are ``blocks[b]`` to ``blocks[b + 1]``.
    block_boxes : ndarray, shape (B, 2, D)
    """

    X: Samples
    weights: Samples
    order: Integers
    starts: Integers
    boxes: Samples
    means: Samples
    masses: Samples
    scatter: Samples
    blocks: Integers
    block_boxes: Samples

    @property
    def columns(self) -> tuple[int, ...]:
        """As many zeros as there are columns: a number that compiled loops know beforehand."""
        return (0,) * int(self.X.shape[1])


def group(X: Samples, weights: Samples) -> Cells:
    """Group samples by a grid over their range: at most 2**15 cells in 2**9 blocks.

    Each column is halved equally often; beyond fifteen columns only the first fifteen are.
    """
    columns = (0,) * int(X.shape[1])
    used = min(len(columns), 15)
    fine = 15 // used
    coarse = (fine + 1) // 2
    low, high = _extent(X, columns)
    scale = np.where(high > low, (1 << fine) * (1 - 1e-9) / np.where(high > low, high - low, 1), 0)
    cell = np.empty(len(X), np.int32)
    per_cell = np.zeros(1 << fine * used, np.int64)
    _locate(X, low, scale, (0,) * used, fine, coarse, cell, per_cell)
    occupied = np.flatnonzero(per_cell)
    starts = np.append(0, np.cumsum(per_cell[occupied]))
    position = np.zeros(len(per_cell), np.int64)
    position[occupied] = starts[:-1]
    sorted_X, sorted_weights = np.empty_like(X), np.empty_like(weights)
    order = np.empty(len(X), np.int64)
    _sort(X, weights, cell, position, sorted_X, sorted_weights, order, columns)
    n_cells = len(occupied)
    boxes = np.empty((n_cells, 2, len(columns)))
    means, masses, scatter = np.zeros((n_cells, len(columns))), np.zeros(n_cells), np.zeros(n_cells)
    _measure(sorted_X, sorted_weights, starts, boxes, means, masses, scatter, columns)
    block = occupied >> (fine - coarse) * used
    blocks = np.append(np.flatnonzero(np.diff(block, prepend=-1)), n_cells)
    block_boxes = np.stack(
        (
            np.minimum.reduceat(boxes[:, 0], blocks[:-1]),
            np.maximum.reduceat(boxes[:, 1], blocks[:-1]),
        ),
        axis=1,
    )
    return Cells(
        sorted_X,
        sorted_weights,
        order,
        starts,
        boxes,
        means,
        masses,
        scatter,
        blocks,
        block_boxes,
    )


@njit(nogil=True, cache=True)
def _extent(X, columns):  # type: ignore[no-untyped-def]
    low, high = X[0].copy(), X[0].copy()
    for i in range(len(X)):
        for d in range(len(columns)):
            low[d] = min(low[d], X[i, d])
            high[d] = max(high[d], X[i, d])
    return low, high


@njit(nogil=True, cache=True)
def _locate(  # type: ignore[no-untyped-def]
    X, low, scale, columns, fine, coarse, cell, per_cell
):
    """Number cells block by block: the coarse bits of all columns first, then the fine ones."""
    rest = fine - coarse
    for i in range(len(X)):
        block, inner = 0, 0
        for d in range(len(columns)):
            level = int((X[i, d] - low[d]) * scale[d])
            block = (block << coarse) | (level >> rest)
            inner = (inner << rest) | (level & ((1 << rest) - 1))
        number = (block << rest * len(columns)) | inner
        cell[i] = number
        per_cell[number] += 1


@njit(nogil=True, cache=True)
def _sort(  # type: ignore[no-untyped-def]
    X, weights, cell, position, sorted_X, sorted_weights, order, columns
):
    for i in range(len(X)):
        to = position[cell[i]]
        position[cell[i]] = to + 1
        order[to] = i
        sorted_weights[to] = weights[i]
        for d in range(len(columns)):
            sorted_X[to, d] = X[i, d]


@njit(nogil=True, cache=True)
def _measure(  # type: ignore[no-untyped-def]
    X, weights, starts, boxes, means, masses, scatter, columns
):
    for cell in range(len(masses)):
        begin, end = starts[cell], starts[cell + 1]
        mass = 0.0
        for i in range(begin, end):
            mass += weights[i]
        masses[cell] = mass
        total = 0.0
        for d in range(len(columns)):
            low, high, weighted = X[begin, d], X[begin, d], 0.0
            for i in range(begin, end):
                low, high = min(low, X[i, d]), max(high, X[i, d])
                weighted += weights[i] * X[i, d]
            mean = weighted / mass
            for i in range(begin, end):
                total += weights[i] * (X[i, d] - mean) ** 2
            boxes[cell, 0, d], boxes[cell, 1, d], means[cell, d] = low, high, mean
        scatter[cell] = total


class Step(NamedTuple):
    """What an assignment found: weighted sums (K, D) and weights (K,) of clusters, inertia."""

    sums: Samples
    mass: Samples
    inertia: float


def step(cells: Cells, centroids: Samples, n_threads: int = N_CORES) -> Step:
    """Assign all samples to their nearest centroids, the first among equals, and add them up."""
    return _assigned(cells, centroids, n_threads, np.empty(0, np.int32))


def label(cells: Cells, centroids: Samples, n_threads: int = N_CORES) -> tuple[Labels, float]:
    """The nearest centroid of each sample, in the order they were grouped from, and inertia."""
    by_cell = np.empty(len(cells.X), np.int32)
    inertia = _assigned(cells, centroids, n_threads, by_cell).inertia
    labels = np.empty_like(by_cell)
    labels[cells.order] = by_cell
    return labels, inertia


def _assigned(cells: Cells, centroids: Samples, n_threads: int, labels: Labels) -> Step:
    first_samples = cells.starts[cells.blocks]
    edges = np.searchsorted(first_samples, np.linspace(0, len(cells.X), _PARTS + 1))

    def part(i: int) -> Step:
        found = _filter(
            cells.X,
            cells.weights,
            cells.starts,
            cells.boxes,
            cells.means,
            cells.masses,
            cells.scatter,
            cells.blocks,
            cells.block_boxes,
            centroids,
            edges[i],
            edges[i + 1],
            labels,
            cells.columns,
        )
        return Step(*found)

    first, *others = in_threads(part, range(_PARTS), n_threads)
    sums, mass, inertia = first
    for other in others:
        sums += other.sums
        mass += other.mass
        inertia += other.inertia
    return Step(sums, mass, inertia)


@njit(nogil=True, cache=True, inline="always")
def _survivors(  # type: ignore[no-untyped-def]
    boxes, box, centroids, candidates, n_candidates, kept, columns
):
    """Keep the candidates that can be nearest somewhere in a box; returns how many."""
    nearest, least = 0, np.inf
    for j in range(n_candidates):
        k = candidates[j]
        distance = 0.0
        for d in range(len(columns)):
            difference = 0.5 * (boxes[box, 0, d] + boxes[box, 1, d]) - centroids[k, d]
            distance += difference * difference
        if distance < least:
            nearest, least = k, distance
    n_kept = 0
    for j in range(n_candidates):
        k = candidates[j]
        own, other = 0.0, 0.0
        for d in range(len(columns)):
            towards = centroids[k, d] > centroids[nearest, d]
            corner = boxes[box, 1, d] if towards else boxes[box, 0, d]
            difference = corner - centroids[nearest, d]
            own += difference * difference
            difference = corner - centroids[k, d]
            other += difference * difference
        if other <= own * (1 + _ROOM):
            kept[n_kept] = k
            n_kept += 1
    return n_kept


@njit(nogil=True, cache=True)
def _filter(  # type: ignore[no-untyped-def]
    X,
    weights,
    starts,
    boxes,
    means,
    masses,
    scatter,
    blocks,
    block_boxes,
    centroids,
    first,
    last,
    labels,
    columns,
):
    n_clusters = len(centroids)
    sums = np.zeros((n_clusters, len(columns)))
    mass = np.zeros(n_clusters)
    inertia = 0.0
    everyone = np.arange(n_clusters)
    in_block = np.empty(n_clusters, np.int64)
    in_cell = np.empty(n_clusters, np.int64)
    near = np.empty((n_clusters, len(columns)))
    for block in range(first, last):
        n_block = _survivors(block_boxes, block, centroids, everyone, n_clusters, in_block, columns)
        for cell in range(blocks[block], blocks[block + 1]):
            n_cell = _survivors(boxes, cell, centroids, in_block, n_block, in_cell, columns)
            if n_cell == 1:
                k = in_cell[0]
                mass[k] += masses[cell]
                inertia += scatter[cell]
                for d in range(len(columns)):
                    mean = means[cell, d]
                    sums[k, d] += masses[cell] * mean
                    difference = mean - centroids[k, d]
                    inertia += masses[cell] * difference * difference
                if len(labels):
                    labels[starts[cell] : starts[cell + 1]] = k
                continue
            for j in range(n_cell):
                for d in range(len(columns)):
                    near[j, d] = centroids[in_cell[j], d]
            for i in range(starts[cell], starts[cell + 1]):
                nearest, least = 0, np.inf
                for j in range(n_cell):
                    distance = 0.0
                    for d in range(len(columns)):
                        difference = X[i, d] - near[j, d]
                        distance += difference * difference
                    nearest = j if distance < least else nearest
                    least = min(distance, least)
                k = in_cell[nearest]
                mass[k] += weights[i]
                inertia += weights[i] * least
                for d in range(len(columns)):
                    sums[k, d] += weights[i] * X[i, d]
                if len(labels):
                    labels[i] = k
    return sums, mass, inertia
