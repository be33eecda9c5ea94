"""The engine "lloyd": its draws and its result, against NumPy and scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

import kmseg
from clusterings import ONE_COLOR, SEEDS, Photo, repeated, weighted_sets
from kmseg.color import features
from kmseg.kmeans import distinct_rows, fit
from kmseg.kmeans.engines import ENGINES
from kmseg.kmeans.plain import distinct
from oracles import Floats, image_at, lloyd

CASES = [
    ("china", "bgr", "all", 4),
    ("china", "cielab", "all", 8),
    ("flower", "oklab", "all", 16),
    ("flower", "hsv", "02", 6),
    ("plate-6", "cielab", "12", 5),
    ("plate-74", "gray", "0", 4),
]


def numpy_draws(X: Floats, n_clusters: int, init: str, seed: int, attempt: int) -> Floats:
    """The seeds of an attempt as the README describes them, from samples without weights."""
    samples, weights = np.unique(X, axis=0, return_counts=True)
    r = np.random.default_rng([seed, attempt]).random(n_clusters)
    odds, chosen = np.ones(len(samples)), []
    for k in range(n_clusters):
        c = np.cumsum(weights * odds)
        index = int(np.searchsorted(c, r[k] * c[-1], side="right"))
        chosen.append(index)
        if init == "random":
            odds[index] = 0
        else:
            distances = ((samples[:, None] - samples[chosen]) ** 2).sum(axis=2)
            odds = distances.min(axis=1)
    return samples[chosen]


def drawn(
    X: Floats, weights: NDArray[Any], n_clusters: int, init: str, seed: int, attempt: int
) -> Floats:
    samples = distinct(X, weights.astype(np.float64))
    return samples.X.T[samples.draw(n_clusters, init, seed, attempt)]


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize(("key", "space", "channels", "n_clusters"), CASES)
def test_the_draws_can_be_repeated_with_numpy(
    key: str, space: str, channels: str, n_clusters: int, init: str
) -> None:
    photo = Photo(key, space, channels)
    for seed, attempt in ((0, 0), (0, 1), (2**31 - 1, 99)):
        ours = drawn(photo.X, photo.weights, n_clusters, init, seed, attempt)
        theirs = numpy_draws(photo.raw, n_clusters, init, seed, attempt)
        np.testing.assert_array_equal(ours, theirs)
        assert len(np.unique(ours, axis=0)) == n_clusters


@given(weighted_sets(), st.integers(1, 9), SEEDS, st.integers(0, 99), st.booleans())
@example(ONE_COLOR, 1, 0, 0, True)
@hypothesis_settings(max_examples=100)
def test_draws_from_duplicates_and_ties_can_be_repeated_too(
    samples: tuple[Floats, NDArray[Any]], n_clusters: int, seed: int, attempt: int, spread: bool
) -> None:
    X, weights = samples
    n_clusters = distinct_rows(X, n_clusters)
    init = "k-means++" if spread else "random"
    ours = drawn(X, weights, n_clusters, init, seed, attempt)
    theirs = numpy_draws(repeated(X, weights), n_clusters, init, seed, attempt)
    np.testing.assert_array_equal(ours, theirs)
    shuffled = np.random.default_rng(seed).permutation(len(X))
    again = drawn(X[shuffled], weights[shuffled], n_clusters, init, seed, attempt)
    np.testing.assert_array_equal(ours, again)


def test_random_seeds_are_drawn_by_weight() -> None:
    X, weights = np.arange(4.0)[:, None], np.array([1, 2, 3, 4])
    first = [drawn(X, weights, 2, "random", 0, attempt)[0, 0] for attempt in range(4000)]
    shares = np.bincount(np.array(first, int)) / len(first)
    np.testing.assert_allclose(shares, weights / 10, atol=0.03)


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize(("key", "space", "channels", "n_clusters"), CASES)
def test_every_attempt_is_that_of_numpy_and_the_best_of_them_wins(
    key: str, space: str, channels: str, n_clusters: int, init: str
) -> None:
    photo = Photo(key, space, channels)
    found = fit(
        photo.X,
        photo.weights,
        n_clusters=n_clusters,
        init=init,
        attempts=4,
        epsilon=0,
        stop="epsilon",
        seed=3,
        engine="lloyd",
    )
    plain = [
        lloyd(photo.raw, numpy_draws(photo.raw, n_clusters, init, 3, attempt))
        for attempt in range(4)
    ]
    ends = [float(((photo.raw - run.centroids[run.labels]) ** 2).sum()) for run in plain]
    np.testing.assert_allclose(found.attempts, ends, rtol=1e-9)
    best = int(np.argmin(found.attempts))
    assert found.inertia == found.attempts[best]
    assert found.n_iter == plain[best].n_iter
    np.testing.assert_allclose(found.centroids, plain[best].centroids, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(found.labels[photo.where], plain[best].labels)


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_attempts_are_those_of_separate_runs(init: str) -> None:
    image = image_at("flower", 200)
    wanted = kmseg.Settings(
        color_space="cielab", n_clusters=8, init=init, attempts=6, seed=7, engine="lloyd"
    )
    seg = kmseg.segment(image, wanted)
    runs = [kmseg.trace(image, wanted, attempt=attempt) for attempt in range(6)]
    assert seg.attempts == tuple(run.inertia[-1] for run in runs)
    assert len(set(seg.attempts)) > 1
    best = runs[int(np.argmin(seg.attempts))]
    assert (seg.inertia, seg.converged) == (best.inertia[-1], best.converged)
    assert seg.n_iter == best.n_steps + 1  # the last move was too small to be made
    np.testing.assert_array_equal(seg.centroids, best.centroids[-1])
    np.testing.assert_array_equal(seg.labels, best.labels(-1))


@pytest.mark.parametrize("n_clusters", [8, 32])
@pytest.mark.parametrize("key", ["china", "flower", "plate-6"])
def test_in_cielab_the_labels_are_those_of_scikit_learn(key: str, n_clusters: int) -> None:
    image = kmseg.sample_image(key)
    histogram = kmseg.color_histogram(image)
    X, weights = features(histogram.colors, "cielab"), histogram.counts
    start = drawn(X, weights, n_clusters, "k-means++", 0, 0)
    ours = fit(
        X, weights, n_clusters=n_clusters, attempts=1, epsilon=0, stop="epsilon", engine="lloyd"
    )
    with threadpool_limits(1):
        theirs = KMeans(n_clusters, init=start, n_init=1, max_iter=5000, tol=0)
        theirs.fit(X, sample_weight=weights)
    np.testing.assert_array_equal(ours.labels, theirs.labels_)
    np.testing.assert_allclose(ours.centroids, theirs.cluster_centers_, rtol=1e-9)
    assert ours.inertia == pytest.approx(theirs.inertia_, rel=1e-9)


def test_one_column_is_not_solved_but_iterated() -> None:
    image = image_at("china", 200)
    wanted = kmseg.Settings(color_space="gray", n_clusters=8, attempts=8, engine="lloyd")
    seg = kmseg.segment(image, wanted)
    best = kmseg.segment(image, kmseg.Settings(color_space="gray", n_clusters=8))
    assert best.global_optimum and not seg.global_optimum
    assert len(seg.attempts) == 8 and seg.n_iter is not None and seg.n_iter > 1
    assert max(seg.attempts) > seg.inertia >= best.inertia * (1 - 1e-12)


@pytest.mark.parametrize("engine", ["exact", "lloyd"])
def test_an_empty_cluster_takes_the_sample_furthest_from_its_centroid(engine: str) -> None:
    X = np.array([[0.0, 0.0], [1.0, 0.0], [10.0, 0.0]])
    found = fit(
        X,
        [5, 5, 3],
        n_clusters=3,
        init="manual",
        centroids=[[0, 0], [1, 0], [100, 100]],
        engine=engine,
    )
    np.testing.assert_array_equal(found.labels, [0, 1, 2])
    np.testing.assert_array_equal(found.centroids[2], [10, 0])


def test_a_manual_start_is_run_as_by_the_exact_engine() -> None:
    image = image_at("china", 200)
    colors = ((0, 0, 0), (255, 255, 255), (200, 0, 0), (0, 0, 200))
    exact, plain = (
        kmseg.segment(
            image,
            kmseg.Settings(color_space="lab", init="manual", centroids=colors, engine=engine),
        )
        for engine in ("exact", "lloyd")
    )
    np.testing.assert_array_equal(plain.labels, exact.labels)
    np.testing.assert_array_equal(plain.centroids, exact.centroids)
    assert (plain.n_iter, plain.inertia) == (exact.n_iter, exact.inertia)


def test_progress_is_reported_after_each_iteration_and_ends_the_work() -> None:
    photo = Photo("china", "rgb", "all")
    told: list[tuple[int, int]] = []

    def progress(done: int, attempts: int) -> None:
        told.append((done, attempts))
        if done == 2:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        fit(photo.X, photo.weights, n_clusters=8, attempts=5, engine="lloyd", progress=progress)
    assert told == sorted(told) and set(told) == {(0, 5), (1, 5), (2, 5)}
    assert told.count((0, 5)) > 5 and told.count((2, 5)) == 1


def test_settings_links_and_commands_know_the_engine() -> None:
    wanted = kmseg.Settings(engine="LLOYD")
    assert wanted.engine == "lloyd"
    assert kmseg.Settings.from_query(wanted.to_query()) == (wanted, ())
    assert kmseg.Settings.from_dict(wanted.to_dict()) == wanted
    assert "--engine lloyd" in wanted.to_command_line("a.jpg")
    assert ENGINES["lloyd"].title == "Lloyd, for teaching"
