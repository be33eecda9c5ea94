"""Picture + settings -> ``Segmentation``: the steps in order, their results named and sorted."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kmseg import kmeans
from kmseg.color import COLOR_SPACES, features, selected
from kmseg.errors import LabelsError, SettingsError
from kmseg.histogram import ColorHistogram, color_histogram
from kmseg.parallel.compiled import compiled
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
    palette : ndarray of uint8, shape (K, 3)
        Mean sRGB colour of each cluster's pixels.
    inertia : float
        Sum over opaque pixels of the squared distance to the nearest of ``centroids``.
    n_iter, converged, attempts, global_optimum
        As in :class:`kmseg.kmeans.Clustering`.
    color_labels : ndarray of int16, shape (U,)
        The cluster of each colour of the histogram.
    constant_channels : tuple of str
        Clustered channels that have one value in the whole picture.
    seconds : dict of str to float
        Time taken by each step.
    pixel_labels : ndarray of int16, shape (N,), or None
        The cluster of each opaque pixel, where pixels of one colour need not share theirs.
    merges : tuple of tuple of int
        Empty, or ``members`` of a segmentation made by :meth:`merged`.
    """

    settings: Settings
    image: Image | None
    histogram: ColorHistogram
    centroids: NDArray[np.float64]
    pixel_counts: NDArray[np.int64]
    palette: NDArray[np.uint8]
    inertia: float
    n_iter: int | None
    converged: bool | None
    attempts: tuple[float, ...]
    global_optimum: bool
    color_labels: NDArray[np.int16]
    constant_channels: tuple[str, ...]
    seconds: dict[str, float]
    pixel_labels: NDArray[np.int16] | None = field(default=None, repr=False)
    merges: tuple[tuple[int, ...], ...] = ()

    @property
    def members(self) -> tuple[tuple[int, ...], ...]:
        """For each cluster, which of those that k-means found it is made of, numbered from 0."""
        return self.merges or tuple((cluster,) for cluster in range(self.n_clusters))

    @property
    def names(self) -> list[str]:
        """What each cluster is called: its number from 1, or those of its members, "1+3"."""
        return ["+".join(str(cluster + 1) for cluster in group) for group in self.members]

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
        pixel_labels = None if self.pixel_labels is None else new[self.pixel_labels]
        labels, pixels = new[self.color_labels], None
        if pixel_labels is not None:
            labels, pixels = pixel_labels, _opaque_pixels(self.image, self.histogram)
        counts, means, _ = _measured(self.histogram, labels.astype(np.int32), pixels)
        return replace(
            self,
            centroids=np.array(
                [
                    np.average(self.centroids[group], axis=0, weights=self.pixel_counts[group])
                    for group in sets
                ]
            ),
            pixel_counts=counts,
            palette=np.rint(means).astype(np.uint8),
            color_labels=new[self.color_labels],
            pixel_labels=pixel_labels,
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
    def labels(self) -> NDArray[np.int16]:
        """Cluster of each pixel, shape (H, W): 0 is the largest; -1 is transparent.

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
        opaque = self.image.opaque
        if self.pixel_labels is None:
            return self.histogram.values_at(
                self.image.pixels[rows][:, columns],
                self.color_labels,
                None if opaque is None else opaque[rows][:, columns],
            )
        labels = np.full(self.image.pixels.shape[:2], -1, np.int16)
        labels[np.ones(labels.shape, bool) if opaque is None else opaque] = self.pixel_labels
        return labels[rows][:, columns]

    def labels_of(self, numbers: NDArray[np.int32]) -> NDArray[np.int16]:
        """Clusters of colours given by their numbers in the histogram; -1 is transparent."""
        return np.append(self.color_labels, np.int16(-1)).take(numbers)


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
        ``progress(done, attempts)`` is called as in :func:`kmseg.kmeans.fit`; what it raises ends
        the work and comes out here.

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
    pixels = None if settings.engine == "exact" else _opaque_pixels(image, histogram)
    clustering = _cluster(samples, histogram, pixels, settings, progress)
    lap("fit")
    counts, means, color_labels = _measured(histogram, clustering.labels, pixels)
    palette = np.rint(means).astype(np.uint8)
    order = np.lexsort((*clustering.centroids.T[::-1], *palette.T[::-1], -counts))
    rank = np.argsort(order).astype(np.int16)
    lap("order")
    return Segmentation(
        settings=settings,
        image=image,
        histogram=histogram,
        centroids=clustering.centroids[order],
        pixel_counts=counts[order],
        palette=palette[order],
        inertia=clustering.inertia,
        n_iter=clustering.n_iter,
        converged=clustering.converged,
        attempts=clustering.attempts,
        global_optimum=clustering.global_optimum,
        color_labels=rank[color_labels],
        constant_channels=_constant_channels(samples, settings),
        seconds={step: end - start for (_, start), (step, end) in pairwise(laps)},
        pixel_labels=None if pixels is None else rank[clustering.labels],
    )


def _opaque_pixels(image: Image | None, histogram: ColorHistogram) -> NDArray[np.uint8]:
    """The pixels that are clustered, (N, 3), in the picture's order if there is a picture."""
    if image is None:
        return np.repeat(histogram.colors, histogram.counts, axis=0)
    return image.pixels[... if image.opaque is None else image.opaque].reshape(-1, 3)


def _cluster(
    samples: NDArray[np.float64],
    histogram: ColorHistogram,
    pixels: NDArray[np.uint8] | None,
    settings: Settings,
    progress: kmeans.Progress | None,
) -> kmeans.Clustering:
    """Cluster colours by their counts, or, where the engine must visit each, pixels."""
    weights: NDArray[np.int64] | None = histogram.counts
    if pixels is not None:
        samples = features(pixels, settings.color_space, settings.channels)
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


def _measured(
    histogram: ColorHistogram, labels: NDArray[np.int32], pixels: NDArray[np.uint8] | None
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int32]]:
    """Pixels (K,) and mean sRGB (K, 3) of each cluster, and the label of each colour (U,).

    ``labels`` are of the histogram's colours, or of ``pixels``, shape (N, 3), if those are given.
    """
    colors, counts = histogram.colors, histogram.counts
    color_labels = labels
    if pixels is not None:
        colors, counts = pixels, np.ones(len(pixels), np.int64)
        color_labels = np.empty(histogram.n_colors, np.int32)
        color_labels[histogram.values_at(pixels, np.arange(histogram.n_colors))] = labels
    pixel_counts, sums = _totals(labels, colors, counts, int(labels.max()) + 1)
    return pixel_counts, sums / pixel_counts[:, None], color_labels


@compiled()
def _totals(labels, colors, counts, n_clusters):  # type: ignore[no-untyped-def]
    """Pixels of each cluster, and the sum of their colours."""
    pixel_counts, sums = np.zeros(n_clusters, np.int64), np.zeros((n_clusters, 3))
    for i in range(len(labels)):
        pixel_counts[labels[i]] += counts[i]
        for channel in range(3):
            sums[labels[i], channel] += counts[i] * colors[i, channel]
    return pixel_counts, sums


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
