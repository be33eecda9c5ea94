"""A run of plain Lloyd, step by step: what it had assigned to which cluster after each move."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmseg.errors import LabelsError, SettingsError, shown
from kmseg.histogram import ColorHistogram, color_histogram
from kmseg.kmeans.cells import Cells
from kmseg.kmeans.filtering import step
from kmseg.labeling import ByColor
from kmseg.parallel.compiled import compiled
from kmseg.picture.image import Image
from kmseg.segmentation import largest_first
from kmseg.settings import Settings
from kmseg.tracing.runs import Runs, manual


@dataclass(frozen=True, eq=False)
class Trace:
    """A run of plain Lloyd in S moves. A cluster has one number throughout.

    That number is the cluster's number after the last step, where cluster 0 has the most pixels.
    Step s is the assignment to the centroids after s moves; step 0 is that to the seeds.

    Attributes
    ----------
    settings : Settings
        As they were asked for.
    image : Image or None
        The picture, after ``settings.width``; None if colours were given.
    histogram : ColorHistogram
        Its U colours.
    centroids : ndarray of float64, shape (S + 1, K, D)
        In the feature space that was clustered, ``settings.coordinate_names``.
    pixel_counts : ndarray of int64, shape (S + 1, K)
        0 for a cluster that is empty in this step.
    palette : ndarray of uint8, shape (S + 1, K, 3)
        Mean sRGB colour of each cluster's pixels. An empty cluster keeps the colour before, in step
        0 that of its seed.
    inertia : ndarray of float64, shape (S + 1,)
        Sum over opaque pixels of the squared distance to the nearest centroid.
    changed : ndarray of int64, shape (S + 1,)
        Pixels that are in another cluster than in the step before; all pixels in step 0.
    moved : ndarray of float64, shape (S + 1,)
        The furthest move of a centroid since the step before, in units of the space; 0 in step 0.
    seeds : ndarray of uint8, shape (K, 3)
        The sRGB colour of each cluster's seed.
    drawn : ndarray of int64, shape (K,)
        The clusters in the order in which their seeds were drawn or given: ``seeds[drawn]``. Of
        equally near centroids, a pixel takes the one that was drawn first.
    converged : bool
        Whether one more move would move no centroid by more than ``settings.epsilon``.
    """

    settings: Settings
    image: Image | None
    histogram: ColorHistogram
    centroids: NDArray[np.float64]
    pixel_counts: NDArray[np.int64]
    palette: NDArray[np.uint8]
    inertia: NDArray[np.float64]
    changed: NDArray[np.int64]
    moved: NDArray[np.float64]
    seeds: NDArray[np.uint8]
    drawn: NDArray[np.int64]
    converged: bool

    @property
    def n_clusters(self) -> int:
        """K: at most what was asked for."""
        return len(self.seeds)

    @property
    def n_steps(self) -> int:
        """S, the number of moves."""
        return len(self.inertia) - 1

    @property
    def manual(self) -> Settings:
        """Settings with the seeds as a manual start: their segmentation is the last step."""
        return manual(self.settings, self.seeds[self.drawn])

    @cached_property
    def _runs(self) -> Runs:
        return Runs(self.histogram, self.settings)

    def labeling(self, step: int) -> ByColor:
        """The assignment of each colour in a step, from 0 to S; negative steps count from the end.

        Raises
        ------
        IndexError
            If there is no such step.
        """
        labels = self._runs.assigned(self.centroids[step][self.drawn])
        return ByColor(self.histogram, self.drawn.astype(np.int16)[labels])

    def labels(self, step: int) -> NDArray[np.int16]:
        """Cluster of each pixel in a step, shape (H, W); -1 is transparent.

        Raises
        ------
        IndexError
            If there is no such step.
        LabelsError
            If the trace was made from a ``ColorHistogram``.
        """
        if self.image is None:
            raise LabelsError(
                "labels: a trace of a ColorHistogram has colours but no pixels; "
                "pass the Image to kmseg.trace to have labels"
            )
        return self.labeling(step).at(self.image, slice(None), slice(None))


def trace(
    source: Image | ColorHistogram,
    settings: Settings | None = None,
    *,
    attempt: int = 0,
    start: NDArray[np.float64] | None = None,
    histogram: ColorHistogram | None = None,
    coordinates: NDArray[np.float64] | None = None,
    progress: Callable[[], None] = lambda: None,
) -> Trace:
    """Run plain Lloyd over all colours of a picture, and keep every step.

    Parameters
    ----------
    source : Image or ColorHistogram
        A histogram is taken as it is (``settings.width`` does not apply) and has no labels.
    settings : Settings, optional
        With a manual start, the seeds are ``settings.centroids``; otherwise they are those of an
        attempt of the engine "lloyd". The stop rule applies; attempts, engine and tidying do not.
    attempt : int
        The number of that attempt, from 0. The engine makes ``settings.attempts`` of them.
    start : ndarray of float64, shape (K, D), optional
        Centroids to start from instead, in the feature space that is clustered, at most
        ``settings.n_clusters``. The trace's seeds are then the picture's colours nearest to them.
    histogram, coordinates
        As in :func:`kmseg.segment`.
    progress : callable
        Called after each step; an exception that it raises ends the work and propagates.

    Returns
    -------
    Trace

    Raises
    ------
    ImageError
        If ``settings.width`` makes the picture larger than pictures may be.
    SettingsError
        If ``attempt`` is not a whole number of at least 0, or ``start`` has another shape.
    """
    settings = settings or Settings()
    image = None
    if isinstance(source, ColorHistogram):
        histogram = source
    else:
        image = source.resized(settings.width)
        histogram = histogram or color_histogram(image)
    runs = Runs(histogram, settings, coordinates)
    if start is not None:
        seeds = runs.nearest_colors(_checked(start, runs.n_clusters, settings))
    else:
        seeds = runs.seeds(_number(attempt))
    used: list[NDArray[np.float64]] = []

    def step_done(centroids: NDArray[np.float64]) -> None:
        used.append(centroids)
        progress()

    run = runs.run(seeds, step_done, start)
    cells = runs.cells
    centroids = np.array(used if run.converged else [*used, cells.widened(run.centroids)])
    colors = _colors(histogram, runs.number, cells)
    steps = _steps(cells, colors, centroids, seeds, progress)
    centroids = centroids[:, :, : run.centroids.shape[1]]
    order = largest_first(steps.pixel_counts[-1], steps.palette[-1], centroids[-1])
    moves = np.sqrt((np.diff(centroids, axis=0) ** 2).sum(axis=2).max(axis=1))
    return Trace(
        settings=settings,
        image=image,
        histogram=histogram,
        centroids=centroids[:, order],
        pixel_counts=steps.pixel_counts[:, order],
        palette=steps.palette[:, order],
        inertia=steps.inertia,
        changed=steps.changed,
        moved=np.append(0.0, moves),
        seeds=seeds[order],
        drawn=np.argsort(order),
        converged=run.converged,
    )


def _checked(
    start: NDArray[np.float64], n_clusters: int, settings: Settings
) -> NDArray[np.float64]:
    n_columns = len(settings.coordinate_names)
    if start.ndim != 2 or not 1 <= len(start) <= n_clusters or start.shape[1] != n_columns:
        raise SettingsError(
            f"start: must be at most {n_clusters} centroids of {n_columns} coordinates, not an "
            f"array of shape {start.shape}"
        )
    return start


def _number(attempt: int) -> int:
    try:
        number = operator.index(attempt)
    except TypeError:
        number = -1
    if number < 0:
        raise SettingsError(f"attempt: must be a whole number of at least 0, not {shown(attempt)}")
    return number


class _Colors(NamedTuple):
    """Pixels, shape (n,), and sums of their sRGB colours, (n, 3), of samples, by cell."""

    counts: NDArray[np.int64]
    sums: NDArray[np.int64]


def _colors(histogram: ColorHistogram, number: NDArray[np.int32] | None, cells: Cells) -> _Colors:
    counts, sums = histogram.counts, histogram.counts[:, None] * histogram.colors
    if number is not None:
        counts = np.bincount(number, counts).astype(np.int64)
        sums = np.stack([np.bincount(number, column) for column in sums.T], axis=1).astype(np.int64)
    order = cells.order if len(cells.order) else np.arange(len(counts))
    return _Colors(counts[order], sums[order])


class _Steps(NamedTuple):
    """The fields of :class:`Trace` with these names, with clusters in the order of their seeds."""

    pixel_counts: NDArray[np.int64]
    palette: NDArray[np.uint8]
    inertia: NDArray[np.float64]
    changed: NDArray[np.int64]


def _steps(
    cells: Cells,
    colors: _Colors,
    centroids: NDArray[np.float64],
    seeds: NDArray[np.uint8],
    progress: Callable[[], None],
) -> _Steps:
    """Assign all samples to the centroids of each step, (S + 1, K, W), and count the pixels."""
    n_clusters = centroids.shape[1]
    pixel_counts, sums = np.zeros(n_clusters, np.int64), np.zeros((n_clusters, 3), np.int64)
    labels, before = np.empty((2, len(cells.weights)), np.int32)
    before[:] = -1
    palette = seeds
    steps = []
    for moved in centroids:
        inertia = step(cells, moved, labels=labels).inertia
        changed = _reassign(labels, before, *colors, pixel_counts, sums)
        means = np.rint(sums / np.maximum(pixel_counts, 1)[:, None]).astype(np.uint8)
        palette = np.where(pixel_counts[:, None] > 0, means, palette)
        steps.append((pixel_counts.copy(), palette, inertia, changed))
        progress()
        labels, before = before, labels
    return _Steps(*map(np.array, zip(*steps, strict=True)))


@compiled()
def _reassign(  # type: ignore[no-untyped-def]
    labels, before, counts, color_sums, pixel_counts, sums
):
    """Move samples whose label has changed to their new clusters; returns their pixels."""
    changed = 0
    for i in range(len(labels)):
        new, old = labels[i], before[i]
        if new != old:
            changed += counts[i]
            pixel_counts[new] += counts[i]
            for channel in range(3):
                sums[new, channel] += color_sums[i, channel]
            if old >= 0:
                pixel_counts[old] -= counts[i]
                for channel in range(3):
                    sums[old, channel] -= color_sums[i, channel]
    return changed
