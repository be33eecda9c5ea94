"""``cv2.kmeans`` as it is: the result is that of a direct call with the same seed."""

from __future__ import annotations

from typing import Final

import numpy as np

from kmseg.kmeans.engines.best import best_of
from kmseg.kmeans.engines.engine import Engine
from kmseg.kmeans.problem import Fit, Problem


def _run(problem: Problem) -> Fit:
    """``cv2.kmeans`` on float32 samples; a manual start becomes initial labels."""
    import cv2

    X, n_clusters, start, rule = problem.samples, problem.n_clusters, problem.start, problem.rule
    if len(X) == 1:  # cv2.kmeans takes one row for a column of samples
        return Fit(X, np.zeros(1, np.int32), None, None)
    flags = {
        "random": cv2.KMEANS_RANDOM_CENTERS,
        "k-means++": cv2.KMEANS_PP_CENTERS,
        "manual": cv2.KMEANS_USE_INITIAL_LABELS,
    }
    criteria = {
        "both": cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER,
        "epsilon": cv2.TERM_CRITERIA_EPS,
        "iterations": cv2.TERM_CRITERIA_MAX_ITER,
    }
    samples = X.astype(np.float32, order="C")
    initial = None
    if start is not None:
        from kmseg.kmeans.cells import group
        from kmseg.kmeans.filtering import label

        cells = group(X, problem.weights)
        initial = label(cells, cells.widened(start))[0].reshape(-1, 1)

    def attempt() -> tuple[float, Fit]:
        compactness, labels, centroids = cv2.kmeans(
            samples,
            n_clusters,
            initial,  # type: ignore[arg-type]
            (criteria[rule.stop], rule.max_iter, rule.epsilon),
            1,
            flags[problem.init],
        )
        found = labels.reshape(-1).astype(np.int32)
        return compactness, Fit(centroids.astype(np.float64), found, None, None)

    # OpenCV has a random generator for each thread.
    return best_of(attempt, problem, prepare=lambda: cv2.setRNGSeed(problem.seed))


ENGINE: Final = Engine(
    name="opencv",
    title="OpenCV, cv2.kmeans",
    # modules/core/src/kmeans.cpp: criteria.maxCount = min(max(criteria.maxCount, 2), 100).
    note="cv2.kmeans makes 2 to 100 iterations and does not report how many.",
    visits_pixels=True,
    slow=True,
    preload=True,
    reports_attempts=False,
    reports_iterations=False,
    takes_weights=False,
    own_stop_rule=False,
    run=_run,
)
