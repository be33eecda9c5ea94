"""The borders of a label picture as a planar graph of arcs and nodes.

A *corner* is a point of the grid where four pixels meet; the corner (x, y) is the top left one of
the pixel in row y and column x. A border runs between two pixels of different labels; what is
outside the picture counts as label -1. A *node* is a corner where three or four borders meet. An
*arc* is a border from one node to the next, or a closed one without nodes; it is stored once and
bounds the regions on both of its sides. A *side* of an arc is a direction in which to follow it:
2 a is arc a from its start to its end, with one region at its right, and 2 a + 1 is arc a
backwards, with the other region at its right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmseg.parallel.compiled import compiled, inlined, read_only

# Directions in turning order, and their steps: y points down, so the next one is a turn right.
_EAST, _SOUTH, _WEST, _NORTH = range(4)
_DX = np.array([1, 0, -1, 0])
_DY = np.array([0, 1, 0, -1])
# Bits of a corner: a border leaves it to the east, one leaves it to the south, it is a node.
_TO_EAST, _TO_SOUTH, _NODE = 1, 2, 4


@dataclass(frozen=True, slots=True, eq=False)
class Arcs:
    """Borders of a label picture.

    Attributes
    ----------
    points : ndarray of int32, shape (P, 2)
        x and y of the corners at which arcs start, turn and end; closed arcs repeat the first.
    starts : ndarray of int64, shape (A + 1,)
        Arc a has the points from ``starts[a]`` to ``starts[a + 1]``.
    nodes : ndarray of int32, shape (A, 2)
        The nodes at which each arc starts and ends. A closed arc without nodes has a number of its
        own, which no other arc has.
    leaving : ndarray of int32, shape (n_nodes, 4)
        For each node, the side of an arc that leaves it in each direction; -1 if there is none.
    n_nodes : int
        The number of nodes; the numbers of closed arcs are higher.
    """

    points: NDArray[np.int32]
    starts: NDArray[np.int64]
    nodes: NDArray[np.int32]
    leaving: NDArray[np.int32]
    n_nodes: int


@dataclass(frozen=True, slots=True, eq=False)
class Rings:
    """The boundaries of regions as rings of arcs. No ring meets a node twice.

    Rings are sorted by region; the outer ring of a region comes first, then those of its holes.
    Each ring has its region at the right, so outer rings run clockwise as seen in a picture.

    Attributes
    ----------
    sides : ndarray of int32, shape (S,)
        The sides of arcs of all rings, in order.
    starts : ndarray of int64, shape (R + 1,)
        Ring r has the sides from ``starts[r]`` to ``starts[r + 1]``.
    regions : ndarray of int32, shape (R,)
        The region of each ring, from 1.
    areas : ndarray of int64, shape (R,)
        The area of each ring in pixels; negative for holes.
    """

    sides: NDArray[np.int32]
    starts: NDArray[np.int64]
    regions: NDArray[np.int32]
    areas: NDArray[np.int64]


def find_corners(labels: NDArray[np.int16]) -> tuple[NDArray[np.uint8], int, int]:
    """Mark the borders at each corner.

    Parameters
    ----------
    labels : ndarray of int16, shape (H, W)
        -1 where a pixel belongs to no cluster.

    Returns
    -------
    ndarray of uint8, shape (H + 1, W + 1)
        Bits of each corner, for :func:`trace`.
    int
        The number of nodes.
    int
        The number of corners at which a border turns.
    """
    corners = np.empty((labels.shape[0] + 1, labels.shape[1] + 1), np.uint8)
    n_nodes, n_turns = _find_corners(read_only(labels), corners)
    return corners, int(n_nodes), int(n_turns)


def trace(corners: NDArray[np.uint8], n_nodes: int, n_turns: int) -> Arcs:
    """Follow the borders that :func:`find_corners` found; clears its marks.

    Notes
    -----
    Memory: 8 bytes a turn and about 100 bytes a node.
    """
    # Two arcs at least meet at a node, and each arc without nodes has four turns and repeats one.
    most_arcs = 2 * n_nodes + n_turns // 4
    points = np.empty((n_turns + n_turns // 4 + 4 * n_nodes, 2), np.int32)
    starts = np.zeros(most_arcs + 1, np.int64)
    nodes = np.empty((most_arcs, 2), np.int32)
    leaving = np.full((n_nodes + n_turns // 4, 4), -1, np.int32)
    n_arcs, n_ends = _trace(corners, points, starts, nodes, leaving)
    return Arcs(
        points[: starts[n_arcs]].copy(),
        starts[: n_arcs + 1].copy(),
        nodes[:n_arcs].copy(),
        leaving[:n_ends].copy(),
        n_nodes,
    )


def find_rings(arcs: Arcs, regions: NDArray[np.int32]) -> Rings:
    """Join the sides of arcs to the boundaries of regions.

    Parameters
    ----------
    arcs : Arcs
    regions : ndarray of int32, shape (H, W)
        The region of each pixel, from 1, connected along edges; 0 where there is none.
    """
    n_sides = 2 * len(arcs.nodes)
    sides = np.empty(n_sides, np.int32)
    starts = np.zeros(n_sides + 1, np.int64)
    of_ring = np.empty(n_sides, np.int32)
    areas = np.empty(n_sides, np.int64)
    graph = arcs.points, arcs.starts, arcs.nodes, arcs.leaving
    n = _rings(*graph, read_only(regions), sides, starts, of_ring, areas)
    order = np.lexsort((areas[:n] < 0, of_ring[:n]))
    lengths = np.diff(starts[: n + 1])[order]
    sorted_starts = np.concatenate(([0], np.cumsum(lengths)))
    moved = np.repeat(starts[order] - sorted_starts[:-1], lengths) + np.arange(sorted_starts[-1])
    return Rings(sides[moved], sorted_starts, of_ring[order], areas[order])


@compiled()
def _find_corners(labels, corners):  # type: ignore[no-untyped-def]
    height, width = labels.shape
    n_nodes = n_turns = 0
    for y in range(height + 1):
        above_left = below_left = -1
        for x in range(width + 1):
            above = labels[y - 1, x] if y > 0 and x < width else -1
            below = labels[y, x] if y < height and x < width else -1
            east, south = above != below, below != below_left
            west, north = above_left != below_left, above != above_left
            corner = np.uint8(east * _TO_EAST + south * _TO_SOUTH)
            degree = east + south + west + north
            if degree > 2:
                corner |= np.uint8(_NODE)
                n_nodes += 1
            elif degree == 2 and east != west:
                n_turns += 1
            corners[y, x] = corner
            above_left, below_left = above, below
    return n_nodes, n_turns


@inlined()
def _has_border(corners, x, y, direction):  # type: ignore[no-untyped-def]
    """Whether an untraced border leaves a corner in a direction."""
    if direction == _EAST:
        return corners[y, x] & _TO_EAST != 0
    if direction == _SOUTH:
        return corners[y, x] & _TO_SOUTH != 0
    if direction == _WEST:
        return x > 0 and corners[y, x - 1] & _TO_EAST != 0
    return y > 0 and corners[y - 1, x] & _TO_SOUTH != 0


@compiled()
def _follow(corners, x, y, direction, points, n):  # type: ignore[no-untyped-def]
    """Trace the arc that leaves a corner; returns its last direction and the end of its points."""
    first_x, first_y = x, y
    points[n, 0], points[n, 1] = x, y
    n += 1
    while True:
        if direction == _EAST:
            corners[y, x] &= ~np.uint8(_TO_EAST)
        elif direction == _SOUTH:
            corners[y, x] &= ~np.uint8(_TO_SOUTH)
        elif direction == _WEST:
            corners[y, x - 1] &= ~np.uint8(_TO_EAST)
        else:
            corners[y - 1, x] &= ~np.uint8(_TO_SOUTH)
        x, y = x + _DX[direction], y + _DY[direction]
        if corners[y, x] & _NODE or (x == first_x and y == first_y):
            points[n, 0], points[n, 1] = x, y
            return direction, n + 1
        if not _has_border(corners, x, y, direction):
            points[n, 0], points[n, 1] = x, y
            n += 1
            right = (direction + 1) % 4
            direction = right if _has_border(corners, x, y, right) else (direction + 3) % 4


@inlined()
def _find(values, begin, end, value):  # type: ignore[no-untyped-def]
    """The position of a value in a sorted part of an array, by bisection."""
    while begin < end:
        middle = (begin + end) // 2
        if values[middle] < value:
            begin = middle + 1
        else:
            end = middle
    return begin


@compiled()
def _trace(corners, points, starts, nodes, leaving):  # type: ignore[no-untyped-def]
    """Fill the arrays of :class:`Arcs`; returns the numbers of arcs and of nodes."""
    height, width = corners.shape
    row_starts = np.zeros(height + 1, np.int64)
    columns = np.empty(len(leaving), np.int32)
    n_nodes = 0
    for y in range(height):
        for x in range(width):
            if corners[y, x] & _NODE:
                columns[n_nodes] = x
                n_nodes += 1
        row_starts[y + 1] = n_nodes
    n_arcs = n = np.int64(0)
    for y in range(height):
        for node in range(row_starts[y], row_starts[y + 1]):
            column = np.int64(columns[node])
            for direction in range(4):
                if not _has_border(corners, column, y, direction):
                    continue
                last, n = _follow(corners, column, y, direction, points, n)
                end_x, end_y = points[n - 1, 0], points[n - 1, 1]
                end = _find(columns, row_starts[end_y], row_starts[end_y + 1], end_x)
                nodes[n_arcs, 0], nodes[n_arcs, 1] = node, end
                leaving[node, direction] = 2 * n_arcs
                leaving[end, (last + 2) % 4] = 2 * n_arcs + 1
                n_arcs += 1
                starts[n_arcs] = n
    # What is left are closed borders. The first corner found is the top left one, so its border to
    # the east is followed first, and the one from the south comes last.
    for y in range(height):
        for x in range(width):
            if corners[y, x] & _TO_EAST:
                _, n = _follow(corners, x, y, np.int64(_EAST), points, n)
                nodes[n_arcs, 0], nodes[n_arcs, 1] = n_nodes, n_nodes
                leaving[n_nodes, _EAST] = 2 * n_arcs
                leaving[n_nodes, _SOUTH] = 2 * n_arcs + 1
                n_nodes += 1
                n_arcs += 1
                starts[n_arcs] = n
    return n_arcs, n_nodes


@inlined()
def _direction(points, i, j):  # type: ignore[no-untyped-def]
    """The direction from one point to another in its row or column."""
    if points[i, 1] == points[j, 1]:
        return _EAST if points[i, 0] < points[j, 0] else _WEST
    return _SOUTH if points[i, 1] < points[j, 1] else _NORTH


@inlined()
def _region_of(points, starts, regions, side):  # type: ignore[no-untyped-def]
    """The region at the right of a side; 0 outside."""
    if side % 2 == 0:
        i = starts[side // 2]
        direction = _direction(points, i, i + 1)
    else:
        i = starts[side // 2 + 1] - 1
        direction = _direction(points, i, i - 1)
    column = points[i, 0] - (direction in (_SOUTH, _WEST))
    row = points[i, 1] - (direction in (_WEST, _NORTH))
    height, width = regions.shape
    inside = row >= 0 and row < height and column >= 0 and column < width
    return regions[row, column] if inside else np.int32(0)


@inlined()
def _next_side(points, starts, nodes, leaving, side):  # type: ignore[no-untyped-def]
    """The side that bounds the same region after this one: the next one clockwise at the node."""
    arc = side // 2
    if side % 2 == 0:
        i, node = starts[arc + 1] - 1, nodes[arc, 1]
        direction = _direction(points, i - 1, i)
    else:
        i, node = starts[arc], nodes[arc, 0]
        direction = _direction(points, i + 1, i)
    for turn in (1, 0, 3):
        following = leaving[node, (direction + turn) % 4]
        if following >= 0:
            return following
    return side  # unreachable: a closed border arrives where it leaves


@inlined()
def _area(points, starts, side):  # type: ignore[no-untyped-def]
    """Twice the signed area between a side and the origin, by the shoelace formula."""
    arc, total = side // 2, np.int64(0)
    for i in range(starts[arc], starts[arc + 1] - 1):
        total += np.int64(points[i, 0]) * points[i + 1, 1]
        total -= np.int64(points[i + 1, 0]) * points[i, 1]
    return total if side % 2 == 0 else -total


@compiled()
def _rings(points, starts, nodes, leaving, regions, sides, ring_starts, of_ring, areas):  # type: ignore[no-untyped-def]
    """Fill the arrays of :class:`Rings`, not sorted yet; returns the number of rings.

    A walk along the boundary of a region is cut at every node that it meets again.
    """
    used = np.zeros(2 * len(nodes), np.bool_)
    path = np.empty(2 * len(nodes), np.int32)
    position = np.full(len(leaving), -1, np.int32)  # of the node on the path
    n_rings = n = 0
    for first in range(2 * len(nodes)):
        region = _region_of(points, starts, regions, first)
        if used[first] or region == 0:
            continue
        length, side = 0, np.int32(first)
        while True:
            node = nodes[side // 2, side % 2]
            if position[node] >= 0:  # the path since then is a ring
                begin, doubled = position[node], np.int64(0)
                for i in range(begin, length):
                    sides[n] = path[i]
                    doubled += _area(points, starts, path[i])
                    position[nodes[path[i] // 2, path[i] % 2]] = -1
                    n += 1
                of_ring[n_rings], areas[n_rings] = region, doubled // 2
                n_rings += 1
                ring_starts[n_rings] = n
                length = begin
            if used[side]:
                break
            used[side] = True
            path[length], position[node] = side, length
            length += 1
            side = _next_side(points, starts, nodes, leaving, side)
    return n_rings
