"""What holds for all engines, and which arguments are refused."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

import kmseg
from clusterings import (
    SEEDS,
    Photo,
    assert_sound,
    repeated,
    weighted_sets,
)
from kmseg.kmeans import distinct_rows, fit
from kmseg.kmeans.engines import ENGINES
from oracles import (
    Floats,
    nearest,
    tied,
)


@pytest.fixture(scope="module")
def photo() -> Photo:
    return Photo("china", "bgr", "all")


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
    """``cv2.kmeans`` by itself silently returns the same centre several times."""
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


@given(weighted_sets(), st.integers(2, 6), SEEDS, st.sampled_from([*ENGINES]))
@hypothesis_settings(max_examples=60)
def test_every_engine_is_sound(
    samples: tuple[Floats, NDArray[Any]], n_clusters: int, seed: int, engine: str
) -> None:
    X = repeated(*samples)
    with threadpool_limits(1):
        result = fit(X, n_clusters=n_clusters, attempts=3, seed=seed, engine=engine)
    assert_sound(result, X, np.ones(len(X)), n_clusters)
    if not ENGINES[engine].reports_attempts:
        assert len(result.attempts) == 1


def test_opencv_does_not_report_its_iterations_but_scikit_learn_does(photo: Photo) -> None:
    X = photo.raw[::7]
    opencv = fit(X, n_clusters=3, attempts=2, engine="opencv")
    assert (opencv.n_iter, opencv.converged) == (None, None)
    cut = fit(X, n_clusters=3, attempts=1, max_iter=2, engine="scikit-learn")
    assert (cut.n_iter, cut.converged) == (2, False)
    rest = fit(X, n_clusters=3, attempts=1, max_iter=300, engine="scikit-learn")
    assert rest.n_iter is not None and 2 < rest.n_iter < 300
    assert rest.converged is True


def test_the_arrays_of_the_caller_are_not_changed(photo: Photo) -> None:
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
def test_an_invalid_argument_is_named_in_the_error(
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
