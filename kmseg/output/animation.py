"""A run of plain Lloyd as an animated GIF or WebP: picture, colours and inertia side by side.

The first frame shows the seeds, before any pixel is assigned. Then each half-step has a frame:
*assign* gives each pixel to its nearest centroid, *move* moves each centroid to the mean of its
pixels. A run of S moves has 2 S + 1 half-steps.
"""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmseg.color import features
from kmseg.labeling import ByColor, PixelGrid
from kmseg.output import captions
from kmseg.output.panels import BLACK, DARK, LIGHT, MIDDLE, Box, Canvas
from kmseg.output.render import picture_of
from kmseg.tracing import Trace, trace

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

    from kmseg.segmentation import Segmentation

Format = Literal["gif", "webp"]

# Sides tried in turn until a file has at most MAX_BYTES: the longer side of the picture, in pixels.
SIDES: Final = (640, 480, 360)
MAX_BYTES: Final = 4_000_000
# Steps in the animation of a longer run: every early one, and later ones at growing intervals.
MAX_STEPS: Final = 30
MAX_POINTS: Final = 2500

# Milliseconds of the first frame, of a half-step and of the last frame.
FIRST, EACH, LAST = 1200, 400, 3000

# Of the layout, in pixels: margin, the two lines of text above, a title, sides of panels.
_MARGIN, _HEAD, _TEXT, _LEAST_PANEL, _MOST_PANEL, _LEAST_WIDTH = 20, 100, 36, 240, 400, 760

# Multiples of the golden ratio, modulo 1, are evenly spread.
_GOLDEN: Final = 0.6180339887498949


class Frame(NamedTuple):
    """A frame: what has been assigned, and where the centroids are.

    Attributes
    ----------
    assigned : int
        The step of the trace whose labels are shown; -1 before the first assignment.
    moved : int
        The step whose centroids are shown.
    """

    assigned: int
    moved: int


def shown_steps(n_steps: int) -> list[int]:
    """The steps that are shown of a run of ``n_steps`` moves: 0, ..., ``n_steps``."""
    if n_steps < MAX_STEPS:
        return list(range(n_steps + 1))
    numbers = np.arange(MAX_STEPS)
    growing = np.rint((n_steps + 1) ** (numbers / (MAX_STEPS - 1)) - 1)
    return [int(step) for step in np.unique(np.maximum(numbers, growing))]


def frames(n_steps: int) -> list[Frame]:
    """The frames of a run: the seeds, then assign, move, assign, ... of each step shown."""
    steps = shown_steps(n_steps)
    before = [-1, *steps[:-1]]
    return [
        Frame(assigned, step)
        for last, step in zip(before, steps, strict=True)
        for assigned in (last, step)
    ]


def animation(
    run: Trace, kind: Format, max_bytes: int = MAX_BYTES, *, carried: bool = False
) -> bytes:
    """Draw a run.

    Parameters
    ----------
    run : Trace
        Of an ``Image``.
    kind : {"gif", "webp"}
        Both are exact in the colours of clusters, and repeat for ever.
    max_bytes : int
        If the file is larger, the picture is drawn smaller, down to the last of ``SIDES``.
    carried : bool
        Whether the run starts from carried-over centroids, and not from the seeds of its settings.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If the trace was made from a ``ColorHistogram``.
    """
    for side in SIDES:
        film = _Film(run, side, carried)
        content = _encoded([film.draw(frame) for frame in frames(run.n_steps)], kind)
        if len(content) <= max_bytes:
            break
    return content


def of_segmentation(seg: Segmentation, kind: Format) -> bytes:
    """Animate plain Lloyd with the settings of a segmentation, which has an image.

    That is the best attempt of the engine "lloyd", and attempt 0 where another engine was used. If
    clusters were carried over, it starts from the centroids that are nearest to some pixels.
    """
    if seg.carried:
        nearest = np.unique(seg.clusters.assign(seg.histogram)[0])
        settings = replace(seg.settings, n_clusters=max(len(nearest), 2))
        start = seg.clusters.centroids[nearest]
        run = trace(picture_of(seg), settings, start=start, histogram=seg.histogram)
        return animation(run, kind, carried=True)
    best = int(np.argmin(seg.attempts)) if seg.settings.engine == "lloyd" else 0
    run = trace(picture_of(seg), seg.settings, attempt=best, histogram=seg.histogram)
    return animation(run, kind)


def _encoded(drawn: list[PillowImage], kind: Format) -> bytes:
    durations = [FIRST, *[EACH] * (len(drawn) - 2), LAST]
    buffer = io.BytesIO()
    options = {"optimize": False} if kind == "gif" else {"lossless": True, "quality": 20}
    if kind == "webp":
        drawn = [frame.convert("RGB") for frame in drawn]
    drawn[0].save(
        buffer,
        kind,
        save_all=True,
        append_images=drawn[1:],
        duration=durations,
        loop=0,
        **options,
    )
    return buffer.getvalue()


def sentence(run: Trace, frame: Frame) -> str:
    """What happened in a frame, in one line."""
    step = frame.assigned
    if step < 0:
        return "Start: the seeds. No pixel is assigned yet."
    if frame.moved > step:
        moved = run.moved[step + 1 : frame.moved + 1]
        if len(moved) > 1:
            return f"Moves {step + 1} to {frame.moved} of {run.n_steps} at once."
        return (
            f"Move {frame.moved}: each centroid to the mean of its pixels, at most {moved[0]:.3g}."
        )
    pixels = f"{run.changed[step]:,} pixels"
    if step == 0:
        return f"Assign 0: {pixels} to the nearest centroid."
    fall = 100 * (1 - run.inertia[step] / max(run.inertia[step - 1], 1e-300))
    by = f"{fall:.2g}%" if fall >= 0.001 else "less than 0.001%"
    end = " The run has ended." if step == run.n_steps else ""
    return f"Assign {step}: {pixels} changed cluster; inertia fell {by}.{end}"


class _Film:
    """What all frames of a run share.

    Parameters
    ----------
    run : Trace
    side : int
        The longer side of the picture, in pixels.
    carried : bool
        As in :func:`animation`.
    """

    def __init__(self, run: Trace, side: int, carried: bool) -> None:
        if run.image is None:
            raise ValueError("a trace of a ColorHistogram has no picture")
        self._run = run
        self._caption = captions.short(run.settings, run.n_clusters, carried=carried)
        self._grid = PixelGrid.of(run.image, run.histogram, side)
        rows, columns = self._grid.colors.shape
        # Small pictures are enlarged by whole numbers, so that each pixel stays a square.
        self._zoom = max(1, side // 2 // max(rows, columns))
        self._points = _sample(run.histogram.counts)
        self._place(rows * self._zoom, columns * self._zoom)
        self._scale_points()
        self._labels = -1, ByColor(run.histogram, np.empty(0, np.int16))

    def _place(self, height: int, width: int) -> None:
        """Place the panels beside each other, or below each other beside a high picture."""
        is_high = height >= 2 * _LEAST_PANEL + _TEXT
        side = (height - _TEXT) // 2 if is_high else max(_LEAST_PANEL, min(height, _MOST_PANEL))
        panels = 1 if is_high else 2
        self._left = _MARGIN
        if (rest := _LEAST_WIDTH - (width + panels * (side + _MARGIN) + 2 * _MARGIN)) > 0:
            self._left += rest // 2
        right = self._left + width + _MARGIN
        below = (0, side + _TEXT) if is_high else (side + _MARGIN, 0)
        self._scatter = Box(right, _HEAD, side, side)
        self._curve = Box(right + below[0], _HEAD + below[1], side, side)
        full_width = max(_LEAST_WIDTH, right + panels * (side + _MARGIN))
        full_height = _HEAD + max(height, side) + _MARGIN
        run = self._run
        canvas = Canvas(full_width, full_height, run.n_clusters)
        canvas.write(self._caption, _MARGIN, 8, 20)
        for box, title in (
            (self._scatter, self._axes_title()),
            (self._curve, f"Inertia, steps 0 to {run.n_steps}"),
        ):
            canvas.write(title, box.left, box.top - 28, 14)
            canvas.frame(box)
        self._empty = canvas

    def _axes_title(self) -> str:
        names = self._run.settings.coordinate_names
        chosen = [names[axis] for axis in self._axes]
        directions = zip(chosen, ("right", "up"), strict=False)
        return "Colours: " + ", ".join(f"{name} {direction}" for name, direction in directions)

    @cached_property
    def _samples(self) -> NDArray[np.float64]:
        settings, histogram = self._run.settings, self._run.histogram
        return features(histogram.colors[self._points], settings.color_space, settings.channels)

    @cached_property
    def _axes(self) -> list[int]:
        """The two coordinates that vary most, or the only one."""
        return sorted(np.argsort(-self._samples.var(axis=0), kind="stable")[:2].tolist())

    def _scale_points(self) -> None:
        """Scale points and centroids to shares of the panel, 0 to 1."""
        flat = [self._flat(self._samples), self._flat(self._run.centroids)]
        every = np.concatenate([each.reshape(-1, 2) for each in flat])
        low, high = every.min(axis=0), every.max(axis=0)
        low, span = low - 0.04 * (high - low), np.maximum(1.08 * (high - low), 1e-9)
        samples, self._centroids = ((each - low) / span for each in flat)
        self._at = self._scatter.at(samples)

    def _flat(self, coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        """The coordinates that are drawn; beside a single one, evenly spread heights."""
        chosen = coordinates[..., self._axes]
        if len(self._axes) == 2:
            return chosen
        spread = np.arange(chosen.shape[-2]) * _GOLDEN % 1
        return np.stack((chosen[..., 0], np.broadcast_to(spread, chosen.shape[:-1])), axis=-1)

    def draw(self, frame: Frame) -> PillowImage:
        """Draw a frame."""
        run, canvas = self._run, self._empty.copy()
        canvas.write(sentence(run, frame), _MARGIN, 38, 16)
        if frame.assigned < 0:
            picture = self._unassigned(canvas)
            points = np.full(len(self._points), canvas.gray(MIDDLE), np.int16)
            colors = run.seeds
        else:
            labels = self._labeling(frame.assigned)
            picture, points = labels.on(self._grid), labels.by_color[self._points]
            colors = run.palette[frame.assigned]
        canvas.paste(
            np.kron(picture, np.ones((self._zoom, self._zoom), np.int16)), self._left, _HEAD
        )
        canvas.dots(self._at, points)
        trails = self._scatter.at(self._centroids[: frame.moved + 1].swapaxes(0, 1))
        canvas.lines(trails if frame.moved else [], DARK)
        for cluster in range(run.n_clusters):
            x, y = self._scatter.at(self._centroids[frame.moved, cluster])
            canvas.disc(x, y, cluster)
        self._draw_curve(canvas, frame.assigned)
        return canvas.image(colors)

    def _unassigned(self, canvas: Canvas) -> NDArray[np.int16]:
        """The original in greys."""
        luma = features(self._run.histogram.colors, "gray")[:, 0].astype(np.uint8)
        return np.append(canvas.grays(luma), np.int16(-1))[self._grid.colors]

    def _labeling(self, step: int) -> ByColor:
        """The labels of a step; those of the last one asked for are kept."""
        if self._labels[0] != step:
            self._labels = step, self._run.labeling(step)
        return self._labels[1]

    def _draw_curve(self, canvas: Canvas, assigned: int) -> None:
        inertia, last = self._run.inertia, max(self._run.n_steps, 1)
        fall = max(float(inertia[0] - inertia.min()), 1e-300)
        heights = 0.06 + 0.88 * (inertia - inertia.min()) / fall
        path = np.stack((0.04 + 0.92 * np.arange(len(inertia)) / last, heights), axis=1)
        at = self._curve.at(path)
        canvas.lines([at], LIGHT, 1)
        if assigned >= 0:
            canvas.lines([at[: assigned + 1]] if assigned else [], DARK)
            x, y = at[assigned]
            canvas.disc(x, y, canvas.gray(BLACK), radius=4)


def _sample(counts: NDArray[np.int64]) -> NDArray[np.intp]:
    """Numbers of the colours that are drawn as points: those of pixels drawn at random."""
    at = np.random.Generator(np.random.PCG64(0)).random(MAX_POINTS) * counts.sum()
    return np.unique(np.searchsorted(np.cumsum(counts), at, side="right"))
