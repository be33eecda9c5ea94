"""``Outlines``: the regions of a label picture as polygons that fit together.

Neighbours share their borders point by point, so there is no gap and no overlap. Regions are
connected along edges; where two of them, or two parts of one, meet only at a corner, the polygons
touch in a point, which the OpenGIS Simple Features allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg.errors import RegionsError
from kmseg.parallel.compiled import compiled, read_only
from kmseg.regions.components import numbered, parts
from kmseg.regions.smoothing import smoothed
from kmseg.regions.topology import find_corners, find_rings, trace

# More make files that other programs hardly open.
MAX_REGIONS: Final = 200_000
MAX_CORNERS: Final = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """Polygons of N regions, in raster order of their first pixel as in :class:`Regions`.

    Attributes
    ----------
    size : tuple of int
        Height and width of the picture.
    points : ndarray of int32, shape (P, 2)
        x and y in **half** pixels: (0, 0) is the top left corner of the picture, y points down.
    ring_starts : ndarray of int64, shape (R + 1,)
        Ring r has the points from ``ring_starts[r]`` to ``ring_starts[r + 1]``; the first one is
        not repeated at the end.
    polygon_starts : ndarray of int64, shape (N + 1,)
        Region i has the rings from ``polygon_starts[i]`` to ``polygon_starts[i + 1]``. The first is
        its outer ring, clockwise as seen in a picture; the others are holes, anticlockwise.
    clusters : ndarray of int16, shape (N,)
        The cluster of each region, from 0.
    areas : ndarray of int64, shape (N,)
        The pixels of each region, whatever the smoothing.
    """

    size: tuple[int, int]
    points: NDArray[np.int32]
    ring_starts: NDArray[np.int64]
    polygon_starts: NDArray[np.int64]
    clusters: NDArray[np.int16]
    areas: NDArray[np.int64]


def outlines(labels: NDArray[np.int16], smoothing: float = 0.0) -> Outlines:
    """Trace the regions of a label picture.

    Parameters
    ----------
    labels : ndarray of int16, shape (H, W)
        -1 where a pixel belongs to no cluster: these are in no polygon.
    smoothing : float
        0 keeps the edges of the pixels. Otherwise, borders move by at most this and 0.86 pixels,
        see :func:`kmseg.regions.smoothing.smoothed`.

    Raises
    ------
    RegionsError
        There are more than ``MAX_REGIONS`` regions or ``MAX_CORNERS`` corners of their borders.

    Notes
    -----
    Memory: 5 bytes a pixel; 20 bytes a corner, or 60 with smoothing.
    """
    corners, n_nodes, n_turns = find_corners(labels)
    found = parts(labels)
    n_regions = int((found.roots == np.arange(len(found.roots))).sum())
    _check(n_regions, n_nodes + n_turns)
    regions, _ = numbered(found)
    arcs = trace(corners, n_nodes, n_turns)
    del corners
    rings = find_rings(arcs, regions)
    if smoothing > 0:
        points, starts = smoothed(arcs, labels.shape, smoothing)
    else:
        points, starts = 2 * arcs.points, arcs.starts
    lengths = np.diff(starts)[rings.sides // 2] - 1  # the next side starts with the last point
    ends = np.concatenate(([0], np.cumsum(lengths)))
    joined = np.empty((ends[-1], 2), np.int32)
    _join(points, starts, rings.sides, joined)
    first = np.searchsorted(rings.regions, np.arange(1, n_regions + 2))
    areas = np.add.reduceat(rings.areas, first[:-1]) if n_regions else rings.areas
    clusters = np.empty(n_regions + 1, np.int16)
    _find_clusters(regions, read_only(labels), clusters)
    return Outlines(labels.shape, joined, ends[rings.starts], first, clusters[1:], areas)


def _check(n_regions: int, n_corners: int) -> None:
    if n_regions > MAX_REGIONS or n_corners > MAX_CORNERS:
        raise RegionsError(
            f"Outlines are drawn for at most {MAX_REGIONS:,} regions whose borders have at most "
            f"{MAX_CORNERS:,} corners. Here {n_regions:,} regions have {n_corners:,}: set a larger "
            "smallest region, so that specks join their neighbours, or reduce the picture."
        )


@compiled()
def _join(points, starts, sides, joined):  # type: ignore[no-untyped-def]
    """The points of sides one after the other, each without its last point."""
    n = 0
    for side in sides:
        begin, end = starts[side // 2], starts[side // 2 + 1]
        for i in range(end - begin - 1):
            j = begin + i if side % 2 == 0 else end - 1 - i
            joined[n, 0], joined[n, 1] = points[j, 0], points[j, 1]
            n += 1


@compiled()
def _find_clusters(regions, labels, clusters):  # type: ignore[no-untyped-def]
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            clusters[regions[y, x]] = labels[y, x]
