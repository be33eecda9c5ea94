"""Coordinates of outlines as text, for SVG and GeoJSON."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg.parallel.compiled import compiled, inlined
from kmseg.regions.outlines import Outlines

_MINUS, _SPACE, _COMMA, _OPEN, _CLOSE, _ZERO = b"- ,[]0"
_START, _END, _ACROSS, _DOWN, _BOTH = b"Mzhvl"
_HALF: Final = np.frombuffer(b".5", np.uint8)


def path_data(drawn: Outlines, rings: NDArray[np.intp]) -> str:
    """Rings as the data of an SVG path: the start of each is absolute, its steps are relative."""
    lengths = np.diff(drawn.ring_starts)
    room = int(lengths[rings].sum()) * (2 * _longest_number(drawn) + 2) + 1
    text = np.empty(room, np.uint8)
    n = _write_path(drawn.points, drawn.ring_starts, rings, text)
    return text[:n].tobytes().decode("ascii")


def polygon_coordinates(drawn: Outlines) -> list[str]:
    """Each polygon as GeoJSON: a list of closed rings, which are lists of [x, y]."""
    n_rings = len(drawn.ring_starts) - 1
    room = (len(drawn.points) + n_rings) * (2 * _longest_number(drawn) + 4) + 5 * n_rings
    text = np.empty(room, np.uint8)
    ends = np.zeros(len(drawn.polygon_starts), np.int64)
    _write_polygons(drawn.points, drawn.ring_starts, drawn.polygon_starts, text, ends)
    whole, places = text[: ends[-1]].tobytes().decode("ascii"), ends.tolist()
    return [whole[begin:end] for begin, end in pairwise(places)]


def _longest_number(drawn: Outlines) -> int:
    """Most characters of a coordinate: sign or space, digits, and ".5"."""
    return len(str(max(drawn.size))) + 3


@inlined()
def _write(text, n, half, spaced):  # type: ignore[no-untyped-def]
    """Write a number of half pixels as pixels; ``spaced``: after a space unless it has a sign."""
    if half < 0:
        text[n] = _MINUS
        n, half = n + 1, -half
    elif spaced:
        text[n] = _SPACE
        n += 1
    whole, place = half // 2, 1
    while whole // place >= 10:
        place *= 10
    while place > 0:
        text[n] = _ZERO + whole // place % 10
        n, place = n + 1, place // 10
    if half % 2:
        text[n], text[n + 1] = _HALF[0], _HALF[1]
        n += 2
    return n


@compiled()
def _write_path(points, ring_starts, rings, text):  # type: ignore[no-untyped-def]
    n = 0
    for ring in rings:
        begin, end = ring_starts[ring], ring_starts[ring + 1]
        text[n] = _START
        n = _write(text, n + 1, np.int64(points[begin, 0]), False)
        n = _write(text, n, np.int64(points[begin, 1]), True)
        last = _START
        for i in range(begin + 1, end):
            x = np.int64(points[i, 0]) - points[i - 1, 0]
            y = np.int64(points[i, 1]) - points[i - 1, 1]
            letter = _ACROSS if y == 0 else _DOWN if x == 0 else _BOTH
            repeated = letter == last  # a letter stands for all steps of its kind that follow
            if not repeated:
                text[n] = letter
                n, last = n + 1, letter
            if letter != _DOWN:
                n = _write(text, n, x, repeated)
            if letter != _ACROSS:
                n = _write(text, n, y, repeated or letter == _BOTH)
        text[n] = _END
        n += 1
    return n


@compiled()
def _write_polygons(points, ring_starts, polygon_starts, text, ends):  # type: ignore[no-untyped-def]
    n = 0
    for polygon in range(len(polygon_starts) - 1):
        text[n] = _OPEN
        n += 1
        for ring in range(polygon_starts[polygon], polygon_starts[polygon + 1]):
            begin, end = ring_starts[ring], ring_starts[ring + 1]
            text[n] = _OPEN
            n += 1
            for i in range(begin, end + 1):
                j = i if i < end else begin  # the first point closes the ring
                text[n] = _OPEN
                n = _write(text, n + 1, np.int64(points[j, 0]), False)
                text[n] = _COMMA
                n = _write(text, n + 1, np.int64(points[j, 1]), False)
                text[n], text[n + 1] = _CLOSE, _COMMA
                n += 2
            text[n - 1], text[n] = _CLOSE, _COMMA
            n += 1
        text[n - 1] = _CLOSE
        ends[polygon + 1] = n
