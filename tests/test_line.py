"""The optimum on a line, against the definition: every way to cut sorted values into K runs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import kmseg
from kmseg.kmeans import fit

Floats = NDArray[np.float64]


def least_inertia(values: Floats, weights: Floats, n_clusters: int) -> float:
    """By dynamic programming over every start of every run, each summed from its definition."""
    order = np.argsort(values)
    values, weights = values[order], weights[order]
    n = len(values)
    cost = np.full((n + 1, n + 1), np.inf)
    for begin in range(n):
        for end in range(begin + 1, n + 1):
            run, mass = values[begin:end], weights[begin:end]
            cost[begin, end] = (mass * (run - np.average(run, weights=mass)) ** 2).sum()
    least = np.append(0.0, np.full(n, np.inf))
    for _ in range(n_clusters):
        least = np.array([(least + cost[:, end]).min() for end in range(n + 1)])
    return float(least[n])


samples = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 12), st.integers(-(10**6), 10**6).map(lambda v: v / 1000)),
        st.integers(1, 50),
    ),
    min_size=1,
    max_size=14,
)


@given(samples, st.integers(1, 8), st.integers(0, 3))
def test_nothing_is_lower(pairs: list[tuple[float, int]], n_clusters: int, seed: int) -> None:
    values, weights = np.array(pairs, float).T
    found = fit(values[:, None], weights, n_clusters=n_clusters, seed=seed)
    k = min(n_clusters, len(np.unique(values)))
    spread = (weights * (values - np.average(values, weights=weights)) ** 2).sum()
    assert found.global_optimum
    assert len(found.centroids) == k
    lowest = least_inertia(values, weights, k)
    assert found.inertia == pytest.approx(lowest, rel=1e-9, abs=1e-11 * (1 + spread))


def test_the_seed_does_not_matter_and_more_attempts_do_not_help() -> None:
    image = kmseg.sample_image("flower")
    first, second = (
        kmseg.segment(
            image,
            kmseg.Settings(color_space="cielab", channels="0", n_clusters=7, seed=s, attempts=a),
        )
        for s, a in ((0, 1), (99, 20))
    )
    assert first.global_optimum
    assert first.pixel_counts.tolist() == second.pixel_counts.tolist()
    assert first.attempts == second.attempts == (first.inertia,)


def test_a_manual_start_is_followed_all_the_same() -> None:
    values = np.array([0.0, 1.0, 2.0, 10.0])[:, None]
    start = np.array([[0.0], [1.0]])
    found = fit(values, n_clusters=2, init="manual", centroids=start, max_iter=1, epsilon=0)
    assert sorted(found.centroids[:, 0]) == [0.0, pytest.approx(13 / 3)]
    assert not found.global_optimum
