"""The reference engines, attempt by attempt: what one call of the library gives, and progress."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

import kmseg
from kmseg.kmeans import Clustering, fit
from kmseg.kmeans.engines import ENGINES
from oracles import Floats, image_at, nearest

FLAGS = {
    "random": cv2.KMEANS_RANDOM_CENTERS,
    "k-means++": cv2.KMEANS_PP_CENTERS,
    "manual": cv2.KMEANS_USE_INITIAL_LABELS,
}
STOPS = {"both": 3, "epsilon": cv2.TERM_CRITERIA_EPS, "iterations": cv2.TERM_CRITERIA_MAX_ITER}
BEST_ONLY = [name for name, engine in ENGINES.items() if not engine.reports_attempts]


def samples(kind: str) -> Floats:
    rng = np.random.default_rng(7)
    if kind == "photo":
        return image_at("china", 90).pixels.reshape(-1, 3).astype(float)
    if kind == "plate":  # few colours, so attempts often end in the same clusters
        return image_at("plate-5", 60).pixels.reshape(-1, 3)[:, :2].astype(float)
    if kind == "grid":  # many distances are equal
        return rng.integers(0, 4, (300, 3)).astype(float)
    return rng.normal(size=(400, 1))


def start_of(X: Floats, n_clusters: int) -> Floats:
    return np.unique(X, axis=0)[:: max(1, len(np.unique(X, axis=0)) // n_clusters)][:n_clusters]


def assert_same(result: Clustering, labels: Any, centroids: Any) -> None:
    kept, numbers = np.unique(np.ravel(labels), return_inverse=True)
    np.testing.assert_array_equal(result.labels, numbers)
    np.testing.assert_array_equal(result.centroids, np.asarray(centroids, np.float64)[kept])


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
@pytest.mark.parametrize("attempts", [1, 2, 9])
@pytest.mark.parametrize("init", FLAGS)
@pytest.mark.parametrize("kind", ["photo", "plate", "grid", "line"])
def test_opencvs_attempts_are_those_of_one_call(
    kind: str, init: str, attempts: int, seed: int
) -> None:
    X, n_clusters = samples(kind), 5
    stop = list(STOPS)[attempts % 3]
    start = start_of(X, n_clusters) if init == "manual" else None
    result = fit(
        X,
        n_clusters=n_clusters,
        init=init,
        centroids=start,
        attempts=attempts,
        max_iter=6,
        epsilon=0.5,
        stop=stop,
        seed=seed,
        engine="opencv",
    )
    initial: Any = None if start is None else nearest(X, start).astype(np.int32)[:, None]
    cv2.setRNGSeed(seed)
    _, labels, centers = cv2.kmeans(
        X.astype(np.float32),
        n_clusters,
        initial,
        (STOPS[stop], 6, 0.5),
        attempts if start is None else 1,
        FLAGS[init],
    )
    assert_same(result, labels, centers)


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
@pytest.mark.parametrize("attempts", [1, 2, 9])
@pytest.mark.parametrize("init", FLAGS)
@pytest.mark.parametrize("kind", ["photo", "plate", "grid", "line"])
def test_scikit_learns_attempts_are_those_of_one_call(
    kind: str, init: str, attempts: int, seed: int
) -> None:
    X, n_clusters = samples(kind), 5
    start = start_of(X, n_clusters) if init == "manual" else None
    with threadpool_limits(1):
        result = fit(
            X,
            n_clusters=n_clusters,
            init=init,
            centroids=start,
            attempts=attempts,
            seed=seed,
            engine="scikit-learn",
        )
        expected = KMeans(
            n_clusters,
            init=init if start is None else start,
            n_init=attempts if start is None else 1,
            random_state=seed,
        ).fit(X)
    assert_same(result, expected.labels_, expected.cluster_centers_)
    assert result.n_iter == expected.n_iter_


def test_the_first_of_equal_attempts_is_kept() -> None:
    """Attempts that find the same clusters number them differently, and round differently."""
    X = np.repeat(np.array([[0.1, 0.7], [9.3, 0.2], [0.4, 8.9]]), 200, axis=0)
    X += np.random.default_rng(0).normal(scale=2, size=X.shape)
    for seed in range(12):
        with threadpool_limits(1):
            result = fit(X, n_clusters=3, attempts=12, seed=seed, engine="scikit-learn")
            expected = KMeans(3, n_init=12, random_state=seed).fit(X)
        assert_same(result, expected.labels_, expected.cluster_centers_)
        result = fit(np.rint(X), n_clusters=3, attempts=12, seed=seed, engine="opencv")
        cv2.setRNGSeed(seed)
        _, labels, centers = cv2.kmeans(  # type: ignore[call-overload]
            np.rint(X).astype(np.float32), 3, None, (3, 100, 0.01), 12, FLAGS["k-means++"]
        )
        assert_same(result, labels, centers)


@pytest.mark.parametrize("engine", BEST_ONLY)
def test_progress_is_reported_after_each_attempt_and_changes_nothing(engine: str) -> None:
    X = samples("photo")
    told: list[tuple[int, int]] = []
    with threadpool_limits(1):
        quiet = fit(X, n_clusters=4, attempts=5, engine=engine)
        result = fit(
            X, n_clusters=4, attempts=5, engine=engine, progress=lambda *counts: told.append(counts)
        )
    assert told == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    assert_same(result, quiet.labels, quiet.centroids)


@pytest.mark.parametrize("engine", BEST_ONLY)
def test_a_manual_start_and_a_single_cluster_are_one_attempt(engine: str) -> None:
    X = samples("photo")
    told: list[tuple[int, int]] = []
    start = start_of(X, 3)
    for options in ({"n_clusters": 3, "init": "manual", "centroids": start}, {"n_clusters": 1}):
        fit(X, **options, attempts=8, engine=engine, progress=lambda *counts: told.append(counts))
    assert told == [(1, 1), (1, 1)]


@pytest.mark.parametrize("engine", BEST_ONLY)
def test_an_exception_in_progress_ends_the_work(engine: str) -> None:
    told = []

    def stop(done: int, attempts: int) -> None:
        told.append(done)
        if done == 2:
            raise TimeoutError

    image = image_at("china", 60)
    settings = kmseg.Settings(n_clusters=3, attempts=50, engine=engine)
    with pytest.raises(TimeoutError):
        kmseg.segment(image, settings, progress=stop)
    assert told == [1, 2]
    again = kmseg.segment(image, kmseg.Settings(n_clusters=3, attempts=2, engine=engine))
    assert again.pixel_counts.sum() == image.width * image.height


@pytest.mark.parametrize(("attempts", "round_"), [(3, 1 << 60), (5, 1)])
@pytest.mark.parametrize("init", ["k-means++", "manual"])
def test_the_exact_engine_reports_attempts_and_final_iterations(
    monkeypatch: pytest.MonkeyPatch, attempts: int, round_: int, init: str
) -> None:
    X = samples("photo")
    options = {"n_clusters": 4, "init": init, "attempts": attempts}
    options |= {"centroids": start_of(X, 4)} if init == "manual" else {}
    quiet = fit(X, **options)
    monkeypatch.setattr("kmseg.kmeans.attempts._ROUND_SIZE", round_)
    told: list[tuple[int, int]] = []
    result = fit(X, **options, progress=lambda *counts: told.append(counts))
    assert told == sorted(told)
    assert set(told) <= {(done, attempts) for done in range(1, attempts + 1)}
    assert told.count((attempts, attempts)) >= (result.n_iter or 0) > 0
    assert (round_ == 1 and init == "k-means++") == ((attempts, attempts) != told[0])
    assert result.attempts == quiet.attempts
    np.testing.assert_array_equal(result.labels, quiet.labels)

    def stop(done: int, attempts: int) -> None:
        if done == attempts:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        fit(X, **options, progress=stop)
