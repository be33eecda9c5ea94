"""The input and output of an engine. Nothing here is compiled, so it imports quickly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]
Labels = NDArray[np.int32]

INITS: Final = ("k-means++", "random", "manual")
STOPS: Final = ("both", "epsilon", "iterations")

# ``progress(done, attempts)``: attempts finished, and their total. An exception ends the fit.
Progress = Callable[[int, int], None]

# The limit of iterations with stop="epsilon", which has none of its own.
MAX_ITERATIONS: Final = 10_000


class StopRule(NamedTuple):
    """When the iteration stops; see :func:`kmseg.kmeans.fit`."""

    max_iter: int
    epsilon: float
    stop: str

    @property
    def iterations(self) -> int:
        """The maximum number of iterations."""
        return MAX_ITERATIONS if self.stop == "epsilon" else self.max_iter

    @property
    def tolerance(self) -> float:
        """The largest move of a centroid that counts as converged; 0 asks for a fixed point."""
        return 0.0 if self.stop == "iterations" else self.epsilon


class Problem(NamedTuple):
    """One call of an engine; all values have been validated.

    Attributes
    ----------
    samples : ndarray of float64, shape (n, D)
    weights : ndarray of float64, shape (n,)
        All ones for an engine that takes no weights.
    n_clusters : int
        K, at most the number of distinct samples.
    init : {"k-means++", "random", "manual"}
    start : ndarray of float64, shape (K, D), or None
        The starting centroids of a manual start.
    attempts : int
        At least 1.
    rule : StopRule
    seed : int
    progress : Progress
    """

    samples: Samples
    weights: Samples
    n_clusters: int
    init: str
    start: Samples | None
    attempts: int
    rule: StopRule
    seed: int
    progress: Progress


class Fit(NamedTuple):
    """The result of an engine.

    Attributes
    ----------
    centroids : ndarray of float64, shape (K, D)
    labels : ndarray of int32, shape (n,)
    n_iter : int or None
        Lloyd iterations of the best attempt; None if the engine does not report them.
    converged : bool or None
        Whether the stop rule's epsilon was met; None if the engine does not report it.
    inertia : float or None
        None if the caller has to compute it from the centroids.
    global_optimum : bool
        Whether the result is proven optimal.
    inertias : tuple of float
        Inertia of each attempt, in order; empty if the engine reports only its best attempt.
    """

    centroids: Samples
    labels: Labels
    n_iter: int | None
    converged: bool | None
    inertia: float | None = None
    global_optimum: bool = False
    inertias: tuple[float, ...] = ()
