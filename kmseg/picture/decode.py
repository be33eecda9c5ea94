"""Decoding of a file whose header passed the checks, and turning the picture upright.

Pillow decodes, behind the checks of :mod:`kmseg.picture.probe`, unless a format has a decoder of
its own. OpenCV never sees a file, only arrays: its decoders have crashed on crafted files, which
ends the whole process.

Embedded colour profiles are converted to sRGB; without one, samples are taken for sRGB.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from kmseg.picture import pillow
from kmseg.picture.formats import FORMATS
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


def decode(file: File, limits: Limits) -> Decoded:
    """Decode a file that :func:`kmseg.picture.probe.open_file` accepted.

    Raises
    ------
    ImageError
        The file contradicts its header or is cut short.
    Exception
        Decoders raise many other errors on damaged data, also while the strips are taken.
    """
    format_ = FORMATS[file.header.format]
    decoded = format_.own_decoder(file.data, file.header) if format_.own_decoder else None
    if decoded is None:
        decoded = pillow.decode(file, format_, limits)
    return replace(decoded, notes=(*filter(None, [file.note]), *decoded.notes))


def upright(decoded: Decoded) -> tuple[Pixels, Pixels | None]:
    """Write the strips into upright arrays through views of these as stored.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        sRGB.
    ndarray of uint8, shape (H, W), or None
        Alpha, 0 transparent to 255 opaque; None if no strip has any.
    """
    flip_rows, flip_columns, transpose = _ORIENTATIONS.get(
        decoded.orientation, (False, False, False)
    )

    def as_stored(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        array = array[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
        return array.swapaxes(0, 1) if transpose else array

    shape = decoded.height, decoded.width
    size = shape[::-1] if transpose else shape
    pixels = np.empty((*size, 3), np.uint8)
    alpha: Pixels | None = None
    top = 0
    for color, opacity in decoded.strips:
        bottom = top + color.shape[0]
        as_stored(pixels)[top:bottom] = color
        if opacity is not None:
            alpha = np.full(size, 255, np.uint8) if alpha is None else alpha
            as_stored(alpha)[top:bottom] = opacity
        top = bottom
    return pixels, alpha
