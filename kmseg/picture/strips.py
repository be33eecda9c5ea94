"""What a decoder yields: a picture in strips of rows, so that no whole copy is ever made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from kmseg.picture.levels import Scale

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
# Colour (h, w, 3) or gray (h, w, 1) with values 0 to 255, and (h, w) alpha (None: opaque).
Strip = tuple[npt.NDArray[Any], npt.NDArray[np.uint8] | None]

_STRIP_PIXELS: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture, not yet turned upright.

    Parameters
    ----------
    width, height : int
        As stored.
    strips : iterator of Strip
        All rows as stored, from the first to the last.
    orientation : int
        How the rows lie: 1 to 8 as in EXIF (CIPA DC-008, tag 274); other values mean 1, upright.
    notes : tuple of str
        What was done to the values, one short line each.
    scale : Scale or None
        For gray of more than 8 bits: how levels map to the file's values.
    pixels_per_mm : float
        The scale that the file states; 0 if it states none.
    """

    width: int
    height: int
    strips: Iterator[Strip]
    orientation: int = 1
    notes: tuple[str, ...] = ()
    scale: Scale | None = None
    pixels_per_mm: float = 0.0


def row_ranges(width: int, height: int) -> Iterator[tuple[int, int]]:
    """First row and last row plus one of each strip."""
    n_rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, n_rows):
        yield top, min(top + n_rows, height)
