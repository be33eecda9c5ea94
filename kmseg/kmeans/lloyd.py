"""Lloyd's iteration over weighted samples, compiled.

The loop does mathematics; seeding, attempts and what to report belong to its callers.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Samples = NDArray[np.float64]

# With stop="epsilon" nothing bounds the iterations but the samples: give up in the end.
PATIENCE: Final = 10_000


class StopRule(NamedTuple):
    """When an iteration ends: see :func:`kmseg.kmeans.fit`."""

    max_iter: int
    epsilon: float
    stop: str

    @property
    def iterations(self) -> int:
        """The greatest number of iterations."""
        return PATIENCE if self.stop == "epsilon" else self.max_iter

    @property
    def rest(self) -> float:
        """The largest move of a centroid that ends the iteration; 0 is a fixed point."""
        return 0.0 if self.stop == "iterations" else self.epsilon


class Fit(NamedTuple):
    """What an engine found: (K, D) centroids, (n,) labels, and how it got there."""

    centroids: Samples
    labels: NDArray[np.int32]
    n_iter: int | None
    converged: bool | None


def lloyd(X: Samples, weights: Samples, start: Samples, rule: StopRule) -> Fit:
    """Iterate from ``start`` until the rule says stop.

    The centroids returned are those that the last step assigned to, and one step more moves none of
    them by more than the rule's epsilon if it converged: that step has been taken and left out.
    An empty cluster takes the sample furthest from its centroid, as in scikit-learn.

    Parameters
    ----------
    X : ndarray of float64, shape (n, D)
    weights : ndarray of float64, shape (n,)
    start : ndarray of float64, shape (K, D)
    rule : StopRule

    Returns
    -------
    Fit
    """
    centroids = start.copy()
    labels = np.zeros(len(X), np.int32)
    upper, lower = np.full(len(X), np.inf), np.zeros(len(X))
    moves = np.zeros(len(centroids))
    for n_iter in range(1, rule.iterations + 1):
        sums, mass = np.zeros_like(centroids), np.zeros(len(centroids))
        _reassign(X, weights, centroids, moves, labels, upper, lower, sums, mass)
        _fill_empty(X, weights, centroids, labels, sums, mass)
        occupied = mass > 0
        moved = np.where(occupied[:, None], sums / np.where(occupied, mass, 1)[:, None], centroids)
        moves = np.sqrt(((moved - centroids) ** 2).sum(axis=1))
        step = moves.max()
        if step == 0 or (step <= rule.rest and n_iter > 1):
            return Fit(centroids, labels, n_iter, True)
        centroids = moved
    assign(X, weights, centroids, labels)
    return Fit(centroids, labels, rule.iterations, False)


def assign(
    X: Samples, weights: Samples, centroids: Samples, labels: NDArray[np.int32]
) -> tuple[Samples, Samples, float]:
    """Assign each sample to its nearest centroid, the first among equals.

    Parameters
    ----------
    X, weights, centroids
        As in :func:`lloyd`.
    labels : ndarray of int32, shape (n,)
        Is overwritten.

    Returns
    -------
    sums : ndarray, shape (K, D)
        Weighted sum of each cluster's samples.
    mass : ndarray, shape (K,)
        Weight of each cluster.
    inertia : float
        Weighted sum of squared distances.
    """
    sums = np.zeros_like(centroids)
    mass = np.zeros(len(centroids))
    return sums, mass, float(_assign(X, weights, centroids, labels, sums, mass))


@njit(nogil=True, cache=True)
def _assign(X, weights, centroids, labels, sums, mass):  # type: ignore[no-untyped-def]
    inertia = 0.0
    n_clusters, n_columns = centroids.shape
    for i in range(len(X)):
        nearest, least = 0, np.inf
        for k in range(n_clusters):
            distance = 0.0
            for column in range(n_columns):
                difference = X[i, column] - centroids[k, column]
                distance += difference * difference
            if distance < least:
                nearest, least = k, distance
        labels[i] = nearest
        weight = weights[i]
        mass[nearest] += weight
        inertia += weight * least
        for column in range(n_columns):
            sums[nearest, column] += weight * X[i, column]
    return inertia


# Bounds are sums of rounded distances. A sample is searched for anew unless they leave it this much
# room, relatively: far more than what rounding can have taken, far less than what a search saves.
_ROOM: Final = 1e-9


@njit(nogil=True, cache=True)
def _reassign(  # type: ignore[no-untyped-def]
    X, weights, centroids, moves, labels, upper, lower, sums, mass
):
    """Assign with carried bounds (Hamerly 2010, "Making k-means even faster", SDM).

    ``upper`` bounds each sample's distance to its own centroid from above, ``lower`` that to every
    other from below; ``moves`` is how far each centroid went since they held. A sample whose bounds
    do not meet keeps its label without a look at the other centroids. ``sums`` and ``mass`` are
    added to afresh for every sample, so no rounding builds up in them.
    """
    n_clusters, n_columns = centroids.shape
    half_gap = np.full(n_clusters, np.inf)
    for k in range(n_clusters):
        for other in range(n_clusters):
            if other != k:
                gap = 0.5 * np.sqrt(((centroids[k] - centroids[other]) ** 2).sum())
                half_gap[k] = min(half_gap[k], gap)
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
            for column in range(n_columns):
                difference = X[i, column] - centroids[label, column]
                distance += difference * difference
            upper[i] = np.sqrt(distance)
        if not upper[i] * (1 + _ROOM) < bound:
            least, runner_up = np.inf, np.inf
            for k in range(n_clusters):
                distance = 0.0
                for column in range(n_columns):
                    difference = X[i, column] - centroids[k, column]
                    distance += difference * difference
                if distance < least:
                    label, runner_up, least = k, least, distance
                elif distance < runner_up:
                    runner_up = distance
            labels[i] = label
            upper[i], lower[i] = np.sqrt(least), np.sqrt(runner_up)
        mass[label] += weights[i]
        for column in range(n_columns):
            sums[label, column] += weights[i] * X[i, column]


def _fill_empty(
    X: Samples,
    weights: Samples,
    centroids: Samples,
    labels: NDArray[np.int32],
    sums: Samples,
    mass: Samples,
) -> None:
    """Give each empty cluster one of the samples furthest from their centroids, in place."""
    empty = np.flatnonzero(mass == 0)
    if not len(empty):
        return
    distances = ((X - centroids[labels]) ** 2).sum(axis=1)
    furthest = np.argsort(-distances, kind="stable")[: len(empty)]
    for cluster, sample in zip(empty, furthest, strict=True):
        if distances[sample] == 0:
            return
        gain = weights[sample] * X[sample]
        sums[labels[sample]] -= gain
        mass[labels[sample]] -= weights[sample]
        sums[cluster], mass[cluster] = gain, weights[sample]
