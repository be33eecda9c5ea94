"""The public function: validates its arguments, calls the engine, and describes the result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmseg.errors import SettingsError
from kmseg.kmeans.cells import group
from kmseg.kmeans.engines import DEFAULT_ENGINE, ENGINES
from kmseg.kmeans.filtering import inertia
from kmseg.kmeans.problem import INITS, STOPS, Fit, Problem, Progress, StopRule
from kmseg.parallel.compiled import compiled


@dataclass(frozen=True, slots=True, eq=False)
class Clustering:
    """The result of a fit. Clusters are in no particular order, and none is empty.

    Attributes
    ----------
    centroids : ndarray of float64, shape (K, D)
    labels : ndarray of int32, shape (n,)
        The cluster of each sample.
    inertia : float
        Weighted sum of squared distances from samples to the nearest of ``centroids``.
    attempts : tuple of float
        Inertia of each attempt, in order; one value if the engine reports only its best attempt.
    n_iter : int or None
        Lloyd iterations over all samples in the best attempt; None if the engine does not say.
    converged : bool or None
        Whether the stop rule's epsilon was met; None if the engine does not say.
    global_optimum : bool
        Whether no other clustering into K has a lower inertia, proven.
    """

    centroids: NDArray[np.float64]
    labels: NDArray[np.int32]
    inertia: float
    attempts: tuple[float, ...]
    n_iter: int | None
    converged: bool | None
    global_optimum: bool


def fit(
    X: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    n_clusters: int,
    init: str = "k-means++",
    centroids: ArrayLike | None = None,
    attempts: int = 10,
    max_iter: int = 300,
    epsilon: float = 0.01,
    stop: str = "both",
    seed: int = 0,
    engine: str = DEFAULT_ENGINE,
    progress: Progress | None = None,
) -> Clustering:
    """Cluster samples by k-means.

    Parameters
    ----------
    X : array_like, shape (n, D)
        Finite samples.
    sample_weight : array_like, shape (n,), optional
        Positive; a weight of 3 counts as three equal samples. Not every engine takes weights:
        see :attr:`Engine.takes_weights`.
    n_clusters : int
        K, at least 1; clipped to the number of distinct rows of X.
    init : {"k-means++", "random", "manual"}
        Greedy k-means++ [1]_ on a summary of X, weighted random samples, or ``centroids``. The
        engine "lloyd" draws from X itself, see :mod:`kmseg.kmeans.plain`.
    centroids : array_like, shape (K, D), optional
        Starting centroids of ``init="manual"``, which has one attempt.
    attempts : int
        Starts; the one with the lowest inertia wins.
    max_iter, epsilon, stop
        ``stop="epsilon"`` ends when no centroid moves further than ``epsilon`` (Euclidean, in units
        of X) in an iteration, ``"iterations"`` after ``max_iter`` of them, ``"both"`` at whichever
        comes first. ``"epsilon"`` gives up, not converged, after 10,000 iterations.
    seed : int
        Equal seeds give equal results. With one column the exact engine computes the global
        optimum whatever the seed, without iterations, unless the start is manual.
    engine : str
        A key of :data:`kmseg.kmeans.engines.ENGINES`; each entry states in what it differs.
    progress : callable, optional
        ``progress(done, attempts)`` is called in the calling thread after attempts and, in the
        engines "exact" and "lloyd", after each iteration over all samples. An exception that it
        raises ends the work and is raised here.

    Returns
    -------
    Clustering

    Raises
    ------
    SettingsError
        If an argument is not allowed; the message names it, the values allowed and the value given.
    KeyboardInterrupt
        On Ctrl-C, between two steps of compiled code or, in the engines that call a library, at
        once: within a second for some ten million samples.

    References
    ----------
    .. [1] Arthur & Vassilvitskii 2007, "k-means++: the advantages of careful seeding", SODA.
    """
    _validate(n_clusters, init, attempts, max_iter, epsilon, stop, engine)
    samples = np.require(X, np.float64, ("F", "W"))
    if samples.ndim != 2 or not samples.size or not _finite(samples):
        raise SettingsError(f"X: finite samples of shape (n, D), not {np.shape(X)}")
    weights = _weights(sample_weight, len(samples), engine)
    start = None
    if init == "manual":
        start = _start(centroids, (n_clusters, samples.shape[1]))
    n_clusters = distinct_rows(samples, n_clusters)
    problem = Problem(
        samples,
        weights,
        n_clusters,
        init,
        None if start is None else start[:n_clusters],
        attempts,
        StopRule(max_iter, epsilon, stop),
        seed,
        progress or (lambda done, attempts: None),
    )
    found = ENGINES[engine].run(problem)
    return _clustering(problem, found)


def _clustering(problem: Problem, found: Fit) -> Clustering:
    """The result without empty clusters, and with the inertia if the engine does not report it."""
    occupied = _occupied(found.labels, np.zeros(len(found.centroids), np.bool_))
    labels = found.labels if occupied.all() else (np.cumsum(occupied) - 1)[found.labels]
    centroids, total = found.centroids[occupied], found.inertia
    if total is None:
        cells = group(problem.samples, problem.weights)
        total = inertia(cells, cells.widened(centroids))
    return Clustering(
        centroids=centroids,
        labels=labels.astype(np.int32, copy=False),
        inertia=total,
        attempts=found.inertias or (total,),
        n_iter=found.n_iter,
        converged=found.converged,
        global_optimum=found.global_optimum or total == 0.0,
    )


def distinct_rows(X: NDArray[np.float64], at_most: int) -> int:
    """The number of distinct rows of X, shape (n, D), counted up to ``at_most``."""
    found = np.empty((X.shape[1], min(at_most, len(X))))
    return int(_distinct_rows(np.ascontiguousarray(X.T), found))


@compiled()
def _distinct_rows(columns, found):  # type: ignore[no-untyped-def]
    n_found = 0
    for i in range(columns.shape[1]):
        known = False
        for k in range(n_found):
            same = True
            for d in range(len(columns)):
                same = same and found[d, k] == columns[d, i]
            known = known or same
        if not known:
            for d in range(len(columns)):
                found[d, n_found] = columns[d, i]
            n_found += 1
            if n_found == found.shape[1]:
                break
    return n_found


@compiled()
def _occupied(labels, occupied):  # type: ignore[no-untyped-def]
    """Whether each cluster has a sample."""
    for i in range(len(labels)):
        occupied[labels[i]] = True
    return occupied


def _finite(numbers: NDArray[np.float64]) -> bool:
    """Whether all numbers are finite: a NaN or an infinity is also their minimum or maximum."""
    return bool(np.isfinite(numbers.min()) and np.isfinite(numbers.max()))


def _weights(sample_weight: ArrayLike | None, n_samples: int, engine: str) -> NDArray[np.float64]:
    if sample_weight is None:
        return np.ones(n_samples)
    if not ENGINES[engine].takes_weights:
        raise SettingsError(f"sample_weight: the {engine} engine takes none; repeat the samples")
    weights = np.require(sample_weight, np.float64, ("C", "W"))
    if weights.shape != (n_samples,) or not (_finite(weights) and weights.min() > 0):
        raise SettingsError("sample_weight: one positive number for each sample")
    return weights


def _start(centroids: ArrayLike | None, shape: tuple[int, int]) -> NDArray[np.float64]:
    start = np.array(centroids, np.float64, order="C")
    if start.shape != shape or not np.isfinite(start).all():
        raise SettingsError(f"centroids: finite, of shape {shape}, not {start.shape}")
    return start


def _validate(
    n_clusters: int,
    init: str,
    attempts: int,
    max_iter: int,
    epsilon: float,
    stop: str,
    engine: str,
) -> None:
    for name, count in (("n_clusters", n_clusters), ("attempts", attempts), ("max_iter", max_iter)):
        if count < 1:
            raise SettingsError(f"{name}: a whole number of at least 1, not {count}")
    if not 0 <= epsilon < np.inf:
        raise SettingsError(f"epsilon: a number of at least 0, not {epsilon}")
    for name, value, allowed in (
        ("init", init, INITS),
        ("stop", stop, STOPS),
        ("engine", engine, ENGINES),
    ):
        if value not in allowed:
            raise SettingsError(f"{name}: one of {', '.join(allowed)}, not {value!r}")
