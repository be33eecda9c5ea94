"""Tiles: small segmentations, one for each colour space and channel set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, combinations, groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg.color import ColorSpace, features, offered
from kmseg.explore.partitions import Labels, coherence, explained
from kmseg.histogram import ColorHistogram
from kmseg.kmeans.engines import DEFAULT_ENGINE
from kmseg.labeling import PixelGrid
from kmseg.parallel.threads import as_made
from kmseg.picture.image import Image
from kmseg.segmentation import Segmentation, segment
from kmseg.settings import Settings

# Longest side of a tile in pixels: the dots of a plate stay distinct, and a whole sheet is small
# enough to send at once.
TILE_SIDE: Final = 200


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A small segmentation.

    Attributes
    ----------
    settings : Settings
        The settings that choosing the tile applies.
    labels : ndarray of int16, shape (h, w)
        Labels of evenly spaced pixels, at most `TILE_SIDE` a side; -1 is transparent.
    palette : ndarray of uint8, shape (K, 3)
    inertia : float
        Over all pixels.
    explained : float
        Share of the variance of the tile's colours that its clusters explain, 0 to 1. It is
        measured in Oklab for every space and channel set, so tiles can be compared.
    coherence : float
        See :func:`kmseg.explore.coherence`.
    """

    settings: Settings
    labels: Labels
    palette: NDArray[np.uint8]
    inertia: float
    explained: float
    coherence: float


def views(settings: Settings) -> list[Settings]:
    """Every colour space to choose from, each with every set of its channels.

    The other settings are :func:`automatic`. Of spaces that cluster alike there is one, see
    :func:`kmseg.color.offered`.
    """
    plain = automatic(settings)
    return [
        replace(plain, color_space=space.key, channels=_channels(space, chosen))
        for space in offered(settings.color_space)
        for chosen in chain.from_iterable(
            combinations(range(len(space.channels)), size)
            for size in range(len(space.channels), 0, -1)
        )
    ]


def _channels(space: ColorSpace, chosen: tuple[int, ...]) -> str:
    """Channel indices as ``Settings.channels`` holds them."""
    return "all" if len(chosen) == len(space.channels) else "".join(map(str, chosen))


def automatic(settings: Settings) -> Settings:
    """These settings with the exact engine and without starting colours.

    Starting colours belong to one colour space and K, so k-means++ replaces them.
    """
    init = "k-means++" if settings.init == "manual" else settings.init
    attempts = Settings().attempts if settings.init == "manual" else settings.attempts
    return replace(settings, init=init, centroids=(), attempts=attempts, engine=DEFAULT_ENGINE)


def tile_grid(image: Image, histogram: ColorHistogram) -> PixelGrid:
    """The pixels of a tile, at most ``TILE_SIDE`` a side."""
    return PixelGrid.of(image, histogram, TILE_SIDE)


def sheet(histogram: ColorHistogram, grid: PixelGrid, wanted: Iterable[Settings]) -> Iterator[Tile]:
    """Make a tile for each of the settings, in their order.

    Parameters
    ----------
    histogram : ColorHistogram
        Of the picture at ``settings.width``.
    grid : PixelGrid
        Of the same picture, by :func:`tile_grid`.
    wanted : iterable of Settings
        Settings of one colour space should be adjacent: its coordinates are then computed once.

    Yields
    ------
    Tile
        As soon as it is made.
    """
    oklab = opaque_oklab(histogram, grid)

    def with_coordinates() -> Iterator[tuple[Settings, NDArray[np.float64]]]:
        for space, group in groupby(wanted, lambda settings: settings.color_space):
            coordinates = features(histogram.colors, space)
            yield from ((settings, coordinates) for settings in group)

    def make(item: tuple[Settings, NDArray[np.float64]]) -> Tile:
        settings, coordinates = item
        return tile_of(segment(histogram, settings, coordinates=coordinates), grid, oklab)

    yield from as_made(make, with_coordinates())


def opaque_oklab(histogram: ColorHistogram, grid: PixelGrid) -> NDArray[np.float64]:
    """Oklab coordinates (n, 3) of a tile's opaque pixels, relative to the first of them.

    Relative coordinates make the variance of equal colours exactly 0.
    """
    coordinates = features(histogram.colors[grid.colors[grid.colors >= 0]], "oklab")
    return coordinates - coordinates[:1]


def tile_of(seg: Segmentation, grid: PixelGrid, oklab: NDArray[np.float64]) -> Tile:
    """The tile of a segmentation; ``oklab`` is that of :func:`opaque_oklab`."""
    labels = seg.labels_on(grid)
    share = explained(labels[labels >= 0], oklab)
    return Tile(seg.settings, labels, seg.palette, seg.inertia, share, coherence(labels))
