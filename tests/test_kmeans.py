"""The mathematics on plain arrays, against NumPy, scikit-learn and brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from clusterings import (
    ONE_COLOR,
    SEEDS,
    K,
    Photo,
    assert_sound,
    repeated,
    weighted_sets,
)
from kmseg.kmeans import Clustering, fit
from oracles import (
    Floats,
    assert_same_clusters,
    best_1d,
    image_at,
    inertia,
    largest_move,
    lloyd,
    nearest,
    tied,
)

# -- photos ----------------------------------------------------------------------------------------


CASES = [
    ("china", "bgr", "all", 4),
    ("china", "hsv", "02", 3),
    ("china", "hsv-circular", "all", 6),
    ("china", "cielab", "12", 5),
    ("china", "gray", "0", 4),
    ("flower", "rgb", "all", 12),
    ("flower", "lab", "12", 8),
    ("flower", "oklab", "all", 24),
    ("flower", "ycrcb", "1", 7),
    ("flower", "rgb", "01", 2),
]


@pytest.mark.parametrize(("key", "space", "channels", "n_clusters"), CASES)
def test_from_one_start_all_agree_on_every_pixel(
    key: str, space: str, channels: str, n_clusters: int
) -> None:
    """Weighted colours, scikit-learn on pixels and plain NumPy on pixels: the same labels."""
    photo = Photo(key, space, channels)
    start = photo.start(n_clusters)
    result = fit(
        photo.X,
        photo.weights,
        n_clusters=n_clusters,
        init="manual",
        centroids=start,
        epsilon=0,
        stop="epsilon",
    )
    plain = lloyd(photo.raw, start)
    with threadpool_limits(1):
        theirs = KMeans(n_clusters, init=start, n_init=1, max_iter=5000, tol=0).fit(photo.raw)

    assert result.converged is True
    for centroids, labels in (
        (plain.centroids, plain.labels),
        (theirs.cluster_centers_, theirs.labels_),
    ):
        np.testing.assert_allclose(result.centroids, centroids, rtol=1e-9, atol=1e-7)
        free = tied(photo.raw, centroids)
        assert free.mean() < 0.01
        np.testing.assert_array_equal(result.labels[photo.where][~free], labels[~free])
    assert result.inertia == pytest.approx(inertia(photo.raw, result.centroids), rel=1e-9)
    assert largest_move(photo.raw, result.centroids) < 1e-9


@pytest.mark.parametrize("epsilon", [0.0, 0.05, 2.0])
@pytest.mark.parametrize("init", ["k-means++", "random", "manual"])
def test_after_convergence_one_more_step_moves_no_centroid_by_more_than_epsilon(
    init: str, epsilon: float
) -> None:
    for key, space, channels, n_clusters in CASES[1:9:2]:
        photo = Photo(key, space, channels)
        result = fit(
            photo.X,
            photo.weights,
            n_clusters=n_clusters,
            init=init,
            centroids=photo.start(n_clusters) if init == "manual" else None,
            attempts=3,
            epsilon=epsilon,
            stop="epsilon",
        )
        assert result.converged is True
        assert result.n_iter is not None and result.n_iter >= 1
        assert largest_move(photo.raw, result.centroids) <= epsilon + 1e-9
        assert_sound(result, photo.X, photo.weights, n_clusters)
        np.testing.assert_allclose(result.inertia, inertia(photo.raw, result.centroids), rtol=1e-9)
        free = tied(photo.X, result.centroids)
        np.testing.assert_array_equal(
            result.labels[~free], nearest(photo.X, result.centroids)[~free]
        )


@pytest.mark.parametrize(("key", "space", "channels", "n_clusters"), CASES)
def test_ten_attempts_are_as_good_as_scikit_learns(
    key: str, space: str, channels: str, n_clusters: int
) -> None:
    photo = Photo(key, space, channels)
    ours = fit(photo.X, photo.weights, n_clusters=n_clusters, epsilon=0)
    with threadpool_limits(1):
        theirs = KMeans(n_clusters, n_init=10, tol=0, random_state=0).fit(
            photo.X, sample_weight=photo.weights
        )
    assert ours.inertia <= theirs.inertia_ * 1.03
    assert len(set(ours.attempts)) > 1 or ours.global_optimum or n_clusters < 5
    assert not ours.global_optimum or photo.X.shape[1] == 1


def test_ten_attempts_ended_a_percent_apart_by_the_luck_of_the_seed() -> None:
    image = image_at("flower", 160)
    colors, counts = np.unique(image.pixels.reshape(-1, 3), axis=0, return_counts=True)
    X = colors.astype(np.float64)
    found = [fit(X, counts, n_clusters=12, seed=seed).inertia for seed in range(6)]
    assert max(found) <= min(found) * 1.001


def test_no_attempt_is_better_than_the_result_of_the_search() -> None:
    photo = Photo("china", "bgr", "all")
    for attempts in (1, 2, 10, 30):
        for n_clusters in (2, 5, 16, 40):
            result = fit(photo.X, photo.weights, n_clusters=n_clusters, attempts=attempts)
            assert len(result.attempts) == attempts
            assert result.inertia == min(result.attempts)
            assert_sound(result, photo.X, photo.weights, n_clusters)


def test_almost_as_many_clusters_as_colours_are_searched_without_empty_ones() -> None:
    rng = np.random.default_rng(3)
    X = np.unique(rng.integers(0, 256, (120, 3)), axis=0).astype(np.float64)
    for n_clusters in (len(X) - 1, len(X)):
        result = fit(X, n_clusters=n_clusters, attempts=4)
        assert_sound(result, X, np.ones(len(X)), n_clusters)
        assert len(result.centroids) == n_clusters
    assert result.inertia == 0


# -- stop rules ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def photo() -> Photo:
    return Photo("china", "bgr", "all")


@pytest.mark.parametrize("max_iter", [1, 2, 3, 7])
@pytest.mark.parametrize("stop", ["iterations", "both"])
def test_max_iter_counts_the_steps_of_plain_k_means(photo: Photo, stop: str, max_iter: int) -> None:
    start = photo.start(6)
    result = fit(
        photo.X,
        photo.weights,
        n_clusters=6,
        init="manual",
        centroids=start,
        max_iter=max_iter,
        epsilon=0,
        stop=stop,
    )
    assert (result.n_iter, result.converged) == (max_iter, False)
    plain = lloyd(photo.raw, start, max_iter)
    np.testing.assert_allclose(result.centroids, plain.centroids, rtol=1e-9)
    np.testing.assert_array_equal(result.labels[photo.where], plain.labels)


def test_each_stop_rule_applies_its_own_criterion(photo: Photo) -> None:
    def run(stop: str, max_iter: int, epsilon: float, init: str = "manual") -> Clustering:
        return fit(
            photo.X,
            photo.weights,
            n_clusters=6,
            init=init,
            centroids=photo.start(6),
            attempts=2,
            max_iter=max_iter,
            epsilon=epsilon,
            stop=stop,
        )

    # Only the number of iterations: no epsilon ends it sooner.
    assert run("iterations", 9, 1e6).n_iter == 9
    for init in ("manual", "random", "k-means++"):
        # Only epsilon: no number of iterations does.
        rest = run("epsilon", 1, 0.0, init)
        assert rest.converged is True
        assert largest_move(photo.raw, rest.centroids) < 1e-9
        # Whichever comes first.
        early = run("both", 1000, 5.0, init)
        assert early.converged is True and early.n_iter is not None
        assert early.n_iter <= (rest.n_iter or 0)
        late = run("both", 1, 0.0, init)
        assert late.n_iter == 1
    assert (run("epsilon", 1, 0.0).n_iter or 0) > 9
    assert (run("both", 1000, 5.0).n_iter or 0) < (run("both", 1000, 0.01).n_iter or 0)


def test_a_fixed_point_ends_every_rule() -> None:
    X = np.array([[0.0], [1.0], [10.0], [11.0]])
    for stop in ("iterations", "both", "epsilon"):
        result = fit(
            X, n_clusters=2, init="manual", centroids=[[0.5], [10.5]], max_iter=50, stop=stop
        )
        assert result.converged is True
        assert result.n_iter is not None and result.n_iter <= 2
        np.testing.assert_array_equal(result.centroids, [[0.5], [10.5]])
        assert result.inertia == 1.0


# -- small weighted sets, made by Hypothesis -------------------------------------------------------


@given(weighted_sets(), K, st.sampled_from(["k-means++", "random"]), st.integers(1, 5), SEEDS)
@example(ONE_COLOR, 4, "k-means++", 3, 0)
@example(ONE_COLOR, 4, "random", 3, 0)
@hypothesis_settings(max_examples=150)
def test_any_weighted_set_is_clustered_soundly(
    samples: tuple[Floats, NDArray[Any]], n_clusters: int, init: str, attempts: int, seed: int
) -> None:
    X, weights = samples
    options: dict[str, Any] = {
        "n_clusters": n_clusters,
        "init": init,
        "attempts": attempts,
        "epsilon": 0,
        "stop": "epsilon",
        "seed": seed,
    }
    result = fit(X, weights, **options)
    assert_sound(result, X, weights, n_clusters)
    n_distinct = len(np.unique(X, axis=0))
    assert len(result.centroids) == min(n_clusters, n_distinct)
    assert result.global_optimum or len(result.attempts) == attempts
    assert result.converged is True
    assert (result.inertia == 0) == (n_clusters >= n_distinct)
    assert largest_move(repeated(X, weights), result.centroids) < 1e-9

    again = fit(X, weights, **options)
    assert again.attempts == result.attempts and again.n_iter == result.n_iter
    np.testing.assert_array_equal(again.centroids, result.centroids)
    np.testing.assert_array_equal(again.labels, result.labels)


@given(weighted_sets(), K, st.data())
@hypothesis_settings(max_examples=150)
def test_a_weight_counts_as_that_many_samples(
    samples: tuple[Floats, NDArray[Any]], n_clusters: int, data: st.DataObject
) -> None:
    X, weights = samples
    rows = np.unique(X, axis=0)
    n_clusters = min(n_clusters, len(rows))
    start = rows[data.draw(st.permutations(range(len(rows))))[:n_clusters]]
    plain = lloyd(repeated(X, weights), start)
    assume(plain.settled)
    options: dict[str, Any] = {
        "n_clusters": n_clusters,
        "init": "manual",
        "centroids": start,
        "epsilon": 0,
        "stop": "epsilon",
    }
    weighted, unweighted = (fit(X, weights, **options), fit(repeated(X, weights), **options))
    for result in (weighted, unweighted):
        np.testing.assert_allclose(result.centroids, plain.centroids, atol=1e-9)
        assert result.converged is True
    np.testing.assert_array_equal(np.repeat(weighted.labels, weights), plain.labels)
    np.testing.assert_array_equal(unweighted.labels, plain.labels)
    assert weighted.n_iter == unweighted.n_iter == plain.n_iter


@given(weighted_sets(), st.integers(2, 9), st.data())
@hypothesis_settings(max_examples=150)
def test_far_starts_leave_no_cluster_empty(
    samples: tuple[Floats, NDArray[Any]], n_clusters: int, data: st.DataObject
) -> None:
    """Starts where no sample is, several in one place, so that most begin without samples."""
    X, weights = samples
    value = st.integers(-1000, 1000)
    start = np.array(
        [[data.draw(value) for _ in range(X.shape[1])] for _ in range(n_clusters)], np.float64
    )
    if data.draw(st.booleans()):
        start[:] = start[0]
    result = fit(
        X,
        weights,
        n_clusters=n_clusters,
        init="manual",
        centroids=start,
        epsilon=0,
        stop="epsilon",
    )
    assert_sound(result, X, weights, n_clusters)
    assert len(result.centroids) == min(n_clusters, len(np.unique(X, axis=0)))
    assert len(result.attempts) == 1
    assert largest_move(repeated(X, weights), result.centroids) < 1e-9


def test_weights_need_not_be_whole_when_clusters_start_empty() -> None:
    """Subtracting weights such as 0.1 + 0.2 leaves a rounding error."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        X = rng.integers(0, 4, (12, 2)).astype(np.float64)
        weights = rng.choice([0.1, 0.2, 0.3, 0.7], 12)
        start = np.full((5, 2), 500.0)
        result = fit(
            X,
            weights,
            n_clusters=5,
            init="manual",
            centroids=start,
            epsilon=1e-9,
            stop="epsilon",
        )
        assert_sound(result, X, weights, 5)
        assert (result.centroids >= X.min(axis=0) - 1e-9).all()
        assert (result.centroids <= X.max(axis=0) + 1e-9).all()


@given(weighted_sets(columns=1), K, SEEDS)
@hypothesis_settings(max_examples=100)
def test_a_global_optimum_in_one_dimension_is_only_claimed_where_it_is_one(
    samples: tuple[Floats, NDArray[Any]], n_clusters: int, seed: int
) -> None:
    X, weights = samples
    result = fit(X, weights, n_clusters=n_clusters, seed=seed)
    lowest = best_1d(X[:, 0], weights, n_clusters)
    assert result.inertia >= lowest * (1 - 1e-9) - 1e-6
    if result.global_optimum:
        assert result.inertia == pytest.approx(lowest, rel=1e-9, abs=1e-6)
    if n_clusters >= len(np.unique(X)):
        assert result.global_optimum


def test_a_local_optimum_is_not_called_global() -> None:
    X = np.array([[0.0], [1.0], [10.0], [11.0], [20.0], [21.0]])
    result = fit(X, n_clusters=3, init="manual", centroids=[[0.0], [1.0], [15.0]], epsilon=0)
    np.testing.assert_array_equal(result.centroids, [[0.0], [1.0], [15.5]])
    assert result.inertia > best_1d(X[:, 0], np.ones(6), 3)
    assert not result.global_optimum


def test_more_than_fifteen_dimensions_are_clustered_too() -> None:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 3, 400)
    X = rng.normal(size=(3, 20))[truth] * 10 + rng.normal(size=(400, 20)) * 0.1
    assert_same_clusters(fit(X, n_clusters=3).labels, truth)


# -- all engines -----------------------------------------------------------------------------------
