"""Starting centroids, and attempts on a summary of the samples, where an iteration costs little.

Compiled loops take all attempts of a thread at once: threads that come back for the interpreter's
lock after each of them wait for each other longer than they work.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from kmseg.kmeans.cells import Cells, group
from kmseg.kmeans.filtering import assign
from kmseg.kmeans.nearest import CHUNK, find_nearest
from kmseg.kmeans.problem import Samples
from kmseg.parallel.compiled import compiled

# Samples of the summary for each cluster. What is lost inside a cell has to be small beside the
# inertia, which falls as K grows: with half as many, K = 32 ended 0.1 % higher on photographs.
_PER_CLUSTER: Final = 700
# Iterations on the summary end when no centroid moves by more than this part of the samples'
# extent, or after so many: what they leave undone, the iterations over all samples do.
_REST: Final = 1e-4
_MAX_ITER: Final = 10


class Summary(NamedTuple):
    """Few samples in place of all: some to draw seeds from, more to iterate over.

    Attributes
    ----------
    seeds, masses : ndarray, shapes (W, S), (S,)
        Weighted means of the cells, column by column, and their weights.
    cells : Cells
        These means, or those of the octants of cells where they differ most, as many as K needs.
    rest : float
        Iterations over the summary end when no centroid moves further.
    """

    seeds: Samples
    masses: Samples
    cells: Cells
    rest: float


def summary(cells: Cells, n_clusters: int) -> Summary:
    """Sum up cells; where they cannot tell K clusters apart, their samples stand for themselves."""
    means, masses = cells.means, cells.masses
    if len(masses) < 4 * n_clusters:
        means, masses = cells.X.T, cells.weights
    seeds, seed_masses = np.ascontiguousarray(means.T), masses
    n_more = _PER_CLUSTER * n_clusters - len(cells.masses)
    if masses is cells.masses and n_more > 0:
        largest = np.argsort(-cells.scatter, kind="stable")[: n_more // 6]
        sums, octants = _octants(cells, largest, cells.columns)
        occupied = octants > 0
        means = np.vstack(
            (np.delete(means, largest, axis=0), sums[occupied] / octants[occupied, None])
        )
        masses = np.append(np.delete(masses, largest), octants[occupied])
    few = group(means, masses, cell_bits=9, block_bits=3)
    return Summary(seeds, seed_masses, few, _REST * few.extent)


@compiled()
def _octants(cells, split, columns):  # type: ignore[no-untyped-def]
    """Weighted sums and weights of the octants of cells, by the first three columns."""
    sums, masses = np.zeros((8 * len(split), len(columns))), np.zeros(8 * len(split))
    for number in range(len(split)):
        cell = split[number]
        for i in range(cells.starts[cell], cells.starts[cell + 1]):
            octant = 8 * number
            for d in range(3):
                middle = 0.5 * (cells.boxes[cell, 0, d] + cells.boxes[cell, 1, d])
                octant += (cells.X[d, i] > middle) << d
            masses[octant] += cells.weights[i]
            for d in range(len(columns)):
                sums[octant, d] += cells.weights[i] * cells.X[d, i]
    return sums, masses


def attempts(few: Summary, n_clusters: int, init: str, seed: int, numbers: range) -> Samples:
    """Seeds, and Lloyd's iteration from them over the summary; shape (A, K, W).

    Parameters
    ----------
    few : Summary
    n_clusters : int
    init : {"k-means++", "random"}
        Greedy k-means++, each seed the best of 2 + ln K candidates (Arthur & Vassilvitskii 2007,
        section 2.2 and conclusion; the number is scikit-learn's), or draws by weight.
    seed : int
    numbers : range
        Which A attempts to make: each has chances of its own.
    """
    generators = [np.random.default_rng([seed, number]) for number in numbers]
    chosen = np.zeros((len(numbers), n_clusters), np.int64)
    if init == "random":
        # The K least of exponential variables with these rates are K draws without replacement
        # (Efraimidis & Spirakis 2006).
        for row, rng in zip(chosen, generators, strict=True):
            row[:] = np.argsort(rng.exponential(size=len(few.masses)) / few.masses)[:n_clusters]
    else:
        shape = (n_clusters, 2 + int(math.log(n_clusters)))
        draws = np.array([rng.random(shape) for rng in generators])
        _plus_plus(few.seeds, few.masses, draws, chosen, few.cells.columns)
    return _descended(few, few.seeds.T[chosen])[0]


def improve(few: Summary, centroids: Samples) -> Samples:
    """Breathe: add a centroid where the error is greatest, take away the least useful, and repeat.

    Ends when that no longer lowers the inertia over the summary (Fritzke 2020, "The breathing
    k-means algorithm", arXiv:2006.15666; here one at a time and without chance: a new centroid
    starts at the sample that adds most to the error of the worst cluster).

    Parameters
    ----------
    few : Summary
    centroids : ndarray, shape (K, W)

    Returns
    -------
    ndarray, shape (K, W)
        At least as good over the summary.
    """
    cells = few.cells
    best: Samples
    (best,), (least,) = _descended(few, centroids[None])
    while True:
        new, _ = _extremes(cells.X, cells.weights, best, cells.columns)
        (more,), _ = _descended(few, np.vstack((best, cells.X[:, new]))[None])
        _, useless = _extremes(cells.X, cells.weights, more, cells.columns)
        (fewer,), (inertia,) = _descended(few, np.delete(more, useless, axis=0)[None])
        if inertia >= least * (1 - 1e-6):
            return best
        best, least = fewer, inertia


@compiled()
def _extremes(X, weights, centroids, columns):  # type: ignore[no-untyped-def]
    """The worst sample of the cluster with the greatest error; the centroid of the least use.

    Use is how much the inertia would rise without the centroid.
    """
    n_clusters, n_samples = len(centroids), len(weights)
    error, use = np.zeros(n_clusters), np.zeros(n_clusters)
    worst, most = np.zeros(n_clusters, np.int64), np.zeros(n_clusters)
    nearest, least, runner_up = np.empty(CHUNK, np.int64), np.empty(CHUNK), np.empty(CHUNK)
    for begin in range(0, n_samples, CHUNK):
        n = min(CHUNK, n_samples - begin)
        find_nearest(X, begin, n, centroids, n_clusters, nearest, least, runner_up, columns)
        for i in range(n):
            k, weight = nearest[i], weights[begin + i]
            error[k] += weight * least[i]
            use[k] += weight * (runner_up[i] - least[i])
            if weight * least[i] > most[k]:
                worst[k], most[k] = begin + i, weight * least[i]
    greatest, useless = 0, 0
    for k in range(n_clusters):
        greatest = k if error[k] > error[greatest] else greatest
        useless = k if use[k] < use[useless] else useless
    return worst[greatest], useless


def _descended(few: Summary, starts: Samples) -> tuple[Samples, Samples]:
    """Lloyd's iteration over the summary: from starts (A, K, W) to as many ends; their inertia."""
    centroids, inertias = np.array(starts, order="C"), np.empty(len(starts))
    _descend(few.cells, centroids, inertias, few.rest, few.cells.columns)
    return centroids, inertias


@compiled()
def _descend(cells, all_centroids, inertias, rest, columns):  # type: ignore[no-untyped-def]
    """In place. An empty cluster stays where it is."""
    first, n_blocks, no_labels = np.int64(0), len(cells.blocks) - 1, np.empty(0, np.int32)
    for attempt in range(len(all_centroids)):
        centroids, move = all_centroids[attempt], np.inf
        for iteration in range(_MAX_ITER + 1):
            sums, mass, inertia, _ = assign(
                cells, centroids, 0.0, first, n_blocks, no_labels, columns
            )
            if iteration == _MAX_ITER or move <= rest:
                inertias[attempt] = inertia
                break
            move = 0.0
            for k in range(len(centroids)):
                if mass[k] > 0:
                    moved = 0.0
                    for d in range(len(columns)):
                        mean = sums[k, d] / mass[k]
                        moved += (mean - centroids[k, d]) ** 2
                        centroids[k, d] = mean
                    move = max(move, np.sqrt(moved))


@compiled(fastmath={"reassoc"})
def _plus_plus(X, weights, draws, chosen, columns):  # type: ignore[no-untyped-def]
    n_samples, (n_attempts, n_clusters, n_candidates) = np.uint64(len(weights)), draws.shape
    trial, best = np.empty(n_samples), np.empty(n_samples)
    closest, cumulative = np.empty(n_samples), np.empty(n_samples)
    for attempt, k in np.ndindex(n_attempts, n_clusters):
        total = 0.0
        for i in range(n_samples):
            closest[i] = closest[i] if k > 0 else np.inf
            total += weights[i] * (closest[i] if k > 0 else 1.0)
            cumulative[i] = total
        least = np.inf
        for candidate in range(n_candidates if k > 0 else 1):
            index, above = 0, len(weights) - 1
            while index < above:  # the first sample whose sum exceeds the draw
                middle = (index + above) // 2
                if cumulative[middle] > draws[attempt, k, candidate] * total:
                    above = middle
                else:
                    index = middle + 1
            potential = 0.0
            for i in range(n_samples):
                distance = 0.0
                for d in range(len(columns)):
                    difference = X[d, i] - X[d, index]
                    distance += difference * difference
                trial[i] = distance if distance < closest[i] else closest[i]
                potential += weights[i] * trial[i]
            if potential < least:
                least = potential
                chosen[attempt, k] = index
                best, trial = trial, best
        closest, best = best, closest
