"""Picture + settings -> ``Segmentation``, in three steps: cluster, assign, tidy.

Clustering gives centroids and inertia. Assigning gives every pixel a label. Tidying changes labels
afterwards, as merging clusters does. ``inertia``, ``attempts`` and ``n_iter`` are those of the
clustering; ``pixel_counts``, ``palette`` and ``labels`` those after the last step.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kmseg import kmeans
from kmseg.color import COLOR_SPACES, features, selected
from kmseg.errors import LabelsError, SettingsError
from kmseg.histogram import ColorHistogram, color_histogram
from kmseg.kmeans.engines import ENGINES
from kmseg.labeling import ByColor, ByPixel, Labeling, PixelGrid, counted_pixels
from kmseg.picture.image import Image
from kmseg.settings import Settings


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A picture's colours, clustered. Cluster 0 has the most pixels, and so on down.

    Attributes
    ----------
    settings : Settings
        As they were asked for.
    image : Image or None
        The picture that was clustered, after ``settings.width``; None if colours were given.
    histogram : ColorHistogram
        Its U colours.
    centroids : ndarray of float64, shape (K, D)
        In the feature space that was clustered, ``settings.coordinate_names``.
    pixel_counts : ndarray of int64, shape (K,)
        Descending; they sum to the number of opaque pixels.
    color_sums : ndarray of float64, shape (K, 3)
        Sum of the sRGB colours of each cluster's pixels.
    inertia : float
        Sum over opaque pixels of the squared distance to the nearest of ``centroids``.
    n_iter, converged, attempts, global_optimum
        As in :class:`kmseg.kmeans.Clustering`.
    labeling : ByColor or ByPixel
        The cluster of each pixel.
    constant_channels : tuple of str
        Clustered channels that have one value in the whole picture.
    seconds : dict of str to float
        Time taken by each step.
    merges : tuple of tuple of int
        Empty, or ``members`` of a segmentation made by :meth:`merged`.
    """

    settings: Settings
    image: Image | None
    histogram: ColorHistogram
    centroids: NDArray[np.float64]
    pixel_counts: NDArray[np.int64]
    color_sums: NDArray[np.float64]
    inertia: float
    n_iter: int | None
    converged: bool | None
    attempts: tuple[float, ...]
    global_optimum: bool
    labeling: Labeling
    constant_channels: tuple[str, ...]
    seconds: dict[str, float]
    merges: tuple[tuple[int, ...], ...] = ()

    @property
    def members(self) -> tuple[tuple[int, ...], ...]:
        """For each cluster, which of those that k-means found it is made of, numbered from 0."""
        return self.merges or tuple((cluster,) for cluster in range(self.n_clusters))

    @property
    def names(self) -> list[str]:
        """What each cluster is called: its number from 1, or those of its members, "1+3"."""
        return ["+".join(str(cluster + 1) for cluster in group) for group in self.members]

    @property
    def numbers(self) -> list[int]:
        """The number of each cluster in files: that of its first member, from 1.

        So a cluster keeps its number when others are merged.
        """
        return [group[0] + 1 for group in self.members]

    def merged(self, groups: Iterable[Iterable[int]]) -> Segmentation:
        """Clusters of this segmentation taken together; the inertia stays that of the clustering.

        Parameters
        ----------
        groups : iterable of iterables of int
            Disjoint sets of clusters, numbered from 0. Clusters that are in none stay as they are.

        Returns
        -------
        Segmentation
            Its clusters are ordered by pixel count again; ``members`` tells what they were.

        Raises
        ------
        SettingsError
            If a cluster does not exist or is in two groups.
        """
        together = [sorted(set(group)) for group in groups]
        taken = [cluster for group in together for cluster in group]
        if len(taken) != len(set(taken)) or not set(taken) <= set(range(self.n_clusters)):
            raise SettingsError(
                f"merge: disjoint sets of the clusters 1 to {self.n_clusters}, not "
                + ", ".join("+".join(str(cluster + 1) for cluster in group) for group in together)
            )
        if not taken:
            return self
        rest = [[cluster] for cluster in range(self.n_clusters) if cluster not in taken]
        sets = [group for group in together if group] + rest
        sets.sort(key=lambda group: (-self.pixel_counts[group].sum(), group))
        new = np.empty(self.n_clusters, np.int16)
        for number, group in enumerate(sets):
            new[group] = number
        counts = np.array([self.pixel_counts[group].sum() for group in sets])
        return replace(
            self,
            centroids=np.array(
                [
                    np.average(self.centroids[group], axis=0, weights=self.pixel_counts[group])
                    for group in sets
                ]
            ),
            pixel_counts=counts,
            color_sums=np.array([self.color_sums[group].sum(axis=0) for group in sets]),
            labeling=self.labeling.renumbered(new),
            merges=tuple(
                tuple(sorted(member for cluster in group for member in self.members[cluster]))
                for group in sets
            ),
        )

    @property
    def n_clusters(self) -> int:
        """K as found: at most what was asked for, and no cluster is empty."""
        return len(self.pixel_counts)

    @property
    def shares(self) -> NDArray[np.float64]:
        """Each cluster's part of the opaque pixels, shape (K,); sums to 1."""
        shares: NDArray[np.float64] = self.pixel_counts / self.pixel_counts.sum()
        return shares

    @cached_property
    def palette(self) -> NDArray[np.uint8]:
        """Mean sRGB colour of each cluster's pixels, shape (K, 3)."""
        return mean_colors(self.pixel_counts, self.color_sums)

    @property
    def color_labels(self) -> NDArray[np.int16]:
        """Cluster of each colour of the histogram, shape (U,)."""
        return self.labeling.by_color

    @cached_property
    def labels(self) -> NDArray[np.int16]:
        """Cluster of each pixel, shape (H, W): 0 is the largest; -1 is transparent.

        These are indices into ``palette``, ``centroids`` and the other arrays. Tables, names and
        files number clusters from 1, see ``numbers``; in label pictures 0 is no cluster. Unless
        clusters were merged, ``labels + 1`` are the pixel values of a label picture.

        Raises
        ------
        LabelsError
            If the segmentation was made from a ``ColorHistogram``.
        """
        return self.labels_at(slice(None), slice(None))

    def labels_at(
        self, rows: slice | NDArray[np.intp], columns: slice | NDArray[np.intp]
    ) -> NDArray[np.int16]:
        """``labels[rows][:, columns]`` without computing the others; raises as ``labels`` does."""
        if self.image is None:
            raise LabelsError(
                "labels: a segmentation of a ColorHistogram has colours but no pixels; "
                "pass the Image to kmseg.segment to have labels"
            )
        return self.labeling.at(self.image, rows, columns)

    def labels_on(self, grid: PixelGrid) -> NDArray[np.int16]:
        """Cluster of each of a grid's pixels, shape (h, w); needs no ``image``."""
        return self.labeling.on(grid)


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
    """
    settings = settings or Settings()
    laps = [("", time.perf_counter())]

    def lap(step: str) -> None:
        laps.append((step, time.perf_counter()))

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
    visited = _visited(image, histogram) if ENGINES[settings.engine].visits_pixels else None
    clustering = _clustered(samples, histogram, visited, settings, progress)
    lap("fit")
    labeling = _assigned(clustering, histogram, visited)
    counts, sums = labeling.totals(visited, len(clustering.centroids))
    order = largest_first(counts, mean_colors(counts, sums), clustering.centroids)
    lap("order")
    return Segmentation(
        settings=settings,
        image=image,
        histogram=histogram,
        centroids=clustering.centroids[order],
        pixel_counts=counts[order],
        color_sums=sums[order],
        inertia=clustering.inertia,
        n_iter=clustering.n_iter,
        converged=clustering.converged,
        attempts=clustering.attempts,
        global_optimum=clustering.global_optimum,
        labeling=labeling.renumbered(np.argsort(order).astype(np.int16)),
        constant_channels=_constant_channels(samples, settings),
        seconds={step: end - start for (_, start), (step, end) in pairwise(laps)},
    )


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
) -> Labeling:
    """A label for each colour, or, where the engine visited each, for each pixel."""
    if visited is None:
        return ByColor(histogram, clustering.labels.astype(np.int16))
    return ByPixel.of(visited, histogram, clustering.labels)


def mean_colors(counts: NDArray[np.int64], sums: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The mean colours of clusters, rounded, shape (K, 3)."""
    return np.rint(sums / counts[:, None]).astype(np.uint8)


def largest_first(
    counts: NDArray[np.int64], palette: NDArray[np.uint8], centroids: NDArray[np.float64]
) -> NDArray[np.intp]:
    """The order of clusters: by pixels, ties by mean colour, then by centroid."""
    return np.lexsort((*centroids.T[::-1], *palette.T[::-1], -counts))


def _constant_channels(samples: NDArray[np.float64], settings: Settings) -> tuple[str, ...]:
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
