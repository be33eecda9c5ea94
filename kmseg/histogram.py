"""Distinct colours of an image and their counts; and values of colours, such as labels, by pixel.

The cost of later steps depends on the number of distinct colours, not on that of the pixels.

The *code* of a colour is its 24 bits in another order: the highest three of each channel, then the
next two, then the lowest three. So each of the 32**3 cells of the RGB cube is a range of 512 codes,
and each block of 4**3 cells is a range too. Counting into an array of 2**24 counters and reading
those that are not zero gives the colours cell by cell, without sorting. Access to memory takes most
of the time, so counters are single bytes; overflows ("carries") are appended to a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from kmseg.errors import ImageError
from kmseg.parallel.compiled import compiled
from kmseg.parallel.threads import in_threads
from kmseg.picture.image import Image

N_CODES: Final = 1 << 24
N_CELLS: Final = 1 << 15
CELL_CODES: Final = N_CODES // N_CELLS
# Pixels are counted and looked up in this many threads, each with its own counters.
_PARTS: Final = 2
_LEVELS: Final = np.arange(256, dtype=np.uint32)
# The bits of a colour's code for each channel and level, shape (3, 256).
_CODES: Final = np.array(
    [
        (_LEVELS >> 5) << top | (_LEVELS >> 3 & 3) << middle | (_LEVELS & 7) << low
        for top, middle, low in ((21, 13, 6), (18, 11, 3), (15, 9, 0))
    ]
)

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class ColorHistogram:
    """The distinct colours of an image's opaque pixels.

    Attributes
    ----------
    colors : ndarray of uint8, shape (U, 3)
        Distinct sRGB colours, cell by cell.
    counts : ndarray of int64, shape (U,)
        Pixels of each colour, at least 1.
    """

    colors: NDArray[np.uint8]
    counts: NDArray[np.int64]

    def __post_init__(self) -> None:
        colors, counts = np.asarray(self.colors), np.asarray(self.counts)
        if colors.dtype != np.uint8 or colors.ndim != 2 or colors.shape[1:] != (3,):
            raise ImageError(
                f"colors: a (U, 3) array of uint8, not {colors.dtype} of shape {colors.shape}"
            )
        if counts.shape != colors.shape[:1] or not len(counts) or counts.min() < 1:
            raise ImageError("counts: one whole number of at least 1 for each of the colours")
        for name, array in (("colors", colors), ("counts", counts.astype(np.int64, copy=False))):
            view = np.ascontiguousarray(array).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @property
    def n_colors(self) -> int:
        """U, the number of distinct colours."""
        return len(self.colors)

    @property
    def n_pixels(self) -> int:
        """The number of opaque pixels."""
        return int(self.counts.sum())

    def representatives(self, at_most: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Choose colours that represent all: the most frequent colour of each occupied cell.

        The cells are those of the finest division of the RGB cube, by powers of two, in which at
        most ``at_most`` are occupied.

        Parameters
        ----------
        at_most : int
            The maximum number of representatives, at least 8.

        Returns
        -------
        ndarray of intp, shape (P,)
            Indices into ``colors``.
        ndarray of int64, shape (P,)
            The number of pixels that each represents; their sum is ``n_pixels``.
        """
        for bits in range(8, 0, -1):
            levels = self.colors.astype(np.int32) >> (8 - bits)
            cells = (levels[:, 0] << 2 * bits) | (levels[:, 1] << bits) | levels[:, 2]
            occupied, cell = np.unique(cells, return_inverse=True)
            if len(occupied) <= at_most:
                break
        by_count = np.argsort(self.counts, kind="stable")
        chosen = np.empty(len(occupied), np.intp)
        chosen[cell[by_count]] = by_count  # the last one written is the most frequent
        pixels = np.bincount(cell, weights=self.counts, minlength=len(occupied))
        return chosen, pixels.astype(np.int64)

    def numbers_at(
        self, image: Image, rows: NDArray[np.intp], columns: NDArray[np.intp]
    ) -> NDArray[np.int32]:
        """The index into ``colors`` of each pixel in these rows and columns; -1 if transparent.

        Parameters
        ----------
        image : Image
            The image that was counted.
        rows, columns : ndarray of intp, shapes (h,), (w,)

        Returns
        -------
        ndarray of int32, shape (h, w)
        """
        opaque = None if image.opaque is None else image.opaque[rows][:, columns]
        numbers = np.arange(self.n_colors, dtype=np.int32)
        return self.values_at(image.pixels[rows][:, columns], numbers, opaque)

    def values_at(
        self,
        pixels: NDArray[np.uint8],
        values: NDArray[T],
        opaque: NDArray[np.bool_] | None = None,
    ) -> NDArray[T]:
        """Look up a value for each pixel, such as a label, from the values of the colours.

        Parameters
        ----------
        pixels : ndarray of uint8, shape (..., 3)
            Colours of this histogram.
        values : ndarray of a signed integer type, shape (U,)
        opaque : ndarray of bool, shape (...), optional

        Returns
        -------
        ndarray of the type of ``values``, shape (...)
            -1 for transparent pixels.

        Raises
        ------
        ValueError
            If there is not one value for each colour.
        """
        if values.shape != self.counts.shape:
            raise ValueError(f"values: one for each of {self.n_colors} colours, not {values.shape}")
        small = values.min() >= -128 and values.max() <= 127
        table = self.table(values.astype(np.int8) if small else values)
        found = np.empty(pixels.shape[:-1], values.dtype)
        look_up(pixels, table, found)
        if opaque is not None:
            found[~opaque] = -1
        return found

    def table(self, values: NDArray[T]) -> NDArray[T]:
        """Values of the colours, shape (U,), for :func:`look_up`; other colours have 0."""
        table = np.zeros(N_CODES, values.dtype)
        _enter(self.colors, values, table)
        return table


def codes_of(colors: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The codes of colours, (U, 3); those of a histogram ascend."""
    red, green, blue = (_CODES[channel][colors[:, channel]] for channel in range(3))
    codes: NDArray[np.uint32] = red | green | blue
    return codes


def colors_of(codes: NDArray[np.intp]) -> NDArray[np.uint8]:
    """The colours of codes, shape (U, 3)."""
    colors = np.empty((len(codes), 3), np.uint8)
    for channel in range(3):
        top, middle = codes >> (21 - 3 * channel) & 7, codes >> (13 - 2 * channel) & 3
        colors[:, channel] = top << 5 | middle << 3 | codes >> (6 - 3 * channel) & 7
    return colors


def look_up(pixels: NDArray[np.uint8], table: NDArray[T], found: NDArray[T]) -> None:
    """Look up the value of each pixel, (..., 3), in a :meth:`ColorHistogram.table`.

    ``found``, of shape (...) and contiguous, receives the values.
    """
    flat, out = np.ascontiguousarray(pixels).reshape(-1, 3), found.reshape(-1)
    flat.flags.writeable = False  # otherwise this would be another type, compiled again
    parts = _parts(len(flat))
    in_threads(lambda i: _look_up(flat[parts[i]], table, out[parts[i]]), range(_PARTS))


def color_histogram(image: Image) -> ColorHistogram:
    """Count the distinct colours of an image's opaque pixels.

    Parameters
    ----------
    image : Image

    Returns
    -------
    ColorHistogram

    Notes
    -----
    Working memory: 32 MiB of counters, of which only the pages of existing colours become resident,
    at most 48 MiB to merge them, and at most 4 bytes for every 255 pixels.
    """
    pixels = image.pixels.reshape(-1, 3)
    opaque = np.broadcast_to(np.True_, 0) if image.opaque is None else image.opaque.reshape(-1)
    counters = np.zeros((_PARTS, N_CELLS, CELL_CODES), np.uint8)
    occupied = np.zeros((_PARTS, N_CELLS), np.bool_)
    parts = _parts(len(pixels))

    def count(i: int) -> NDArray[np.uint32]:
        part = parts[i]
        carries = np.empty((part.stop - part.start) // 255, np.uint32)
        own = counters[i].reshape(-1), occupied[i], carries
        return carries[: _count(pixels[part], opaque[part], *own)]

    carries = np.sort(np.concatenate(in_threads(count, range(_PARTS))))
    cells = np.flatnonzero(occupied.any(axis=0))
    own_cells = [cells[part] for part in _parts(len(cells))]

    def n_colors(i: int) -> int:
        return int(np.count_nonzero(counters[0, own_cells[i]] | counters[1, own_cells[i]]))

    sizes = in_threads(n_colors, range(_PARTS))
    ends = np.cumsum(sizes)
    colors, counts = np.empty((ends[-1], 3), np.uint8), np.empty(ends[-1], np.int64)

    def collect(i: int) -> None:
        own = slice(ends[i] - sizes[i], ends[i])
        _collect(own_cells[i], counters, carries, colors[own], counts[own])

    in_threads(collect, range(_PARTS))
    return ColorHistogram(colors, counts)


def _parts(n: int) -> list[slice]:
    edges = [n * i // _PARTS for i in range(_PARTS + 1)]
    return [slice(*pair) for pair in pairwise(edges)]


@njit(inline="always")
def _code(pixels, i):  # type: ignore[no-untyped-def]
    return _CODES[0, pixels[i, 0]] | _CODES[1, pixels[i, 1]] | _CODES[2, pixels[i, 2]]


@compiled()
def _count(pixels, opaque, counters, occupied, carries):  # type: ignore[no-untyped-def]
    """Count opaque pixels, or all if ``opaque`` is empty; a carry stands for 255 of its code."""
    n_carries = 0
    for i in range(len(pixels)):
        if len(opaque) and not opaque[i]:
            continue
        code = _code(pixels, i)
        occupied[code >> 9] = True
        if counters[code] == 255:
            counters[code] = 0
            carries[n_carries] = code
            n_carries += 1
        counters[code] += 1
    return n_carries


@compiled()
def _collect(cells, counters, carries, colors, counts):  # type: ignore[no-untyped-def]
    """Colours and counts of the occupied cells, by code; ``carries`` are sorted likewise."""
    n_colors = n_carries = 0
    for cell in cells:
        for low in range(CELL_CODES):
            count = np.int64(counters[0, cell, low]) + np.int64(counters[1, cell, low])
            if count == 0:
                continue
            code = cell << 9 | low
            while n_carries < len(carries) and carries[n_carries] <= code:
                if carries[n_carries] == code:
                    count += 255
                n_carries += 1
            for channel in range(3):
                top, middle = code >> (21 - 3 * channel) & 7, code >> (13 - 2 * channel) & 3
                colors[n_colors, channel] = top << 5 | middle << 3 | code >> (6 - 3 * channel) & 7
            counts[n_colors] = count
            n_colors += 1


@compiled()
def _enter(colors, values, table):  # type: ignore[no-untyped-def]
    for i in range(len(colors)):
        table[_code(colors, i)] = values[i]


@compiled()
def _look_up(pixels, table, out):  # type: ignore[no-untyped-def]
    for i in range(len(pixels)):
        out[i] = table[_code(pixels, i)]
