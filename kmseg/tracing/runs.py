"""A picture's colours, prepared once for runs of plain Lloyd from different seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmseg.color import features, selected
from kmseg.histogram import ColorHistogram
from kmseg.kmeans import distinct_rows
from kmseg.kmeans.cells import group
from kmseg.kmeans.engines import lloyd as engine
from kmseg.kmeans.filtering import label
from kmseg.kmeans.lloyd import lloyd
from kmseg.kmeans.pairs import distinct_pairs
from kmseg.kmeans.plain import Distinct, distinct
from kmseg.kmeans.problem import StopRule
from kmseg.settings import Settings

Centroids = NDArray[np.float64]


class Run(NamedTuple):
    """The result of one run, with clusters in the order of their seeds.

    Attributes
    ----------
    centroids : ndarray of float64, shape (K, D)
    color_labels : ndarray of int16, shape (U,)
        Cluster of each colour of the histogram.
    inertia : float
    n_iter : int
    converged : bool
    """

    centroids: Centroids
    color_labels: NDArray[np.int16]
    inertia: float
    n_iter: int
    converged: bool


class Runs:
    """The colours of a picture, grouped once, and runs from any seeds.

    Parameters
    ----------
    histogram : ColorHistogram
        The U colours.
    settings : Settings
        Colour space, channels, K, start, stop rule and seed apply.
    coordinates : ndarray of float64, shape (U, C), optional
        All coordinates of the colours in ``settings.color_space``, if they are known already.

    Attributes
    ----------
    n_clusters : int
        K, clipped to the number of distinct samples.
    cells : Cells
        The n samples: the colours, or the pairs of values that colours share.
    number : ndarray of int32, shape (U,), or None
        The sample of each colour; None if each colour is a sample.
    """

    def __init__(
        self,
        histogram: ColorHistogram,
        settings: Settings,
        coordinates: NDArray[np.float64] | None = None,
    ) -> None:
        self._histogram, self._settings = histogram, settings
        if coordinates is None:
            samples = features(histogram.colors, settings.color_space, settings.channels)
        else:
            samples = selected(coordinates, settings.color_space, settings.channels)
        self._samples = np.require(samples, np.float64, "F")
        self._weights = histogram.counts.astype(np.float64)
        self.n_clusters = distinct_rows(self._samples, settings.n_clusters)
        pairs = distinct_pairs(self._samples, self._weights)
        self.number = None if pairs is None else pairs.number
        self.cells = group(*((self._samples, self._weights) if pairs is None else pairs[:2]))

    @cached_property
    def _distinct(self) -> Distinct:
        return distinct(self._samples, self._weights)

    def seeds(self, attempt: int) -> NDArray[np.uint8]:
        """Colours of the seeds of an attempt, as drawn or given, in this order; shape (K, 3)."""
        wanted = self._settings
        if wanted.init == "manual":
            return np.array(wanted.centroids, np.uint8)[: self.n_clusters]
        chosen = self._distinct.draw(self.n_clusters, wanted.init, wanted.seed, attempt)
        return self._histogram.colors[self._distinct.rows[chosen]]

    def nearest_colors(self, centroids: Centroids) -> NDArray[np.uint8]:
        """The colour of the histogram that is nearest to each of centroids (K, D); shape (K, 3)."""
        found = []
        for centroid in centroids:
            distances = np.zeros(len(self._samples))
            for column, value in zip(self._samples.T, centroid, strict=True):
                distances += (column - value) ** 2
            found.append(distances.argmin())
        return self._histogram.colors[found]

    def run(
        self,
        seeds: NDArray[np.uint8],
        step_done: Callable[[Centroids], None] = lambda centroids: None,
        start: Centroids | None = None,
    ) -> Run:
        """Run from these colours, shape (K, 3), or from centroids ``start``, (K, D), to the end.

        ``step_done(centroids)`` is called as in :func:`kmseg.kmeans.lloyd.lloyd`.
        """
        wanted = self._settings
        if start is None:
            start = features(seeds, wanted.color_space, wanted.channels)
        rule = StopRule(wanted.max_iter, wanted.epsilon, wanted.stop)
        fit = lloyd(self.cells, self.cells.widened(start), rule, step_done=step_done)
        assert fit.inertia is not None and fit.n_iter is not None
        return Run(
            fit.centroids[:, : start.shape[1]],
            self._by_color(fit.labels),
            fit.inertia,
            fit.n_iter,
            bool(fit.converged),
        )

    def assigned(self, centroids: Centroids) -> NDArray[np.int16]:
        """The nearest of centroids (K, D) to each colour, of equally near ones the first; (U,)."""
        return self._by_color(label(self.cells, self.cells.widened(centroids))[0])

    def _by_color(self, labels: NDArray[np.int32]) -> NDArray[np.int16]:
        small = labels.astype(np.int16)
        return small if self.number is None else small[self.number]


def manual(settings: Settings, seeds: NDArray[np.uint8]) -> Settings:
    """The settings of a run from these colours, (K, 3): plain Lloyd with a manual start.

    Where K was clipped, the last colour is repeated; what exceeds the clipped K is not used.
    """
    repeats = np.repeat(seeds[-1:], settings.n_clusters - len(seeds), axis=0)
    colors = tuple(map(tuple, np.concatenate((seeds, repeats)).tolist()))
    return replace(settings, init="manual", centroids=colors, engine=engine.ENGINE.name)
