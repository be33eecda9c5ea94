"""Runs as the browser gets them: their size, and the inertia between a move and an assignment."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest

import kmseg
from kmseg.color import features
from kmseg.errors import SettingsError
from kmseg.output.tracecodec import PRECISION, inertia_after_moves, pack_trace
from kmseg.tracing import Trace, trace


def of(sample: str, **settings: object) -> Trace:
    return trace(kmseg.sample_image(sample), kmseg.Settings(**settings))  # type: ignore[arg-type]


def unpacked(packed: bytes, trace: Trace) -> dict[str, np.ndarray]:
    """A second decoder, written from the description of the format."""
    data = zlib.decompress(packed)
    moves, k, d = trace.n_steps, trace.n_clusters, trace.centroids.shape[2]
    shapes = {
        "inertia": ((moves + 1,), "<f8"),
        "after": ((moves,), "<f8"),
        "centroids": ((moves + 1, k, d), "<i4"),
        "counts": ((moves + 1, k), "<i4"),
        "palette": ((moves + 1, k, 3), "<i4"),
        "changed": ((moves + 1,), "<i4"),
    }
    found = {}
    for name, (shape, kind) in shapes.items():
        size, count = np.dtype(kind).itemsize, int(np.prod(shape))
        planes = np.frombuffer(data[: size * count], np.uint8).reshape(size, count)
        data = data[size * count :]
        values = planes.T.copy().view(kind).reshape(shape)
        found[name] = values if kind == "<f8" else values.cumsum(axis=0)
    assert not data
    return found


def test_a_packed_run_has_every_number_of_the_trace() -> None:
    run = of("china", color_space="cielab", n_clusters=6)
    order = np.array([3, 1, 0, 2, 5, 4])
    found = unpacked(pack_trace(run, order), run)
    np.testing.assert_array_equal(found["inertia"], run.inertia)
    np.testing.assert_array_equal(found["counts"], run.pixel_counts[:, order])
    np.testing.assert_array_equal(found["palette"], run.palette[:, order])
    np.testing.assert_array_equal(found["changed"], run.changed)
    np.testing.assert_allclose(
        found["centroids"] * PRECISION, run.centroids[:, order], rtol=0, atol=PRECISION / 2
    )


@pytest.mark.parametrize(("n_clusters", "most"), [(8, 64_000), (32, 200_000)])
def test_a_run_of_300_steps_is_small(n_clusters: int, most: int) -> None:
    # Scaled up from a shorter run: the first steps take the most bytes.
    run = of("china", n_clusters=n_clusters, epsilon=0, max_iter=300)
    assert run.n_steps > 50
    packed = pack_trace(run, np.arange(n_clusters))
    assert len(base64.b64encode(packed)) * 300 / run.n_steps < most


def test_inertia_after_a_move_is_the_plain_sum_over_all_pixels() -> None:
    run = of("flower", color_space="hsv", channels="01", n_clusters=5)
    assert run.image is not None
    pixels = features(run.image.pixels.reshape(-1, 3), "hsv", "01")
    after = inertia_after_moves(run)
    assert len(after) == run.n_steps > 3
    for step in (0, 1, run.n_steps - 1):
        moved = run.centroids[step + 1][run.labels(step).ravel()]
        assert after[step] == pytest.approx(((pixels - moved) ** 2).sum(), rel=1e-9)


def test_inertia_after_an_empty_cluster_restarts_is_unknown() -> None:
    # Two seeds of one colour: the second gets no pixel, and then moves to one of another cluster.
    run = of("flower", n_clusters=3, init="manual", centroids=("#000000", "#000000", "#ff8040"))
    assert 0 in run.pixel_counts[0]
    after = inertia_after_moves(run)
    assert np.isnan(after[0]) and not np.isnan(after[-1])


# -- a start from centroids ------------------------------------------------------------------------


def test_a_trace_from_the_seeds_coordinates_is_that_from_the_seeds() -> None:
    image, settings = kmseg.sample_image("china"), kmseg.Settings(n_clusters=5, color_space="lab")
    drawn = trace(image, settings)
    again = trace(image, settings, start=drawn.centroids[0][drawn.drawn])
    np.testing.assert_array_equal(again.centroids, drawn.centroids)
    np.testing.assert_array_equal(again.seeds, drawn.seeds)
    np.testing.assert_array_equal(again.drawn, drawn.drawn)


def test_a_trace_from_any_centroids_assigns_every_pixel_to_the_nearest() -> None:
    image = kmseg.sample_image("flower")
    settings = kmseg.Settings(color_space="rgb", n_clusters=3)
    start = np.array([[20.5, -30, 1], [200, 120, 60.25], [0, 90, 300]])
    run = trace(image, settings, start=start)
    pixels = image.pixels.reshape(-1, 1, 3).astype(np.float64)
    nearest = ((pixels - start) ** 2).sum(axis=2).argmin(axis=1)
    counts = np.bincount(nearest, minlength=3)
    np.testing.assert_array_equal(run.pixel_counts[0][run.drawn], counts)
    np.testing.assert_array_equal(run.centroids[0][run.drawn], start)
    calls: list[None] = []
    trace(image, settings, start=start, progress=lambda: calls.append(None))
    assert len(calls) >= run.n_steps


@pytest.mark.parametrize("shape", [(0, 3), (4, 3), (3, 2), (3,)])
def test_a_start_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    settings = kmseg.Settings(n_clusters=3)
    with pytest.raises(SettingsError, match=r"start: must be at most 3 centroids of 3 coordinates"):
        trace(kmseg.sample_image("flower"), settings, start=np.zeros(shape))
