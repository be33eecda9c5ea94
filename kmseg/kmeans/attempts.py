"""The exact engine: attempts on a summary of the samples, the winner finished over all of them.

Seeding decides the inertia, not the iterations, so attempts are made where an iteration costs next
to nothing: on weighted means of small cells of the feature space. Each attempt is then judged by
its inertia over all samples. The best are improved on the summary and judged again; the first of
them goes on over all samples by the stop rule, and only those iterations count. A manual start
is iterated over all samples from the first step.

Samples on a line need no attempts: without a manual start they get their global optimum.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Final

import numpy as np

from kmseg.kmeans.cells import group
from kmseg.kmeans.filtering import inertia
from kmseg.kmeans.line import optimum
from kmseg.kmeans.lloyd import lloyd
from kmseg.kmeans.problem import Fit, Labels, Problem, Samples
from kmseg.kmeans.seeding import attempts, improve, summary
from kmseg.parallel.threads import N_CORES, in_threads

# One attempt for so many clusters is improved, at least two: what leads by little before that need
# not after it, the less the more clusters there are.
_PER_FINALIST: Final = 3
# Attempts whose inertias differ by less than this, relatively, are on the way to the same end.
_ALIKE: Final = 1e-3
# Attempts times samples of a round, after which progress is told: some tenths of a second.
_ROUND: Final = 1 << 23
# So many pairs of bytes are worth looking for equal ones among.
_MANY: Final = 1 << 14


def fit_exact(problem: Problem, n_threads: int = N_CORES) -> Fit:
    """The best of several attempts, with the exact inertia of each."""
    X, weights, n_clusters, init, start, n_attempts, rule, seed, progress = problem
    n_columns = X.shape[1]
    if start is None and n_columns == 1:
        best = optimum(X, weights, n_clusters)
        return Fit(
            best.centroids, best.labels, 0, True, best.inertia, True, inertias=(best.inertia,)
        )
    pairs = _pairs(X, weights)
    if pairs is not None:
        few, masses, place = pairs
        fit = fit_exact(problem._replace(samples=few, weights=masses), n_threads)
        return fit._replace(labels=fit.labels[place])
    cells = group(X, weights, n_threads)

    def step_done() -> None:
        progress(n_attempts, n_attempts)

    if start is not None:
        fit = lloyd(cells, cells.widened(start), rule, n_threads, step_done)
        assert fit.inertia is not None
        return fit._replace(centroids=fit.centroids[:, :n_columns], inertias=(fit.inertia,))
    small = summary(cells, n_clusters)
    n_tasks = min(n_threads, n_attempts)

    def task(numbers: range) -> list[tuple[float, Samples]]:
        return [judged(centroids) for centroids in attempts(small, n_clusters, init, seed, numbers)]

    def judged(centroids: Samples) -> tuple[float, Samples]:
        return inertia(cells, centroids), centroids

    def better(number: int) -> tuple[float, Samples]:
        return min(tried[number], judged(improve(small, tried[number][1])), key=itemgetter(0))

    tried: list[tuple[float, Samples]] = []
    size = n_tasks * max(1, _ROUND // len(X) // n_tasks)
    for first in range(0, n_attempts, size):
        last = min(first + size, n_attempts)
        shares = [range(i, last, n_tasks) for i in range(first, min(first + n_tasks, last))]
        done = in_threads(task, shares, n_threads)
        tried += [done[i % n_tasks][i // n_tasks] for i in range(last - first)]
        progress(last, n_attempts)
    leading: list[int] = []
    for number in sorted(range(n_attempts), key=lambda number: tried[number][0]):
        alike = leading and tried[number][0] <= tried[leading[-1]][0] * (1 + _ALIKE)
        if not alike and len(leading) < max(2, n_clusters // _PER_FINALIST):
            leading.append(number)
    improved = dict(zip(leading, in_threads(better, leading, n_threads), strict=True))
    winner = min(leading, key=lambda number: improved[number][0])
    fit = lloyd(cells, improved[winner][1], rule, n_threads, step_done)
    assert fit.inertia is not None
    inertias = [
        fit.inertia if number == winner else tried[number][0] for number in range(n_attempts)
    ]
    return fit._replace(centroids=fit.centroids[:, :n_columns], inertias=tuple(inertias))


def _pairs(X: Samples, weights: Samples) -> tuple[Samples, Samples, Labels] | None:
    """Many pairs of bytes as those that differ, their weights, and which of them each is.

    None if the samples are something else, or most of them differ.
    """
    if X.shape[1] != 2 or len(X) < _MANY or X.min() < 0 or X.max() > 255:
        return None
    pair = X.astype(np.uint8)
    if not (pair == X).all():
        return None
    codes = pair[:, 0].astype(np.int32) << 8 | pair[:, 1]
    masses: Samples = np.bincount(codes, weights, 1 << 16).astype(np.float64, copy=False)
    occupied = np.flatnonzero(masses)
    if 2 * len(occupied) > len(X):
        return None
    place = np.empty(1 << 16, np.int32)
    place[occupied] = np.arange(len(occupied))
    few = np.column_stack((occupied >> 8, occupied & 255)).astype(np.float64, order="F")
    return few, masses[occupied], place[codes]
