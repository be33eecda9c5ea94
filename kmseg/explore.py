"""Settings side by side: which colour space, channels and K pull a picture apart.

Everything here is exact: a tile of the sheet and a rung of the ladder are what choosing their
settings gives, drawn at fewer pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg.color import COLOR_SPACES, ColorSpace, features
from kmseg.histogram import ColorHistogram
from kmseg.parallel.threads import as_made
from kmseg.picture.image import Image
from kmseg.segmentation import Segmentation, segment
from kmseg.settings import Settings

# Pixels a side of a tile: dots of a plate are told apart, and a sheet of them is sent at once.
TILE_SIDE: Final = 200
# Distances at which pixels are compared, as parts of the longer side: beyond the grain of a photo
# and the dots of a plate, within the things that they show.
_REACHES: Final = (0.02, 0.04, 0.06, 0.09)
# Two partitions are one if each explains as much of the other's pixels.
_ALIKE: Final = 0.93
# Pixels drawn for the silhouette, which compares all pairs.
SILHOUETTE_PIXELS: Final = 2000

Labels = NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One segmentation, small.

    Attributes
    ----------
    settings : Settings
        What choosing the tile sets.
    labels : ndarray of int16, shape (h, w)
        Labels of evenly spaced pixels, at most `TILE_SIDE` a side; -1 is transparent.
    palette : ndarray of uint8, shape (K, 3)
    inertia : float
        Over all pixels.
    explained : float
        Part of the variance of the tile's colours, in Oklab, that its clusters explain, 0 to 1:
        one measure for all spaces and channels.
    coherence : float
        See :func:`coherence`.
    """

    settings: Settings
    labels: Labels
    palette: NDArray[np.uint8]
    inertia: float
    explained: float
    coherence: float

    @property
    def separation(self) -> float:
        """What tiles are ranked by: coherence, weighed down where little is explained."""
        return max(self.coherence, 0.0) * math.sqrt(max(self.explained, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """The best of several tiles that show nearly the same partition, and the others."""

    tile: Tile
    alike: tuple[Tile, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rung:
    """One K of the ladder.

    Attributes
    ----------
    tile : Tile
    calinski_harabasz : float
        Variance between clusters over variance within, each by its degrees of freedom, over all
        pixels (Caliński & Harabasz 1974).
    silhouette : float
        Mean over a sample of pixels, -1 to 1 (Rousseeuw 1987); NaN where it has one cluster.
    """

    tile: Tile
    calinski_harabasz: float
    silhouette: float


def views(settings: Settings) -> list[Settings]:
    """Every colour space with every set of its channels; the rest as given.

    The engine is the exact one, and starting colours, which belong to one view, give way to
    k-means++.
    """
    plain = automatic(settings)
    return [
        replace(plain, color_space=space.key, channels=_spelled(space, chosen))
        for space in COLOR_SPACES.values()
        for chosen in chain.from_iterable(
            combinations(range(len(space.channels)), size)
            for size in range(len(space.channels), 0, -1)
        )
    ]


def _spelled(space: ColorSpace, chosen: tuple[int, ...]) -> str:
    return "all" if len(chosen) == len(space.channels) else "".join(map(str, chosen))


def automatic(settings: Settings) -> Settings:
    """These settings with the exact engine, and without starting colours."""
    init = "k-means++" if settings.init == "manual" else settings.init
    attempts = Settings().attempts if settings.init == "manual" else settings.attempts
    return replace(settings, init=init, centroids=(), attempts=attempts, engine="exact")


def tile_pixels(image: Image, histogram: ColorHistogram) -> NDArray[np.int32]:
    """The pixels of a tile, (h, w), as numbers of the image's colours; -1 is transparent."""
    return histogram.numbers_at(image, *image.grid(TILE_SIDE))


def sheet(
    histogram: ColorHistogram, pixels: NDArray[np.int32], wanted: Iterable[Settings]
) -> Iterator[Tile]:
    """A tile for each of the settings, as they are made.

    Parameters
    ----------
    histogram : ColorHistogram
        Of the picture as it is clustered: ``settings.width`` has been applied.
    pixels : ndarray of int32, shape (h, w)
        Of the same picture, by :func:`tile_pixels`.
    wanted : iterable of Settings
        Those of one colour space next to each other: its coordinates are computed once.

    Yields
    ------
    Tile
    """
    oklab = _oklab(histogram, pixels)

    def located() -> Iterator[tuple[Settings, NDArray[np.float64]]]:
        for space, group in groupby(wanted, lambda settings: settings.color_space):
            coordinates = features(histogram.colors, space)
            yield from ((settings, coordinates) for settings in group)

    def tile(item: tuple[Settings, NDArray[np.float64]]) -> Tile:
        settings, coordinates = item
        return _tile(segment(histogram, settings, coordinates=coordinates), pixels, oklab)

    yield from as_made(tile, located())


def ranked(tiles: Sequence[Tile]) -> list[Proposal]:
    """Tiles by separation, best first, each near-duplicate under the best that it resembles."""
    leaders: list[tuple[Tile, list[Tile]]] = []
    for tile in sorted(tiles, key=lambda tile: -tile.separation):
        for leader, others in leaders:
            # Every other pixel will do.
            if agreement(leader.labels[::2, ::2], tile.labels[::2, ::2]) >= _ALIKE:
                others.append(tile)
                break
        else:
            leaders.append((tile, []))
    return [Proposal(leader, tuple(others)) for leader, others in leaders]


def agreement(labels: Labels, others: Labels) -> float:
    """How nearly two partitions of the same pixels are one, 0 to 1; numbers do not matter.

    Each cluster of one is matched to the cluster of the other that it shares most pixels with;
    the smaller of the two parts of pixels that are matched.
    """
    n = max(int(others.max()), 0) + 1
    both = (labels >= 0) & (others >= 0)
    pairs = labels[both].astype(np.intp) * n + others[both]
    m = max(int(labels.max()), 0) + 1
    table = np.bincount(pairs, minlength=m * n).reshape(m, n)
    matched = min(table.max(axis=0).sum(), table.max(axis=1).sum())
    return float(matched / max(table.sum(), 1))


def coherence(labels: Labels) -> float:
    """How much more often than by chance pixels some way apart share a cluster.

    The mean over four distances, 2 to 9 % of the longer side, of Cohen's kappa between pixels and
    their neighbours in four directions: 1 for solid areas, 0 for speckle. (Join-count statistics
    are from P. A. P. Moran 1948, kappa from J. Cohen 1960.)

    Parameters
    ----------
    labels : ndarray of int16, shape (h, w)
        Negative ones are left out.

    Returns
    -------
    float
        At most 1; 0 for a single cluster.
    """
    n = max(int(labels.max()), 0) + 1
    wide = labels.astype(np.intp)
    wide[labels < 0] = n  # a cluster of its own, dropped below
    rows = wide * (n + 1)
    kappas = []
    for reach in _REACHES:
        d = max(1, round(reach * max(labels.shape)))
        q = max(1, round(d * math.sqrt(0.5)))
        joint = np.zeros((n + 1) ** 2, np.int64)
        for dy, dx in ((0, d), (d, 0), (q, q), (q, -q)):
            a = rows[dy:, max(dx, 0) : wide.shape[1] + min(dx, 0)]
            b = wide[: wide.shape[0] - dy, max(-dx, 0) : wide.shape[1] - max(dx, 0)]
            joint += np.bincount((a + b).ravel(), minlength=(n + 1) ** 2)
        table = joint.reshape(n + 1, n + 1)[:n, :n]
        table = table + table.T
        total = table.sum()
        if total:
            by_chance = float(((table.sum(axis=0) / total) ** 2).sum())
            same = float(np.trace(table) / total)
            kappas.append((same - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0)
    return sum(kappas) / max(len(kappas), 1)


def ladder(
    histogram: ColorHistogram,
    pixels: NDArray[np.int32],
    settings: Settings,
    clusters: Iterable[int],
) -> Iterator[Rung]:
    """The same settings at several K, as they are made; a K beyond the picture's is left out.

    Parameters
    ----------
    histogram, pixels
        As in :func:`sheet`.
    settings : Settings
    clusters : iterable of int
        K, 2-255.

    Yields
    ------
    Rung
    """
    from sklearn.metrics import pairwise_distances, silhouette_score

    oklab = _oklab(histogram, pixels)
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
        labels = seg.color_labels[drawn]
        silhouette = math.nan
        if 1 < len(np.unique(labels)) < len(labels):
            silhouette = float(silhouette_score(distances, labels, metric="precomputed"))
        return Rung(_tile(seg, pixels, oklab), between / within if within else math.inf, silhouette)

    for made in as_made(rung, clusters):
        if made is None:
            return
        yield made


def suggested(rungs: Sequence[Rung]) -> Rung:
    """The rung with the greatest silhouette: its clusters lie furthest apart for their size."""
    return max(rungs, key=lambda rung: -1.0 if math.isnan(rung.silhouette) else rung.silhouette)


def residual(
    histogram: ColorHistogram,
    numbers: NDArray[np.int32],
    labels: Labels,
    palette: NDArray[np.uint8],
) -> NDArray[np.float64]:
    """How far each pixel's colour lies from its cluster's: CIE 1976 colour difference, Delta E*ab.

    Parameters
    ----------
    histogram : ColorHistogram
    numbers : ndarray of int32, shape (h, w)
        Which of its colours a pixel has; -1 is transparent.
    labels : ndarray of int16, shape (h, w)
    palette : ndarray of uint8, shape (K, 3)

    Returns
    -------
    ndarray of float64, shape (h, w)
        About 2.3 is just noticeable (Mahy et al. 1994); NaN where transparent.
    """
    used, at = np.unique(numbers, return_inverse=True)
    colors = features(histogram.colors[used], "cielab")[at.reshape(numbers.shape)]
    distances: NDArray[np.float64] = np.linalg.norm(
        colors - features(palette, "cielab")[labels], axis=-1
    )
    distances[numbers < 0] = np.nan
    return distances


def _oklab(histogram: ColorHistogram, pixels: NDArray[np.int32]) -> NDArray[np.float64]:
    """Those pixels that are not transparent, seen from the first: what is all equal is all 0."""
    coordinates = features(histogram.colors[pixels[pixels >= 0]], "oklab")
    return coordinates - coordinates[:1]


def _tile(seg: Segmentation, pixels: NDArray[np.int32], oklab: NDArray[np.float64]) -> Tile:
    labels = seg.labels_of(pixels)
    explained = _explained(labels[pixels >= 0], oklab)
    return Tile(seg.settings, labels, seg.palette, seg.inertia, explained, coherence(labels))


def _explained(labels: Labels, oklab: NDArray[np.float64]) -> float:
    """One minus the variance within clusters over all variance; 0 where nothing varies."""
    counts = np.maximum(np.bincount(labels), 1)
    total = within = 0.0
    for column in oklab.T:
        square = float(np.square(column).sum())
        total += square - float(column.sum()) ** 2 / max(len(column), 1)
        within += square - float((np.bincount(labels, column) ** 2 / counts).sum())
    return 1 - within / total if total > 0 else 0.0


def _spread(coordinates: NDArray[np.float64], weights: NDArray[np.int64]) -> float:
    """Weighted sum of squared distances to the mean."""
    return sum(
        float((weights * np.square(column - np.average(column, weights=weights))).sum())
        for column in coordinates.T
    )
