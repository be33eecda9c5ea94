"""Compact bytes of a segmentation's regions, which the page's browser lists and filters.

``ui/components/objects/unpack.js`` is the decoder; change both together.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from kmseg.regions import Regions

# Values are sent as whole numbers of these parts of a unit, which are the decimals of the CSV.
LENGTH_PARTS: Final = 1e4
ECCENTRICITY_PARTS: Final = 1e6


def pack_regions(regions: Regions) -> bytes:
    """Pack the columns of N regions.

    Returns
    -------
    bytes
        In the format of zlib (RFC 1950), arrays of N little-endian numbers:

        - float64: ``perimeter`` in ``LENGTH_PARTS``;
        - uint32: ``area``; row and column of ``centroid`` in ``LENGTH_PARTS``; ``eccentricity`` in
          ``ECCENTRICITY_PARTS``; red, green and blue of ``mean_color`` in ``LENGTH_PARTS``;
        - uint16: the four columns of ``bbox``;
        - uint8: ``cluster``; red, green and blue of ``mean_color``, rounded.
    """
    lengths = np.column_stack((regions.centroid, regions.mean_color)).T * LENGTH_PARTS
    row, column, *color = np.rint(lengths).astype("<u4")
    columns = [
        np.rint(regions.perimeter * LENGTH_PARTS).astype("<f8"),
        regions.area.astype("<u4"),
        row,
        column,
        np.rint(regions.eccentricity * ECCENTRICITY_PARTS).astype("<u4"),
        *color,
        *regions.bbox.T.astype("<u2"),
        regions.cluster.astype(np.uint8),
        *np.rint(regions.mean_color).T.astype(np.uint8),
    ]
    return zlib.compress(b"".join(each.tobytes() for each in columns), 1)


def pack_numbers(numbers: NDArray[np.int32]) -> bytes:
    """Pack the region of each pixel of a preview, from 1; 0 where there is none.

    Returns
    -------
    bytes
        In the format of zlib: uint32, little-endian, row by row, as differences from the pixel
        before.
    """
    flat = numbers.astype("<u4").ravel()
    return zlib.compress(np.diff(flat, prepend=np.uint32(0)).astype("<u4").tobytes(), 1)
