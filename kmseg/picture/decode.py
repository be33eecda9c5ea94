"""Probed bytes into pixels and mask: the only place where a decoder runs.

Pillow decodes, behind the checks of :mod:`kmseg.picture.probe`. OpenCV never sees a file, only
arrays: its decoders have crashed on crafted files, which ends the whole process.

Embedded colour profiles are ignored, so samples are taken for sRGB. Converting would hand
strangers' profiles to another parser written in C, and would change the numbers that OpenCV's and
other tools' readers, which ignore profiles too, give for the same file.
"""

from __future__ import annotations

import importlib
import io
import logging
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kmseg.errors import ImageError
from kmseg.picture.probe import BitFields, Header, Limits, bmp_stride, png_is_complete

if TYPE_CHECKING:
    from PIL import Image as Pillow

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

_PLUGINS = {
    "JPEG": "PIL.JpegImagePlugin",
    "PNG": "PIL.PngImagePlugin",
    "WebP": "PIL.WebPImagePlugin",
    "GIF": "PIL.GifImagePlugin",
    "BMP": "PIL.BmpImagePlugin",
    "TIFF": "PIL.TiffImagePlugin",
}


def decode(data: bytes, header: Header, limits: Limits) -> tuple[Pixels, Mask | None]:
    """Decode a file that :func:`kmseg.picture.probe.probe` passed as `header`, and turn it upright.

    Returns the pixels, and where they are not fully transparent (None: everywhere). Damage raises
    an ImageError, or whatever the decoder comes up with.
    """
    if header.bit_fields:
        strips = _bit_field_strips(data, header, header.bit_fields)
        return _assemble(header, (header.height, header.width), 1, strips)
    import PIL.Image

    importlib.import_module(_PLUGINS[header.format])
    _prepare_pillow(header, limits)
    with PIL.Image.open(io.BytesIO(data), formats=[header.format]) as picture:
        size = (header.width, header.height)
        # Pillow turns a TIFF upright by itself, and takes some phones' JPEG for an MPO.
        agrees = size == picture.size or (header.format == "TIFF" and size == picture.size[::-1])
        if not agrees or picture.format not in (header.format.upper(), "MPO"):
            raise ImageError(f"This {header.format} file contradicts itself; save it again.")
        picture.load()
        if _may_lack_rows(picture, header) and not png_is_complete(data, header):
            raise ImageError("This PNG file is cut short; try another copy of it.")
        shape, orientation = (picture.height, picture.width), _orientation(picture)
        return _assemble(header, shape, orientation, _pillow_strips(picture, header))


def _prepare_pillow(header: Header, limits: Limits) -> None:
    """Let a raised limit pass, and keep remarks on odd files off standard error.

    These are settings of the process. Each is set for good, in one step: to set and restore them
    around every decoding would not be safe with threads.
    """
    import PIL.Image

    guard = PIL.Image.MAX_IMAGE_PIXELS
    if guard is not None and guard < limits.max_pixels:
        PIL.Image.MAX_IMAGE_PIXELS = limits.max_pixels
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    logger = logging.getLogger("PIL")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    if header.format == "TIFF":
        _silence_libtiff()


def _silence_libtiff() -> None:
    """libtiff prints its errors itself, unless told not to; Pillow has no setting for it."""
    import ctypes

    import PIL._imaging

    for handler in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
        try:
            getattr(ctypes.CDLL(PIL._imaging.__file__), handler)(None)
        except (AttributeError, OSError):  # linked in a way that does not show the function
            return


def _may_lack_rows(picture: Pillow.Image, header: Header) -> bool:
    """Whether a PNG's last row is blank, as Pillow leaves rows that never came."""
    if header.format != "PNG" or header.interlaced:
        return header.interlaced
    last = picture.crop((0, picture.height - 1, picture.width, picture.height))
    return not any(last.tobytes())


def _orientation(picture: Pillow.Image) -> int:
    """How the picture lies, as its EXIF data says: 1 to 8 (CIPA DC-008, tag 274)."""
    try:
        return int(picture.getexif().get(274, 1))
    except Exception:  # broken EXIF says nothing about the pixels
        return 1


# -- from stored to upright, strip by strip: whole copies would multiply the memory ----------------

# How an upright array looks as it was stored: (reverse rows, reverse columns, then exchange them).
_ORIENTATIONS = {
    2: (False, True, False),
    3: (True, True, False),
    4: (True, False, False),
    5: (False, False, True),
    6: (False, True, True),
    7: (True, True, True),
    8: (True, False, True),
}
_STRIP_PIXELS = 1 << 20

# Colour (h, w, 3) or gray (h, w, 1), and where it is not transparent (None: everywhere).
_Strip = tuple[npt.NDArray[Any], Mask | None]


def _assemble(
    header: Header, shape: tuple[int, int], orientation: int, strips: Iterator[_Strip]
) -> tuple[Pixels, Mask | None]:
    rows, columns, exchange = _ORIENTATIONS.get(orientation, (False, False, False))

    def as_stored(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        array = array[:: -1 if rows else 1, :: -1 if columns else 1]
        return array.swapaxes(0, 1) if exchange else array

    upright = shape[::-1] if exchange else shape
    pixels = np.empty((*upright, 3), np.uint8)
    opaque: Mask | None = None
    top = 0
    for color, visible in strips:
        bottom = top + color.shape[0]
        as_stored(pixels)[top:bottom] = color
        if visible is not None:
            opaque = np.ones(upright, np.bool_) if opaque is None else opaque
            as_stored(opaque)[top:bottom] = visible
        top = bottom
    if header.format == "BMP" and opaque is not None and not opaque.any():
        opaque = None  # writers leave the fourth byte at 0 and mean nothing by it
    return pixels, opaque


def _spans(width: int, height: int) -> Iterator[tuple[int, int]]:
    n_rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, n_rows):
        yield top, min(top + n_rows, height)


def _bit_field_strips(data: bytes, header: Header, fields: BitFields) -> Iterator[_Strip]:
    """A BMP with stated masks: Pillow knows the common ones, any are allowed."""
    stride = bmp_stride(header.width, header.bits)
    size = header.width * header.bits // 8
    starts = range(fields.offset, fields.offset + stride * header.height, stride)
    order = starts if fields.top_down else starts[::-1]
    for top, bottom in _spans(header.width, header.height):
        rows = b"".join(data[start : start + size] for start in order[top:bottom])
        words = np.frombuffer(rows, f"<u{header.bits // 8}").reshape(-1, header.width)
        channels = [_bit_field(words, mask) for mask in fields.masks]
        alpha = fields.masks[3:] and fields.masks[3]
        yield np.stack(channels[:3], axis=2), channels[3] > 0 if alpha else None


def _bit_field(words: npt.NDArray[Any], mask: int) -> npt.NDArray[Any]:
    low = mask & -mask or 1
    values = (words & np.uint32(mask)) // np.uint32(low)
    spread: npt.NDArray[np.float64] = np.rint(values * (255.0 / max(1, mask // low)))
    return spread


# Modes that convert to colour, and to colour with alpha in one step or two.
_COLOR_MODES = ("CMYK", "YCbCr", "LAB", "RGBX")
_ALPHA_MODES = {"P": "P", "PA": "PA", "LA": "LA", "RGBA": "RGBA", "La": "LA", "RGBa": "RGBA"}


def _pillow_strips(picture: Pillow.Image, header: Header) -> Iterator[_Strip]:
    key = _transparent_color(picture, header)
    scale = _gray_scale(picture, header)
    for strip in _crops(picture):
        if strip.mode in _ALPHA_MODES:
            rgba = np.asarray(strip.convert(_ALPHA_MODES[strip.mode]).convert("RGBA"))
            yield rgba[..., :3], rgba[..., 3] > 0
        elif strip.mode in _COLOR_MODES:
            yield np.asarray(strip.convert("RGB")), None
        else:
            values = np.asarray(strip.convert("L") if strip.mode == "1" else strip)
            values = values.reshape(strip.height, strip.width, -1)
            visible = None if key is None else (values != key).any(axis=2)
            yield values if scale is None else _to_8_bits(values, *scale), visible


def _crops(picture: Pillow.Image) -> Iterator[Pillow.Image]:
    for top, bottom in _spans(picture.width, picture.height):
        yield picture.crop((0, top, picture.width, bottom))


def _to_8_bits(values: npt.NDArray[Any], black: float, white: float) -> npt.NDArray[Any]:
    low, high = sorted((black, white))
    values = np.clip(np.nan_to_num(values.astype(np.float64), nan=black), low, high)
    return np.rint((values - black) * 255 / (white - black))


def _gray_scale(picture: Pillow.Image, header: Header) -> tuple[float, float] | None:
    """The values that become 0 and 255, in gray of more than 8 bits."""
    if picture.mode.startswith("I;16"):
        black, white = 0.0, float((1 << min(header.bits, 16)) - 1)
    elif picture.mode in ("I", "F"):
        black, white = _value_range(picture)
    else:
        return None
    return (white, black) if header.white_is_zero else (black, white)


def _value_range(picture: Pillow.Image) -> tuple[float, float]:
    """Black and white of values that have no agreed range.

    The least of the usual whites (1, 8 bits, 16 bits) that no value exceeds, or else what there is.
    """
    low, high = np.inf, -np.inf
    for strip in _crops(picture):
        values = np.asarray(strip)
        values = values[np.isfinite(values)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    for white in (1.0, 255.0, 65535.0):
        if low >= 0 and high <= white:
            return 0.0, white
    return (low, high) if low < high else (0.0, 1.0)


def _transparent_color(picture: Pillow.Image, header: Header) -> npt.NDArray[np.int64] | None:
    """The one colour or gray that stands for transparent, as its samples come out of Pillow."""
    key = picture.info.get("transparency")
    if picture.mode not in ("1", "L", "RGB", "I;16") or not isinstance(key, (int, tuple)):
        return None
    values = np.atleast_1d(np.asarray(key, dtype=np.int64))
    if picture.mode == "RGB" and header.bits == 16:
        values = values >> 8  # Pillow keeps the upper bytes
    elif picture.mode == "L" and header.bits < 8 and values[0] < 1 << header.bits:
        values = values * 255 // ((1 << header.bits) - 1)  # Pillow spreads the samples, not the key
    return values
