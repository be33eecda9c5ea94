"""The optimum on a line, against the definition and against a C++ implementation of SMAWK."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise

import kmeans1d
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import kmseg
from kmseg.kmeans import fit
from kmseg.kmeans.line import Optimum, optimum

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]


def scatter(values: Floats, weights: Floats) -> float:
    """Inertia around the mean."""
    from_first = values - values[0]
    mean = (weights * from_first).sum() / weights.sum()
    return float((weights * (from_first - mean) ** 2).sum())


def least_inertia(values: Floats, weights: Floats, n_clusters: int) -> float:
    """By trying every partition of the sorted distinct values into runs."""
    order = np.argsort(values)
    values, weights = values[order], weights[order]
    cuts = [0, *np.flatnonzero(np.diff(values)) + 1, len(values)]
    cost = {(a, b): scatter(values[a:b], weights[a:b]) for a, b in combinations(cuts, 2)}
    return min(
        sum(cost[run] for run in pairwise((0, *inner, len(values))))
        for inner in combinations(cuts[1:-1], n_clusters - 1)
    )


def least_inertia_elsewhere(values: Floats, counts: NDArray[np.int64], n_clusters: int) -> float:
    """By kmeans1d (Wu 1991, Grønlund et al. 2017), which takes no weights."""
    repeated = np.repeat(values, counts)
    labels = np.array(kmeans1d.cluster(repeated - repeated.mean(), n_clusters).clusters)
    runs = (repeated[labels == label] for label in range(n_clusters))
    return sum(scatter(run, np.ones(len(run))) for run in runs)


def assert_valid(found: Optimum, values: Floats, weights: Floats) -> None:
    """Ascending means of all samples nearest to them, no cluster empty, and their inertia."""
    centroids, labels = found.centroids[:, 0], found.labels
    assert found.centroids.dtype == np.float64 and (np.diff(centroids) > 0).all()
    assert labels.dtype == np.int32
    from_centroids = np.abs(values[:, None] - centroids)
    np.testing.assert_array_equal(labels, from_centroids.argmin(axis=1))
    means = [
        np.average(values[labels == k], weights=weights[labels == k]) for k in range(len(centroids))
    ]
    np.testing.assert_allclose(centroids, means, rtol=1e-14, atol=1e-14 * np.ptp(values))
    direct = (weights * from_centroids.min(axis=1) ** 2).sum()
    assert found.inertia == pytest.approx(direct, rel=1e-12, abs=0)


def assert_optimal(values: Floats, weights: Floats, n_clusters: int, lowest: float) -> None:
    found = optimum(values[:, None], weights, n_clusters)
    assert_valid(found, values, weights)
    rounding = 1e-15 * scatter(values, weights)
    rounding += weights.sum() * np.spacing(np.abs(values).max()) ** 2
    assert found.inertia == pytest.approx(lowest, rel=1e-9, abs=rounding)


DRAWS: dict[str, Draw] = {
    "bytes": lambda rng, n: rng.integers(0, 256, n).astype(float),
    "neighbouring bytes": lambda rng, n: rng.integers(0, 12, n).astype(float),
    "duplicates": lambda rng, n: rng.integers(-5, 5, n) + 0.5,
    "even spaces": lambda rng, n: np.arange(n) - 0.25,
    "normal": lambda rng, n: rng.normal(size=n),
    "many scales": lambda rng, n: rng.normal(size=n) * 10.0 ** rng.integers(-2, 3, n),
    "groups": lambda rng, n: rng.choice([0.0, 100.0, 200.0], n) + rng.integers(0, 4, n) / 100,
    "far away": lambda rng, n: rng.integers(0, 20, n) + 1e9 + 0.5,
}
WEIGHTS: dict[str, Draw] = {
    "equal": lambda rng, n: np.ones(n),
    "whole": lambda rng, n: rng.integers(1, 50, n).astype(float),
    "heavy": lambda rng, n: 10.0 ** rng.integers(0, 8, n),
    "any": lambda rng, n: rng.uniform(0.01, 1, n),
}


@pytest.mark.parametrize("kind", DRAWS)
def test_no_partition_into_runs_is_better(kind: str) -> None:
    rng = np.random.default_rng(1)
    for _ in range(125):
        for weigh in WEIGHTS.values():
            n = int(rng.integers(1, 10))
            values, weights = DRAWS[kind](rng, n), weigh(rng, n)
            n_clusters = int(rng.integers(1, len(np.unique(values)) + 1))
            lowest = least_inertia(values, weights, n_clusters)
            assert_optimal(values, weights, n_clusters, lowest)


@pytest.mark.parametrize("kind", DRAWS)
def test_another_implementation_finds_the_same(kind: str) -> None:
    rng = np.random.default_rng(2)
    for number in range(300):
        n = int(rng.integers(1, 60))
        values = DRAWS[kind](rng, n)
        counts = rng.integers(1, 9, n) if number % 2 else np.ones(n, np.int64)
        n_clusters = int(rng.integers(1, len(np.unique(values)) + 1))
        lowest = least_inertia_elsewhere(values, counts, n_clusters)
        assert_optimal(values, counts.astype(float), n_clusters, lowest)


def copies(rng: np.random.Generator, n: int) -> Floats:
    """Sixteen copies of the same values: splitting any one of them is equally good."""
    return np.add.outer(50.0 * np.arange(16), rng.normal(size=n // 16)).ravel()


@pytest.mark.parametrize("n_clusters", [2, 11, 24, 64])
@pytest.mark.parametrize("kind", ["normal", "even spaces", "copies"])
def test_among_many_values(kind: str, n_clusters: int) -> None:
    draws = DRAWS | {"copies": copies}
    values = draws[kind](np.random.default_rng(3), 40_000)
    counts = np.ones(len(values), np.int64)
    lowest = least_inertia_elsewhere(values, counts, n_clusters)
    assert_optimal(values, counts.astype(float), n_clusters, lowest)


def test_bytes_are_clustered_as_other_numbers_are() -> None:
    rng = np.random.default_rng(4)
    for _ in range(250):
        n = int(rng.integers(1, 2000))
        X = rng.integers(0, rng.integers(1, 257), (n, 1)).astype(float)
        weights = rng.uniform(1, 100, n)
        n_clusters = int(rng.integers(1, len(np.unique(X)) + 1))
        found, aside = optimum(X, weights, n_clusters), optimum(X + 0.5, weights, n_clusters)
        np.testing.assert_array_equal(found.labels, aside.labels)
        np.testing.assert_allclose(found.centroids, aside.centroids - 0.5, rtol=0, atol=1e-12)
        assert found.inertia == pytest.approx(aside.inertia, rel=1e-12, abs=1e-18)


@pytest.mark.parametrize(
    "X", [[-1.0, 3.0, 255.0], [0.0, 256.0, 7.0], [0.0, 255.0, 7.5], [-0.0, 1e300, 2.0]]
)
def test_values_that_are_nearly_bytes(X: list[float]) -> None:
    found = optimum(np.array(X)[:, None], np.ones(3), 3)
    np.testing.assert_array_equal(found.centroids[found.labels, 0], X)
    assert found.inertia == 0


def test_differences_below_rounding_still_give_k_clusters() -> None:
    tiny = np.array([-1.0, -1e-13, 0.0, 1e-12, 1.1e-12, 2e-20, 1.0, 1e200, 1e300])
    for weights in (np.ones(len(tiny)), 1e-40 ** np.arange(len(tiny))):
        for n_clusters in range(1, len(tiny) + 1):
            with np.errstate(all="ignore"):
                found = optimum(tiny[:, None], weights, n_clusters)
            assert found.centroids.shape == (n_clusters, 1)
            assert set(found.labels.tolist()) == set(range(n_clusters))


def test_the_order_of_samples_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    X, weights = rng.normal(size=(3000, 1)), rng.integers(1, 9, 3000).astype(float)
    order = rng.permutation(3000)
    found, mixed = optimum(X, weights, 9), optimum(X[order], weights[order], 9)
    np.testing.assert_array_equal(found.labels[order], mixed.labels)
    np.testing.assert_array_equal(found.centroids, mixed.centroids)
    assert found.inertia == mixed.inertia


samples = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 12), st.integers(-(10**6), 10**6).map(lambda v: v / 1000)),
        st.integers(1, 50),
    ),
    min_size=1,
    max_size=10,
)


@given(samples, st.integers(1, 8), st.integers(0, 3))
def test_a_fit_is_the_optimum(pairs: list[tuple[float, int]], n_clusters: int, seed: int) -> None:
    values, weights = np.array(pairs, float).T
    found = fit(values[:, None], weights, n_clusters=n_clusters, seed=seed)
    k = min(n_clusters, len(np.unique(values)))
    assert found.global_optimum
    assert len(found.centroids) == k
    assert found.inertia == pytest.approx(
        least_inertia(values, weights, k), rel=1e-9, abs=1e-15 * scatter(values, weights)
    )


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


def test_a_manual_start_is_used_in_one_dimension_too() -> None:
    values = np.array([0.0, 1.0, 2.0, 10.0])[:, None]
    start = np.array([[0.0], [1.0]])
    found = fit(values, n_clusters=2, init="manual", centroids=start, max_iter=1, epsilon=0)
    assert sorted(found.centroids[:, 0]) == [0.0, pytest.approx(13 / 3)]
    assert not found.global_optimum
