"""Starting centroids, and attempts on a summary of the samples, where an iteration costs little."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from kmseg.kmeans.cells import Cells, Samples

# An attempt on the summary ends when no centroid moves by more than this part of the samples'
# extent, or after so many iterations: what it leaves undone, the iterations over all samples do.
_REST: Final = 1e-4
_MAX_ITER: Final = 100


def summary(cells: Cells, n_clusters: int) -> tuple[Samples, Samples]:
    """Means (C, D) and weights (C,) of the cells; the samples, if cells cannot tell K apart."""
    if len(cells.masses) < 4 * n_clusters:
        return cells.X, cells.weights
    return cells.means, cells.masses


def attempt(
    X: Samples, weights: Samples, n_clusters: int, init: str, rng: np.random.Generator
) -> Samples:
    """Seeds, and Lloyd's iteration from them over the summary; shape (K, D).

    Parameters
    ----------
    X, weights
        From :func:`summary`.
    n_clusters : int
    init : {"k-means++", "random"}
        Greedy k-means++, each seed the best of 2 + ln K candidates (Arthur & Vassilvitskii 2007,
        section 2.2 and conclusion; the number is scikit-learn's), or draws by weight.
    rng : numpy.random.Generator
    """
    columns = (0,) * X.shape[1]
    if init == "random":
        # The K least of exponential variables with these rates are K draws without replacement
        # (Efraimidis & Spirakis 2006).
        chosen = np.argsort(rng.exponential(size=len(X)) / weights)[:n_clusters]
    else:
        draws = rng.random((n_clusters, 2 + int(math.log(n_clusters))))
        chosen = _plus_plus(X, weights, n_clusters, draws, columns)
    centroids = X[chosen]
    _descend(X, weights, centroids, _MAX_ITER, _rest(X), columns)
    return centroids


def _rest(X: Samples) -> float:
    return _REST * float(np.ptp(X, axis=0).max())


def improve(X: Samples, weights: Samples, centroids: Samples) -> Samples:
    """Breathe: add centroids where the error is greatest, take away the least useful, and repeat.

    Ends when a breath of one centroid no longer lowers the inertia over the summary (Fritzke 2020,
    "The breathing k-means algorithm", arXiv:2006.15666; here without chance: a new centroid starts
    at the sample that adds most to the error of its cluster).

    Parameters
    ----------
    X, weights
        From :func:`summary`.
    centroids : ndarray, shape (K, D)

    Returns
    -------
    ndarray, shape (K, D)
        At least as good over the summary.
    """
    columns = (0,) * X.shape[1]
    rest = _rest(X)
    best = centroids.copy()
    least = _descend(X, weights, best, _MAX_ITER, rest, columns)
    breath = min(max(1, len(best) // 8), 5)
    while breath:
        worst, _ = _errors(X, weights, best, columns)
        trial = np.vstack((best, X[worst[:breath]]))
        _descend(X, weights, trial, _MAX_ITER, rest, columns)
        for _ in range(breath):
            _, use = _errors(X, weights, trial, columns)
            trial = np.delete(trial, np.argmin(use), axis=0)
        inertia = _descend(X, weights, trial, _MAX_ITER, rest, columns)
        if inertia < least * (1 - 1e-6):
            best, least = trial, inertia
        else:
            breath -= 1
    return best


def _errors(
    X: Samples, weights: Samples, centroids: Samples, columns: tuple[int, ...]
) -> tuple[NDArray[np.int64], Samples]:
    """The worst sample of each cluster, clusters by their error; and each centroid's use.

    Use is how much the inertia would rise without the centroid.
    """
    error, use, worst = _measure(X, weights, centroids, columns)
    return worst[np.argsort(-error, kind="stable")], use


@njit(nogil=True, cache=True)
def _nearest_two(X, i, centroids, columns):  # type: ignore[no-untyped-def]
    """The nearest centroid of sample i, and squared distances to it and to the second nearest."""
    nearest, least, runner_up = 0, np.inf, np.inf
    for k in range(len(centroids)):
        distance = 0.0
        for column in range(len(columns)):
            difference = X[i, column] - centroids[k, column]
            distance += difference * difference
        if distance < least:
            nearest, runner_up, least = k, least, distance
        elif distance < runner_up:
            runner_up = distance
    return nearest, least, runner_up


@njit(nogil=True, cache=True)
def _measure(X, weights, centroids, columns):  # type: ignore[no-untyped-def]
    n_clusters = len(centroids)
    error, use = np.zeros(n_clusters), np.zeros(n_clusters)
    worst, most = np.zeros(n_clusters, np.int64), np.full(n_clusters, -1.0)
    for i in range(len(X)):
        nearest, least, runner_up = _nearest_two(X, i, centroids, columns)
        error[nearest] += weights[i] * least
        use[nearest] += weights[i] * (runner_up - least)
        if weights[i] * least > most[nearest]:
            worst[nearest], most[nearest] = i, weights[i] * least
    return error, use, worst


@njit(nogil=True, cache=True)
def _descend(X, weights, centroids, max_iter, rest, columns):  # type: ignore[no-untyped-def]
    """Lloyd's iteration in place; returns the inertia. An empty cluster stays where it is."""
    n_clusters = len(centroids)
    labels = np.zeros(len(X), np.int32)
    upper, lower = np.full(len(X), np.inf), np.zeros(len(X))
    moves = np.zeros(n_clusters)
    sums, mass = np.zeros(centroids.shape), np.zeros(n_clusters)
    for _ in range(max_iter):
        sums[:] = 0.0
        mass[:] = 0.0
        _reassign(X, weights, centroids, moves, labels, upper, lower, sums, mass, columns)
        for k in range(n_clusters):
            move = 0.0
            if mass[k] > 0:
                for column in range(len(columns)):
                    moved = sums[k, column] / mass[k]
                    move += (moved - centroids[k, column]) ** 2
                    centroids[k, column] = moved
            moves[k] = np.sqrt(move)
        if moves.max() <= rest:
            break
    inertia = 0.0
    for i in range(len(X)):
        for column in range(len(columns)):
            difference = X[i, column] - centroids[labels[i], column]
            inertia += weights[i] * difference * difference
    return inertia


# Bounds are sums of rounded distances. A sample is searched for anew unless they leave it this much
# room, relatively: far more than what rounding can have taken, far less than what a search saves.
_ROOM: Final = 1e-9


@njit(nogil=True, cache=True)
def _reassign(  # type: ignore[no-untyped-def]
    X, weights, centroids, moves, labels, upper, lower, sums, mass, columns
):
    """Assign with carried bounds (Hamerly 2010, "Making k-means even faster", SDM).

    ``upper`` bounds each sample's distance to its own centroid from above, ``lower`` that to every
    other from below; ``moves`` is how far each centroid went since they held. A sample whose bounds
    do not meet keeps its label without a look at the other centroids. ``sums`` and ``mass`` are
    added to afresh for every sample, so no rounding builds up in them.
    """
    n_clusters = len(centroids)
    half_gap = np.full(n_clusters, np.inf)
    for k in range(n_clusters):
        for other in range(n_clusters):
            if other != k:
                gap = 0.0
                for column in range(len(columns)):
                    gap += (centroids[k, column] - centroids[other, column]) ** 2
                half_gap[k] = min(half_gap[k], 0.5 * np.sqrt(gap))
    furthest = np.argmax(moves)
    second = 0.0
    for k in range(n_clusters):
        if k != furthest:
            second = max(second, moves[k])
    for i in range(len(X)):
        label = labels[i]
        upper[i] += moves[label]
        lower[i] -= second if label == furthest else moves[furthest]
        bound = max(lower[i], half_gap[label])
        if not upper[i] * (1 + _ROOM) < bound:
            distance = 0.0
            for column in range(len(columns)):
                difference = X[i, column] - centroids[label, column]
                distance += difference * difference
            upper[i] = np.sqrt(distance)
        if not upper[i] * (1 + _ROOM) < bound:
            label, least, runner_up = _nearest_two(X, i, centroids, columns)
            labels[i] = label
            upper[i], lower[i] = np.sqrt(least), np.sqrt(runner_up)
        mass[label] += weights[i]
        for column in range(len(columns)):
            sums[label, column] += weights[i] * X[i, column]


@njit(nogil=True, cache=True)
def _plus_plus(X, weights, n_clusters, draws, columns):  # type: ignore[no-untyped-def]
    n_samples = len(X)
    chosen = np.zeros(n_clusters, np.int64)
    cumulative = np.cumsum(weights)
    chosen[0] = min(
        np.searchsorted(cumulative, draws[0, 0] * cumulative[-1], "right"), n_samples - 1
    )
    closest = np.full(n_samples, np.inf)
    trial = np.empty(n_samples)
    best = np.empty(n_samples)
    for k in range(n_clusters):
        if k > 0:
            total = 0.0
            for i in range(n_samples):
                total += weights[i] * closest[i]
                cumulative[i] = total
        best_potential = np.inf
        for candidate in range(draws.shape[1] if k > 0 else 1):
            index = chosen[0]
            if k > 0:
                index = min(
                    np.searchsorted(cumulative, draws[k, candidate] * cumulative[-1], "right"),
                    n_samples - 1,
                )
            potential = 0.0
            for i in range(n_samples):
                distance = 0.0
                for column in range(len(columns)):
                    difference = X[i, column] - X[index, column]
                    distance += difference * difference
                trial[i] = min(distance, closest[i])
                potential += weights[i] * trial[i]
            if potential < best_potential:
                best_potential = potential
                chosen[k] = index
                best, trial = trial, best
        closest[:] = best
    return chosen
