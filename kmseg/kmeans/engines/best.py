"""Separate calls of a library for each attempt, so that progress can be reported between them.

``cv2.kmeans`` and ``KMeans`` make all attempts in one call, without a report. Here each attempt is
a call of its own that continues the random numbers of the call before, so the result is that of one
call.
"""

from __future__ import annotations

from collections.abc import Callable

from kmseg.kmeans.problem import Fit, Labels, Problem, Progress
from kmseg.parallel.threads import interruptible


def best_of(
    attempt: Callable[[], tuple[float, Fit]],
    problem: Problem,
    differ: Callable[[Labels, Labels], bool] = lambda labels, others: True,
    prepare: Callable[[], None] = lambda: None,
) -> Fit:
    """Make all attempts and return the one with the lowest inertia; the first of equal ones.

    Parameters
    ----------
    attempt : callable
        Makes the next attempt and returns its inertia and result. All attempts are made in one
        thread, which is not the calling one.
    problem : Problem
        ``attempts`` and ``progress`` are used.
    differ : callable
        ``differ(labels, others)``: whether a lower inertia belongs to another partition.
    prepare : callable
        Called once in that thread, before the first attempt.
    """
    # A manual start and a single cluster give the same result every time.
    attempts = problem.attempts if problem.start is None and problem.n_clusters > 1 else 1

    def run(report: Progress) -> Fit:
        prepare()
        lowest, best = attempt()
        report(1, attempts)
        for done in range(2, attempts + 1):
            inertia, fit = attempt()
            if inertia < lowest and differ(fit.labels, best.labels):
                lowest, best = inertia, fit
            report(done, attempts)
        return best

    return interruptible(run, problem.progress, calls_cpp=True)
