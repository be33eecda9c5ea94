"""Tidying a label picture: small regions go to their neighbours, then holes are filled.

Regions are connected along the edges of their pixels (4-connectivity), holes also across corners
(8-connectivity), as is usual for an area and what it encloses (A. Rosenfeld, "Connectivity in
digital pictures", Journal of the ACM 17, 1970).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kmseg.parallel.compiled import compiled
from kmseg.parallel.threads import N_CORES, in_threads
from kmseg.regions.components import Parts, join, parts, root_of


def tidy(
    labels: NDArray[np.int16],
    smallest: int,
    filled: Sequence[int] = (),
    n_strips: int = N_CORES,
) -> NDArray[np.int16]:
    """Remove small regions, then fill holes.

    *Small regions.* As long as there is a region of fewer than ``smallest`` pixels that has a
    neighbour, the smallest of them takes the label of a neighbour: the region with which it shares
    the longest border, counted in edges of pixels. It becomes part of that region, and of all other
    regions of this label that it touches. Of equally small regions, and of neighbours with equally
    long borders, the one whose first pixel comes first in raster order is taken. Transparent pixels
    are no neighbours, so a small region that touches nothing else stays.

    *Holes.* Then each hole of the labels in ``filled`` takes their label. A hole of a label is a
    connected set of pixels of other labels, across corners too, that reaches neither the edge of
    the picture nor a transparent pixel. Of holes within holes, the outermost counts, so the order
    of ``filled`` does not matter.

    Regions only grow by the second step, so a tidied picture is not changed by tidying it again.

    Parameters
    ----------
    labels : ndarray of int16, shape (H, W)
        -1 where a pixel is transparent.
    smallest : int
        Pixels of the smallest region that stays; 0 and 1 keep all.
    filled : sequence of int
        Labels whose holes are filled.
    n_strips : int
        The number of threads; the result does not depend on it.

    Returns
    -------
    ndarray of int16, shape (H, W)

    Notes
    -----
    Memory while it works: 8 bytes a pixel, 80 bytes a region, and 4 bytes for each edge between a
    pixel of a small region and another region.
    """
    found = parts(labels, n_strips)
    n_parts = len(found.roots)
    areas, clusters = np.zeros(n_parts, np.int64), np.empty(n_parts, np.int16)
    in_threads(
        lambda strip: _count(found.labels[strip], found.picture[strip], areas, clusters),
        found.strips,
    )
    later = np.flatnonzero(found.roots != np.arange(n_parts))
    np.add.at(areas, found.roots[later], areas[later])
    if smallest > 1:
        _absorb(found, areas, clusters, smallest)
    for label in filled:
        _fill(found.picture, clusters, np.int16(label))
    tidied = np.empty(labels.shape, np.int16)
    in_threads(lambda strip: _paint(found.picture[strip], clusters, tidied[strip]), found.strips)
    return tidied


def _absorb(
    found: Parts, areas: NDArray[np.int64], clusters: NDArray[np.int16], smallest: int
) -> None:
    """Give the small regions to their neighbours: changes ``found.roots`` and ``clusters``."""
    small = areas[found.roots] < smallest
    ends = np.zeros(len(small) + 1, np.int64)
    rows = [(strip.start, strip.stop) for strip in found.strips]
    arrays = found.picture, found.roots, small
    in_threads(lambda own: _count_edges(*arrays, *own, ends[1:]), rows)
    np.cumsum(ends, out=ends)
    neighbours = np.empty(ends[-1], np.int32)
    free = ends[:-1].copy()
    in_threads(lambda own: _list_edges(*arrays, *own, free, neighbours), rows)
    firsts = np.flatnonzero(small & (found.roots == np.arange(len(small))))
    queue = np.sort(areas[firsts] << 32 | firsts)
    _merge(queue, ends, neighbours, found.roots, areas, clusters, smallest)


@compiled()
def _count(labels, picture, areas, clusters):  # type: ignore[no-untyped-def]
    """Pixels and label of each part of a strip."""
    for r in range(picture.shape[0]):
        before, first = -1, 0
        for c in range(picture.shape[1]):
            part = picture[r, c]
            if part != before:
                if before >= 0:
                    areas[before] += c - first
                if part >= 0:
                    clusters[part] = labels[r, c]
                before, first = part, c
        if before >= 0:
            areas[before] += picture.shape[1] - first


@compiled()
def _count_edges(picture, roots, small, top, bottom, counts):  # type: ignore[no-untyped-def]
    """Count the edges of the pixels of small regions to other regions, by part."""
    height, width = picture.shape
    for r in range(top, bottom):
        for c in range(width):
            part = picture[r, c]
            if part < 0 or not small[part]:
                continue
            for dr, dc in ((-1, 0), (0, -1), (0, 1), (1, 0)):
                rr, cc = r + dr, c + dc
                if 0 <= rr < height and 0 <= cc < width:
                    other = picture[rr, cc]
                    counts[part] += other >= 0 and roots[other] != roots[part]


@compiled()
def _list_edges(picture, roots, small, top, bottom, free, neighbours):  # type: ignore[no-untyped-def]
    """List the other regions of the edges that :func:`_count_edges` counts.

    Those of part ``i`` are listed from ``free[i]`` on.
    """
    height, width = picture.shape
    for r in range(top, bottom):
        for c in range(width):
            part = picture[r, c]
            if part < 0 or not small[part]:
                continue
            for dr, dc in ((-1, 0), (0, -1), (0, 1), (1, 0)):
                rr, cc = r + dr, c + dc
                if 0 <= rr < height and 0 <= cc < width:
                    other = picture[rr, cc]
                    if other >= 0 and roots[other] != roots[part]:
                        neighbours[free[part]] = roots[other]
                        free[part] += 1


@compiled()
def _merge(queue, ends, neighbours, roots, areas, clusters, smallest):  # type: ignore[no-untyped-def]
    """Merge regions, the smallest first.

    ``queue`` has the area and root of each small region in one number, ascending;
    ``neighbours[ends[i] : ends[i + 1]]`` are the regions along the border of part ``i``.
    """
    n = len(roots)
    # A chain of the parts of each region, from its root.
    following, last = np.full(n, -1, np.int32), np.arange(n).astype(np.int32)
    for i in range(n):
        if roots[i] != i:
            following[last[roots[i]]] = i
            last[roots[i]] = i
    shared, touched = np.zeros(n, np.int32), np.empty(n, np.int32)
    grown = [np.int64(0) for _ in range(0)]  # a heap of regions that have grown and are still small
    i = 0
    while i < len(queue) or len(grown):
        if len(grown) and (i == len(queue) or grown[0] < queue[i]):
            key = heapq.heappop(grown)
        else:
            key = queue[i]
            i += 1
        root = key & 0xFFFFFFFF
        if roots[root] != root or areas[root] != key >> 32:
            continue  # it has grown, or is part of another region
        n_touched = _find_neighbours(root, following, ends, neighbours, roots, shared, touched)
        if n_touched == 0:
            continue
        nearest = touched[0]
        for other in touched[1:n_touched]:
            longer = shared[other] - shared[nearest]
            if longer > 0 or (longer == 0 and other < nearest):
                nearest = other
        label = clusters[nearest]
        clusters[root] = label
        for other in touched[:n_touched]:
            shared[other] = 0
            if clusters[other] == label:
                first, second = min(root, other), max(root, other)
                roots[second] = first
                areas[first] += areas[second]
                following[last[first]] = second
                last[first] = last[second]
                root = first
        if areas[root] < smallest:
            heapq.heappush(grown, areas[root] << 32 | root)
    for i in range(n):
        clusters[i] = clusters[root_of(roots, i)]


@compiled()
def _find_neighbours(root, following, ends, neighbours, roots, shared, touched):  # type: ignore[no-untyped-def]
    """List the neighbours of a region in ``touched``, and count the shared edges of each."""
    n_touched = 0
    part = root
    while part >= 0:
        for neighbour in neighbours[ends[part] : ends[part + 1]]:
            other = root_of(roots, neighbour)
            if other != root:
                if shared[other] == 0:
                    touched[n_touched] = other
                    n_touched += 1
                shared[other] += 1
        part = following[part]
    return n_touched


@compiled()
def _fill(picture, clusters, label):  # type: ignore[no-untyped-def]
    """Give the holes of a label to it: changes ``clusters``."""
    height, width = picture.shape
    n = len(clusters)
    sets = np.arange(n + 1).astype(np.int32)  # of parts of other labels; n: what is outside
    for r in range(height):
        for c in range(width):
            part = picture[r, c]
            if part >= 0 and clusters[part] == label:
                continue
            own = n if part < 0 else part
            if r == 0 or c == 0 or r == height - 1 or c == width - 1:
                join(sets, own, n)
            for dr, dc in ((0, 1), (1, -1), (1, 0), (1, 1)):
                rr, cc = r + dr, c + dc
                if rr >= height or cc < 0 or cc >= width:
                    continue
                other = picture[rr, cc]
                if other != part and (other < 0 or clusters[other] != label):
                    join(sets, own, n if other < 0 else other)
    outside = root_of(sets, n)
    for part in range(n):
        if clusters[part] != label and root_of(sets, part) != outside:
            clusters[part] = label


@compiled()
def _paint(picture, clusters, labels):  # type: ignore[no-untyped-def]
    for r in range(picture.shape[0]):
        for c in range(picture.shape[1]):
            part = picture[r, c]
            labels[r, c] = clusters[part] if part >= 0 else -1
