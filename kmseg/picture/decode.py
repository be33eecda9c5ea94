"""Decodes a file whose header passed the checks, and turns the picture upright.

Pillow decodes, behind the checks of :mod:`kmseg.picture.probe`, unless a format has a decoder of
its own. OpenCV never sees a file, only arrays: its decoders have crashed on crafted files, which
ends the whole process.

Embedded colour profiles are ignored, so samples are taken for sRGB. A conversion would hand
untrusted profiles to another parser written in C, and would give other numbers than OpenCV and
other readers, which ignore profiles too, give for the same file.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from kmseg.picture import pillow
from kmseg.picture.formats import FORMATS
from kmseg.picture.formats.base import Header
from kmseg.picture.limits import Limits
from kmseg.picture.strips import Decoded, Mask, Pixels

# How an upright array is viewed as stored, by EXIF orientation: whether to reverse the rows,
# whether to reverse the columns, and whether to transpose after that.
_ORIENTATIONS: Final = {
    2: (False, True, False),
    3: (True, True, False),
    4: (True, False, False),
    5: (False, False, True),
    6: (False, True, True),
    7: (True, True, True),
    8: (True, False, True),
}


def decode(data: bytes, header: Header, limits: Limits) -> tuple[Pixels, Mask | None]:
    """Decode a file that :func:`kmseg.picture.probe.probe` accepted, and turn it upright.

    Parameters
    ----------
    data : bytes
        The whole file.
    header : Header
        What ``probe`` returned for it.
    limits : Limits
        The limits that it was probed with.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        sRGB.
    ndarray of bool, shape (H, W), or None
        False where a pixel is fully transparent; None if the file has no transparency.

    Raises
    ------
    ImageError
        The file contradicts its header or is cut short.
    Exception
        Decoders raise many other errors on damaged data.
    """
    format_ = FORMATS[header.format]
    decoded = format_.own_decoder(data, header) if format_.own_decoder else None
    if decoded is None:
        decoded = pillow.decode(data, header, format_, limits)
    pixels, opaque = _upright(decoded)
    if format_.zero_alpha_is_opaque and opaque is not None and not opaque.any():
        opaque = None
    return pixels, opaque


def _upright(decoded: Decoded) -> tuple[Pixels, Mask | None]:
    """Write the strips into upright arrays through views of these as stored."""
    flip_rows, flip_columns, transpose = _ORIENTATIONS.get(
        decoded.orientation, (False, False, False)
    )

    def as_stored(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        array = array[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
        return array.swapaxes(0, 1) if transpose else array

    shape = decoded.height, decoded.width
    upright = shape[::-1] if transpose else shape
    pixels = np.empty((*upright, 3), np.uint8)
    opaque: Mask | None = None
    top = 0
    for color, visible in decoded.strips:
        bottom = top + color.shape[0]
        as_stored(pixels)[top:bottom] = color
        if visible is not None:
            opaque = np.ones(upright, np.bool_) if opaque is None else opaque
            as_stored(opaque)[top:bottom] = visible
        top = bottom
    return pixels, opaque
