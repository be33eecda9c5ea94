"""Reads a picture from untrusted bytes or a path: the package decodes pictures nowhere else.

:mod:`kmseg.picture.probe` checks what the bytes claim to be, then :mod:`kmseg.picture.decode`
decodes them.
"""

from __future__ import annotations

import operator
import os
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from kmseg.errors import ImageError
from kmseg.picture import arrays
from kmseg.picture.decode import decode, upright
from kmseg.picture.formats import FORMATS
from kmseg.picture.levels import Scale
from kmseg.picture.limits import DEFAULT_LIMITS, Limits
from kmseg.picture.paths import read_file
from kmseg.picture.probe import DEFAULT_READING, File, open_file
from kmseg.picture.reading import Reading
from kmseg.picture.roi import Region, digest_of, format_region, mask_of
from kmseg.picture.strips import Mask, Pixels

HALF_OPAQUE: Final = 128  # of 255
ALL_TRANSPARENT: Final = "Every pixel of the picture is transparent; there is nothing to see."
OUT_OF_MEMORY: Final = "The picture needs more memory than there is; make it smaller."


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """An upright picture, which of its pixels count, and what was done to read it.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W, 3)
        sRGB. Stored as a read-only view, or as a copy if not contiguous.
    opaque : ndarray of bool, shape (H, W), optional
        False where a pixel does not count: it belongs to no cluster. None means that every pixel
        counts; a mask without any False becomes None. With `alpha` a pixel counts if it is at least
        half opaque as well, 128 of 255.
    alpha : ndarray of uint8, shape (H, W), optional
        0 transparent to 255 opaque; None without transparency. Pixels without a value, such as
        NaN, have alpha 0.
    notes : tuple of str
        What was done to the file's values, one short line each:
        ``("page 1 of 3", "16-bit, 150 to 420 shown as 0 to 255")``.
    scale : Scale, optional
        For gray of more than 8 bits: ``scale.to_units(levels)`` gives the file's own values.
    reading : Reading
        How the file was read; reading it so again gives the same picture.
    pixels_per_mm : float
        The scale that the file states, see :mod:`kmseg.picture.resolution`; 0 if it states none.

    Raises
    ------
    ImageError
        An array has another type or shape, or no pixel is opaque.
    """

    pixels: Pixels
    opaque: Mask | None = None
    alpha: Pixels | None = None
    notes: tuple[str, ...] = ()
    scale: Scale | None = None
    reading: Reading = DEFAULT_READING
    pixels_per_mm: float = 0.0

    def __post_init__(self) -> None:
        pixels, opaque, alpha = self.pixels, self.opaque, self.alpha
        if alpha is not None:
            if not arrays.is_array(alpha, np.uint8, 2) or alpha.shape != pixels.shape[:2]:
                raise ImageError(
                    "An alpha channel needs an array of uint8 with the picture's shape "
                    f"{pixels.shape[:2]}; given was {arrays.describe(alpha)}."
                )
            seen = alpha >= HALF_OPAQUE
            opaque = seen if opaque is None else seen & opaque
            object.__setattr__(self, "opaque", opaque)
            object.__setattr__(
                self, "alpha", None if alpha.min() == 255 else arrays.read_only(alpha)
            )
        if not arrays.is_array(pixels, np.uint8, 3) or pixels.shape[2] != 3 or 0 in pixels.shape:
            raise ImageError(
                "A picture needs an array of uint8 with shape (height, width, 3), at least one "
                f"pixel in each direction; given was {arrays.describe(pixels)}."
            )
        object.__setattr__(self, "pixels", arrays.read_only(pixels))
        if opaque is None:
            return
        if not arrays.is_array(opaque, np.bool_, 2) or opaque.shape != pixels.shape[:2]:
            raise ImageError(
                "A mask needs an array of bool with the picture's shape "
                f"{pixels.shape[:2]}; given was {arrays.describe(opaque)}."
            )
        if not opaque.any():
            raise ImageError(ALL_TRANSPARENT)
        object.__setattr__(self, "opaque", None if opaque.all() else arrays.read_only(opaque))

    @property
    def width(self) -> int:
        """W, in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """H, in pixels."""
        return int(self.pixels.shape[0])

    def grid(self, side: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Rows and columns of evenly spaced pixels.

        Parameters
        ----------
        side : int
            The greatest number of rows and of columns, at least 1.

        Returns
        -------
        ndarray of intp, shape (h,)
            Rows.
        ndarray of intp, shape (w,)
            Columns; h and w have the picture's proportions.
        """
        scale = min(1.0, side / max(self.width, self.height))
        sides = [(n, max(1, round(n * scale))) for n in (self.height, self.width)]
        rows, columns = (((np.arange(n) + 0.5) * of / n).astype(np.intp) for of, n in sides)
        return rows, columns

    def within(self, region: Region) -> Image:
        """The picture of which only the pixels inside a region of :class:`Reading` count.

        Raises ``ImageError`` if no pixel that counts is inside.
        """
        if not region:
            return self
        inside = mask_of(region, self.width, self.height)
        opaque = inside if self.opaque is None else inside & self.opaque
        if not opaque.any():
            raise ImageError(
                f"No pixel inside the region {format_region(region)} of this picture of "
                f"{self.width} x {self.height} pixels can be clustered; choose another region."
            )
        return replace(self, opaque=opaque, reading=replace(self.reading, region=region))

    def masked(self, mask: Mask) -> Image:
        """The picture of which only the pixels under a mask count; others become transparent.

        Parameters
        ----------
        mask : ndarray of bool, shape (H, W)

        Raises
        ------
        ImageError
            The mask has another size, or no pixel that counts is under it.
        """
        if not arrays.is_array(mask, np.bool_, 2) or mask.shape != self.pixels.shape[:2]:
            raise ImageError(
                f"A mask must have the picture's size of {self.width} x {self.height} pixels; "
                f"given was {arrays.describe(mask)}."
            )
        if not (mask if self.opaque is None else mask & self.opaque).any():
            raise ImageError("No pixel under the mask can be clustered; use another mask.")
        shown = self.alpha_shown
        alpha = mask * (np.uint8(255) if shown is None else arrays.as_alpha(shown))
        reading = replace(self.reading, mask=digest_of(mask))
        return replace(self, alpha=arrays.uint8(alpha), reading=reading)

    def resized(self, width: int) -> Image:
        """Resample to another width by area averaging; the proportions are kept.

        Parameters
        ----------
        width : int
            In pixels, at least 1; or 0 to keep the size.

        Returns
        -------
        Image
            Its height is ``int(width / W * H)``, at least 1. Colours are averaged with their alpha
            as weights. With `alpha` the average alpha decides which pixels count; with `opaque`
            alone a pixel counts if any part of it did. A region is scaled.

        Raises
        ------
        ImageError
            The width is not a whole number of at least 0, the result would be larger than both
            this picture and the default :class:`~kmseg.picture.limits.Limits`, or none of its
            pixels would count.
        """
        try:
            width = operator.index(width)
        except TypeError:
            raise ImageError(f"A width is a whole number of pixels, not {width!r}.") from None
        if width < 0:
            raise ImageError(f"A width is at least 1, or 0 to keep the size; given was {width}.")
        if width in (0, self.width):
            return self
        if width > self.width:
            DEFAULT_LIMITS.check_enlarged(width, self._height_at(width))
        pixels, alpha = self.averaged(width)
        opaque = None
        if self.reading.region:
            height = len(pixels)
            scale = width / self.width, height / self.height
            opaque = mask_of(self.reading.region, width, height, scale)
            if not opaque.any():
                raise ImageError(f"The region has no pixel at a width of {width}; enlarge it.")
        elif self.alpha is None and alpha is not None:
            opaque, alpha = alpha > 0, None
        per_mm = self.pixels_per_mm * width / self.width
        return replace(self, pixels=pixels, opaque=opaque, alpha=alpha, pixels_per_mm=per_mm)

    def averaged(
        self, width: int, rows: slice = slice(None), columns: slice = slice(None)
    ) -> tuple[Pixels, Pixels | None]:
        """Pixels of another width and their alpha, to be shown: none of them need count.

        Parameters
        ----------
        width : int
            In pixels, at least 1.
        rows, columns : slice
            The part of the picture that is taken.

        Returns
        -------
        ndarray of uint8, shape (h, width, 3)
        ndarray of uint8, shape (h, width), or None
            For a picture with `opaque` alone above 0 wherever any part counts. What is outside a
            region is shown all the same.
        """
        pixels = self.pixels[rows, columns]
        weights = self.alpha_shown
        weights = None if weights is None else weights[rows, columns]
        size = width, max(1, int(width / pixels.shape[1] * pixels.shape[0]))
        if width == pixels.shape[1]:
            return pixels, None if weights is None else arrays.uint8(arrays.as_alpha(weights))
        pixels, cover = arrays.averaged(pixels, weights, size)
        if cover is None:
            return pixels, None
        if self.alpha is None:
            return pixels, arrays.uint8(np.ceil(np.clip(255 * cover, 0, 255)))
        return pixels, arrays.uint8(np.rint(cover))

    @property
    def alpha_shown(self) -> Mask | Pixels | None:
        """``alpha``, or ``opaque`` without it: what is outside a region is not transparent."""
        if self.alpha is not None or self.reading.region:
            return self.alpha
        return self.opaque

    def _height_at(self, width: int) -> int:
        return max(1, int(width / self.width * self.height))


def read_image(
    source: str | os.PathLike[str] | bytes,
    *,
    limits: Limits = DEFAULT_LIMITS,
    reading: Reading = DEFAULT_READING,
) -> Image:
    """Read a picture from a file or from its bytes.

    The content, not the name, determines the format: one of :mod:`kmseg.picture.formats`. The
    picture is turned upright by its EXIF orientation, and an embedded colour profile is converted
    to sRGB. What was done to the file's values is told by the picture's ``notes``.

    Parameters
    ----------
    source : str, os.PathLike or bytes
        A path, or a whole file.
    limits : Limits
        The largest picture that is read.
    reading : Reading
        Which frame or page is read, by default the first; and which of the file's values become
        black and white if it has more than 8 bits, by default those of
        :mod:`kmseg.picture.levels`; and the region of interest.

    Returns
    -------
    Image

    Raises
    ------
    ImageError
        The file cannot be read, is of another format, too large, damaged or cut short. The message
        is one line of plain text.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    elif isinstance(source, (str, os.PathLike)):
        data = read_file(source, limits)
    else:
        raise ImageError(f"A picture is a path or bytes, not {type(source).__name__}.")
    if reading.mask:
        raise ImageError("A reading does not hold its mask: read without it, then use masked().")
    file = open_file(data, limits, reading)
    if FORMATS[file.header.format].only_apart:
        from kmseg.picture.apart import read_image_apart

        return read_image_apart(data, limits=limits, reading=reading)
    return decode_image(file, limits)


def decode_image(file: File, limits: Limits) -> Image:
    """The picture in a file that :func:`kmseg.picture.probe.open_file` accepted.

    Raises
    ------
    ImageError
        The file is damaged, cut short or fully transparent, or memory runs out.
    """
    try:
        decoded = decode(file, limits)
        pixels, alpha = upright(decoded)
        is_blank = alpha is not None and not alpha.any()
        if is_blank and FORMATS[file.header.format].zero_alpha_is_opaque:
            alpha = None
        return Image(
            pixels,
            alpha=alpha,
            notes=decoded.notes,
            scale=decoded.scale,
            reading=file.reading.whole,
            pixels_per_mm=decoded.pixels_per_mm,
        ).within(file.reading.region)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(OUT_OF_MEMORY) from error
    # On damaged data decoders raise ValueError, SyntaxError, struct.error, ZeroDivisionError and
    # others. All mean the same to a user.
    except Exception as error:
        raise ImageError(
            f"This {file.header.format} file cannot be decoded: it is damaged, cut short or of a "
            "rare kind; try another copy of it, or save it again as PNG or JPEG."
        ) from error
