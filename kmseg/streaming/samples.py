"""How a page's samples become sRGB: as Pillow and :mod:`kmseg.picture.convert` take them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from kmseg.picture.convert import UPPER_BYTES, DeepSamples, PlainSamples, gray_samples
from kmseg.picture.deep import alpha_white
from kmseg.picture.levels import Scale, parse_nodata
from kmseg.picture.strips import Strip, row_ranges
from kmseg.picture.survey import Samples, Survey
from kmseg.streaming.tiff import Page

if TYPE_CHECKING:
    import PIL.Image

Array = npt.NDArray[Any]

# How Pillow calls colour of 16 bits of which it decodes the lower bytes too.
_DEEP: Final = ("RGB", "RGBX", "RGBA")
_NODATA, _N_COLORS = 42113, 3


class PageSamples:
    """The samples of a page.

    Parameters
    ----------
    page : Page
    white_is_zero : bool
        Gray counts down from white.
    """

    def __init__(self, page: Page, white_is_zero: bool) -> None:
        picture = page.pillow
        self._mode, self._palette = picture.mode, picture.palette
        self._profile: bytes | None = picture.info.get("icc_profile")
        bits = 8 * page.dtype.itemsize
        is_gray = picture.mode == "I" or picture.mode.startswith("I;16")
        arguments: Any = picture.tile[0].args
        self._raw = str(arguments[0]).partition(";16")[0]
        # Extra channels that are stored apart and have no meaning are left out.
        self._channels = slice(len(self._raw) if page.is_planar else None)
        is_deep = bits == 16 and (is_gray or (self._raw in _DEEP and not page.is_planar))
        self._upper_bytes = bits == 16 and not is_deep
        self._plain = PlainSamples.of(picture, self._profile)
        self.is_gray = is_gray
        #: Whether the samples need no conversion at all.
        self.is_srgb = bits == 8 and page.n_samples == _N_COLORS and self._raw == "RGB"
        self.is_srgb &= self._plain.changes_nothing
        #: What the samples are, if they have more than 8 bits and all of them count.
        self.deep: Samples | None = None
        if is_deep:
            nodata = parse_nodata(picture.tag_v2.get(_NODATA))
            colors = Samples("unsigned", 16, nodata)
            self.deep = gray_samples(picture, bits, nodata, white_is_zero) if is_gray else colors

    # -- more than 8 bits --------------------------------------------------------------------------

    def survey(self, values: Array, n_pixels: int) -> tuple[Survey, int]:
        """Statistics of a part's values, and its largest alpha.

        Parameters
        ----------
        values : ndarray, shape (h, w, S)
        n_pixels : int
            Of the whole picture.
        """
        assert self.deep is not None
        survey, largest = Survey(self.deep, n_pixels), 0
        for top, bottom in row_ranges(values.shape[1], values.shape[0]):
            colors, alpha = self._parted(values[top:bottom])
            survey.add(colors)
            largest = max(largest, 0 if alpha is None else int(alpha.max()))
        return survey, largest

    def conversion(self, scale: Scale, largest_alpha: int) -> DeepSamples:
        """How values become sRGB."""
        white = alpha_white(largest_alpha)
        return DeepSamples.of(scale, self.is_gray, self._profile, white=white)

    def deep_strips(self, values: Array, conversion: DeepSamples) -> Iterator[Strip]:
        """Strips of a part's values, (h, w, S), as sRGB."""
        for top, bottom in row_ranges(values.shape[1], values.shape[0]):
            yield conversion.strip(*self._parted(values[top:bottom]))

    def _parted(self, values: Array) -> tuple[Array, Array | None]:
        """Colours or gray, and alpha."""
        n_colors = 1 if self.is_gray else _N_COLORS
        return values[..., :n_colors], values[..., n_colors] if self._raw == "RGBA" else None

    # -- up to 8 bits ------------------------------------------------------------------------------

    def notes(self, n_missing: int) -> tuple[str, ...]:
        """What is done to samples of 8 bits; ``n_missing`` pixels have no value."""
        return ((UPPER_BYTES,) if self._upper_bytes else ()) + self._plain.notes(n_missing)

    def plain_strips(self, values: Array) -> Iterator[tuple[Strip, int]]:
        """Strips of a part's values, (h, w, S), as sRGB, and how many of each have no value."""
        for top, bottom in row_ranges(values.shape[1], values.shape[0]):
            part = values[top:bottom, :, self._channels]
            if self._upper_bytes:
                part = (part >> 8).astype(np.uint8)
            strip = self._as_pillow(part)
            n_missing = 0 if self._plain.nodata is None else self._plain.n_missing(strip)
            yield self._plain.strip(strip), n_missing

    def _as_pillow(self, part: Array) -> PIL.Image.Image:
        """Samples as Pillow has them after decoding a file."""
        import PIL.Image

        size, data = part.shape[1::-1], np.ascontiguousarray(part)
        strip = PIL.Image.frombuffer(self._mode, size, data, "raw", self._raw, 0, 1)
        if self._palette is not None:
            strip.palette = self._palette.copy()
            strip.load()
        return strip
