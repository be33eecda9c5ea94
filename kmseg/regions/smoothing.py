"""Smooth borders that never touch: every arc is smoothed once, for the regions on both sides.

1. Each turn of a border is cut off from the middle of one pixel edge to the middle of the next. The
   new lines stay apart, as each lies between four pixel centres of its own. Each straight run of a
   border gets a point in its middle.
2. Points are removed, at first only those of turns: a line through the middles of runs follows a
   staircase best. The point that spans the smallest triangle with its neighbours goes first
   (M. Visvalingam, J. D. Whyatt, *Line generalisation by repeated elimination of points*, The
   Cartographic Journal 30(1), 1993), as long as the line stays within a distance of all points
   that the round began with. A point whose triangle contains another point stays: without such
   points, the new line cannot meet another one.

Nodes and points on the frame of the picture stay, so the picture remains covered. All points lie on
a grid of half pixels, and all computations on whole numbers of half pixels are exact.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg.parallel.compiled import compiled, inlined
from kmseg.regions.topology import Arcs

# Between two runs that are a step apart, turns lie within half a pixel of the line through the
# middles of the runs. This is the square of that distance in half pixels.
_NEAR_TURNS: Final = 1.0


def smoothed(
    arcs: Arcs, size: tuple[int, int], strength: float
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The points of smoothed arcs, and where each arc starts, as in :class:`Arcs`.

    Parameters
    ----------
    arcs : Arcs
    size : tuple of int
        Height and width of the picture.
    strength : float
        The greatest distance between a point that is removed after the turns and the line without
        it, in pixels, at least 0. Turns move a border by at most 0.86 pixels more: 0.36 when they
        are cut, and 0.5 when they are removed.

    Returns
    -------
    ndarray of int32, shape (P, 2)
        In half pixels.
    ndarray of int64, shape (A + 1,)

    Notes
    -----
    Memory: half a byte a pixel and about 60 bytes a point of ``arcs``.
    """
    height, width = size
    points = np.empty((3 * len(arcs.points), 2), np.int32)
    middle = np.empty(len(points), np.bool_)
    starts = np.zeros_like(arcs.starts)
    corners = arcs.points, arcs.starts, arcs.nodes, arcs.n_nodes
    n = _cut_turns(*corners, width, height, points, starts, middle)
    points, middle = points[:n], middle[:n]
    live = np.ones(n, np.bool_)
    taken = np.zeros((2 * height + 1, width // 4 + 1), np.uint8)  # a bit for each point of the grid
    arguments = points, starts, middle, arcs.nodes, arcs.leaving, taken
    _simplify(*arguments, (2 * width, 2 * height), float(2 * strength) ** 2, live)
    return points[live], np.concatenate(([0], np.cumsum(live)))[starts]


@inlined()
def _on_frame(x, y, width, height):  # type: ignore[no-untyped-def]
    return x == 0 or y == 0 or x == width or y == height


@inlined()
def _add(points, middle, n, first, x, y, is_middle):  # type: ignore[no-untyped-def]
    """Append a point to the arc that starts at ``first``, unless it is the last one already."""
    if n > first and points[n - 1, 0] == x and points[n - 1, 1] == y:
        middle[n - 1] |= is_middle
        return n
    points[n, 0], points[n, 1], middle[n] = x, y, is_middle
    return n + 1


@compiled()
def _cut_turns(corners, corner_starts, nodes, n_nodes, width, height, points, starts, middle):  # type: ignore[no-untyped-def]
    """Fill ``points`` (in half pixels), ``starts`` and ``middle``; returns the number of points."""
    n = 0
    for arc in range(len(nodes)):
        begin, end, first = corner_starts[arc], corner_starts[arc + 1], n
        loose = nodes[arc, 0] >= n_nodes  # closed, without a node
        for i in range(begin, end):
            x, y = corners[i, 0], corners[i, 1]
            stays = _on_frame(x, y, width, height)
            stays |= not loose and (i == begin or i == end - 1)
            if stays:
                n = _add(points, middle, n, first, 2 * x, 2 * y, False)
            elif i > begin:
                left, above = np.sign(x - corners[i - 1, 0]), np.sign(y - corners[i - 1, 1])
                n = _add(points, middle, n, first, 2 * x - left, 2 * y - above, False)
            if i == end - 1:
                break
            next_x, next_y = corners[i + 1, 0], corners[i + 1, 1]
            if not stays:
                right, below = np.sign(next_x - x), np.sign(next_y - y)
                n = _add(points, middle, n, first, 2 * x + right, 2 * y + below, False)
            n = _add(points, middle, n, first, x + next_x, y + next_y, True)
        if loose:
            n = _add(points, middle, n, first, points[first, 0], points[first, 1], False)
        starts[arc + 1] = n
    return n


@inlined()
def _doubled_area(points, a, b, c):  # type: ignore[no-untyped-def]
    """Twice the area of a triangle."""
    ax, ay = np.int64(points[a, 0]), np.int64(points[a, 1])
    return abs(
        (points[b, 0] - ax) * (points[c, 1] - ay) - (points[c, 0] - ax) * (points[b, 1] - ay)
    )


@inlined()
def _is_near(points, counts, a, c, limit):  # type: ignore[no-untyped-def]
    """Whether the points between two that count are near the segment that joins these.

    ``limit`` is the square of the distance.
    """
    ax, ay = np.float64(points[a, 0]), np.float64(points[a, 1])
    dx, dy = points[c, 0] - ax, points[c, 1] - ay
    length = dx * dx + dy * dy
    for i in range(a + 1, c):
        if not counts[i]:
            continue
        x, y = points[i, 0] - ax, points[i, 1] - ay
        along = min(max((x * dx + y * dy) / length, 0.0), 1.0) if length > 0 else 0.0
        x, y = x - along * dx, y - along * dy
        if x * x + y * y > limit:
            return False
    return True


@inlined()
def _is_free(points, taken, a, b, c):  # type: ignore[no-untyped-def]
    """Whether no other point lies in a triangle or on its edges."""
    xs = (np.int64(points[a, 0]), np.int64(points[b, 0]), np.int64(points[c, 0]))
    ys = (np.int64(points[a, 1]), np.int64(points[b, 1]), np.int64(points[c, 1]))
    for y in range(min(ys), max(ys) + 1):
        low, high = max(xs), min(xs)
        for i in range(3):
            x, end_x, step_y = xs[i], xs[(i + 1) % 3], ys[(i + 1) % 3] - ys[i]
            if step_y == 0:
                if y == ys[i]:
                    low, high = min(low, x, end_x), max(high, x, end_x)
            elif min(ys[i], ys[(i + 1) % 3]) <= y and y <= max(ys[i], ys[(i + 1) % 3]):
                part = (end_x - x) * (y - ys[i])
                low, high = min(low, x - (-part // step_y)), max(high, x + part // step_y)
        for column in range(low, high + 1):
            if taken[y, column >> 3] >> (column & 7) & 1:
                corner = False
                for i in range(3):
                    corner |= column == xs[i] and y == ys[i]
                if not corner:
                    return False
    return True


@inlined()
def _may_lose_point(arc, nodes, leaving, n_live):  # type: ignore[no-untyped-def]
    """Whether an arc may lose a point: two arcs between the same nodes are not both straight."""
    start, end = nodes[arc, 0], nodes[arc, 1]
    if start == end:
        return n_live[arc] > 4
    if n_live[arc] > 3:
        return True
    for direction in range(4):
        side = leaving[start, direction]
        if side >= 0 and nodes[side // 2, 1 - side % 2] == end and n_live[side // 2] == 2:
            return False
    return True


@compiled()
def _simplify(points, starts, middle, nodes, leaving, taken, size, limit, live):  # type: ignore[no-untyped-def]
    """Clear ``live`` for each point that can be removed."""
    for i in range(len(points)):
        taken[points[i, 1], points[i, 0] >> 3] |= np.uint8(1 << (points[i, 0] & 7))
    n_live = starts[1:] - starts[:-1]
    longest = 0
    for n in n_live:
        longest = max(longest, n)
    before, after = np.empty(longest, np.int64), np.empty(longest, np.int64)
    areas, stays = np.empty(longest, np.int64), np.empty(longest, np.bool_)
    counts = np.empty(longest, np.bool_)
    heap = [(np.int64(0), 0)]
    for arc in range(len(nodes)):
        arc_points = points[starts[arc] : starts[arc + 1]]
        arc_live, arc_middle = live[starts[arc] : starts[arc + 1]], middle[starts[arc] :]
        last = len(arc_points) - 1
        for i in range(last + 1):
            before[i], after[i], counts[i] = i - 1, i + 1, True
            on_frame = _on_frame(arc_points[i, 0], arc_points[i, 1], size[0], size[1])
            stays[i] = i == 0 or i == last or on_frame
        for only_turns in (True, False):
            near = _NEAR_TURNS if only_turns else limit
            heap.clear()
            for b in range(1, last):
                if arc_live[b] and not stays[b] and not (only_turns and arc_middle[b]):
                    areas[b] = _doubled_area(arc_points, before[b], b, after[b])
                    heap.append((areas[b], b))
            heapify(heap)
            while len(heap) > 0:
                area, b = heappop(heap)
                if not arc_live[b] or area != areas[b]:
                    continue
                a, c = before[b], after[b]
                if area > 0 and not _is_near(arc_points, counts, a, c, near):
                    continue
                if not _may_lose_point(arc, nodes, leaving, n_live):
                    continue
                if area > 0 and not _is_free(arc_points, taken, a, b, c):
                    continue
                arc_live[b] = False
                n_live[arc] -= 1
                x, y = arc_points[b, 0], arc_points[b, 1]
                taken[y, x >> 3] &= np.uint8(~(1 << (x & 7)))
                after[a], before[c] = c, a
                for i in (a, c):
                    if not stays[i] and not (only_turns and arc_middle[i]):
                        areas[i] = _doubled_area(arc_points, before[i], i, after[i])
                        heappush(heap, (areas[i], i))
            counts[: last + 1] = arc_live
