"""Pixel labels: the interface between clustering and everything that shows or saves a result.

Straight after clustering, all pixels of one colour have the same label (:class:`ByColor`). An
engine that visits pixels, and any later step that looks at where pixels lie, gives each pixel a
label of its own (:class:`ByPixel`). Previews, counts and files ask either kind in the same way.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from kmseg.histogram import ColorHistogram
from kmseg.parallel.compiled import compiled, read_only
from kmseg.parallel.threads import N_CORES, in_threads
from kmseg.picture.image import Image

Labels = NDArray[np.int16]
Indices = NDArray[np.intp]

Totals = tuple[NDArray[np.int64], NDArray[np.float64]]

# The label of a pixel that is ignored because it is transparent.
NO_CLUSTER: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class PixelGrid:
    """Evenly spaced pixels of a picture, such as those of a preview.

    Attributes
    ----------
    rows, columns : ndarray of intp, shapes (h,), (w,)
        Where they lie in the picture.
    colors : ndarray of int32, shape (h, w)
        Index of each pixel's colour in the picture's histogram; -1 where a pixel does not count.
    """

    rows: Indices
    columns: Indices
    colors: NDArray[np.int32]

    @classmethod
    def of(cls, image: Image, histogram: ColorHistogram, side: int) -> PixelGrid:
        """At most ``side`` pixels in each direction, in the proportions of the picture."""
        rows, columns = image.grid(side)
        return cls(rows, columns, histogram.numbers_at(image, rows, columns))


@dataclass(frozen=True, slots=True, eq=False)
class ByColor:
    """One label for each colour of a histogram.

    Attributes
    ----------
    histogram : ColorHistogram
    by_color : ndarray of int16, shape (U,)
    """

    histogram: ColorHistogram
    by_color: Labels

    def at(self, image: Image, rows: slice | Indices, columns: slice | Indices) -> Labels:
        """Labels of these rows and columns of the picture, shape (h, w)."""
        opaque = None if image.opaque is None else image.opaque[rows][:, columns]
        return self.histogram.values_at(image.pixels[rows][:, columns], self.by_color, opaque)

    def on(self, grid: PixelGrid) -> Labels:
        """Labels of a grid's pixels, shape (h, w); the picture itself is not needed."""
        return np.append(self.by_color, np.int16(NO_CLUSTER)).take(grid.colors)

    def renumbered(self, numbers: Labels) -> ByColor:
        """The same labels under other numbers: label ``k`` becomes ``numbers[k]``."""
        return ByColor(self.histogram, numbers[self.by_color])

    def totals(self, image: Image | None, n_clusters: int) -> Totals:
        """Pixels, shape (K,), and sum of the sRGB colours, shape (K, 3), of each cluster."""
        histogram = self.histogram
        return _totals(self.by_color, histogram.colors, histogram.counts, n_clusters)


@dataclass(frozen=True, slots=True, eq=False)
class ByPixel:
    """One label for each pixel.

    Attributes
    ----------
    labels : ndarray of int16, shape (H, W)
        -1 where a pixel does not count.
    by_color : ndarray of int16, shape (U,)
        For each colour of the histogram, the label of one of its pixels.
    """

    labels: Labels
    by_color: Labels

    @classmethod
    def of(cls, image: Image, histogram: ColorHistogram, counted: NDArray[np.int32]) -> ByPixel:
        """Labels of a picture from those of its pixels that count, shape (N,), in its order."""
        labels = np.full((image.height, image.width), NO_CLUSTER, np.int16)
        labels[_counting(image)] = counted
        by_color = np.empty(histogram.n_colors, np.int16)
        number = histogram.values_at(counted_pixels(image), np.arange(histogram.n_colors))
        by_color[number] = counted
        return cls(labels, by_color)

    def at(self, image: Image, rows: slice | Indices, columns: slice | Indices) -> Labels:
        """Labels of these rows and columns of the picture, shape (h, w)."""
        return self.labels[rows][:, columns]

    def on(self, grid: PixelGrid) -> Labels:
        """Labels of a grid's pixels, shape (h, w)."""
        return self.labels[grid.rows][:, grid.columns]

    def renumbered(self, numbers: Labels) -> ByPixel:
        """The same labels under other numbers: label ``k`` becomes ``numbers[k]``."""
        with_none = np.append(numbers, np.int16(NO_CLUSTER))
        return ByPixel(with_none[self.labels], numbers[self.by_color])

    def totals(self, image: Image | None, n_clusters: int) -> Totals:
        """Pixels, shape (K,), and sum of the sRGB colours, shape (K, 3), of each cluster."""
        if image is None:
            raise ValueError("labels of pixels have no colours without their picture")
        pixels, parts = image.pixels, range(N_CORES)
        rows = [image.height * i // N_CORES for i in range(N_CORES + 1)]
        counts, sums = np.zeros((N_CORES, n_clusters), np.int64), np.zeros((N_CORES, n_clusters, 3))

        def add_up(i: int) -> None:
            own = slice(rows[i], rows[i + 1])
            _add_up_pixels(read_only(self.labels[own]), read_only(pixels[own]), counts[i], sums[i])

        in_threads(add_up, parts)
        return counts.sum(axis=0), sums.sum(axis=0)


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """One label for each pixel, compressed: to about a fiftieth of :class:`ByPixel` after tidying.

    Attributes
    ----------
    strips : tuple of bytes
        ``STRIP`` rows each: labels + 1 as bytes, compressed by zlib.
    height, width : int
    by_color : ndarray of int16, shape (U,)
        As in :class:`ByPixel`.
    """

    STRIP: ClassVar = 64

    strips: tuple[bytes, ...]
    height: int
    width: int
    by_color: Labels

    @classmethod
    def of(cls, labeling: ByPixel) -> Packed:
        """Compress labels, at most 254."""
        labels = labeling.labels

        def pack(top: int) -> bytes:
            return zlib.compress((labels[top : top + cls.STRIP] + 1).astype(np.uint8).tobytes(), 1)

        strips = in_threads(pack, range(0, len(labels), cls.STRIP))
        height, width = labels.shape
        return cls(tuple(strips), height, width, labeling.by_color)

    def at(self, image: Image, rows: slice | Indices, columns: slice | Indices) -> Labels:
        """Labels of these rows and columns of the picture, shape (h, w)."""
        found: Labels = self._rows(np.arange(self.height)[rows])[:, columns]
        return found

    def on(self, grid: PixelGrid) -> Labels:
        """Labels of a grid's pixels, shape (h, w)."""
        found: Labels = self._rows(grid.rows)[:, grid.columns]
        return found

    def renumbered(self, numbers: Labels) -> ByPixel:
        """The same labels under other numbers: label ``k`` becomes ``numbers[k]``."""
        return ByPixel(self._rows(np.arange(self.height)), self.by_color).renumbered(numbers)

    def _rows(self, rows: Indices) -> Labels:
        """The labels of whole rows, ascending."""
        labels = np.empty((len(rows), self.width), np.int16)

        def unpack(number: int) -> None:
            first, last = np.searchsorted(rows, [number * self.STRIP, (number + 1) * self.STRIP])
            packed = np.frombuffer(zlib.decompress(self.strips[number]), np.uint8)
            own = packed.reshape(-1, self.width)[rows[first:last] - number * self.STRIP]
            np.subtract(own, 1, out=labels[first:last], dtype=np.int16)

        in_threads(unpack, np.unique(rows // self.STRIP).tolist())
        return labels


Labeling = ByColor | ByPixel | Packed


def counted_pixels(image: Image) -> NDArray[np.uint8]:
    """Colours of the pixels that count, shape (N, 3), in the picture's order."""
    return image.pixels[... if image.opaque is None else image.opaque].reshape(-1, 3)


def _counting(image: Image) -> NDArray[np.bool_]:
    """Which pixels count, shape (H, W)."""
    every = np.broadcast_to(np.True_, (image.height, image.width))
    return every if image.opaque is None else image.opaque


def _totals(
    labels: NDArray[np.signedinteger],
    colors: NDArray[np.uint8],
    counts: NDArray[np.int64],
    n_clusters: int,
) -> Totals:
    pixel_counts, sums = np.zeros(n_clusters, np.int64), np.zeros((n_clusters, 3))
    _add_up(labels, colors, counts, pixel_counts, sums)
    return pixel_counts, sums


@compiled()
def _add_up(labels, colors, counts, pixel_counts, sums):  # type: ignore[no-untyped-def]
    """Add the pixels of each cluster and their colours; whole numbers, so sums are exact."""
    for i in range(len(labels)):
        pixel_counts[labels[i]] += counts[i]
        for channel in range(3):
            sums[labels[i], channel] += counts[i] * colors[i, channel]


@compiled()
def _add_up_pixels(labels, pixels, pixel_counts, sums):  # type: ignore[no-untyped-def]
    """Likewise for the pixels of rows; those of no cluster are left out."""
    for r in range(labels.shape[0]):
        for c in range(labels.shape[1]):
            label = labels[r, c]
            if label >= 0:
                pixel_counts[label] += 1
                for channel in range(3):
                    sums[label, channel] += pixels[r, c, channel]
