"""Animations of plain Lloyd: frames, exact colours, timing and size."""

from __future__ import annotations

import io
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

import kmseg
from kmseg.output import animation, export
from kmseg.output.panels import N_GRAYS
from oracles import image_at, with_holes

KINDS: tuple[animation.Format, ...] = ("gif", "webp")
GRAYS = {(round(level),) * 3 for level in np.linspace(0, 255, N_GRAYS)}


@cache
def run_of(key: str, width: int = 160, **settings: Any) -> kmseg.Trace:
    return kmseg.trace(image_at(key, width), kmseg.Settings(**settings))


def read(content: bytes) -> tuple[list[NDArray[np.uint8]], list[int]]:
    """The frames (H, W, 3) of a file, decoded by Pillow, and their milliseconds."""
    pictures, durations = [], []
    with Pillow.open(io.BytesIO(content)) as file:
        assert file.info["loop"] == 0
        for number in range(getattr(file, "n_frames", 1)):
            file.seek(number)
            file.load()
            pictures.append(np.asarray(file.convert("RGB")))
            durations.append(file.info["duration"])
    return pictures, durations


def colors_in(pixels: NDArray[np.uint8]) -> set[tuple[int, ...]]:
    packed = np.unique(pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32))
    return {(color >> 16, color >> 8 & 255, color & 255) for color in packed.tolist()}


def palette_of(colors: NDArray[np.uint8]) -> set[tuple[int, ...]]:
    return {tuple(color) for color in colors.tolist()}


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_a_frame_for_the_start_and_for_each_half_step(kind: animation.Format) -> None:
    run = run_of("flower", color_space="cielab", channels="12", n_clusters=3)
    assert 2 < run.n_steps < animation.MAX_STEPS
    pictures, durations = read(animation.animation(run, kind))
    assert len(pictures) == 1 + (2 * run.n_steps + 1)
    assert durations[0] == animation.FIRST and durations[-1] == animation.LAST > 1000
    assert set(durations[1:-1]) == {animation.EACH}
    assert len({picture.shape for picture in pictures}) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_clusters", [4, 32])
def test_the_colours_of_a_frame_are_the_palette_of_its_step(
    kind: animation.Format, n_clusters: int
) -> None:
    run = run_of("china", n_clusters=n_clusters, seed=1)
    pictures, _ = read(animation.animation(run, kind))
    frames = animation.frames(run.n_steps)
    assert len(pictures) == len(frames)
    for picture, frame in zip(pictures, frames, strict=True):
        step = frame.assigned
        palette = palette_of(run.seeds if step < 0 else run.palette[step])
        assert colors_in(picture) <= palette | GRAYS
        # At the start only the marks of the seeds are in colour, and some cover others.
        assert step < 0 or palette <= colors_in(picture)


def test_the_picture_of_a_frame_is_the_assignment_of_its_step() -> None:
    run = run_of("flower", width=640, n_clusters=5)
    pictures, _ = read(animation.animation(run, "gif"))
    for picture, frame in zip(pictures, animation.frames(run.n_steps), strict=True):
        if frame.assigned >= 0:
            expected = run.palette[frame.assigned][run.labels(frame.assigned)]
            height, width = expected.shape[:2]
            np.testing.assert_array_equal(picture[100 : 100 + height, 20 : 20 + width], expected)


@pytest.mark.parametrize("n_steps", [0, 1, 29, 30, 31, 60, 147, 1000])
def test_a_long_run_is_shown_from_first_to_last_step_in_at_most_sixty_frames(n_steps: int) -> None:
    steps = animation.shown_steps(n_steps)
    assert steps[0] == 0 and steps[-1] == n_steps
    assert steps == sorted(set(steps))
    assert steps == list(range(n_steps + 1)) or 25 <= len(steps) <= animation.MAX_STEPS
    frames = animation.frames(n_steps)
    assert len(frames) == 2 * len(steps) <= 60
    assert frames[0] == (-1, 0) and frames[-1] == (n_steps, n_steps)
    for before, after in pairwise(frames):  # one of the two changes
        assert (before.assigned == after.assigned) != (before.moved == after.moved)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("key", "n_clusters"), [("china", 32), ("plate-5", 8)])
def test_sixty_half_steps_take_at_most_four_megabytes(
    kind: animation.Format, key: str, n_clusters: int
) -> None:
    run = run_of(key, width=640 if key == "china" else 600, n_clusters=n_clusters, epsilon=0.0)
    content = animation.animation(run, kind)
    assert len(content) <= 4_000_000
    pictures, _ = read(content)
    assert len(pictures) == len(animation.frames(run.n_steps))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((1, 1), {}),
        ((1, 900), {"channels": "1"}),
        ((900, 1), {}),
        ((700, 500), {"color_space": "hsv-circular", "channels": "0"}),
        ((30, 40), {"n_clusters": 255}),
        ((20, 30), {"init": "manual", "centroids": ((0, 0, 0), (9, 9, 9)), "n_clusters": 2}),
    ],
)
def test_any_picture_and_any_settings_can_be_animated(
    kind: animation.Format, shape: tuple[int, int], settings: dict[str, Any]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    run = kmseg.trace(kmseg.Image(pixels), kmseg.Settings(**{"max_iter": 3} | settings))
    pictures, _ = read(animation.animation(run, kind))
    assert len(pictures) == 2 * run.n_steps + 2


def test_transparent_pixels_are_white() -> None:
    image = with_holes(image_at("flower", 640), 4)
    run = kmseg.trace(image, kmseg.Settings(n_clusters=3, max_iter=2))
    last = read(animation.animation(run, "webp"))[0][-1]
    shown = last[100 : 100 + image.height, 20 : 20 + image.width]
    assert (shown[run.labels(-1) < 0] == 255).all()


def test_the_sentences_have_the_numbers_of_all_pixels() -> None:
    run = run_of("flower", n_clusters=4)
    told = [animation.sentence(run, frame) for frame in animation.frames(run.n_steps)]
    assert told[0] == "Start: the seeds. No pixel is assigned yet."
    assert told[1].startswith(f"Assign 0: {run.histogram.n_pixels:,} pixels")
    assert told[2].startswith("Move 1: ") and f"{run.moved[1]:.3g}" in told[2]
    fall = 100 * (1 - run.inertia[1] / run.inertia[0])
    assert told[3].startswith(f"Assign 1: {run.changed[1]:,} pixels changed")
    assert f"inertia fell {fall:.2g}%" in told[3]
    assert told[-1].endswith("The run has ended.") and not any("e-" in each for each in told)


def test_the_download_ends_with_the_segmentation_of_plain_lloyd() -> None:
    settings = kmseg.Settings(engine="lloyd", n_clusters=5, attempts=6, seed=2, width=320)
    seg = kmseg.segment(kmseg.sample_image("flower"), settings)
    assert np.argmin(seg.attempts) > 0
    downloads = {download.key: download for download in export.DOWNLOADS}
    for kind in KINDS:
        download = downloads[f"animation_{kind}"]
        assert (download.mime, download.extension) == (f"image/{kind}", kind)
        last = read(download.make(seg, export.Context("a.png")))[0][-1]
        expected = seg.palette[seg.labels]
        height, width = expected.shape[:2]
        left = np.flatnonzero((last[100 : 100 + height] != 255).any(axis=(0, 2)))[0]
        np.testing.assert_array_equal(last[100 : 100 + height, left : left + width], expected)


def test_a_trace_of_colours_alone_has_no_animation() -> None:
    with pytest.raises(ValueError):
        animation.animation(kmseg.trace(kmseg.color_histogram(image_at("flower", 60))), "gif")
