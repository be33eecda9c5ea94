"""The exact engine: attempts on a summary of the samples, the winner finished over all of them.

Seeding decides the inertia, not the iterations, so attempts are made where an iteration costs next
to nothing: on the weighted means of a few thousand cells of the feature space. Each attempt is then
judged by its inertia over all samples, and the best goes on over all samples by the stop rule; only
those iterations count. A manual start is iterated over all samples from the first step.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from kmseg.kmeans.lloyd import Fit, Samples, StopRule, assign, lloyd

N_CELLS: Final = 1 << 15

# On the summary; what it leaves undone, the iterations over all samples do.
_SUMMARY_RULE: Final = StopRule(max_iter=100, epsilon=0.0, stop="both")


def fit_exact(
    X: Samples,
    weights: Samples,
    n_clusters: int,
    init: str,
    start: Samples | None,
    attempts: int,
    rule: StopRule,
    seed: int,
) -> tuple[Fit, tuple[float, ...]]:
    """The best of several attempts, and the exact inertia of each, in order."""
    labels = np.empty(len(X), np.int32)
    if start is not None:
        starts = [start]
    else:
        means, masses = summary(X, weights, n_clusters)
        starts = []
        for attempt in range(attempts):
            rng = np.random.default_rng([seed, attempt])
            if init == "random":
                chosen = rng.choice(len(X), n_clusters, replace=False, p=weights / weights.sum())
                seeds = X[chosen]
            else:
                seeds = means[plus_plus(means, masses, n_clusters, rng)]
            starts.append(lloyd(means, masses, seeds, _SUMMARY_RULE).centroids)
    inertias = [assign(X, weights, centroids, labels)[2] for centroids in starts]
    best = int(np.argmin(inertias))
    fit = lloyd(X, weights, starts[best], rule)
    inertias[best] = assign(X, weights, fit.centroids, labels)[2]
    return fit, tuple(inertias)


def summary(X: Samples, weights: Samples, n_clusters: int) -> tuple[Samples, Samples]:
    """Weighted means and weights of the occupied cells of a grid over the samples' range.

    Returns
    -------
    means : ndarray of float64, shape (C, D)
    masses : ndarray of float64, shape (C,)
        The samples themselves where the cells are too few to tell K clusters apart.
    """
    low = X.min(axis=0)
    extent = X.max(axis=0) - low
    bins = max(2, int(N_CELLS ** (1 / X.shape[1]) + 1e-9))
    scale = np.where(extent > 0, (bins - 1e-6) / np.where(extent > 0, extent, 1), 0)
    cell = np.zeros(len(X), np.int64)
    for column in range(X.shape[1]):
        cell = cell * bins + ((X[:, column] - low[column]) * scale[column]).astype(np.int64)
    if X.shape[1] > 15:  # two bins a column are more cells than can be counted: number the occupied
        cell = np.unique(cell, return_inverse=True)[1].astype(np.int64)
    masses = np.bincount(cell, weights).astype(np.float64)
    occupied = masses > 0
    if occupied.sum() < 4 * n_clusters:
        return X, weights
    sums = [np.bincount(cell, weights * column)[occupied] for column in X.T]
    means: Samples = np.column_stack(sums) / masses[occupied, None]
    return means, masses[occupied]


def plus_plus(
    X: Samples, weights: Samples, n_clusters: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Indices of K seeds by greedy k-means++, each the best of 2 + ln K candidates.

    Arthur & Vassilvitskii 2007, section 2.2, with the greedy choice of their conclusion and
    scikit-learn's number of candidates.
    """
    n_candidates = 2 + int(math.log(n_clusters))
    return np.asarray(_plus_plus(X, weights, n_clusters, rng.random((n_clusters, n_candidates))))


@njit(nogil=True, cache=True)
def _plus_plus(X, weights, n_clusters, draws):  # type: ignore[no-untyped-def]
    n_samples, n_columns = X.shape
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
            cumulative = np.cumsum(weights * closest)
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
                for column in range(n_columns):
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
