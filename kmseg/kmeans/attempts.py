"""The exact engine: attempts on a summary of the samples, and the best finished over all samples.

The inertia of a result depends on its seeds more than on its iterations. So attempts are made where
an iteration is cheap: on weighted means of small cells of the feature space. They are compared by
their inertia over all samples. A genetic search combines them on the summary, and its best
solutions are compared too; the winner is iterated over all samples until the stop rule holds, and
only these iterations count. A manual start is iterated over all samples from the beginning.

Samples with one column need no attempts: their global optimum is computed, unless the start is
manual.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from kmseg.kmeans.cells import Cells, group
from kmseg.kmeans.filtering import inertia
from kmseg.kmeans.genetic import search
from kmseg.kmeans.line import optimum
from kmseg.kmeans.lloyd import lloyd
from kmseg.kmeans.pairs import over_distinct_pairs
from kmseg.kmeans.problem import Fit, Problem, Samples
from kmseg.kmeans.seeding import Summary, attempts, refined, summary
from kmseg.parallel.threads import N_CORES, in_threads

# Solutions of the search whose inertia over all samples is compared.
_N_FINALISTS: Final = 4
# Attempts times samples between two reports of progress: some tenths of a second.
_ROUND_SIZE: Final = 1 << 23


class _Attempt(NamedTuple):
    inertia: float  # over all samples
    centroids: Samples


def fit_exact(problem: Problem, n_threads: int = N_CORES) -> Fit:
    """Make several attempts and finish the best one; reports the exact inertia of each."""
    X, weights = problem.samples, problem.weights
    if problem.start is None and X.shape[1] == 1:
        best = optimum(X, weights, problem.n_clusters)
        return Fit(
            best.centroids, best.labels, 0, True, best.inertia, True, inertias=(best.inertia,)
        )
    return over_distinct_pairs(lambda merged: _fit(merged, n_threads), problem)


def _fit(problem: Problem, n_threads: int) -> Fit:
    cells = group(problem.samples, problem.weights, n_threads)
    if problem.start is not None:
        return _finish(problem, cells, cells.widened(problem.start), n_threads)
    few = summary(cells, problem.n_clusters)
    tried = _try(problem, cells, few, n_threads)
    starts = np.array([attempt.centroids for attempt in tried])
    found = search(few, starts, problem.seed, n_threads)[
        : min(_N_FINALISTS, 1 + problem.n_clusters // 8)
    ]

    def finalist(start: Samples) -> _Attempt:
        centroids = refined(few, start[None])[0]
        return _Attempt(inertia(cells, centroids), centroids)

    finalists = in_threads(finalist, found, n_threads)
    best = min([*finalists, *tried], key=lambda attempt: attempt.inertia)
    fit = _finish(problem, cells, best.centroids, n_threads)
    # Only by rounding could an attempt be better than the result.
    least = fit.inertias[0]
    inertias = [max(attempt.inertia, least) for attempt in tried]
    inertias[int(np.argmin(inertias))] = least
    return fit._replace(inertias=tuple(inertias))


def _try(problem: Problem, cells: Cells, few: Summary, n_threads: int) -> list[_Attempt]:
    """Make all attempts on the summary, in rounds, with a report of progress after each round."""
    n_attempts = problem.attempts
    n_tasks = min(n_threads, n_attempts)
    per_round = n_tasks * max(1, _ROUND_SIZE // len(problem.samples) // n_tasks)

    def task(numbers: range) -> list[_Attempt]:
        found = attempts(few, problem.n_clusters, problem.init, problem.seed, numbers)
        return [_Attempt(inertia(cells, centroids), centroids) for centroids in found]

    tried: list[_Attempt] = []
    for first in range(0, n_attempts, per_round):
        numbers = range(first, min(first + per_round, n_attempts))
        shares = [numbers[i::n_tasks] for i in range(min(n_tasks, len(numbers)))]
        done = in_threads(task, shares, n_threads)
        tried += [done[i % n_tasks][i // n_tasks] for i in range(len(numbers))]
        problem.progress(len(tried), n_attempts)
    return tried


def _finish(problem: Problem, cells: Cells, start: Samples, n_threads: int) -> Fit:
    """Iterate over all samples from ``start``."""
    counts = problem.attempts, problem.attempts
    fit = lloyd(cells, start, problem.rule, n_threads, lambda _: problem.progress(*counts))
    assert fit.inertia is not None
    centroids = fit.centroids[:, : problem.samples.shape[1]]
    return fit._replace(centroids=centroids, inertias=(fit.inertia,))
