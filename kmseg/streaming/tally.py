"""Adds up the colours of a picture's parts."""

from __future__ import annotations

from typing import Final

import numpy as np

from kmseg.histogram import N_CODES, ColorHistogram, codes_of, colors_of

# Counters are read in blocks of this many, those without a colour not at all.
_BLOCK: Final = 1 << 15


class Tally:
    """Exact counts of the colours of any number of parts, in bounded memory: 8 bytes a code."""

    def __init__(self) -> None:
        self._counts = np.zeros(N_CODES, np.int64)
        self._used = np.zeros(N_CODES // _BLOCK, np.bool_)

    @property
    def is_empty(self) -> bool:
        """Whether no part was added."""
        return not self._used.any()

    def add(self, histogram: ColorHistogram) -> None:
        """Add the pixels of another part."""
        codes = codes_of(histogram.colors)
        self._counts[codes] += histogram.counts
        self._used[codes // _BLOCK] = True

    def histogram(self) -> ColorHistogram:
        """What :func:`kmseg.color_histogram` gives for the whole picture."""
        blocks = self._counts.reshape(-1, _BLOCK)
        found = [n * _BLOCK + np.flatnonzero(blocks[n]) for n in np.flatnonzero(self._used)]
        codes = np.concatenate(found)
        return ColorHistogram(colors_of(codes), self._counts[codes])
