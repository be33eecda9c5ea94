"""The two reference engines: the calls that people know, on samples without weights.

They are here to be compared with and to reproduce published results: equal seeds give what a direct
call of the library gives.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kmseg.kmeans.cells import Samples, group, label
from kmseg.kmeans.lloyd import Fit, StopRule

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
) -> Fit:
    """``cv2.kmeans`` on float32 samples; a manual start becomes initial labels, one attempt."""
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
    initial = None
    if start is not None:
        initial = label(group(X, np.ones(len(X))), start)[0].reshape(-1, 1)
    cv2.setRNGSeed(seed)  # the generator belongs to the thread: seed it right before the call
    _, labels, centroids = cv2.kmeans(
        X.astype(np.float32),
        n_clusters,
        initial,  # type: ignore[arg-type]
        (criteria[rule.stop], rule.max_iter, rule.epsilon),
        1 if init == "manual" else attempts,
        flags[init],
    )
    return Fit(centroids.astype(np.float64), labels.reshape(-1).astype(np.int32), None, None)


def fit_scikit_learn(
    X: Samples,
    n_clusters: int,
    init: str,
    start: Samples | None,
    attempts: int,
    rule: StopRule,
    seed: int,
) -> Fit:
    """``sklearn.cluster.KMeans`` with its own tolerance."""
    from sklearn.cluster import KMeans

    estimator = KMeans(
        n_clusters,
        init=init if start is None else start,
        n_init=attempts if start is None else 1,
        max_iter=rule.max_iter,
        random_state=seed,
    ).fit(X)
    n_iter = int(estimator.n_iter_)
    return Fit(estimator.cluster_centers_, estimator.labels_, n_iter, n_iter < rule.max_iter)
