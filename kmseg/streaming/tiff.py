"""The samples of any part of a page of a TIFF, whose tiles or strips are decoded one by one."""

from __future__ import annotations

import io
import logging
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from kmseg.errors import ImageError
from kmseg.picture.formats.base import refusal
from kmseg.picture.limits import Limits
from kmseg.picture.pillow import configure_pillow
from kmseg.streaming.claims import Claims

if TYPE_CHECKING:
    from PIL.TiffImagePlugin import TiffImageFile

Array = npt.NDArray[Any]

INSTALL: Final = 'pip install "tifffile>=2026.3" "imagecodecs>=2026.3"'
# The most bytes of one decoded tile or strip.
_MOST_BYTES: Final = 100_000_000
#: Sides of tiles are multiples of this: TIFF 6.0, section 15.
TILE_UNIT: Final = 16
_BITS: Final = (8, 16)
_EXTRA_SAMPLES, _ORIENTATION, _PREMULTIPLIED = 338, 274, (1,)
_COMPRESSION, _STRIP_OFFSETS, _ROWS, _LZW, _JPEG, _YCBCR = 259, 273, 278, 5, 7, 6
# Size, bits, photometric interpretation, orientation, samples, planes, palette, extra samples,
# sample format, colour profile and GDAL's nodata value.
_COPIED: Final = (256, 257, 258, 262, 274, 277, 284, 320, 338, 339, 34675, 42113)


class Region(NamedTuple):
    """A part of a picture: rows from ``top`` to before ``bottom``, columns likewise."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left


class Page:
    """A page of a TIFF, opened; parts of it may be read in several threads.

    Parameters
    ----------
    claims : Claims

    Raises
    ------
    ImageError
        A package is missing, or the page is damaged or of a kind that is not read in parts.
    Exception
        Other errors on damaged tags.
    """

    def __init__(self, claims: Claims) -> None:
        header = claims.header
        self._tiff = _tifffile().TiffFile(claims.path)
        page: Any = self._tiff.pages[claims.number]
        page.init_decode()
        self.pillow = _as_pillow_sees_it(page, (header.width, header.height))
        self._page = page
        self._file, self._lock = Path(claims.path).open("rb"), threading.Lock()  # noqa: SIM115
        self.width, self.height = header.width, header.height
        n_planes, depth, *size, self._n_contiguous = page.shaped
        if size != [self.height, self.width] or depth != 1:
            raise refusal("TIFF", "contradicts itself")
        self.n_samples = n_planes * self._n_contiguous
        self.is_planar = n_planes > 1
        self.dtype = np.dtype(page.dtype)
        self.is_tiled = bool(page.is_tiled)
        #: Height and width of a tile or strip.
        self.stored = (
            (int(page.tilelength), int(page.tilewidth))
            if self.is_tiled
            else (min(int(page.rowsperstrip), self.height), self.width)
        )
        self._down, self._across = (
            -(-side // part)
            for side, part in zip((self.height, self.width), self.stored, strict=True)
        )
        self._check_kind()
        self._check_data(claims.n_bytes, n_planes)

    def _check_kind(self) -> None:
        """Refuse what is not read in parts."""
        page, tags = self._page, self.pillow.tag_v2
        if self.dtype.kind not in "ui" or page.bitspersample not in _BITS:
            kind = "floating-point" if self.dtype.kind == "f" else f"{page.bitspersample}-bit"
            raise _unread(f"{kind} samples", "8 or 16 bits")
        if tags.get(_ORIENTATION, 1) not in (0, 1):
            raise _unread("rows that are turned by its orientation tag", "upright rows")
        if page.fillorder != 1:
            raise _unread("bytes whose bits are reversed (FillOrder 2)", "FillOrder 1")
        if page.photometric == _YCBCR and page.compression != _JPEG:
            raise _unread("YCbCr samples without JPEG compression", "RGB samples")
        if self.is_planar and tags.get(_EXTRA_SAMPLES) == _PREMULTIPLIED:
            raise _unread("channels stored apart, multiplied by alpha", "channels stored together")
        if self.is_tiled and any(side % TILE_UNIT for side in self.stored):
            raise _unread("tiles whose sides are no multiples of 16", "tiles of 256 x 256 pixels")
        in_parts = self.stored[0] * self.stored[1] * self._n_contiguous * self.dtype.itemsize
        if in_parts > _MOST_BYTES and not self.has_raw_rows:
            what = "tiles" if self.is_tiled else "strips"
            raise _unread(
                f"{what} of {in_parts / 1e6:,.0f} MB (at most {_MOST_BYTES / 1e6:g})",
                "tiles of 256 x 256 pixels",
            )

    def _check_data(self, n_bytes: int, n_planes: int) -> None:
        """Refuse a page with tiles or strips that do not lie within the file."""
        offsets = np.asarray(self._page.dataoffsets, np.uint64)
        counts = np.asarray(self._page.databytecounts, np.uint64)
        n_needed = self._down * self._across * n_planes
        if len(offsets) < n_needed or len(counts) < n_needed:
            raise refusal("TIFF", "is damaged: its strips do not cover the picture")
        offsets, counts = offsets[:n_needed], counts[:n_needed]
        if not counts.all():
            raise refusal("TIFF", "has tiles or strips without data")
        if (offsets > n_bytes).any() or (counts > n_bytes - offsets).any():
            raise refusal("TIFF", "is cut short: some of its tiles or strips are missing")
        self._offsets, self._counts = offsets, counts

    @cached_property
    def has_raw_rows(self) -> bool:
        """Whether single rows of a strip can be read."""
        page = self._page
        return not self.is_tiled and page.compression == 1 and page.predictor == 1

    def read(self, region: Region) -> Array:
        """The samples of a region.

        Returns
        -------
        ndarray of the file's type, in the machine's byte order, shape (h, w, S)

        Raises
        ------
        ImageError
            Data is damaged, or the file was changed while it was read.
        """
        found = np.empty((*region.shape, self.n_samples), self.dtype)
        height, width = self.stored
        for row in range(region.top // height, -(-region.bottom // height)):
            for column in range(region.left // width, -(-region.right // width)):
                for plane in range(self.n_samples // self._n_contiguous):
                    channels = slice(plane, plane + 1) if self.is_planar else slice(None)
                    self._fill(found[..., channels], region, (plane, row, column))
        return found

    def _fill(self, found: Array, region: Region, place: tuple[int, int, int]) -> None:
        """Copy what a tile or strip has of a region."""
        plane, row, column = place
        index = (plane * self._down + row) * self._across + column
        height, width = self.stored
        top, left = row * height, column * width
        first, last = max(region.top, top), min(region.bottom, top + height)
        begin, end = max(region.left, left), min(region.right, left + width)
        if self.has_raw_rows:
            part, top = self._raw_rows(index, first - top, last - top), first
        else:
            part = self._decoded(index)
        part = part[first - top : last - top, begin - left : end - left]
        into = found[
            first - region.top : last - region.top, begin - region.left : end - region.left
        ]
        if part.shape != into.shape:
            raise refusal("TIFF", "is damaged: a tile or strip is smaller than it should be")
        into[...] = part

    def _decoded(self, index: int) -> Array:
        data = self._bytes(int(self._offsets[index]), int(self._counts[index]))
        page = self._page
        tables = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}
        try:
            part = page.decode(data, index, **tables)[0]
            return np.asarray(part[0], self.dtype)
        except MemoryError:
            raise
        except Exception as error:  # decoders raise many kinds
            raise refusal("TIFF", "is damaged: a tile or strip cannot be decoded") from error

    def _raw_rows(self, index: int, first: int, last: int) -> Array:
        shape = last - first, self.width, self._n_contiguous
        n_bytes = self.width * self._n_contiguous * self.dtype.itemsize
        if last * n_bytes > self._counts[index]:
            raise refusal("TIFF", "is cut short: a strip is smaller than it should be")
        data = self._bytes(int(self._offsets[index]) + first * n_bytes, (last - first) * n_bytes)
        stored = self.dtype.newbyteorder(self._tiff.byteorder)
        rows: Array = np.frombuffer(data, stored).reshape(shape).astype(self.dtype, copy=False)
        return rows

    def _bytes(self, offset: int, n_bytes: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            data = self._file.read(n_bytes)
        if len(data) != n_bytes:
            raise ImageError("The file became shorter while it was read; try again.")
        return data


def _tifffile() -> Any:
    try:
        import imagecodecs  # noqa: F401
        import tifffile
    except ImportError as error:
        raise ImageError(
            f"Reading a picture part by part needs two more packages; install them by {INSTALL}"
        ) from error
    logger = logging.getLogger("tifffile")
    if not logger.handlers:  # otherwise its warnings go to standard error
        logger.addHandler(logging.NullHandler())
    return tifffile


def _as_pillow_sees_it(page: Any, size: tuple[int, int]) -> TiffImageFile:
    """A file with the page's tags and without its data, opened by Pillow.

    It tells how Pillow takes samples of this kind, whatever the order of bytes and the compression.
    """
    import PIL.Image
    from PIL import TiffImagePlugin

    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for code in _COPIED:
        if code in page.tags:
            value = page.tags[code].value
            is_text = isinstance(value, (bytes, str))
            tags[code] = value if is_text else tuple(np.ravel(value).tolist())
    is_ycbcr = page.photometric == _YCBCR
    tags[_COMPRESSION] = _JPEG if is_ycbcr else _LZW
    tags[_STRIP_OFFSETS], tags[_ROWS] = 0, size[1]
    file = io.BytesIO()
    tags.save(file)
    configure_pillow(Limits(max_pixels=size[0] * size[1]))
    try:
        picture = PIL.Image.open(file, formats=["TIFF"])
    except PIL.UnidentifiedImageError as error:
        raise refusal("TIFF", "has samples of a rare kind") from error
    assert isinstance(picture, TiffImagePlugin.TiffImageFile)
    return picture


def _unread(what: str, instead: str) -> ImageError:
    return ImageError(
        f"This TIFF file has {what}, which are not read part by part; save it with {instead}."
    )
