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
from kmseg.kmeans.problem import Samples
from kmseg.parallel.compiled import compiled, inlined

# Number of summary samples per cluster. The scatter within cells must be small against the
# inertia, which falls as K grows. With half as many samples, the inertia of photographs at K = 32
# was 0.1 % higher.
_PER_CLUSTER: Final = 700
# Of the coarse summary, on which the genetic search begins: per cluster, and at most.
_PER_CLUSTER_COARSE: Final = 250
_MOST_COARSE: Final = 8000
# Iterations on a summary end when no centroid moves by more than this fraction of the samples'
# extent, or after _MAX_ITER iterations. Iterations over all samples follow.
_TOLERANCE: Final = 1e-4
_MAX_ITER: Final = 10


class Summary(NamedTuple):
    """Two small samples that stand for all: one to search on, and a finer one.

    Attributes
    ----------
    coarse, fine : Cells
        Weighted means of cells, or of the octants of cells where their scatter is large.
    tolerance : float
        Iterations over either end when no centroid moves further.
    """

    coarse: Cells
    fine: Cells
    tolerance: float


def summary(cells: Cells, n_clusters: int) -> Summary:
    """Summarise cells by their means; if there are too few cells for K, use all samples."""
    sizes = min(_PER_CLUSTER_COARSE * n_clusters, _MOST_COARSE), _PER_CLUSTER * n_clusters
    coarse, fine = (_means(cells, n_clusters, size) for size in sizes)
    return Summary(coarse, fine, _TOLERANCE * fine.extent)


def _means(cells: Cells, n_clusters: int, size: int) -> Cells:
    """The means of cells, with those of octants in place of some for about ``size`` samples."""
    means, masses = cells.means, cells.masses
    if len(masses) < 4 * n_clusters:
        means, masses = cells.X.T, cells.weights
    n_more = size - len(cells.masses)
    if masses is cells.masses and n_more > 0:
        largest = np.argsort(-cells.scatter, kind="stable")[: n_more // 6]
        sums, octants = _octants(cells, largest, cells.columns)
        occupied = octants > 0
        means = np.vstack(
            (np.delete(means, largest, axis=0), sums[occupied] / octants[occupied, None])
        )
        masses = np.append(np.delete(masses, largest), octants[occupied])
    return group(means, masses, cell_bits=9, block_bits=3)


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
    if init == "random":
        # The K least of exponential variables, with the weights as rates, are K draws by weight
        # without replacement (Efraimidis & Spirakis 2006, Information Processing Letters 97(5)).
        weights = few.coarse.weights
        keys = np.array([rng.exponential(size=len(weights)) / weights for rng in generators])
        starts = few.coarse.X.T[np.argsort(keys, axis=1)[:, :n_clusters]]
    else:
        shape = (n_clusters, 2 + int(math.log(n_clusters)))
        starts = plus_plus(few.coarse, np.array([rng.random(shape) for rng in generators]))
    return iterated(few.fine, starts, few.tolerance)


def plus_plus(cells: Cells, draws: Samples) -> Samples:
    """Seeds by greedy k-means++, shape (A, K, W), from random numbers ``draws``, (A, K, C).

    The numbers are uniform in [0, 1): C candidates for each seed, of which one is kept.
    """
    chosen = np.zeros(draws.shape[:2], np.int64)
    _plus_plus(cells.X, cells.weights, draws, chosen, cells.columns)
    return cells.X.T[chosen]


def iterated(cells: Cells, starts: Samples, tolerance: float) -> Samples:
    """Centroids after Lloyd's iterations over a summary from ``starts``, shape (A, K, W)."""
    centroids = np.array(starts, order="C")
    _iterate_all(cells, centroids, tolerance, cells.columns)
    return centroids


@compiled()
def _iterate_all(cells, all_centroids, tolerance, columns):  # type: ignore[no-untyped-def]
    mass = np.empty(all_centroids.shape[1])
    for attempt in range(len(all_centroids)):
        iterate(cells, all_centroids[attempt], mass, tolerance, _MAX_ITER, columns)


@inlined()
def iterate(cells, centroids, mass, tolerance, max_iter, columns):  # type: ignore[no-untyped-def]
    """Lloyd's iteration, in place; returns the inertia. An empty cluster keeps its centroid.

    ``mass`` receives the weights of the clusters.
    """
    first, n_blocks, no_labels = np.int64(0), len(cells.blocks) - 1, np.empty(0, np.int32)
    move, iteration = np.inf, 0
    while True:
        sums, found, inertia, _ = assign(cells, centroids, 0.0, first, n_blocks, no_labels, columns)
        if iteration == max_iter or move <= tolerance:
            mass[:] = found
            return inertia
        iteration, move = iteration + 1, 0.0
        for k in range(len(centroids)):
            if found[k] > 0:
                moved = 0.0
                for d in range(len(columns)):
                    mean = sums[k, d] / found[k]
                    moved += (mean - centroids[k, d]) ** 2
                    centroids[k, d] = mean
                move = max(move, np.sqrt(moved))


@compiled(fastmath={"reassoc"})
def _plus_plus(X, weights, draws, chosen, columns):  # type: ignore[no-untyped-def]
    """Greedy k-means++: ``chosen`` (A, K) receives samples; see :func:`plus_plus`."""
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
