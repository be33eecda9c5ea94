"""Plain Lloyd: every attempt runs over all samples, from seeds that another program can repeat.

The draws of attempt number a (from 0) with the seed s:

1. The samples are the distinct rows of X, sorted by their first column, then by the second, and so
   on. The weight w of a sample is the sum of the weights of its rows.
2. ``r = numpy.random.default_rng([s, a]).random(K)`` gives one number in [0, 1) for each seed.
3. Seed k is the sample ``numpy.searchsorted(c, r[k] * c[-1], side="right")``, with
   ``c = numpy.cumsum(w * odds)``.
4. For the first seed, all odds are 1. After that, with k-means++ the odds of a sample are its
   squared distance to the nearest seed so far (Arthur & Vassilvitskii 2007, section 2.2: one
   candidate for each seed). With random seeds they are 1, and 0 for a sample that is already a
   seed: draws by weight, without replacement.

All sums are of float64 numbers, in order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kmseg.kmeans.cells import Integers, group
from kmseg.kmeans.lloyd import lloyd
from kmseg.kmeans.pairs import over_distinct_pairs
from kmseg.kmeans.problem import Fit, Problem, Samples
from kmseg.parallel.compiled import compiled


class Distinct(NamedTuple):
    """Distinct samples in lexicographic order.

    Attributes
    ----------
    X : ndarray of float64, shape (D, m)
        Column by column.
    weights : ndarray of float64, shape (m,)
    rows : ndarray of int64, shape (m,)
        The first of the original rows that equal each sample.
    """

    X: Samples
    weights: Samples
    rows: Integers

    def draw(self, n_clusters: int, init: str, seed: int, attempt: int) -> Integers:
        """Draw the seeds of an attempt; returns their indices in the order of drawing, shape (K,).

        Parameters
        ----------
        n_clusters : int
            K, at most m.
        init : {"k-means++", "random"}
        seed, attempt : int
        """
        numbers = np.random.default_rng([seed, attempt]).random(n_clusters)
        chosen = np.empty(n_clusters, np.int64)
        _draw(self.X, self.weights, numbers, init == "k-means++", chosen)
        return chosen


def distinct(X: Samples, weights: Samples) -> Distinct:
    """Sort samples, shape (n, D), and merge equal ones."""
    order = np.lexsort(X.T[::-1])
    columns = np.stack([column[order] for column in X.T])
    first = np.append(0, 1 + np.flatnonzero((columns[:, 1:] != columns[:, :-1]).any(axis=0)))
    return Distinct(
        np.ascontiguousarray(columns[:, first]),
        np.add.reduceat(weights[order], first),
        order[first],
    )


def fit_lloyd(problem: Problem) -> Fit:
    """Run every attempt over all samples until the stop rule holds; the least inertia wins."""
    return over_distinct_pairs(_fit, problem)


def _fit(problem: Problem) -> Fit:
    cells = group(problem.samples, problem.weights)
    attempts = problem.attempts if problem.start is None else 1

    def run(start: Samples, attempt: int) -> Fit:
        def step_done(centroids: Samples) -> None:
            problem.progress(attempt, attempts)

        fit = lloyd(cells, cells.widened(start), problem.rule, step_done=step_done)
        problem.progress(attempt + 1, attempts)
        return fit._replace(centroids=fit.centroids[:, : start.shape[1]])

    if problem.start is not None:
        return run(problem.start, 0)
    samples = distinct(problem.samples, problem.weights)
    inertias: list[float] = []
    for attempt in range(attempts):
        seeds = samples.draw(problem.n_clusters, problem.init, problem.seed, attempt)
        fit = run(samples.X.T[seeds], attempt)
        assert fit.inertia is not None
        if not inertias or fit.inertia < min(inertias):
            best = fit
        inertias.append(fit.inertia)
    return best._replace(inertias=tuple(inertias))


@compiled()
def _draw(X, weights, numbers, by_distance, chosen):  # type: ignore[no-untyped-def]
    """Draw samples as the module's description says; ``chosen`` receives their indices."""
    n_samples = len(weights)
    odds, distances, cumulative = np.ones(n_samples), np.empty(n_samples), np.empty(n_samples)
    for k in range(len(chosen)):
        total = 0.0
        for i in range(n_samples):
            total += weights[i] * odds[i]
            cumulative[i] = total
        index = np.searchsorted(cumulative, numbers[k] * total, side="right")
        index = min(index, n_samples - 1)  # the product may be rounded up to the total
        chosen[k] = index
        if not by_distance:
            odds[index] = 0.0
            continue
        distances[:] = 0.0
        for d in range(len(X)):
            for i in range(n_samples):
                difference = X[d, i] - X[d, index]
                distances[i] += difference * difference
        for i in range(n_samples):
            odds[i] = distances[i] if k == 0 or distances[i] < odds[i] else odds[i]
