"""Adds up the colours of many pictures, or of the parts of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from kmseg.errors import ImageError
from kmseg.histogram import N_CODES, ColorHistogram, codes_of, colors_of

# Counters are read in blocks of this many, those without a colour not at all.
_BLOCK: Final = 1 << 15


class Tally:
    """Exact counts of the colours of any number of parts, in 128 MB: 8 bytes a colour."""

    def __init__(self) -> None:
        self._counts = np.zeros(N_CODES, np.int64)
        self._used = np.zeros(N_CODES // _BLOCK, np.bool_)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was added."""
        return not self._used.any()

    def add(self, histogram: ColorHistogram) -> None:
        """Add the pixels of another part."""
        codes = codes_of(histogram.colors)
        np.add.at(self._counts, codes.astype(np.intp), histogram.counts)
        self._used[codes // _BLOCK] = True

    def histogram(self) -> ColorHistogram:
        """What :func:`kmseg.color_histogram` gives for all of it; there is at least one pixel."""
        blocks = self._counts.reshape(-1, _BLOCK)
        found = [n * _BLOCK + np.flatnonzero(blocks[n]) for n in np.flatnonzero(self._used)]
        codes = np.concatenate(found)
        return ColorHistogram(colors_of(codes), self._counts[codes])


def pooled(histograms: Iterable[ColorHistogram]) -> ColorHistogram:
    """Add histograms: that of all their pictures' opaque pixels taken together.

    A fit on it, ``segment(pooled(histograms), settings)``, is that on all these pixels, and its
    ``codebook`` is one palette for all the pictures. Only pictures that were read with the same
    levels should be pooled.

    Parameters
    ----------
    histograms : iterable of ColorHistogram
        At least one; without any, ``ImageError`` is raised.
    """
    tally = Tally()
    for histogram in histograms:
        tally.add(histogram)
    if tally.is_empty:
        raise ImageError("histograms: must be at least one, not none; give some pictures")
    return tally.histogram()
