"""Untrusted bytes or a path to :class:`Image`: the only way in for pictures.

:mod:`kmseg.picture.probe` checks what the bytes claim to be, then :mod:`kmseg.picture.decode`
decodes them.
"""

from __future__ import annotations

import operator
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kmseg.errors import ImageError
from kmseg.picture.decode import Mask, Pixels, decode
from kmseg.picture.probe import Limits, probe

__all__ = ["Image", "read_image"]


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

    def grid(self, side: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Rows and columns of evenly spaced pixels, at most ``side`` of each, or of all.

        Returns
        -------
        ndarray of intp, shape (h,)
        ndarray of intp, shape (w,)
            Their proportions are the picture's.
        """
        scale = min(1.0, side / max(self.width, self.height))
        sides = [(n, max(1, round(n * scale))) for n in (self.height, self.width)]
        rows, columns = (((np.arange(n) + 0.5) * of / n).astype(np.intp) for of, n in sides)
        return rows, columns

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
        return Image(*decode(data, header, limits))
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
