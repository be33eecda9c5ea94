"""Assignment of samples to centroids by filtering over cells.

If every point of a cell is nearer to one centroid than to any other, the cell's sums are added to
that cluster in one step, which is exact. The samples of other cells are compared only with the
centroids that can be nearest somewhere in the cell (Kanungo et al. 2002, "An efficient k-means
clustering algorithm", IEEE TPAMI 24(7); Pelleg & Moore 1999, "Accelerating exact k-means algorithms
with geometric reasoning", KDD). Cells are grouped into blocks, which are filtered first.

A sample that is much nearer to one centroid than to others keeps it while centroids move little.
So :func:`step` can settle such samples for several steps ahead and return the others, which lie
near a border between clusters. :func:`step_again` then visits only these, as long as no centroid
has moved further than the slack. (Bounds for every sample, as in Hamerly 2010, "Making k-means even
faster", were slower: reading them takes longer than the distances that they save.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from kmseg.kmeans.cells import Cells, Integers
from kmseg.kmeans.nearest import CHUNK, add_up, find_nearest, squared_error, survivors
from kmseg.kmeans.problem import Labels, Samples
from kmseg.parallel.compiled import compiled, inlined
from kmseg.parallel.threads import N_CORES, in_threads


class Border(NamedTuple):
    """Samples that are not settled, in runs with common candidates.

    A run is the samples of one or more adjacent cells. A cell joins the run before it if its
    candidates are among those of that run: longer runs are faster to process.

    Attributes
    ----------
    X, weights : ndarray of float64, shapes (W, at least m), (at least m,)
        Column by column, as in :class:`Cells`; the first m samples are valid.
    runs : ndarray of int64, shape (R + 1, 2)
        Run r has samples ``runs[r, 0]`` to ``runs[r + 1, 0]`` and candidates ``runs[r, 1]`` to
        ``runs[r + 1, 1]``.
    candidates : ndarray of int64
        Numbers of the centroids that can be nearest, ascending in each run.
    """

    X: Samples
    weights: Samples
    runs: Integers
    candidates: Integers

    @property
    def n_samples(self) -> int:
        """The number of samples, m."""
        return int(self.runs[-1, 0])


class Step(NamedTuple):
    """The result of an assignment.

    Attributes
    ----------
    sums, mass : ndarray of float64, shapes (K, W), (K,)
        Weighted sum and weight of the settled samples of each cluster.
    inertia : float
        Of the settled samples.
    borders : tuple of Border
        The other samples; none without slack.
    """

    sums: Samples
    mass: Samples
    inertia: float
    borders: tuple[Border, ...]


def step(
    cells: Cells,
    centroids: Samples,
    n_threads: int = N_CORES,
    *,
    slack: float = 0.0,
    labels: Labels | None = None,
) -> Step:
    """Assign samples to their nearest centroids and add them up by cluster.

    Of several nearest centroids the first is taken.

    Parameters
    ----------
    cells : Cells
    centroids : ndarray of float64, shape (K, W)
    n_threads : int
        The result does not depend on it.
    slack : float
        Settle only samples that keep their centroid while no centroid moves further than this.
    labels : ndarray of int32, shape (n,), optional
        Receives the centroid of each settled sample, in the order of the cells.
    """
    written = np.empty(0, np.int32) if labels is None else labels

    def part(i: int) -> Step:
        first, last = cells.parts[i], cells.parts[i + 1]
        sums, mass, inertia, border = assign(
            cells, centroids, slack, first, last, written, cells.columns
        )
        return Step(sums, mass, inertia, (Border(*border),))

    found = in_threads(part, range(len(cells.parts) - 1), n_threads)
    sums, mass, inertia, borders = zip(*found, strict=True)
    return Step(sum(sums), sum(mass), sum(inertia), sum(borders, ()))


def step_again(
    settled: Step, centroids: Samples, columns: tuple[int, ...]
) -> tuple[Samples, Samples]:
    """Weighted sums (K, W) and weights (K,) of all samples, for centroids within the slack.

    This runs in the calling thread: it takes less time than waking others.
    """
    near = [assign_border(*border, centroids, columns) for border in settled.borders]
    return (
        settled.sums + sum(sums for sums, _ in near),
        settled.mass + sum(mass for _, mass in near),
    )


def inertia(cells: Cells, centroids: Samples) -> float:
    """Weighted sum of squared distances to the nearest centroids, computed in one thread."""
    no_labels = np.empty(0, np.int32)
    found = assign(cells, centroids, 0.0, 0, len(cells.blocks) - 1, no_labels, cells.columns)
    return float(found[2])


def label(cells: Cells, centroids: Samples, n_threads: int = N_CORES) -> tuple[Labels, float]:
    """The nearest centroid of each sample, in the order given to ``group``, and the inertia."""
    by_cell = np.empty(len(cells.weights), np.int32)
    inertia = step(cells, centroids, n_threads, labels=by_cell).inertia
    if not len(cells.order):
        return by_cell, inertia
    labels = np.empty_like(by_cell)
    labels[cells.order] = by_cell
    return labels, inertia


@compiled()
def assign(  # type: ignore[no-untyped-def]
    cells, centroids, slack, first, last, labels, columns
):
    """Assign the samples of the blocks from ``first`` up to ``last``; returns a :class:`Step`.

    Helpers get arrays and no tuples of them, which would cost a reference count for each array.
    """
    X, weights, starts, n_clusters = cells.X, cells.weights, cells.starts, len(centroids)
    sums, mass, inertia = np.zeros((n_clusters, len(columns))), np.zeros(n_clusters), 0.0
    everyone, n_border, n_runs, n_listed = np.arange(n_clusters), 0, 0, 0
    in_block, in_cell = np.empty(n_clusters, np.int64), np.empty(n_clusters, np.int64)
    near_all, distances = np.ascontiguousarray(centroids.T), np.empty(n_clusters, X.dtype)
    near_block, near_cell = np.empty_like(near_all), np.empty_like(near_all)
    nearest, least = np.empty(CHUNK, np.int32), np.empty(CHUNK, X.dtype)
    runner_up = np.empty(CHUNK if slack > 0 else 0, X.dtype)
    border_X, border_weights, runs, listed = _new_border(
        cells, slack, first, last, n_clusters, columns
    )
    for block in range(first, last):
        n_block = survivors(
            cells.block_boxes, block, slack, near_all, everyone, n_clusters, near_block, in_block,
            distances, columns,
        )  # fmt: skip
        for cell in range(cells.blocks[block], cells.blocks[block + 1]):
            n_cell, in_cell[0] = n_block, in_block[0]
            if n_block > 1:
                n_cell = survivors(
                    cells.boxes, cell, slack, near_block, in_block, n_block, near_cell, in_cell,
                    distances, columns,
                )  # fmt: skip
            if n_cell == 1:
                # Not in a function of its own: with that, the whole takes half as long again.
                k = in_cell[0]
                mass[k] += cells.masses[cell]
                inertia += cells.scatter[cell]
                for d in range(len(columns)):
                    sums[k, d] += cells.sums[cell, d]
                    difference = cells.sums[cell, d] / cells.masses[cell] - centroids[k, d]
                    inertia += cells.masses[cell] * difference * difference
                if len(labels):
                    labels[starts[cell] : starts[cell + 1]] = k
                continue
            n_before = n_border
            inertia, n_border = _add_samples(
                X, weights, starts[cell], starts[cell + 1], slack, near_cell, in_cell, n_cell,
                nearest, least, runner_up, sums, mass, inertia, border_X, border_weights, n_border,
                labels, columns,
            )  # fmt: skip
            if n_border > n_before:
                n_runs, n_listed = _extend_runs(
                    runs, listed, n_border, n_runs, n_listed, in_cell, n_cell
                )
    border = border_X, border_weights, runs[: n_runs + 1], listed[:n_listed]
    return sums, mass, inertia, border


@inlined()
def _new_border(cells, slack, first, last, n_clusters, columns):  # type: ignore[no-untyped-def]
    """Memory for the fields of a :class:`Border` that has all samples of some blocks."""
    n_cells, n_samples = 0, 0
    if slack > 0:
        n_cells = cells.blocks[last] - cells.blocks[first]
        n_samples = cells.starts[cells.blocks[last]] - cells.starts[cells.blocks[first]]
    return (
        np.empty((len(columns), n_samples), cells.X.dtype),
        np.empty(n_samples, cells.X.dtype),
        np.zeros((n_cells + 1, 2), np.int64),
        np.empty(n_cells * n_clusters, np.int64),
    )


@inlined()
def _add_samples(  # type: ignore[no-untyped-def]
    X, weights, first, last, slack, near, candidates, n_candidates, nearest, least, runner_up,
    sums, mass, inertia, border_X, border_weights, n_border, labels, columns,
):  # fmt: skip
    """Add the settled samples of a cell to their clusters, and the others to the border.

    Returns the inertia with the settled samples, and the number of samples in the border.
    """
    for begin in range(first, last, CHUNK):
        n = min(CHUNK, last - begin)
        find_nearest(X, begin, n, near, n_candidates, nearest, least, runner_up, columns)
        if slack > 0:
            n_border = _split_off(
                X, weights, begin, n, slack, nearest, least, runner_up, border_X, border_weights,
                n_border, columns,
            )  # fmt: skip
        add_up(X, weights, begin, n, nearest, candidates, n_candidates, sums, mass, columns)
        inertia += squared_error(weights, begin, n, nearest, least)
        for i in range(n if len(labels) else 0):
            if nearest[i] >= 0:
                labels[begin + i] = candidates[nearest[i]]
    return inertia, n_border


@inlined()
def _split_off(  # type: ignore[no-untyped-def]
    X, weights, begin, n_samples, slack, nearest, least, runner_up, border_X, border_weights,
    n_border, columns,
):  # fmt: skip
    """Set ``nearest`` to -1 for samples that are not settled, and copy them to the border.

    A sample is settled if d_2 - d_1 > 2 s, with its two least distances and the slack s.
    """
    for i in range(np.uint64(n_samples)):
        margin = 4 * slack * (np.sqrt(least[i]) + slack)
        nearest[i] = nearest[i] if runner_up[i] > least[i] + margin else -1
    for i in range(n_samples):
        if nearest[i] < 0:
            border_weights[n_border] = weights[begin + i]
            for d in range(len(columns)):
                border_X[d, n_border] = X[d, begin + i]
            n_border += 1
    return n_border


@inlined()
def _extend_runs(  # type: ignore[no-untyped-def]
    runs, listed, n_border, n_runs, n_listed, candidates, n_candidates
):
    """Add a cell's border samples to the last run, or as a new run.

    Returns the number of runs, and that of the candidates of all of them.
    """
    if n_runs == 0 or not _is_subset(
        candidates, n_candidates, listed, runs[n_runs - 1, 1], n_listed
    ):
        for j in range(n_candidates):
            listed[n_listed] = candidates[j]
            n_listed += 1
        n_runs += 1
    runs[n_runs, 0], runs[n_runs, 1] = n_border, n_listed
    return n_runs, n_listed


@njit(inline="always")
def _is_subset(numbers, n_numbers, others, first, last):  # type: ignore[no-untyped-def]
    """Whether the first numbers are all among ``others[first:last]``; both ascend."""
    for i in range(n_numbers):
        while first < last and others[first] < numbers[i]:
            first += 1
        if first == last or others[first] != numbers[i]:
            return False
    return True


@compiled()
def assign_border(X, weights, runs, candidates, centroids, columns):  # type: ignore[no-untyped-def]
    """Weighted sums and weights by cluster of the samples of a :class:`Border`."""
    sums, mass = np.zeros(centroids.shape), np.zeros(len(centroids))
    near = np.empty((len(columns), len(centroids)))
    nearest, least, no_runner_up = np.empty(CHUNK, np.int32), np.empty(CHUNK), np.empty(0)
    for run in range(len(runs) - 1):
        first = runs[run, 1]
        n_near = runs[run + 1, 1] - first
        for j in range(n_near):
            for d in range(len(columns)):
                near[d, j] = centroids[candidates[first + j], d]
        for begin in range(runs[run, 0], runs[run + 1, 0], CHUNK):
            n = min(CHUNK, runs[run + 1, 0] - begin)
            find_nearest(X, begin, n, near, n_near, nearest, least, no_runner_up, columns)
            add_up(X, weights, begin, n, nearest, candidates[first:], n_near, sums, mass, columns)
    return sums, mass
