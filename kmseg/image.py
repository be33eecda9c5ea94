"""Untrusted bytes or a path to :class:`Image`: the only place that decodes pictures.

Pillow decodes, behind the checks of :mod:`kmseg.probe`; OpenCV never sees a file, only arrays (its
decoders have crashed on crafted ones, which ends the whole process).

Embedded colour profiles are ignored, so samples are taken for sRGB. Converting would hand
strangers' profiles to another parser written in C, and would change the numbers that OpenCV's and
other tools' readers, which ignore profiles too, give for the same file.
"""

from __future__ import annotations

import importlib
import io
import logging
import operator
import os
import stat
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kmseg.errors import ImageError
from kmseg.probe import BitFields, Header, Limits, bmp_stride, png_is_complete, probe

if TYPE_CHECKING:
    from PIL import Image as Pillow

__all__ = ["Image", "read_image"]

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A picture, upright, with the pixels that count.

    Parameters
    ----------
    pixels : numpy.ndarray
        (H, W, 3) ``uint8``: sRGB. Kept as a read-only view, or as a copy if not contiguous.
    opaque : numpy.ndarray, optional
        (H, W) ``bool``: False where a pixel is fully transparent (alpha 0) and does not count.
        None means that every pixel counts; so does a mask without any False.

    Raises
    ------
    ImageError
        An array has another type or shape, or no pixel is opaque.
    """

    pixels: Pixels
    opaque: Mask | None = None

    def __post_init__(self) -> None:
        pixels, opaque = self.pixels, self.opaque
        if not _is_array(pixels, np.uint8, 3) or pixels.shape[2] != 3 or 0 in pixels.shape:
            raise ImageError(
                "A picture needs an array of uint8 with shape (height, width, 3), at least one "
                f"pixel in each direction; given was {_describe(pixels)}."
            )
        object.__setattr__(self, "pixels", _read_only(pixels))
        if opaque is None:
            return
        if not _is_array(opaque, np.bool_, 2) or opaque.shape != pixels.shape[:2]:
            raise ImageError(
                "A mask needs an array of bool with the picture's shape "
                f"{pixels.shape[:2]}; given was {_describe(opaque)}."
            )
        if not opaque.any():
            raise ImageError("Every pixel of the picture is transparent; there is nothing to see.")
        object.__setattr__(self, "opaque", None if opaque.all() else _read_only(opaque))

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return int(self.pixels.shape[0])

    @property
    def n_opaque(self) -> int:
        """How many pixels count."""
        if self.opaque is None:
            return self.width * self.height
        return int(np.count_nonzero(self.opaque))

    def resized(self, width: int) -> Image:
        """This picture at another width, averaged by area, its proportions kept.

        Parameters
        ----------
        width : int
            At least 1, or 0 to keep the size.

        Returns
        -------
        Image
            Height ``int(width / W * H)``, at least 1. Transparent pixels lend no colour to their
            neighbours, and a pixel counts if any part of it was opaque.

        Raises
        ------
        ImageError
            The width is not a whole number from 0, or the result would be too large.
        """
        try:
            width = operator.index(width)
        except TypeError:
            raise ImageError(f"A width is a whole number of pixels, not {width!r}.") from None
        if width < 0:
            raise ImageError(f"A width is at least 1, or 0 to keep the size; given was {width}.")
        if width in (0, self.width):
            return self
        size = (width, max(1, int(width / self.width * self.height)))
        Limits.from_environment().check_size(*size)
        import cv2

        if self.opaque is None:
            return Image(_uint8(cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA)))
        cover = cv2.resize(self.opaque.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        pixels = np.zeros((size[1], size[0], 3), np.uint8)
        for channel in range(3):  # one at a time: as floats, a large picture fills the memory
            premultiplied = np.multiply(self.pixels[..., channel], self.opaque, dtype=np.float32)
            total = cv2.resize(premultiplied, size, interpolation=cv2.INTER_AREA)
            mean = np.divide(total, cover, out=np.zeros_like(total), where=cover > 0)
            pixels[..., channel] = np.rint(np.clip(mean, 0, 255))
        return Image(pixels, np.asarray(cover > 0))


def read_image(source: str | os.PathLike[str] | bytes) -> Image:
    """Read a picture from a file or from its bytes.

    JPEG, PNG, WebP, GIF, BMP and TIFF, told apart by their content. The picture is turned upright
    as its EXIF orientation says; the first frame of an animation or page of a document is read;
    gray values of more than 8 bits are scaled to 8, never clipped.

    Parameters
    ----------
    source : str, os.PathLike or bytes
        A path, or a whole file.

    Returns
    -------
    Image

    Raises
    ------
    ImageError
        The file cannot be read, is of another format, too large, damaged or cut short. The message
        is one line of plain text.
    KmsegError
        ``KMSEG_MAX_MEGAPIXELS`` is set to something that is not a limit.
    """
    limits = Limits.from_environment()
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    elif isinstance(source, (str, os.PathLike)):
        data = _read_file(source, limits)
    else:
        raise ImageError(f"A picture is a path or bytes, not {type(source).__name__}.")
    header = probe(data, limits)
    try:
        return _decode(data, header, limits)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError("The picture needs more memory than there is; make it smaller.") from error
    # Decoders meet damage that nobody thought of, and then raise whatever comes: ValueError,
    # SyntaxError, struct.error, ZeroDivisionError. To the visitor it is all the same.
    except Exception as error:
        raise ImageError(
            f"This {header.format} file cannot be decoded: it is damaged, cut short or of a rare "
            "kind; try another copy of it, or save it again as PNG or JPEG."
        ) from error


# -- arrays ----------------------------------------------------------------------------------------


def _is_array(array: object, dtype: type[np.generic], n_dimensions: int) -> bool:
    return isinstance(array, np.ndarray) and array.dtype == dtype and array.ndim == n_dimensions


def _describe(array: object) -> str:
    if isinstance(array, np.ndarray):
        return f"an array of {array.dtype} with shape {array.shape}"
    return type(array).__name__


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    view = np.ascontiguousarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view


def _uint8(array: npt.ArrayLike) -> Pixels:
    return np.asarray(array, dtype=np.uint8)


# -- files -----------------------------------------------------------------------------------------


def _read_file(path: str | os.PathLike[str], limits: Limits) -> bytes:
    text = os.fsdecode(path)
    name = repr(text if len(text) <= 80 else f"{text[:40]}...{text[-37:]}")
    try:
        status = Path(text).stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{name} is a folder; give the path of a picture in it.")
        if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device may never end
            raise ImageError(f"{name} is not a file; give the path of a picture.")
        limits.check_file_size(status.st_size)
        with Path(text).open("rb") as file:
            return file.read(limits.max_bytes + 1)
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {name}; check the path.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the path is not valid"
        raise ImageError(f"{name} cannot be read ({reason}); check the path.") from error


# -- decoding --------------------------------------------------------------------------------------

_PLUGINS = {
    "JPEG": "PIL.JpegImagePlugin",
    "PNG": "PIL.PngImagePlugin",
    "WebP": "PIL.WebPImagePlugin",
    "GIF": "PIL.GifImagePlugin",
    "BMP": "PIL.BmpImagePlugin",
    "TIFF": "PIL.TiffImagePlugin",
}


def _decode(data: bytes, header: Header, limits: Limits) -> Image:
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
) -> Image:
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
    return Image(pixels, opaque)


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
