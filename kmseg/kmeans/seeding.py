"""Starting centroids, and attempts on a summary of the samples, where an iteration is cheap.

A compiled loop makes all attempts of a thread in one call: threads that return to Python after each
attempt spend more time waiting for the GIL than working.
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

# Number of summary samples per cluster. The scatter within cells must be small against the
# inertia, which falls as K grows. With half as many samples, the inertia of photographs at K = 32
# was 0.1 % higher.
_PER_CLUSTER: Final = 700
# Iterations on the summary end when no centroid moves by more than this fraction of the samples'
# extent, or after _MAX_ITER iterations. Iterations over all samples follow.
_TOLERANCE: Final = 1e-4
_MAX_ITER: Final = 10


class Summary(NamedTuple):
    """A small sample that stands for all: some means to draw seeds from, more to iterate over.

    Attributes
    ----------
    seeds, masses : ndarray, shapes (W, S), (S,)
        Weighted means of the cells, column by column, and their weights.
    cells : Cells
        These means, with those of the octants of cells in place of cells with much scatter.
    tolerance : float
        Iterations over the summary end when no centroid moves further.
    """

    seeds: Samples
    masses: Samples
    cells: Cells
    tolerance: float


def summary(cells: Cells, n_clusters: int) -> Summary:
    """Summarise cells by their means; if there are too few cells for K, use all samples."""
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
    return Summary(seeds, seed_masses, few, _TOLERANCE * few.extent)


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
    """Draw seeds and iterate from them over the summary; returns centroids, shape (A, K, W).

    Parameters
    ----------
    few : Summary
    n_clusters : int
    init : {"k-means++", "random"}
        Greedy k-means++, each seed the best of 2 + ln K candidates (Arthur & Vassilvitskii 2007,
        section 2.2 and conclusion; the number is scikit-learn's), or draws by weight.
    seed : int
    numbers : range
        The A attempts to make; each has its own random numbers.
    """
    generators = [np.random.default_rng([seed, number]) for number in numbers]
    chosen = np.zeros((len(numbers), n_clusters), np.int64)
    if init == "random":
        # The K least of exponential variables, with the weights as rates, are K draws by weight
        # without replacement (Efraimidis & Spirakis 2006, Information Processing Letters 97(5)).
        for row, rng in zip(chosen, generators, strict=True):
            row[:] = np.argsort(rng.exponential(size=len(few.masses)) / few.masses)[:n_clusters]
    else:
        shape = (n_clusters, 2 + int(math.log(n_clusters)))
        draws = np.array([rng.random(shape) for rng in generators])
        _plus_plus(few.seeds, few.masses, draws, chosen, few.cells.columns)
    return _iterated(few, few.seeds.T[chosen])[0]


def improve(few: Summary, centroids: Samples) -> Samples:
    """Add a centroid where the error is greatest, remove the least useful one, and repeat.

    This ends when it no longer lowers the inertia over the summary (Fritzke 2020, "The breathing
    k-means algorithm", arXiv:2006.15666; here with one centroid at a time and no random numbers: a
    new centroid starts at the sample with the greatest error in the cluster with the greatest).

    Parameters
    ----------
    few : Summary
    centroids : ndarray, shape (K, W)

    Returns
    -------
    ndarray, shape (K, W)
        Their inertia over the summary is no higher.
    """
    cells = few.cells
    best: Samples
    (best,), (least,) = _iterated(few, centroids[None])
    while True:
        new, _ = _exchange(cells.X, cells.weights, best, cells.columns)
        (more,), _ = _iterated(few, np.vstack((best, cells.X[:, new]))[None])
        _, useless = _exchange(cells.X, cells.weights, more, cells.columns)
        (fewer,), (inertia,) = _iterated(few, np.delete(more, useless, axis=0)[None])
        if inertia >= least * (1 - 1e-6):
            return best
        best, least = fewer, inertia


@compiled()
def _exchange(X, weights, centroids, columns):  # type: ignore[no-untyped-def]
    """The sample to place a centroid at, and the centroid to remove.

    They are the sample with the greatest error of the cluster with the greatest error, and the
    centroid of least utility: without it the inertia would rise least.
    """
    n_clusters, n_samples = len(centroids), len(weights)
    error, utility = np.zeros(n_clusters), np.zeros(n_clusters)
    worst, most = np.zeros(n_clusters, np.int64), np.zeros(n_clusters)
    nearest, least, runner_up = np.empty(CHUNK, np.int64), np.empty(CHUNK), np.empty(CHUNK)
    for begin in range(0, n_samples, CHUNK):
        n = min(CHUNK, n_samples - begin)
        find_nearest(X, begin, n, centroids, n_clusters, nearest, least, runner_up, columns)
        for i in range(n):
            k, weight = nearest[i], weights[begin + i]
            error[k] += weight * least[i]
            utility[k] += weight * (runner_up[i] - least[i])
            if weight * least[i] > most[k]:
                worst[k], most[k] = begin + i, weight * least[i]
    greatest, useless = 0, 0
    for k in range(n_clusters):
        greatest = k if error[k] > error[greatest] else greatest
        useless = k if utility[k] < utility[useless] else useless
    return worst[greatest], useless


def _iterated(few: Summary, starts: Samples) -> tuple[Samples, Samples]:
    """Iterate over the summary from ``starts`` (A, K, W); returns centroids and inertias (A,)."""
    centroids, inertias = np.array(starts, order="C"), np.empty(len(starts))
    _iterate(few.cells, centroids, inertias, few.tolerance, few.cells.columns)
    return centroids, inertias


@compiled()
def _iterate(cells, all_centroids, inertias, tolerance, columns):  # type: ignore[no-untyped-def]
    """Lloyd's iteration from each start, in place. An empty cluster keeps its centroid."""
    first, n_blocks, no_labels = np.int64(0), len(cells.blocks) - 1, np.empty(0, np.int32)
    for attempt in range(len(all_centroids)):
        centroids, move = all_centroids[attempt], np.inf
        for iteration in range(_MAX_ITER + 1):
            sums, mass, inertia, _ = assign(
                cells, centroids, 0.0, first, n_blocks, no_labels, columns
            )
            if iteration == _MAX_ITER or move <= tolerance:
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
    """Greedy k-means++: ``chosen`` (A, K) receives samples, by random numbers ``draws``.

    ``draws`` (A, K, C) are uniform in [0, 1): C candidates for each seed, of which one is kept.
    """
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
