"""Attempts made one by one, so that progress can be reported between them.

A direct call of ``cv2.kmeans`` or ``KMeans`` makes all its attempts without a sign of life. Here
each attempt is a call of its own that continues the random numbers of the one before, so the result
is that of the direct call.
"""

from __future__ import annotations

from collections.abc import Callable

from kmseg.kmeans.problem import Fit, Labels, Problem


def best_of(
    attempt: Callable[[], tuple[float, Fit]],
    problem: Problem,
    differ: Callable[[Labels, Labels], bool] = lambda labels, others: True,
) -> Fit:
    """The attempt with the lowest inertia; the first of equal ones.

    Parameters
    ----------
    attempt : callable
        Makes the next attempt and returns its inertia and result.
    problem : Problem
        ``attempts`` and ``progress`` are used.
    differ : callable
        ``differ(labels, others)``: whether a lower inertia belongs to another partition.
    """
    # A manual start and a single cluster end the same way every time.
    attempts = problem.attempts if problem.start is None and problem.n_clusters > 1 else 1
    lowest, best = attempt()
    problem.progress(1, attempts)
    for done in range(2, attempts + 1):
        inertia, fit = attempt()
        if inertia < lowest and differ(fit.labels, best.labels):
            lowest, best = inertia, fit
        problem.progress(done, attempts)
    return best
