"""Lloyd's iteration over grouped samples (Lloyd 1982, IEEE Trans. Inf. Theory 28(2))."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from kmseg.kmeans.cells import Cells
from kmseg.kmeans.filtering import label, step, step_again
from kmseg.kmeans.problem import Fit, Samples, StopRule
from kmseg.parallel.threads import N_CORES

# The first move of centroids as a fraction of the samples' extent; measured on photographs.
_FIRST_MOVE: Final = 2e-3


def lloyd(
    cells: Cells,
    start: Samples,
    rule: StopRule,
    n_threads: int = N_CORES,
    step_done: Callable[[Samples], None] = lambda centroids: None,
) -> Fit:
    """Iterate from ``start`` until the stop rule holds.

    The centroids returned are those of the last assignment. If the iteration converged, one more
    step would move none of them further than the rule's epsilon; that step was computed and
    discarded. An empty cluster receives the sample furthest from its centroid, as in scikit-learn.

    Parameters
    ----------
    cells : Cells
        All samples.
    start : ndarray of float64, shape (K, D)
    rule : StopRule
    n_threads : int
        The result does not depend on it.
    step_done : callable
        ``step_done(centroids)`` is called after each assignment, with the centroids (K, W) that it
        used, before they are moved. An exception ends the work. After the last move, which a limit
        of iterations may end with, it is not called.

    Returns
    -------
    Fit
    """
    centroids, converged, n_iter = start, False, 0
    slack = _next_slack(0.0, 0, len(cells.weights), _FIRST_MOVE * cells.extent)
    origin, settled = centroids, step(cells, centroids, n_threads, slack=slack)
    while n_iter < rule.iterations:
        n_iter += 1
        step_done(centroids)
        sums, mass = step_again(settled, centroids, cells.columns)
        _fill_empty(cells, centroids, sums, mass)
        occupied = mass > 0
        moved = np.where(occupied[:, None], sums / np.where(occupied, mass, 1)[:, None], centroids)
        move = _furthest(moved, centroids)
        if move == 0 or (move <= rule.tolerance and n_iter > 1):
            converged = True
            break
        centroids = moved
        if _furthest(centroids, origin) > slack:
            n_border = sum(border.n_samples for border in settled.borders)
            slack = _next_slack(slack, n_border, len(cells.weights), move)
            origin, settled = centroids, step(cells, centroids, n_threads, slack=slack)
    labels, inertia = label(cells, centroids, n_threads)
    return Fit(centroids, labels, n_iter, converged, inertia)


def _next_slack(slack: float, n_border: int, n_samples: int, move: float) -> float:
    """The slack to settle samples with, after centroids moved by ``move``.

    A larger slack lasts for more steps, about slack / move, but leaves more samples for each of
    them, in proportion to the slack. An assignment of all n samples costs about as much as one of
    n / 2 border samples. With b border samples per unit of slack, the cost of a step is
    b * slack + n / 2 * move / slack, which is least at the root below. If that would leave nearly
    half of the samples, no slack is cheaper. Until b is known, n / 10 is assumed.
    """
    per_unit = n_border / slack if slack > 0 else 0.1 * n_samples
    wanted = math.sqrt(0.5 * n_samples * move / max(per_unit, 1.0))
    return wanted if per_unit * wanted < 0.4 * n_samples else 0.0


def _furthest(centroids: Samples, others: Samples) -> float:
    """The greatest distance between corresponding centroids."""
    return float(np.sqrt(((centroids - others) ** 2).sum(axis=1).max()))


def _fill_empty(cells: Cells, centroids: Samples, sums: Samples, mass: Samples) -> None:
    """Move one of the samples furthest from their centroids to each empty cluster, in place."""
    empty = np.flatnonzero(mass == 0)
    if not len(empty):
        return
    X = cells.X.T
    order = cells.order if len(cells.order) else np.arange(len(X))
    labels = label(cells, centroids)[0][order]
    distances = ((X - centroids[labels]) ** 2).sum(axis=1)
    furthest = np.lexsort((order, -distances))[: len(empty)]
    for cluster, sample in zip(empty, furthest, strict=True):
        if distances[sample] == 0:
            break
        gain = cells.weights[sample] * X[sample]
        sums[labels[sample]] -= gain
        mass[labels[sample]] -= cells.weights[sample]
        sums[cluster], mass[cluster] = gain, cells.weights[sample]
