"""The exact engine: attempts on a summary of the samples, the winner finished over all of them.

Seeding decides the inertia, not the iterations, so attempts are made where an iteration costs next
to nothing: on the weighted means of a few thousand cells of the feature space. Each attempt is then
judged by its inertia over all samples. The best is improved on the summary, and goes on over all
samples by the stop rule; only those iterations count. A manual start is iterated over all samples
from the first step.

Samples on a line need no attempts: without a manual start they get their global optimum.
"""

from __future__ import annotations

import numpy as np

from kmseg.kmeans.cells import Samples, group, label, step
from kmseg.kmeans.line import optimum
from kmseg.kmeans.lloyd import Fit, StopRule, lloyd
from kmseg.kmeans.seeding import attempt, improve, summary
from kmseg.threads import N_CORES, in_threads


def fit_exact(
    X: Samples,
    weights: Samples,
    n_clusters: int,
    init: str,
    start: Samples | None,
    attempts: int,
    rule: StopRule,
    seed: int,
    n_threads: int = N_CORES,
) -> tuple[Fit, tuple[float, ...]]:
    """The best of several attempts, and the exact inertia of each, in order."""
    cells = group(X, weights)
    if start is not None:
        fit = lloyd(cells, start, rule, n_threads)
        assert fit.inertia is not None
        return fit, (fit.inertia,)
    best_centroids = optimum(X, weights, n_clusters) if X.shape[1] == 1 else None
    if best_centroids is not None:
        labels, inertia = label(cells, best_centroids, n_threads)
        return Fit(best_centroids, labels, 0, True, inertia, global_optimum=True), (inertia,)
    means, masses = summary(cells, n_clusters)

    def run(number: int) -> Samples:
        rng = np.random.default_rng([seed, number])
        return attempt(means, masses, n_clusters, init, rng)

    starts = in_threads(run, range(attempts), n_threads)
    inertias = [step(cells, centroids, n_threads).inertia for centroids in starts]
    best = int(np.argmin(inertias))
    better = improve(means, masses, starts[best])
    if step(cells, better, n_threads).inertia < inertias[best]:
        starts[best] = better
    fit = lloyd(cells, starts[best], rule, n_threads)
    assert fit.inertia is not None
    inertias[best] = fit.inertia
    return fit, tuple(inertias)
