"""``Image`` -> unique colours and their counts, and back: a label per colour -> a label per pixel.

Everything after this step costs the same for a thumbnail and for a 50-megapixel photo.

A colour's *code* is its 24 bits with the top five of each channel first, so that each of the 32**3
cells of the RGB cube is 512 adjacent codes: counting into 2**24 counters and reading the non-zero
ones gives the colours cell by cell without a sort (``np.unique`` takes 3-10 times as long).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from kmseg.errors import ImageError
from kmseg.image import Image
from kmseg.threads import N_CORES, in_threads

N_CODES: Final = 1 << 24
N_CELLS: Final = 1 << 15
CELL_CODES: Final = N_CODES // N_CELLS

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class ColorHistogram:
    """The distinct colours of a picture's opaque pixels.

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
        for name, array in (("colors", colors), ("counts", counts.astype(np.int64))):
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
        """Colours that stand for all of them: the commonest of each occupied cell.

        The RGB cube is divided into cubic cells, as fine as leaves at most ``at_most`` of them
        occupied.

        Parameters
        ----------
        at_most : int
            The greatest number of representatives, at least 8.

        Returns
        -------
        ndarray of intp, shape (P,)
            Indices into ``colors``.
        ndarray of int64, shape (P,)
            The pixels that each stands for; they sum to ``n_pixels``.
        """
        for bits in range(8, 0, -1):
            levels = self.colors.astype(np.int32) >> (8 - bits)
            cells = (levels[:, 0] << 2 * bits) | (levels[:, 1] << bits) | levels[:, 2]
            occupied, cell = np.unique(cells, return_inverse=True)
            if len(occupied) <= at_most:
                break
        by_count = np.argsort(self.counts, kind="stable")
        chosen = np.empty(len(occupied), np.intp)
        chosen[cell[by_count]] = by_count  # the last written, the commonest, stays
        pixels = np.bincount(cell, weights=self.counts, minlength=len(occupied))
        return chosen, pixels.astype(np.int64)

    def values_at(
        self,
        pixels: NDArray[np.uint8],
        values: NDArray[T],
        opaque: NDArray[np.bool_] | None = None,
    ) -> NDArray[T]:
        """A value for each pixel, such as a label, from one for each colour.

        Parameters
        ----------
        pixels : ndarray of uint8, shape (..., 3)
            Colours of this histogram.
        values : ndarray of a signed integer type, shape (U,)
        opaque : ndarray of bool, shape (...), optional

        Returns
        -------
        ndarray of the type of ``values``, shape (...)
            -1 where a pixel is transparent.
        """
        table = np.full(N_CODES, -1, values.dtype)
        table[_codes(self.colors)] = values
        found = np.empty(pixels.shape[:-1], values.dtype)
        flat, out = np.ascontiguousarray(pixels).reshape(-1, 3), found.reshape(-1)
        edges = np.linspace(0, len(flat), _parts(len(flat)) + 1).astype(np.int64)

        def look_up(part: int) -> None:
            own = slice(edges[part], edges[part + 1])
            _look_up(flat[own], table, out[own])

        in_threads(look_up, range(len(edges) - 1))
        if opaque is not None:
            found[~opaque] = -1
        return found


def color_histogram(image: Image) -> ColorHistogram:
    """Count the distinct colours of an image's opaque pixels.

    Parameters
    ----------
    image : Image

    Returns
    -------
    ColorHistogram
    """
    pixels = (image.pixels if image.opaque is None else image.pixels[image.opaque]).reshape(-1, 3)
    counters = [np.zeros(N_CODES, np.uint32) for _ in range(_parts(len(pixels)))]
    occupied = np.zeros((len(counters), N_CELLS), np.bool_)
    edges = np.linspace(0, len(pixels), len(counters) + 1).astype(np.int64)

    def count(part: int) -> None:
        _count(pixels[edges[part] : edges[part + 1]], counters[part], occupied[part])

    in_threads(count, range(len(counters)))
    cells = np.flatnonzero(occupied.any(axis=0))
    most = min(len(pixels), len(cells) * CELL_CODES)
    colors, counts = np.empty((most, 3), np.uint8), np.empty(most, np.int64)
    n_colors = _collect(cells, counters[0], counters[-1], len(counters) > 1, colors, counts)
    return ColorHistogram(colors[:n_colors].copy(), counts[:n_colors].copy())


def _parts(n_pixels: int) -> int:
    """Two threads count a large picture; more would each need 64 MB of counters."""
    return 2 if n_pixels > 1_000_000 and N_CORES > 1 else 1


def _codes(colors: NDArray[np.uint8]) -> NDArray[np.int32]:
    red, green, blue = colors.astype(np.int32).T
    cell = (red >> 3) << 19 | (green >> 3) << 14 | (blue >> 3) << 9
    codes: NDArray[np.int32] = cell | (red & 7) << 6 | (green & 7) << 3 | (blue & 7)
    return codes


@njit(nogil=True, cache=True, inline="always")
def _code(pixels, i):  # type: ignore[no-untyped-def]
    red, green, blue = np.uint32(pixels[i, 0]), np.uint32(pixels[i, 1]), np.uint32(pixels[i, 2])
    cell = (red >> 3) << 19 | (green >> 3) << 14 | (blue >> 3) << 9
    return np.uint32(cell | (red & 7) << 6 | (green & 7) << 3 | (blue & 7))


@njit(nogil=True, cache=True)
def _count(pixels, counters, occupied):  # type: ignore[no-untyped-def]
    for i in range(len(pixels)):
        code = _code(pixels, i)
        counters[code] += np.uint32(1)
        occupied[code >> 9] = True


@njit(nogil=True, cache=True)
def _collect(  # type: ignore[no-untyped-def]
    cells, counters, more_counters, both, colors, counts
):
    """Colours and counts of the occupied cells, in the order of their codes; how many."""
    n_colors = 0
    for cell in cells:
        for code in range(cell << 9, (cell + 1) << 9):
            count = np.int64(counters[code])
            if both:
                count += more_counters[code]
            if count > 0:
                for channel in range(3):
                    top = (code >> (19 - 5 * channel)) & 31
                    colors[n_colors, channel] = top << 3 | ((code >> (6 - 3 * channel)) & 7)
                counts[n_colors] = count
                n_colors += 1
    return n_colors


@njit(nogil=True, cache=True)
def _look_up(pixels, table, out):  # type: ignore[no-untyped-def]
    for i in range(len(pixels)):
        out[i] = table[_code(pixels, i)]
