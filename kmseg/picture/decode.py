"""Decodes a file whose header passed the checks, and turns the picture upright.

Pillow decodes, behind the checks of :mod:`kmseg.picture.probe`, unless a format has a decoder of
its own. OpenCV never sees a file, only arrays: its decoders have crashed on crafted files, which
ends the whole process.

Embedded colour profiles are converted to sRGB; without one, samples are taken for sRGB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from kmseg.picture import pillow
from kmseg.picture.formats import FORMATS
from kmseg.picture.levels import Scale
from kmseg.picture.limits import Limits
from kmseg.picture.probe import File
from kmseg.picture.strips import Decoded, Pixels

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


@dataclass(frozen=True, slots=True)
class Upright:
    """A decoded picture, turned upright.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W, 3)
        sRGB.
    alpha : ndarray of uint8, shape (H, W), or None
        0 transparent to 255 opaque; None if the file has no transparency.
    notes : tuple of str
        What was done to the values, one short line each.
    scale : Scale or None
        For gray of more than 8 bits: how levels map to the file's values.
    """

    pixels: Pixels
    alpha: Pixels | None
    notes: tuple[str, ...]
    scale: Scale | None


def decode(file: File, limits: Limits) -> Upright:
    """Decode a file that :func:`kmseg.picture.probe.open_file` accepted, and turn it upright.

    Raises
    ------
    ImageError
        The file contradicts its header or is cut short.
    Exception
        Decoders raise many other errors on damaged data.
    """
    format_ = FORMATS[file.header.format]
    decoded = format_.own_decoder(file.data, file.header) if format_.own_decoder else None
    if decoded is None:
        decoded = pillow.decode(file, format_, limits)
    pixels, alpha = _upright(decoded)
    if format_.zero_alpha_is_opaque and alpha is not None and not alpha.any():
        alpha = None
    notes = ((file.note,) if file.note else ()) + decoded.notes
    return Upright(pixels, alpha, notes, decoded.scale)


def _upright(decoded: Decoded) -> tuple[Pixels, Pixels | None]:
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
    alpha: Pixels | None = None
    top = 0
    for color, opacity in decoded.strips:
        bottom = top + color.shape[0]
        as_stored(pixels)[top:bottom] = color
        if opacity is not None:
            alpha = np.full(upright, 255, np.uint8) if alpha is None else alpha
            as_stored(alpha)[top:bottom] = opacity
        top = bottom
    return pixels, alpha
