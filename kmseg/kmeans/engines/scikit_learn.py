"""``sklearn.cluster.KMeans`` as it is: the result is that of a direct call with the same seed."""

from __future__ import annotations

from typing import Final

import numpy as np

from kmseg.kmeans.engines.best import best_of
from kmseg.kmeans.engines.engine import Engine
from kmseg.kmeans.problem import Fit, Labels, Problem


def _run(problem: Problem) -> Fit:
    """``sklearn.cluster.KMeans`` with its own tolerance."""
    from sklearn.cluster import KMeans
    from threadpoolctl import (  # type: ignore[import-untyped]
        threadpool_info,
        threadpool_limits,
    )

    X, n_clusters, start, rule = problem.samples, problem.n_clusters, problem.start, problem.rule
    random = np.random.RandomState(problem.seed)

    # OpenMP keeps the number of threads to use for each thread; sums depend on it by rounding.
    openmp = [library for library in threadpool_info() if library["user_api"] == "openmp"]

    def attempt() -> tuple[float, Fit]:
        estimator = KMeans(
            n_clusters,
            init=problem.init if start is None else start,
            n_init=1,
            max_iter=rule.max_iter,
            random_state=random,
        )
        with threadpool_limits(openmp):
            estimator.fit(X)
        n_iter = int(estimator.n_iter_)
        fit = Fit(estimator.cluster_centers_, estimator.labels_, n_iter, n_iter < rule.max_iter)
        return estimator.inertia_, fit

    def differ(labels: Labels, others: Labels) -> bool:
        """Whether two results differ other than by the numbering, as KMeans requires too."""
        pairs = np.bincount(labels.astype(np.int64) * n_clusters + others)
        return bool(np.count_nonzero(pairs) > np.count_nonzero(np.bincount(labels)))

    return best_of(attempt, problem, differ)


ENGINE: Final = Engine(
    name="scikit-learn",
    title="scikit-learn, KMeans",
    note="KMeans has its own tolerance, so of the stop rule only the maximum number of iterations "
    "applies.",
    visits_pixels=True,
    slow=True,
    preload=False,  # the import takes seconds and some 130 MB
    reports_attempts=False,
    reports_iterations=True,
    takes_weights=False,
    own_stop_rule=True,
    run=_run,
    aliases=("sklearn",),
)
