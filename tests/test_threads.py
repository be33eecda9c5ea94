"""Results do not depend on how many threads there are."""

from __future__ import annotations

import numpy as np
import pytest

import kmseg
from kmseg.color import features
from kmseg.kmeans.attempts import fit_exact
from kmseg.kmeans.problem import Problem, StopRule


@pytest.mark.parametrize(
    ("color_space", "init"),
    [("bgr", "k-means++"), ("cielab", "random"), ("hsv-circular", "manual")],
)
def test_one_two_and_five_threads_give_the_same(color_space: str, init: str) -> None:
    histogram = kmseg.color_histogram(kmseg.sample_image("china"))
    X = features(histogram.colors, color_space)
    weights = histogram.counts.astype(float)
    start = X[:: len(X) // 8][:8] if init == "manual" else None
    rule = StopRule(60, 0.01, "both")
    problem = Problem(X, weights, 8, init, start, 4, rule, 3, lambda done, attempts: None)
    first, *others = [fit_exact(problem, threads) for threads in (1, 2, 5)]
    for fit in others:
        np.testing.assert_array_equal(fit.centroids, first.centroids)
        np.testing.assert_array_equal(fit.labels, first.labels)
        assert fit.inertia == first.inertia
        assert fit.inertias == first.inertias
