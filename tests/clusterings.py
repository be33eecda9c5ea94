"""Samples to cluster, and what holds for every clustering of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

from kmseg.color import features
from kmseg.kmeans import Clustering
from oracles import (
    Floats,
    image_at,
    squared_distances,
)


def repeated(X: Floats, weights: NDArray[Any]) -> Floats:
    return np.repeat(X, weights, axis=0)


def weighted_inertia(X: Floats, weights: NDArray[Any], centroids: Floats) -> float:
    return float((squared_distances(X, centroids).min(axis=1) * weights).sum())


def assert_sound(result: Clustering, X: Floats, weights: NDArray[Any], n_clusters: int) -> None:
    """What holds for every result of every engine."""
    K = len(result.centroids)
    assert 1 <= K <= min(n_clusters, len(np.unique(X, axis=0)))
    assert result.centroids.shape == (K, X.shape[1])
    assert result.centroids.dtype == np.float64 and np.isfinite(result.centroids).all()
    assert result.labels.shape == (len(X),)
    assert np.unique(result.labels).tolist() == list(range(K)), "an empty cluster"
    expected = weighted_inertia(X, weights, result.centroids)
    assert result.inertia == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert result.inertia == min(result.attempts)


class Photo:
    """Raw pixels of a small photo as features, and its distinct colours with their counts."""

    def __init__(self, key: str, color_space: str, channels: str) -> None:
        image = image_at(key, 140)
        pixels = image.pixels.reshape(-1, 3)
        self.raw = features(pixels, color_space, channels)
        colors, where, counts = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
        self.X, self.where = features(colors, color_space, channels), where.ravel()
        self.weights: NDArray[Any] = counts

    def start(self, n_clusters: int) -> Floats:
        """Pixels, shifted slightly so that no pixel is equally near to two of them."""
        rng = np.random.default_rng(n_clusters)
        rows = np.unique(self.raw, axis=0)
        chosen = rows[rng.choice(len(rows), n_clusters, replace=False)]
        return np.asarray(chosen + rng.uniform(-0.01, 0.01, chosen.shape))


@st.composite
def weighted_sets(draw: st.DrawFn, columns: int | None = None) -> tuple[Floats, NDArray[Any]]:
    """Few whole values, so that ties, duplicates and a single colour are common."""
    n_columns = columns or draw(st.integers(1, 3))
    top = draw(st.sampled_from([0, 1, 3, 6, 255]))
    row = st.tuples(*[st.integers(0, top)] * n_columns)
    rows = draw(st.lists(row, min_size=1, max_size=14))
    weights = draw(st.lists(st.integers(1, 5), min_size=len(rows), max_size=len(rows)))
    return np.array(rows, np.float64), np.array(weights)


ONE_COLOR = (np.zeros((4, 3)), np.array([1, 2, 3, 4]))
K = st.integers(1, 9)
SEEDS = st.integers(0, 2**31 - 1)
