"""Attempts of plain Lloyd side by side: where they end, and how their clusters differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg.comparison import contingency, disagreeing, matching
from kmseg.explore.partitions import Labels
from kmseg.explore.tiles import automatic
from kmseg.histogram import ColorHistogram
from kmseg.labeling import ByColor, PixelGrid
from kmseg.segmentation import largest_first, mean_colors
from kmseg.settings import Settings
from kmseg.tracing import Runs
from kmseg.tracing.runs import manual

# Attempts have reached the same optimum if their inertias differ by at most this fraction, and at
# most this share of their pixels. The stop rule ends attempts a little before they are at rest:
# those of nine pictures (three spaces, K = 4, 8 and 16) that came to rest at one inertia had
# stopped within 3e-5 of it and with up to 0.3 % of their pixels in other clusters.
SAME_INERTIA: Final = 1e-4
SAME_PIXELS: Final = 0.02

# An attempt that ends this fraction above the best has had a bad start.
BAD_START: Final = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """The end of one attempt. Cluster 0 has the most pixels, and so on; none is empty.

    Attributes
    ----------
    number : int
        From 0: ``kmseg.trace(image, settings, attempt=number)`` has its steps.
    settings : Settings
        Plain Lloyd with its seeds as a manual start, which repeats it.
    inertia : float
        Over all pixels.
    n_iter, converged : int, bool
        As in :class:`kmseg.kmeans.Clustering`.
    centroids : ndarray of float64, shape (K, D)
    drawn : ndarray of int64, shape (K,)
        The clusters in the order in which their seeds were drawn.
    pixel_counts : ndarray of int64, shape (K,)
        Of all pixels; divided by their sum, they are the clusters' shares.
    palette : ndarray of uint8, shape (K, 3)
    labels : ndarray of int16, shape (h, w)
        Labels of the pixels of a tile; -1 is transparent.
    """

    number: int
    settings: Settings
    inertia: float
    n_iter: int
    converged: bool
    centroids: NDArray[np.float64]
    drawn: NDArray[np.int64]
    pixel_counts: NDArray[np.int64]
    palette: NDArray[np.uint8]
    labels: Labels


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """An attempt beside the best one.

    Attributes
    ----------
    excess : float
        Its inertia over the best, less 1.
    same_optimum : bool
        Whether both inertias agree to `SAME_INERTIA`, and both partitions to `SAME_PIXELS`.
    matched : ndarray of int64, shape (K,)
        The cluster of the best attempt that corresponds to each of its clusters, one to one, so
        that most pixels are in corresponding clusters, see :func:`kmseg.comparison.matching`; -1
        for a cluster left over.
    differing : int
        Of all pixels, those in clusters that do not correspond.
    differs : ndarray of bool, shape (h, w)
        Which pixels of the tile these are.
    """

    excess: float
    same_optimum: bool
    matched: NDArray[np.int64]
    differing: int
    differs: NDArray[np.bool_]


def attempts(
    histogram: ColorHistogram,
    grid: PixelGrid,
    settings: Settings,
    numbers: Iterable[int],
    *,
    check: Callable[[], None] = lambda: None,
    coordinates: NDArray[np.float64] | None = None,
) -> Iterator[Attempt]:
    """Make attempts of the engine "lloyd", each over all colours and to its end.

    Parameters
    ----------
    histogram, grid
        As in :func:`kmseg.explore.sheet`.
    settings : Settings
        Colour space, channels, K, start, stop rule and seed apply. k-means++ replaces a manual
        start.
    numbers : iterable of int
        Which attempts, numbered from 0.
    check : callable
        Called after each iteration, some milliseconds apart; an exception that it raises ends the
        work and is raised here.
    coordinates : ndarray of float64, shape (U, C), optional
        As in :func:`kmseg.segment`.

    Yields
    ------
    Attempt
        In the order of the numbers, each as soon as it is made. Nothing runs between them.
    """
    wanted = automatic(settings)
    runs = Runs(histogram, wanted, coordinates)

    def attempt(number: int) -> Attempt:
        seeds = runs.seeds(number)
        run = runs.run(seeds, lambda centroids: check())
        labeling = ByColor(histogram, run.color_labels)
        counts, sums = labeling.totals(None, len(seeds))
        occupied = np.flatnonzero(counts)
        counts, palette = counts[occupied], mean_colors(counts[occupied], sums[occupied])
        order = largest_first(counts, palette, run.centroids[occupied])
        new = np.full(len(seeds), -1, np.int16)
        new[occupied[order]] = np.arange(len(order))
        return Attempt(
            number,
            manual(wanted, seeds),
            run.inertia,
            run.n_iter,
            run.converged,
            run.centroids[occupied[order]],
            np.argsort(order),
            counts[order],
            palette[order],
            labeling.renumbered(new).on(grid),
        )

    yield from map(attempt, numbers)


def compared(
    histogram: ColorHistogram,
    made: Sequence[Attempt],
    *,
    coordinates: NDArray[np.float64] | None = None,
) -> list[Comparison]:
    """Compare attempts on all pixels with the one of least inertia, the first of equal ones.

    Parameters
    ----------
    histogram : ColorHistogram
        That of :func:`attempts`.
    made : sequence of Attempt
        At least one.
    coordinates : ndarray of float64, shape (U, C), optional
        As in :func:`kmseg.segment`.
    """
    runs = Runs(histogram, made[0].settings, coordinates)

    def assigned(attempt: Attempt) -> Labels:
        labels = runs.assigned(attempt.centroids[attempt.drawn])
        return attempt.drawn.astype(np.int16)[labels]

    best = min(made, key=lambda attempt: attempt.inertia)
    best_labels = assigned(best)

    def compare(attempt: Attempt) -> Comparison:
        shape = len(attempt.centroids), len(best.centroids)
        shared = contingency(assigned(attempt), best_labels, shape, histogram.counts)
        matched = matching(shared)
        kept = shared[matched >= 0, matched[matched >= 0]].sum()
        differing = histogram.n_pixels - int(kept)
        excess = attempt.inertia / best.inertia - 1 if best.inertia else 0.0
        same = excess <= SAME_INERTIA and differing <= SAME_PIXELS * histogram.n_pixels
        differs = disagreeing(matched, attempt.labels, best.labels)
        return Comparison(excess, same, matched, differing, differs)

    return [compare(attempt) for attempt in made]


def bad_start(made: Sequence[Attempt]) -> Attempt | None:
    """The first attempt that ends at least `BAD_START` above the best of them, or None.

    It stays one, whatever attempts follow: only the best can become better.
    """
    least = min((attempt.inertia for attempt in made), default=0.0)
    bad = (attempt for attempt in made if attempt.inertia >= (1 + BAD_START) * least)
    return next(bad, None) if least else None
