"""Starting centroids, and attempts on a summary of the samples, where an iteration costs little."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit

from kmseg.kmeans.cells import Cells, Samples, assign, assign_border, group, inertia, next_slack

# Samples of the summary for each cluster. What is lost inside a cell has to be small beside the
# inertia, which falls as K grows: with half as many, K = 32 ended 0.1 % higher on photographs.
_PER_CLUSTER: Final = 700
# Iterations on the summary end when no centroid moves by more than this part of the samples'
# extent, or after so many: what they leave undone, the iterations over all samples do.
_REST: Final = 1e-4
_MAX_ITER: Final = 20


class Summary(NamedTuple):
    """Few samples in place of all: some to draw seeds from, more to iterate over.

    Attributes
    ----------
    seeds, masses : ndarray, shapes (S, W), (S,)
        Weighted means of the cells and their weights.
    cells : Cells
        These means, or those of the octants of cells where they differ most, as many as K needs.
    """

    seeds: Samples
    masses: Samples
    cells: Cells


def summary(cells: Cells, n_clusters: int) -> Summary:
    """Sum up cells; where they cannot tell K clusters apart, their samples stand for themselves."""
    seeds, masses = cells.means, cells.masses
    if len(masses) < 4 * n_clusters:
        seeds, masses = cells.X, cells.weights
    X, weights = seeds, masses
    n_more = _PER_CLUSTER * n_clusters - len(cells.masses)
    if masses is cells.masses and n_more > 0:
        split = np.zeros(len(masses), np.bool_)
        split[np.argsort(-cells.scatter, kind="stable")[: n_more // 6]] = True
        X, weights = _means(cells, split, cells.columns)
    return Summary(seeds, masses, group(X, weights, cell_bits=9, block_bits=3))


@njit(nogil=True, cache=True)
def _means(cells, split, columns):  # type: ignore[no-untyped-def]
    """Means and weights of cells, and of octants (by the first three columns) of those to split."""
    n_cells = len(split)
    means = np.zeros((n_cells + 7 * split.sum(), len(columns)))
    masses = np.zeros(len(means))
    n_means = 0
    for cell in range(n_cells):
        for i in range(cells.starts[cell], cells.starts[cell + 1]):
            to = n_means
            if split[cell]:
                for d in range(min(3, len(columns))):
                    middle = 0.5 * (cells.boxes[cell, 0, d] + cells.boxes[cell, 1, d])
                    to += (cells.X[i, d] > middle) << d
            masses[to] += cells.weights[i]
            for d in range(len(columns)):
                means[to, d] += cells.weights[i] * cells.X[i, d]
        for octant in range(n_means, n_means + (8 if split[cell] else 1)):
            mass = masses[octant]
            masses[octant] = 0.0
            if mass > 0:
                masses[n_means] = mass
                for d in range(len(columns)):
                    mean = means[octant, d] / mass
                    means[octant, d] = 0.0
                    means[n_means, d] = mean
                n_means += 1
    return means[:n_means], masses[:n_means]


def attempt(few: Summary, n_clusters: int, init: str, rng: np.random.Generator) -> Samples:
    """Seeds, and Lloyd's iteration from them over the summary; shape (K, W).

    Parameters
    ----------
    few : Summary
    n_clusters : int
    init : {"k-means++", "random"}
        Greedy k-means++, each seed the best of 2 + ln K candidates (Arthur & Vassilvitskii 2007,
        section 2.2 and conclusion; the number is scikit-learn's), or draws by weight.
    rng : numpy.random.Generator
    """
    if init == "random":
        # The K least of exponential variables with these rates are K draws without replacement
        # (Efraimidis & Spirakis 2006).
        chosen = np.argsort(rng.exponential(size=len(few.masses)) / few.masses)[:n_clusters]
    else:
        draws = rng.random((n_clusters, 2 + int(math.log(n_clusters))))
        chosen = _plus_plus(few.seeds, few.masses, n_clusters, draws, few.cells.columns)
    return _descended(few.cells, few.seeds[chosen])[0]


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
    best, least = _descended(cells, centroids)
    while True:
        worst, _ = _extremes(cells.X, cells.weights, best, cells.columns)
        trial, _ = _descended(cells, np.vstack((best, cells.X[worst])))
        _, useless = _extremes(cells.X, cells.weights, trial, cells.columns)
        trial, error = _descended(cells, np.delete(trial, useless, axis=0))
        if error >= least * (1 - 1e-6):
            return best
        best, least = trial, error


@njit(nogil=True, cache=True)
def _extremes(X, weights, centroids, columns):  # type: ignore[no-untyped-def]
    """The worst sample of the cluster with the greatest error; the centroid of the least use.

    Use is how much the inertia would rise without the centroid.
    """
    n_clusters = len(centroids)
    error, use = np.zeros(n_clusters), np.zeros(n_clusters)
    worst, most = np.zeros(n_clusters, np.int64), np.full(n_clusters, -1.0)
    for i in range(len(X)):
        nearest, least, runner_up = 0, np.inf, np.inf
        for k in range(n_clusters):
            distance = 0.0
            for column in range(len(columns)):
                difference = X[i, column] - centroids[k, column]
                distance += difference * difference
            runner_up = min(runner_up, max(distance, least))
            nearest = k if distance < least else nearest
            least = min(distance, least)
        error[nearest] += weights[i] * least
        use[nearest] += weights[i] * (runner_up - least)
        if weights[i] * least > most[nearest]:
            worst[nearest], most[nearest] = i, weights[i] * least
    return worst[np.argmax(error)], np.argmin(use)


def _descended(cells: Cells, start: Samples) -> tuple[Samples, float]:
    """Lloyd's iteration over the summary, and its inertia. An empty cluster stays where it is."""
    centroids = start.copy()
    least, most = cells.block_boxes.swapaxes(0, 1)
    rest = _REST * float((most.max(axis=0) - least.min(axis=0)).max())
    _descend(cells, centroids, _MAX_ITER, rest, cells.columns)
    return centroids, inertia(cells, centroids)


@njit(nogil=True, cache=True)
def _descend(cells, centroids, max_iter, rest, columns):  # type: ignore[no-untyped-def]
    first, n_blocks, no_labels = np.int64(0), len(cells.blocks) - 1, np.empty(0, np.int32)
    slack, settled = 0.0, False
    for _ in range(max_iter):
        if not settled:
            home = centroids.copy()
            sums, mass, _, border = assign(cells, home, slack, first, n_blocks, no_labels, columns)
        near_sums, near_mass = assign_border(*border, centroids, columns)  # type: ignore[call-arg]
        move, away = 0.0, 0.0
        for k in range(len(centroids)):
            if mass[k] + near_mass[k] > 0:
                moved, gone = 0.0, 0.0
                for d in range(len(columns)):
                    mean = (sums[k, d] + near_sums[k, d]) / (mass[k] + near_mass[k])
                    moved += (mean - centroids[k, d]) ** 2
                    gone += (mean - home[k, d]) ** 2
                    centroids[k, d] = mean
                move, away = max(move, np.sqrt(moved)), max(away, np.sqrt(gone))
        if move <= rest:
            break
        settled = away <= slack
        if not settled:
            slack = next_slack(slack, len(border[0]), len(cells.X), move)


@njit(nogil=True, cache=True)
def _plus_plus(X, weights, n_clusters, draws, columns):  # type: ignore[no-untyped-def]
    n_samples = len(X)
    chosen = np.zeros(n_clusters, np.int64)
    cumulative, trial, best = np.empty(n_samples), np.empty(n_samples), np.empty(n_samples)
    closest = np.full(n_samples, np.inf)
    for k in range(n_clusters):
        total = 0.0
        for i in range(n_samples):
            total += weights[i] * (closest[i] if k > 0 else 1.0)
            cumulative[i] = total
        least = np.inf
        for candidate in range(draws.shape[1] if k > 0 else 1):
            index, above = 0, n_samples - 1
            while index < above:  # the first sample whose sum exceeds the draw
                middle = (index + above) // 2
                if cumulative[middle] > draws[k, candidate] * total:
                    above = middle
                else:
                    index = middle + 1
            potential = 0.0
            for i in range(n_samples):
                distance = 0.0
                for column in range(len(columns)):
                    difference = X[i, column] - X[index, column]
                    distance += difference * difference
                trial[i] = min(distance, closest[i])
                potential += weights[i] * trial[i]
            if potential < least:
                least = potential
                chosen[k] = index
                best, trial = trial, best
        closest, best = best, closest
    return chosen
