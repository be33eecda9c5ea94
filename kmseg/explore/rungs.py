"""The ladder: the same settings at several K, with scores that suggest one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg.color import COLOR_SPACES, features
from kmseg.explore.tiles import Tile, automatic, opaque_oklab, tile_of
from kmseg.histogram import ColorHistogram
from kmseg.labeling import PixelGrid
from kmseg.parallel.threads import as_made
from kmseg.segmentation import segment
from kmseg.settings import Settings

# Pixels drawn for the silhouette, which compares all pairs.
SILHOUETTE_PIXELS: Final = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Rung:
    """One K of the ladder.

    Attributes
    ----------
    tile : Tile
    calinski_harabasz : float
        Variance between clusters over variance within them, each divided by its degrees of freedom,
        over all pixels (Caliński & Harabasz 1974); infinite where nothing varies within.
    silhouette : float
        Mean over a sample of pixels, -1 to 1 (Rousseeuw 1987); NaN if the whole sample is in one
        cluster or each of its pixels in a cluster of its own.
    """

    tile: Tile
    calinski_harabasz: float
    silhouette: float


def ladder(
    histogram: ColorHistogram,
    grid: PixelGrid,
    settings: Settings,
    clusters: Iterable[int],
) -> Iterator[Rung]:
    """Make a rung for each K, and stop at the first K that the picture cannot be split into.

    Parameters
    ----------
    histogram, grid
        As in :func:`kmseg.explore.sheet`.
    settings : Settings
    clusters : iterable of int
        K, ascending, 2 to 255.

    Yields
    ------
    Rung
        As soon as it is made.
    """
    from sklearn.metrics import pairwise_distances, silhouette_score

    oklab = opaque_oklab(histogram, grid)
    coordinates = features(histogram.colors, settings.color_space)
    chosen = list(COLOR_SPACES[settings.color_space].selected(settings.channels))
    total = _spread(coordinates[:, chosen], histogram.counts)
    rng = np.random.default_rng(settings.seed)
    share = histogram.counts / histogram.n_pixels
    drawn = rng.choice(histogram.n_colors, SILHOUETTE_PIXELS, p=share)
    distances = pairwise_distances(coordinates[drawn][:, chosen])
    plain = automatic(settings)

    def rung(n_clusters: int) -> Rung | None:
        wanted = replace(plain, n_clusters=n_clusters)
        seg = segment(histogram, wanted, coordinates=coordinates)
        if seg.n_clusters < n_clusters:
            return None
        within = seg.inertia / max(histogram.n_pixels - n_clusters, 1)
        between = (total - seg.inertia) / (n_clusters - 1)
        score = between / within if within else math.inf
        labels = seg.color_labels[drawn]
        silhouette = math.nan
        if 1 < len(np.unique(labels)) < len(labels):
            silhouette = float(silhouette_score(distances, labels, metric="precomputed"))
        return Rung(tile_of(seg, grid, oklab), score, silhouette)

    for made in as_made(rung, clusters):
        if made is None:
            return
        yield made


def suggested(rungs: Sequence[Rung]) -> Rung | None:
    """The rung with the greatest silhouette, or None if no rung has a silhouette."""
    scored = [rung for rung in rungs if not math.isnan(rung.silhouette)]
    return max(scored, key=lambda rung: rung.silhouette, default=None)


def _spread(coordinates: NDArray[np.float64], weights: NDArray[np.int64]) -> float:
    """Weighted sum of squared distances to the mean."""
    return sum(
        float((weights * np.square(column - np.average(column, weights=weights))).sum())
        for column in coordinates.T
    )
