"""The two reference engines: the calls that people know, on samples without weights.

They are here to be compared with and to reproduce published results: equal seeds give what a direct
call of the library gives. That call would make all attempts in silence; here they are made one by
one, each by a call of its own that goes on with the random numbers of the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from kmseg.kmeans.cells import Labels, Samples, group
from kmseg.kmeans.filtering import label
from kmseg.kmeans.lloyd import Fit, Progress, StopRule

# cv2.kmeans: criteria.maxCount = min(max(criteria.maxCount, 2), 100), modules/core/src/kmeans.cpp.
OPENCV_ITERATIONS: Final = (2, 100)


def fit_opencv(
    X: Samples,
    n_clusters: int,
    init: str,
    start: Samples | None,
    attempts: int,
    rule: StopRule,
    seed: int,
    progress: Progress,
) -> Fit:
    """``cv2.kmeans`` on float32 samples; a manual start becomes initial labels."""
    import cv2

    if len(X) == 1:  # cv2.kmeans would take the one row for a column of samples
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
        cells = group(X, np.ones(len(X)))
        initial = label(cells, cells.widened(start))[0].reshape(-1, 1)

    def attempt() -> tuple[float, Fit]:
        compactness, labels, centroids = cv2.kmeans(
            samples,
            n_clusters,
            initial,  # type: ignore[arg-type]
            (criteria[rule.stop], rule.max_iter, rule.epsilon),
            1,
            flags[init],
        )
        found = labels.reshape(-1).astype(np.int32)
        return compactness, Fit(centroids.astype(np.float64), found, None, None)

    cv2.setRNGSeed(seed)  # the generator belongs to the thread: seed it right before the calls
    return _best(attempt, attempts, progress, lambda labels, others: True)


def fit_scikit_learn(
    X: Samples,
    n_clusters: int,
    init: str,
    start: Samples | None,
    attempts: int,
    rule: StopRule,
    seed: int,
    progress: Progress,
) -> Fit:
    """``sklearn.cluster.KMeans`` with its own tolerance."""
    from sklearn.cluster import KMeans

    random = np.random.RandomState(seed)

    def attempt() -> tuple[float, Fit]:
        estimator = KMeans(
            n_clusters,
            init=init if start is None else start,
            n_init=1,
            max_iter=rule.max_iter,
            random_state=random,
        ).fit(X)
        n_iter = int(estimator.n_iter_)
        fit = Fit(estimator.cluster_centers_, estimator.labels_, n_iter, n_iter < rule.max_iter)
        return estimator.inertia_, fit

    def differ(labels: Labels, others: Labels) -> bool:
        """Whether it is not the same clusters by other numbers, as KMeans asks of a better one."""
        pairs = np.bincount(labels.astype(np.int64) * n_clusters + others)
        return bool(np.count_nonzero(pairs) > np.count_nonzero(np.bincount(labels)))

    return _best(attempt, attempts, progress, differ)


def _best(
    attempt: Callable[[], tuple[float, Fit]],
    attempts: int,
    progress: Progress,
    differ: Callable[[Labels, Labels], bool],
) -> Fit:
    """The attempt of the lowest inertia, and of equal ones the first."""
    lowest, best = attempt()
    progress(1, attempts)
    for done in range(2, attempts + 1):
        inertia, fit = attempt()
        if inertia < lowest and differ(fit.labels, best.labels):
            lowest, best = inertia, fit
        progress(done, attempts)
    return best
