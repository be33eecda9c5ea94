"""``LargePicture``: a picture on disk, whose parts are converted as pictures in memory are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final

from kmseg.errors import ImageError
from kmseg.picture.convert import DeepSamples
from kmseg.picture.decode import upright
from kmseg.picture.formats.base import refusal
from kmseg.picture.image import HALF_OPAQUE
from kmseg.picture.levels import Scale
from kmseg.picture.limits import DEFAULT_LIMITS, Limits
from kmseg.picture.origin import Origin
from kmseg.picture.probe import DEFAULT_READING
from kmseg.picture.reading import Reading
from kmseg.picture.strips import Decoded, Mask, Pixels, Strip
from kmseg.picture.survey import Samples, Survey
from kmseg.streaming.claims import Claims, find_claims
from kmseg.streaming.samples import PageSamples
from kmseg.streaming.tiff import TILE_UNIT, Page, Region

# Pixels of a part: so many that what is done once for a part takes little of the time.
_REGION_PIXELS: Final = 1 << 23
# Rows and columns of the tiles of label pictures, if the picture is stored in strips; fewer rows if
# it is very wide.
_TILE: Final = 256
# A compressed strip is decoded for each part that it lies in, so parts are so many strips high.
_STRIPS: Final = 2


@dataclass(frozen=True, slots=True)
class LargePicture:
    """A page of a TIFF; it can be sent to other processes that have access to the file.

    Parameters
    ----------
    claims : Claims
    scale : Scale, optional
        For more than 8 bits: how values become levels, once it is known.
    largest_alpha : int
        For more than 8 bits: the largest value of alpha.
    """

    claims: Claims
    scale: Scale | None = None
    largest_alpha: int = 0

    def open(self) -> None:
        """Open the file; raises ``ImageError`` if it cannot be read part by part."""
        _opened(self.claims)

    @property
    def width(self) -> int:
        """In pixels."""
        return self.claims.header.width

    @property
    def height(self) -> int:
        """In pixels."""
        return self.claims.header.height

    @property
    def tile(self) -> tuple[int, int]:
        """Height and width of the tiles of label pictures."""
        page = _opened(self.claims)[0]
        if page.is_tiled:
            return page.stored
        rows = _REGION_PIXELS // self.width // TILE_UNIT * TILE_UNIT
        return min(max(rows, TILE_UNIT), _TILE), _TILE

    @property
    def deep(self) -> Samples | None:
        """What the samples are, if they have more than 8 bits and all of them count."""
        return _opened(self.claims)[1].deep

    def regions(self) -> list[Region]:
        """The parts, each of whole tiles of label pictures, in the order of these tiles."""
        page, (height, width) = _opened(self.claims)[0], self.tile
        rows, columns = _REGION_PIXELS // self.width // height * height, self.width
        if rows == 0:
            rows = height
            if page.is_tiled:
                columns = max(width, _REGION_PIXELS // height // width * width)
        if not (page.is_tiled or page.has_raw_rows):
            rows = max(rows, -(-_STRIPS * page.stored[0] // height) * height)
        corners = product(range(0, self.height, rows), range(0, self.width, columns))
        return [
            Region(y, min(y + rows, self.height), x, min(x + columns, self.width))
            for y, x in corners
        ]

    def survey(self, region: Region) -> tuple[Survey, int]:
        """Statistics of the values of a part, and its largest alpha."""
        page, samples = _opened(self.claims)
        return samples.survey(page.read(region), self.width * self.height)

    def pixels(self, region: Region) -> tuple[Pixels, Mask | None, int]:
        """A part as sRGB.

        Returns
        -------
        ndarray of uint8, shape (h, w, 3)
        ndarray of bool, shape (h, w), or None
            Which pixels count; None if all do.
        int
            Pixels without a value, of samples of 8 bits.
        """
        page, samples = _opened(self.claims)
        values, n_missing = page.read(region), 0
        if samples.is_srgb:
            return values, None, 0

        def strips() -> Iterator[Strip]:
            nonlocal n_missing
            if self.scale is not None:
                yield from samples.deep_strips(values, self._conversion(samples, self.scale))
                return
            for strip, missing in samples.plain_strips(values):
                n_missing += missing
                yield strip

        height, width = region.shape
        pixels, alpha = upright(Decoded(width, height, strips()))
        return pixels, None if alpha is None else alpha >= HALF_OPAQUE, n_missing

    def origin(self, n_missing: int) -> Origin:
        """What was read; ``n_missing`` pixels of 8 bits have no value."""
        samples = _opened(self.claims)[1]
        if self.scale is None:
            notes, scale = samples.notes(n_missing), None
        else:
            notes = self._conversion(samples, self.scale).notes
            scale = self.scale.bare if samples.is_gray else None
        notes = (*filter(None, [self.claims.note]), *notes)
        return Origin(self.width, self.height, notes, scale, self.claims.reading)

    def _conversion(self, samples: PageSamples, scale: Scale) -> DeepSamples:
        return samples.conversion(scale, self.largest_alpha)


def open_large(
    path: str | os.PathLike[str],
    limits: Limits = DEFAULT_LIMITS,
    reading: Reading = DEFAULT_READING,
) -> LargePicture:
    """Open a TIFF of any size that ``limits`` allow; no sample is decoded yet.

    Raises
    ------
    ImageError
        The file is no TIFF, too large, damaged, of a kind that is not read in parts, or a package
        is missing.
    OSError
        The file cannot be read.
    """
    claims = find_claims(path, limits, reading)
    if claims is None:
        raise ImageError("Only TIFF files are read part by part; save the picture as TIFF.")
    picture = LargePicture(claims)
    picture.open()
    return picture


@lru_cache(maxsize=2)
def _opened(claims: Claims) -> tuple[Page, PageSamples]:
    """The page, opened once in each process."""
    try:
        page = Page(claims)
        return page, PageSamples(page, claims.header.white_is_zero)
    except (ImageError, OSError, MemoryError):
        raise
    except Exception as error:  # damaged tags are taken for anything
        raise refusal("TIFF", "is damaged or of a rare kind") from error
