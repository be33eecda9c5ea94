"""``segment``: clusters a picture's colours, and gives every pixel a label."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmseg import kmeans
from kmseg.color import COLOR_SPACES, features, selected
from kmseg.histogram import ColorHistogram, color_histogram
from kmseg.kmeans.engines import ENGINES
from kmseg.labeling import ByColor, ByPixel, counted_pixels
from kmseg.picture.image import Image
from kmseg.segmentation.codebook import Codebook
from kmseg.segmentation.result import Segmentation, mean_colors
from kmseg.segmentation.tidy import check_pixels, tidied
from kmseg.settings import Settings


def segment(
    source: Image | ColorHistogram,
    settings: Settings | None = None,
    *,
    histogram: ColorHistogram | None = None,
    coordinates: NDArray[np.float64] | None = None,
    progress: kmeans.Progress | None = None,
) -> Segmentation:
    """Cluster a picture's colours.

    Parameters
    ----------
    source : Image or ColorHistogram
        A histogram is taken as it is (``settings.width`` does not apply) and has no labels.
    settings : Settings, optional
    histogram : ColorHistogram, optional
        The histogram of ``source`` at ``settings.width``, if it is known already.
    coordinates : ndarray of float64, shape (U, C), optional
        All coordinates of its colours in ``settings.color_space``, if they are known already.
    progress : callable, optional
        ``progress(done, attempts)`` is called as in :func:`kmseg.kmeans.fit`; an exception that it
        raises ends the work and propagates.

    Returns
    -------
    Segmentation

    Raises
    ------
    ImageError
        If ``settings.width`` makes the picture larger than pictures may be.
    LabelsError
        If a histogram is to be tidied, which has no pixels.
    """
    wanted = settings or Settings()
    check_pixels(wanted, has_pixels=isinstance(source, Image))
    settings, lap = wanted.untidied(), Laps()
    image, histogram, samples = prepared(source, settings, histogram, coordinates, lap)
    visited = _visited(image, histogram) if ENGINES[settings.engine].visits_pixels else None
    clustering = _clustered(samples, histogram, visited, settings, progress)
    lap("fit")
    labeling = _assigned(clustering, histogram, visited)
    counts, sums = labeling.totals(visited, len(clustering.centroids))
    palette = mean_colors(counts, sums)
    order = largest_first(counts, palette, clustering.centroids)
    lap("order")
    seg = Segmentation(
        settings=settings,
        image=image,
        histogram=histogram,
        clusters=Codebook(
            settings.color_space,
            settings.channels,
            clustering.centroids[order],
            palette[order],
            weights=counts[order].astype(np.float64),
        ),
        pixel_counts=counts[order],
        color_sums=sums[order],
        inertia=clustering.inertia,
        n_iter=clustering.n_iter,
        converged=clustering.converged,
        attempts=clustering.attempts,
        global_optimum=clustering.global_optimum,
        labeling=labeling.renumbered(np.argsort(order).astype(np.int16)),
        constant_channels=constant_channels(samples, settings),
        seconds=lap.seconds,
    )
    return tidied(seg, wanted)


class Laps:
    """The time taken by each step of a segmentation."""

    def __init__(self) -> None:
        self._ends = [("", time.perf_counter())]

    def __call__(self, step: str) -> None:
        """A step ends now."""
        self._ends.append((step, time.perf_counter()))

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by step."""
        return {step: end - start for (_, start), (step, end) in pairwise(self._ends)}


class Prepared(NamedTuple):
    """A picture and its colours.

    Attributes
    ----------
    image : Image or None
        After ``settings.width``; None if colours were given.
    histogram : ColorHistogram
        Its U colours.
    samples : ndarray of float64, shape (U, D)
        Their coordinates.
    """

    image: Image | None
    histogram: ColorHistogram
    samples: NDArray[np.float64]


def prepared(
    source: Image | ColorHistogram,
    settings: Settings,
    histogram: ColorHistogram | None,
    coordinates: NDArray[np.float64] | None,
    lap: Laps,
) -> Prepared:
    """Resize and count a picture, and convert its colours; parameters as in :func:`segment`."""
    image = None
    if isinstance(source, ColorHistogram):
        histogram = source
    else:
        image = source.resized(settings.width)
        lap("resize")
        histogram = histogram or color_histogram(image)
        lap("histogram")
    if coordinates is None:
        samples = features(histogram.colors, settings.color_space, settings.channels)
    else:
        samples = selected(coordinates, settings.color_space, settings.channels)
    lap("features")
    return Prepared(image, histogram, samples)


def _visited(image: Image | None, histogram: ColorHistogram) -> Image:
    """The picture whose pixels an engine visits; for a histogram alone, one row of its colours."""
    return image or Image(np.repeat(histogram.colors, histogram.counts, axis=0)[None])


def _clustered(
    samples: NDArray[np.float64],
    histogram: ColorHistogram,
    visited: Image | None,
    settings: Settings,
    progress: kmeans.Progress | None,
) -> kmeans.Clustering:
    """Cluster colours by their counts, or, where the engine visits each, pixels."""
    weights: NDArray[np.int64] | None = histogram.counts
    if visited is not None:
        samples = features(counted_pixels(visited), settings.color_space, settings.channels)
        weights = None
    start = np.array(settings.centroids, np.uint8).reshape(-1, 3)
    return kmeans.fit(
        samples,
        weights,
        n_clusters=settings.n_clusters,
        init=settings.init,
        centroids=features(start, settings.color_space, settings.channels) if len(start) else None,
        attempts=settings.attempts,
        max_iter=settings.max_iter,
        epsilon=settings.epsilon,
        stop=settings.stop,
        seed=settings.seed,
        engine=settings.engine,
        progress=progress,
    )


def _assigned(
    clustering: kmeans.Clustering, histogram: ColorHistogram, visited: Image | None
) -> ByColor | ByPixel:
    """A label for each colour, or, where the engine visited each, for each pixel."""
    if visited is None:
        return ByColor(histogram, clustering.labels.astype(np.int16))
    return ByPixel.of(visited, histogram, clustering.labels)


def largest_first(
    counts: NDArray[np.int64], palette: NDArray[np.uint8], centroids: NDArray[np.float64]
) -> NDArray[np.intp]:
    """The order of clusters: by pixels, ties by mean colour, then by centroid."""
    return np.lexsort((*centroids.T[::-1], *palette.T[::-1], -counts))


def constant_channels(samples: NDArray[np.float64], settings: Settings) -> tuple[str, ...]:
    """Clustered channels that have one value in the whole picture."""
    space = COLOR_SPACES[settings.color_space]
    # The first thousand settle it for most pictures.
    same = [
        all(bool((part == column[0]).all()) for part in (column[:1000], column))
        for column in samples.T
    ]
    constant = dict(zip(space.selected(settings.channels), same, strict=True))
    return tuple(
        name
        for name, columns in zip(space.channels, space.columns, strict=True)
        if all(constant.get(column, False) for column in columns)
    )
