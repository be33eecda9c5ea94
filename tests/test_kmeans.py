"""The mathematics on plain arrays, against NumPy, scikit-learn and brute force."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

import kmseg
from kmseg.color import features
from kmseg.kmeans import Clustering, distinct_rows, fit
from oracles import (
    Floats,
    assert_same_clusters,
    best_1d,
    image_at,
    inertia,
    largest_move,
    lloyd,
    nearest,
    squared_distances,
    tied,
)

ENGINES = ("exact", "opencv", "scikit-learn")


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


# -- photos ----------------------------------------------------------------------------------------


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
        """Pixels, a little aside so that no pixel lies halfway between two."""
        rng = np.random.default_rng(n_clusters)
        rows = np.unique(self.raw, axis=0)
        chosen = rows[rng.choice(len(rows), n_clusters, replace=False)]
        return np.asarray(chosen + rng.uniform(-0.01, 0.01, chosen.shape))


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
def test_at_rest_one_more_step_moves_no_centroid_by_more_than_epsilon(
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


def test_each_stop_rule_ends_by_its_own_measure(photo: Photo) -> None:
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
    """Weights such as 0.1 + 0.2 leave a rest when they are taken off again."""
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


@pytest.mark.parametrize("n_clusters", [2, 5, 20])
def test_samples_far_from_the_origin_get_the_nearest_centroid(n_clusters: int) -> None:
    rng = np.random.default_rng(n_clusters)
    X = 1e6 + rng.integers(0, 256, (5000, 3)) / 1024
    result = fit(X, n_clusters=n_clusters, attempts=2)
    wrong = result.labels != nearest(X, result.centroids)
    assert not (wrong & ~tied(X, result.centroids)).any()


@pytest.mark.parametrize("init", ["k-means++", "random", "manual"])
@pytest.mark.parametrize("engine", ENGINES)
def test_more_clusters_than_distinct_rows_are_clipped(engine: str, init: str) -> None:
    """``cv2.kmeans`` by itself returns the same centre several times, without a word."""
    X = np.repeat([[0.0, 0.0], [0.0, 9.0], [7.0, 7.0]], 5, axis=0)
    start = [[0, 1], [0, 8], [7, 6], [50, 50], [60, 60]] if init == "manual" else None
    result = fit(X, n_clusters=5, init=init, centroids=start, attempts=10, engine=engine)
    assert_sound(result, X, np.ones(15), 5)
    assert len(result.centroids) == 3
    assert len(np.unique(result.centroids, axis=0)) == 3
    assert result.inertia == 0
    assert result.global_optimum


@pytest.mark.parametrize("engine", ENGINES)
def test_one_color_is_one_cluster(engine: str) -> None:
    result = fit(np.full((6, 3), 41.0), n_clusters=4, engine=engine)
    np.testing.assert_array_equal(result.centroids, [[41, 41, 41]])
    np.testing.assert_array_equal(result.labels, np.zeros(6))


@given(weighted_sets(), st.integers(2, 6), SEEDS, st.sampled_from(ENGINES[1:]))
@hypothesis_settings(max_examples=60)
def test_the_reference_engines_are_sound_as_well(
    samples: tuple[Floats, NDArray[Any]], n_clusters: int, seed: int, engine: str
) -> None:
    X = repeated(*samples)
    with threadpool_limits(1):
        result = fit(X, n_clusters=n_clusters, attempts=3, seed=seed, engine=engine)
    assert_sound(result, X, np.ones(len(X)), n_clusters)
    assert len(result.attempts) == 1


def test_opencv_keeps_its_iterations_to_itself_and_scikit_learn_does_not(photo: Photo) -> None:
    X = photo.raw[::7]
    opencv = fit(X, n_clusters=3, attempts=2, engine="opencv")
    assert (opencv.n_iter, opencv.converged) == (None, None)
    cut = fit(X, n_clusters=3, attempts=1, max_iter=2, engine="scikit-learn")
    assert (cut.n_iter, cut.converged) == (2, False)
    rest = fit(X, n_clusters=3, attempts=1, max_iter=300, engine="scikit-learn")
    assert rest.n_iter is not None and 2 < rest.n_iter < 300
    assert rest.converged is True


def test_opencvs_initial_labels_and_callers_arrays_are_left_alone(photo: Photo) -> None:
    X, start = photo.raw[::11].copy(), photo.start(4)
    before = X.copy(), start.copy()
    for engine in ENGINES:
        fit(X, n_clusters=4, init="manual", centroids=start, engine=engine)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(start, before[1])


def test_opencvs_generator_is_seeded_by_each_call(photo: Photo) -> None:
    X = photo.raw[::5]
    first = fit(X, n_clusters=8, init="random", attempts=1, seed=9, engine="opencv")
    cv2.setRNGSeed(12345)
    again = fit(X, n_clusters=8, init="random", attempts=1, seed=9, engine="opencv")
    other = fit(X, n_clusters=8, init="random", attempts=1, seed=10, engine="opencv")
    np.testing.assert_array_equal(first.labels, again.labels)
    assert (first.labels != other.labels).any()


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_another_seed_makes_other_attempts(photo: Photo, init: str) -> None:
    results = [
        fit(photo.X, photo.weights, n_clusters=12, init=init, attempts=6, seed=seed)
        for seed in (0, 0, 1)
    ]
    assert len(results[0].attempts) == 6
    assert results[0].attempts == results[1].attempts != results[2].attempts
    assert len(set(results[0].attempts)) > 1


# -- what is refused -------------------------------------------------------------------------------

SQUARE = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]


@pytest.mark.parametrize(
    ("X", "options", "field"),
    [
        ([1.0, 2.0], {}, "X"),
        (np.zeros((0, 3)), {}, "X"),
        (np.zeros((3, 0)), {}, "X"),
        ([[0.0], [np.nan]], {}, "X"),
        ([[0.0], [np.inf]], {}, "X"),
        (SQUARE, {"sample_weight": [1, 2]}, "sample_weight"),
        (SQUARE, {"sample_weight": [1, 0, 1]}, "sample_weight"),
        (SQUARE, {"sample_weight": [1, -1, 1]}, "sample_weight"),
        (SQUARE, {"sample_weight": [1, np.nan, 1]}, "sample_weight"),
        (SQUARE, {"sample_weight": [1, 1, 1], "engine": "opencv"}, "sample_weight"),
        (SQUARE, {"sample_weight": [1, 1, 1], "engine": "scikit-learn"}, "sample_weight"),
        (SQUARE, {"n_clusters": 0}, "n_clusters"),
        (SQUARE, {"attempts": 0}, "attempts"),
        (SQUARE, {"max_iter": 0}, "max_iter"),
        (SQUARE, {"epsilon": -1}, "epsilon"),
        (SQUARE, {"epsilon": np.nan}, "epsilon"),
        (SQUARE, {"epsilon": np.inf}, "epsilon"),
        (SQUARE, {"init": "forgy"}, "init"),
        (SQUARE, {"stop": "never"}, "stop"),
        (SQUARE, {"engine": "gpu"}, "engine"),
        (SQUARE, {"init": "manual"}, "centroids"),
        (SQUARE, {"init": "manual", "centroids": [[0.0, 1.0]]}, "centroids"),
        (SQUARE, {"init": "manual", "centroids": [[0.0], [1.0]]}, "centroids"),
        (SQUARE, {"init": "manual", "centroids": [[0.0, 1.0], [np.nan, 1.0]]}, "centroids"),
    ],
)
def test_what_cannot_be_clustered_is_refused_by_name(
    X: Any, options: dict[str, Any], field: str
) -> None:
    with pytest.raises(kmseg.SettingsError, match=rf"^{field}: "):
        fit(X, **{"n_clusters": 2} | options)


@given(weighted_sets(), st.integers(1, 20))
@hypothesis_settings(max_examples=60)
def test_distinct_rows_are_counted_up_to_a_limit(
    samples: tuple[Floats, NDArray[Any]], at_most: int
) -> None:
    X, _ = samples
    assert distinct_rows(X, at_most) == min(at_most, len(np.unique(X, axis=0)))
