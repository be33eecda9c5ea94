"""The steps of plain Lloyd, against NumPy on every pixel and against ``kmseg.segment``."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from skimage import data

import kmseg
from kmseg.color import features
from oracles import Floats, image_at, random_image, resized, squared_distances, with_holes

PICTURES = ["china", "flower", "coffee", "plate-6", "plate-74"]
STARTS = ["k-means++", "random", "manual"]
COLORS = (
    (20, 20, 20),
    (250, 250, 250),
    (90, 130, 60),
    (200, 60, 40),
    (60, 90, 190),
    (180, 160, 60),
)
VIEWS = {
    "china": {"color_space": "bgr"},
    "flower": {"color_space": "cielab"},
    "coffee": {"color_space": "oklab"},
    "plate-6": {"color_space": "lab", "channels": "12"},
    "plate-74": {"color_space": "hsv", "channels": "02"},
}


@cache
def picture(key: str, width: int = 0) -> kmseg.Image:
    """A sample or a picture of scikit-image, as it is or at another width."""
    if key in kmseg.SAMPLES:
        return image_at(key, width) if width else kmseg.sample_image(key)
    pixels = getattr(data, key)()
    return kmseg.Image(resized(pixels, width) if width else pixels)


def settings(key: str, init: str, **changed: Any) -> kmseg.Settings:
    centroids = COLORS if init == "manual" else ()
    wanted = {**VIEWS[key], "n_clusters": 6, "init": init, "centroids": centroids}
    return kmseg.Settings(**(wanted | changed))


def counted(image: kmseg.Image) -> np.ndarray[Any, Any]:
    opaque = np.ones(image.pixels.shape[:2], bool) if image.opaque is None else image.opaque
    return image.pixels[opaque]


def assert_steps_of_numpy(trace: kmseg.Trace, image: kmseg.Image) -> None:
    """Every step is that of plain NumPy on the pixels; ties go to the seed drawn first."""
    pixels = counted(image)
    X = features(pixels, trace.settings.color_space, trace.settings.channels)
    K, S = trace.n_clusters, trace.n_steps
    start = features(trace.seeds, trace.settings.color_space, trace.settings.channels)
    np.testing.assert_array_equal(trace.centroids[0], start)
    assert sorted(trace.drawn) == list(range(K))
    before = np.full(len(X), -1)
    for s in range(S + 1):
        distances = squared_distances(X, trace.centroids[s][trace.drawn])
        labels = trace.drawn[distances.argmin(axis=1)]
        counts = np.bincount(labels, minlength=K)
        np.testing.assert_array_equal(trace.pixel_counts[s], counts)
        assert trace.inertia[s] == pytest.approx(distances.min(axis=1).sum(), rel=1e-9, abs=1e-9)
        assert trace.changed[s] == (labels != before).sum()
        before = labels
        means = [X[labels == k].mean(axis=0) for k in range(K) if counts[k]]
        colors = [pixels[labels == k].mean(axis=0) for k in range(K) if counts[k]]
        assert (np.abs(trace.palette[s][counts > 0] - np.array(colors)) <= 0.5 + 1e-9).all()
        if s < S and counts.all():
            np.testing.assert_allclose(trace.centroids[s + 1], means, rtol=1e-9, atol=1e-9)
            move = np.linalg.norm(trace.centroids[s + 1] - trace.centroids[s], axis=1).max()
            assert trace.moved[s + 1] == pytest.approx(move, rel=1e-12)
    assert trace.moved[0] == 0


def assert_ends_as_segment(trace: kmseg.Trace, image: kmseg.Image) -> None:
    """The last step is the segmentation from the same seeds as a manual start, bit for bit."""
    for engine in ("lloyd", "exact"):
        seg = kmseg.segment(image, replace(trace.manual, engine=engine))
        np.testing.assert_array_equal(trace.labels(trace.n_steps), seg.labels)
        np.testing.assert_array_equal(trace.pixel_counts[-1], seg.pixel_counts)
        np.testing.assert_array_equal(trace.palette[-1], seg.palette)
        np.testing.assert_array_equal(trace.centroids[-1], seg.centroids)
        assert trace.inertia[-1] == seg.inertia
        assert trace.converged == seg.converged
        assert trace.n_steps == (seg.n_iter or 0) - trace.converged


@pytest.mark.parametrize("init", STARTS)
@pytest.mark.parametrize("key", PICTURES)
def test_the_last_step_is_the_segmentation_from_the_same_start(key: str, init: str) -> None:
    image = picture(key)
    trace = kmseg.trace(image, settings(key, init), attempt=2)
    assert trace.converged and trace.n_steps > 2
    assert_ends_as_segment(trace, image)


def test_the_last_step_of_a_large_photo_is_its_segmentation() -> None:
    """Enough colours for several threads, and settled samples are reused for many steps."""
    pixels = resized(data.retina(), 2000)
    noise = np.random.default_rng(0).integers(-3, 4, pixels.shape)
    image = kmseg.Image(np.clip(pixels + noise, 0, 255).astype(np.uint8))
    trace = kmseg.trace(image, kmseg.Settings(color_space="cielab", n_clusters=8))
    assert trace.histogram.n_colors > 50_000
    assert_ends_as_segment(trace, image)


@pytest.mark.parametrize("init", STARTS)
@pytest.mark.parametrize("key", PICTURES)
def test_every_step_is_that_of_numpy_on_the_pixels(key: str, init: str) -> None:
    image = picture(key, 150)
    trace = kmseg.trace(image, settings(key, init), attempt=1)
    assert_steps_of_numpy(trace, image)
    assert_ends_as_segment(trace, image)


@pytest.mark.parametrize("space", ["rgb", "hsv", "ycrcb", "hsv-circular", "gray"])
def test_every_step_is_that_of_numpy_in_other_spaces_with_many_ties(space: str) -> None:
    image = random_image(1, (40, 50), levels=5)
    for attempt in range(3):
        wanted = kmseg.Settings(color_space=space, n_clusters=5, init="random", epsilon=0)
        trace = kmseg.trace(image, wanted, attempt=attempt)
        assert_steps_of_numpy(trace, image)
        assert_ends_as_segment(trace, image)


def test_a_start_far_from_every_colour_fills_its_empty_clusters() -> None:
    rng = np.random.default_rng(2)
    image = kmseg.Image(rng.integers(0, 40, (30, 30, 3)).astype(np.uint8))
    colors = ((0, 0, 0), (255, 255, 255), (255, 255, 254), (255, 0, 255))
    wanted = kmseg.Settings(n_clusters=4, init="manual", centroids=colors)
    trace = kmseg.trace(image, wanted)
    assert (trace.pixel_counts[0] == 0).sum() == 3
    empty = trace.pixel_counts[0] == 0
    np.testing.assert_array_equal(trace.palette[0][empty], trace.seeds[empty])
    assert (trace.pixel_counts[-1] > 0).all()
    assert_steps_of_numpy(trace, image)
    assert_ends_as_segment(trace, image)


def test_a_cluster_that_ends_empty_comes_last_with_its_colour_before() -> None:
    image = random_image(24, (12, 12))
    wanted = kmseg.Settings(
        color_space="hsv", n_clusters=40, init="random", stop="iterations", max_iter=1
    )
    trace = kmseg.trace(image, wanted, attempt=5)
    assert trace.n_clusters == 40 and trace.pixel_counts[-1, -1] == 0 < trace.pixel_counts[-1, -2]
    np.testing.assert_array_equal(trace.palette[-1, -1], trace.palette[-2, -1])
    assert_steps_of_numpy(trace, image)
    seg = kmseg.segment(image, trace.manual)
    assert seg.n_clusters == 39
    np.testing.assert_array_equal(trace.labels(-1), seg.labels)


def test_transparent_pixels_are_not_counted() -> None:
    image = with_holes(picture("china", 100), 4)
    trace = kmseg.trace(image, kmseg.Settings(color_space="cielab", n_clusters=4))
    assert (trace.pixel_counts.sum(axis=1) == image.opaque.sum()).all()  # type: ignore[union-attr]
    for s in (0, trace.n_steps):
        np.testing.assert_array_equal(trace.labels(s) == -1, ~np.asarray(image.opaque))
    assert_steps_of_numpy(trace, image)
    assert_ends_as_segment(trace, image)


@pytest.mark.parametrize("step", [0, 1, -1])
def test_labels_are_those_of_the_step(step: int) -> None:
    image = picture("flower", 120)
    trace = kmseg.trace(image, kmseg.Settings(color_space="oklab", n_clusters=5))
    labels = trace.labels(step)
    assert labels.dtype == np.int16 and labels.shape == image.pixels.shape[:2]
    counts = np.bincount(labels.ravel(), minlength=5)
    np.testing.assert_array_equal(counts, trace.pixel_counts[step])
    with pytest.raises(IndexError):
        trace.labels(trace.n_steps + 1)


def test_labels_two_steps_apart_differ_by_the_pixels_that_changed() -> None:
    trace = kmseg.trace(picture("china", 120), kmseg.Settings(n_clusters=6, init="random"))
    differ = (trace.labels(3) != trace.labels(2)).sum()
    assert differ == trace.changed[3] > 0


def test_the_number_of_clusters_is_clipped_to_that_of_the_colours() -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[:, 2:, 0], pixels[:, 4:, 1] = 200, 90
    image = kmseg.Image(pixels)
    for init in STARTS:
        trace = kmseg.trace(image, settings("china", init))
        assert trace.n_clusters == 3 and trace.inertia[-1] == 0
        assert_ends_as_segment(trace, image)
        one = kmseg.trace(kmseg.Image(pixels[:, :2]), settings("china", init))
        assert (one.n_clusters, one.pixel_counts[-1].tolist()) == (1, [8])
        assert_ends_as_segment(one, kmseg.Image(pixels[:, :2]))


def test_steps_are_those_of_an_engine_that_stops_early() -> None:
    image = picture("flower", 150)
    wanted = kmseg.Settings(color_space="hsv", n_clusters=7, attempts=1, engine="lloyd")
    trace = kmseg.trace(image, wanted)
    for n in (1, 2, 9):
        seg = kmseg.segment(image, replace(wanted, stop="iterations", max_iter=n))
        assert (seg.n_iter, seg.converged, seg.inertia) == (n, False, trace.inertia[n])
        cut = kmseg.trace(image, replace(wanted, stop="iterations", max_iter=n))
        assert (cut.n_steps, cut.converged) == (n, False)
        np.testing.assert_array_equal(cut.inertia, trace.inertia[: n + 1])
        np.testing.assert_array_equal(cut.labels(-1), seg.labels)


def test_the_width_and_a_known_histogram_are_used() -> None:
    image = kmseg.sample_image("china")
    wanted = kmseg.Settings(width=90, n_clusters=3)
    trace = kmseg.trace(image, wanted)
    assert trace.settings is wanted and trace.labels(0).shape == (60, 90)
    histogram = kmseg.color_histogram(image.resized(90))
    coordinates = features(histogram.colors, "bgr")
    again = kmseg.trace(image, wanted, histogram=histogram, coordinates=coordinates)
    assert again.histogram is histogram
    np.testing.assert_array_equal(again.inertia, trace.inertia)
    alone = kmseg.trace(histogram, wanted)
    np.testing.assert_array_equal(alone.pixel_counts, trace.pixel_counts)
    with pytest.raises(kmseg.LabelsError, match="pass the Image"):
        alone.labels(0)


@pytest.mark.parametrize("attempt", [-1, 1.5, "2"])
def test_an_attempt_that_does_not_exist_is_refused(attempt: Any) -> None:
    with pytest.raises(kmseg.SettingsError, match=r"^attempt: must be a whole number of at least"):
        kmseg.trace(picture("china", 60), attempt=attempt)


def test_attempts_differ_by_their_seeds() -> None:
    image = picture("china", 100)
    first, second, again = (kmseg.trace(image, attempt=attempt) for attempt in (0, 1, 0))
    assert (first.seeds[first.drawn] != second.seeds[second.drawn]).any()
    np.testing.assert_array_equal(first.centroids, again.centroids)
    assert first.inertia.dtype == np.float64 and first.palette.dtype == np.uint8
    assert first.pixel_counts.dtype == first.changed.dtype == first.drawn.dtype == np.int64


def test_inertia_never_rises() -> None:
    trace = kmseg.trace(picture("coffee", 200), kmseg.Settings(n_clusters=8, init="random"))
    falls: Floats = np.diff(trace.inertia)
    assert (falls <= 0).all()
