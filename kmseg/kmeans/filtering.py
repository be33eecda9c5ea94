"""Assignment of samples to centroids by filtering over cells.

A cell all of which is nearer to one centroid than to any other is added in bulk by its sums, which
is exact. Only the samples of other cells are looked at, and only at the centroids that can be
nearest somewhere in the cell (Kanungo et al. 2002, "An efficient k-means clustering algorithm",
IEEE TPAMI 24(7); Pelleg & Moore 1999). Cells lie in blocks, which are filtered first.

A sample that is nearer to one centroid with room to spare stays so while centroids move little. So
a step may settle those once, and hand on the few near a border between clusters, which alone are
looked at while no centroid leaves its room. (Bounds carried for every sample, as in Hamerly 2010,
"Making k-means even faster", were measured too: reading them took longer than this.)
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit

from kmseg.kmeans.cells import Cells, Integers
from kmseg.kmeans.problem import Labels, Samples
from kmseg.parallel.compiled import compiled, inlined
from kmseg.parallel.threads import N_CORES, in_threads

# A centroid is dropped only if it is further by more than rounding can account for, relatively.
_ROOM: Final = 1e-12
# Samples that are looked at together: what is found of them stays in the nearest cache.
CHUNK: Final = 256
# Vector instructions take this many at a time, so as many are looked at even if fewer are needed.
_LANES: Final = 16


class Border(NamedTuple):
    """Samples that are not settled, in runs of cells, with the centroids that can be nearest there.

    A cell joins the run before it if its candidates are among that run's: long runs are quicker.

    Attributes
    ----------
    X, weights : ndarray, shapes (W, at least m), (at least m,)
        Column by column, as in :class:`Cells`.
    runs : ndarray of int64, shape (R + 1, 2)
        Run r has samples ``runs[r, 0]`` to ``runs[r + 1, 0]`` and candidates ``runs[r, 1]`` to
        ``runs[r + 1, 1]``.
    candidates : ndarray of int64
        Numbers of centroids, ascending in each run.
    """

    X: Samples
    weights: Samples
    runs: Integers
    candidates: Integers

    @property
    def n_samples(self) -> int:
        """m, how many samples there are."""
        return int(self.runs[-1, 0])


class Step(NamedTuple):
    """What an assignment found.

    Attributes
    ----------
    sums, mass : ndarray, shapes (K, W), (K,)
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
    """Assign samples to their nearest centroids, the first among equals, and add them up.

    Parameters
    ----------
    cells : Cells
    centroids : ndarray, shape (K, W)
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

    It is over before threads are awake.
    """
    near = [assign_border(*border, centroids, columns) for border in settled.borders]
    return (
        settled.sums + sum(sums for sums, _ in near),
        settled.mass + sum(mass for _, mass in near),
    )


def inertia(cells: Cells, centroids: Samples) -> float:
    """Weighted sum of squared distances to the nearest centroids, in the calling thread alone."""
    no_labels = np.empty(0, np.int32)
    found = assign(cells, centroids, 0.0, 0, len(cells.blocks) - 1, no_labels, cells.columns)
    return float(found[2])


def label(cells: Cells, centroids: Samples, n_threads: int = N_CORES) -> tuple[Labels, float]:
    """The nearest centroid of each sample, in the order they were grouped from, and inertia."""
    by_cell = np.empty(len(cells.weights), np.int32)
    inertia = step(cells, centroids, n_threads, labels=by_cell).inertia
    if not len(cells.order):
        return by_cell, inertia
    labels = np.empty_like(by_cell)
    labels[cells.order] = by_cell
    return labels, inertia


@inlined()
def _survivors(  # type: ignore[no-untyped-def]
    boxes, box, slack, near, candidates, n_candidates, kept_near, kept, distances, columns
):
    """Keep the candidates that can be nearest somewhere in a box; returns how many.

    ``near`` holds the coordinates of the candidates, ``kept_near`` receives those of the kept.

    A candidate k drops out if the squared distance to it exceeds that to the centroid n nearest to
    the box's middle in the corner furthest towards k, and so in all of the box. While both move by
    at most the slack s, n stays nearer if d_k - d_n > 2 s, where d_k - d_n is the difference of the
    squares over d_k + d_n, at most 2 d_n + |k - n|.
    """
    nearest, least, half = 0, np.inf, 0.0
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
            half += (0.5 * (boxes[box, 1, d] - boxes[box, 0, d])) ** 2
        reach = np.sqrt(least) + np.sqrt(half)
    n_kept = 0
    for j in range(n_candidates):
        room, gap = 0.0, 0.0
        for d in range(len(columns)):
            difference = near[j, d] - near[nearest, d]
            room += abs(difference) * (boxes[box, 1, d] - boxes[box, 0, d])
            gap += difference * difference
        if slack > 0:
            room += 2 * slack * (2 * reach + np.sqrt(gap))
        kept[n_kept] = candidates[j]
        for d in range(len(columns)):
            kept_near[n_kept, d] = near[j, d]
        if distances[j] * (1 - _ROOM) <= least + room:
            n_kept += 1
    return n_kept


@njit(inline="always")
def _filled(begin, n_samples, n_all):  # type: ignore[no-untyped-def]
    """How many samples to look at for the sake of ``n_samples`` from ``begin``."""
    return np.uint64(min((n_samples + _LANES - 1) // _LANES * _LANES, n_all - begin))


@inlined()
def find_nearest(  # type: ignore[no-untyped-def]
    X, begin, n_samples, centroids, n_centroids, nearest, least, runner_up, columns
):
    """The nearest of some centroids to each of at most ``CHUNK`` samples from ``begin``.

    ``nearest`` receives its number, ``least`` the squared distance, and ``runner_up``, if it is not
    empty, that of the second nearest. Whole vectors are filled, if there are samples for it: past
    the last one that is asked for, ``nearest`` is -1. Unsigned numbers keep the compiler from
    minding negative indices.
    """
    filled, offset = _filled(begin, n_samples, X.shape[1]), np.uint64(begin)
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
def _add_up(  # type: ignore[no-untyped-def]
    X, weights, begin, n_samples, nearest, candidates, n_candidates, sums, mass, columns
):
    """Add samples from ``begin`` to the clusters that :func:`find_nearest` gave, but those at -1.

    A sum may be taken in any order, for vector instructions: it is exact anyway for whole numbers,
    as bytes and their counts are.
    """
    filled, offset = _filled(begin, n_samples, X.shape[1]), np.uint64(begin)
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
def _error(weights, begin, n_samples, nearest, least):  # type: ignore[no-untyped-def]
    """Weighted sum of what :func:`find_nearest` gave as ``least``, without samples at -1."""
    total, offset = 0.0, np.uint64(begin)
    for i in range(_filled(begin, n_samples, len(weights))):
        total += weights[offset + i] * least[i] if nearest[i] >= 0 else 0.0
    return total


@njit(inline="always")
def _among(numbers, n_numbers, others, first, last):  # type: ignore[no-untyped-def]
    """Whether all of the first numbers are among the others from ``first``; both ascend."""
    for i in range(n_numbers):
        while first < last and others[first] < numbers[i]:
            first += 1
        if first == last or others[first] != numbers[i]:
            return False
    return True


@compiled()
def assign(  # type: ignore[no-untyped-def]
    cells, centroids, slack, first, last, labels, columns
):
    """What :class:`Step` holds, of the blocks from ``first`` up to ``last``."""
    n_clusters = len(centroids)
    sums = np.zeros((n_clusters, len(columns)))
    mass = np.zeros(n_clusters)
    inertia = 0.0
    everyone = np.arange(n_clusters)
    in_block, in_cell = np.empty(n_clusters, np.int64), np.empty(n_clusters, np.int64)
    near_block, near_cell = np.empty(centroids.shape), np.empty(centroids.shape)
    distances = np.empty(n_clusters)
    nearest, least = np.empty(CHUNK, np.int64), np.empty(CHUNK)
    runner_up = np.empty(CHUNK if slack > 0 else 0)
    n_cells = cells.blocks[last] - cells.blocks[first] if slack > 0 else 0
    n_samples = (
        cells.starts[cells.blocks[last]] - cells.starts[cells.blocks[first]] if slack > 0 else 0
    )
    border_X, border_weights = np.empty((len(columns), n_samples)), np.empty(n_samples)
    runs = np.zeros((n_cells + 1, 2), np.int64)
    run_candidates = np.empty(n_cells * n_clusters, np.int64)
    n_border, n_runs, n_listed = 0, 0, 0
    for block in range(first, last):
        n_block = _survivors(
            cells.block_boxes,
            block,
            slack,
            centroids,
            everyone,
            n_clusters,
            near_block,
            in_block,
            distances,
            columns,
        )
        for cell in range(cells.blocks[block], cells.blocks[block + 1]):
            n_cell = n_block
            if n_block > 1:
                n_cell = _survivors(
                    cells.boxes,
                    cell,
                    slack,
                    near_block,
                    in_block,
                    n_block,
                    near_cell,
                    in_cell,
                    distances,
                    columns,
                )
            else:
                in_cell[0] = in_block[0]
            if n_cell == 1:
                k = in_cell[0]
                mass[k] += cells.masses[cell]
                inertia += cells.scatter[cell]
                for d in range(len(columns)):
                    sums[k, d] += cells.sums[cell, d]
                    difference = cells.sums[cell, d] / cells.masses[cell] - centroids[k, d]
                    inertia += cells.masses[cell] * difference * difference
                if len(labels):
                    labels[cells.starts[cell] : cells.starts[cell + 1]] = k
                continue
            n_before = n_border
            for begin in range(cells.starts[cell], cells.starts[cell + 1], CHUNK):
                n = min(CHUNK, cells.starts[cell + 1] - begin)
                find_nearest(
                    cells.X, begin, n, near_cell, n_cell, nearest, least, runner_up, columns
                )
                if slack > 0:
                    # A sample keeps its centroid if d_2 - d_1 > 2 s.
                    for i in range(np.uint64(n)):
                        room = 4 * slack * (np.sqrt(least[i]) + slack)
                        nearest[i] = nearest[i] if runner_up[i] > least[i] + room else -1
                    for i in range(n):
                        if nearest[i] < 0:
                            border_weights[n_border] = cells.weights[begin + i]
                            for d in range(len(columns)):
                                border_X[d, n_border] = cells.X[d, begin + i]
                            n_border += 1
                _add_up(
                    cells.X, cells.weights, begin, n, nearest, in_cell, n_cell, sums, mass, columns
                )
                inertia += _error(cells.weights, begin, n, nearest, least)
                for i in range(n if len(labels) else 0):
                    if nearest[i] >= 0:
                        labels[begin + i] = in_cell[nearest[i]]
            if n_border > n_before:
                if n_runs == 0 or not _among(
                    in_cell, n_cell, run_candidates, runs[n_runs - 1, 1], n_listed
                ):
                    for j in range(n_cell):
                        run_candidates[n_listed] = in_cell[j]
                        n_listed += 1
                    n_runs += 1
                runs[n_runs, 0], runs[n_runs, 1] = n_border, n_listed
    return (
        sums,
        mass,
        inertia,
        (border_X, border_weights, runs[: n_runs + 1], run_candidates[:n_listed]),
    )


@compiled()
def assign_border(X, weights, runs, candidates, centroids, columns):  # type: ignore[no-untyped-def]
    """Sums and weights by cluster of the samples of a :class:`Border`."""
    sums, mass = np.zeros(centroids.shape), np.zeros(len(centroids))
    near = np.empty(centroids.shape)
    nearest, least, no_runner_up = np.empty(CHUNK, np.int64), np.empty(CHUNK), np.empty(0)
    for run in range(len(runs) - 1):
        first = runs[run, 1]
        n_near = runs[run + 1, 1] - first
        for j in range(n_near):
            for d in range(len(columns)):
                near[j, d] = centroids[candidates[first + j], d]
        for begin in range(runs[run, 0], runs[run + 1, 0], CHUNK):
            n = min(CHUNK, runs[run + 1, 0] - begin)
            find_nearest(X, begin, n, near, n_near, nearest, least, no_runner_up, columns)
            _add_up(X, weights, begin, n, nearest, candidates[first:], n_near, sums, mass, columns)
    return sums, mass
