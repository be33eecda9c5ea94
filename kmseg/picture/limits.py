"""The largest picture that is read, and the refusal of larger ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kmseg.errors import ImageError

#: Which setting raises a limit, for refusals; see :mod:`kmseg.config`.
MEGABYTES_SETTING: Final = "KMSEG_MAX_MEGABYTES"
MEGAPIXELS_SETTING: Final = "KMSEG_MAX_MEGAPIXELS"
SIDE_SETTING: Final = "KMSEG_MAX_SIDE"


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest picture that is read.

    Parameters
    ----------
    max_pixels : int
        Width times height.
    max_side : int
        Width or height alone, in pixels.
    max_bytes : int
        Size of the file.
    max_decoded_bytes : int
        Width times height times bytes per pixel, at the file's own bit depth.
    max_jpeg_scans : int
        Passes over the picture; an ordinary progressive JPEG has about ten.
    """

    max_pixels: int = 50_000_000
    max_side: int = 30_000
    max_bytes: int = 50 * 1024 * 1024
    max_decoded_bytes: int = 400_000_000
    max_jpeg_scans: int = 100

    def check_file_size(self, n_bytes: int) -> None:
        """Refuse a file that is too large or empty.

        Raises
        ------
        ImageError
        """
        if n_bytes == 0:
            raise ImageError("The file is empty; choose a picture with something in it.")
        if n_bytes > self.max_bytes:
            raise ImageError(
                f"The file is larger than {self.max_bytes / 2**20:g} MB, the most that is read "
                f"(setting {MEGABYTES_SETTING}); save a smaller or more strongly compressed "
                "copy."
            )

    def check_size(self, width: int, height: int, bits_per_pixel: int = 24) -> None:
        """Refuse a picture that is too large to decode or has no pixels.

        Raises
        ------
        ImageError
        """
        if width < 1 or height < 1:
            raise ImageError(
                f"The picture claims to be {width} x {height} pixels; "
                "it needs at least one in each direction."
            )
        if max(width, height) > self.max_side:
            raise ImageError(
                f"The picture is {width} x {height} pixels; at most {self.max_side:,} pixels a "
                f"side are read (setting {SIDE_SETTING}). Make it smaller first, or crop it."
            )
        if width * height > self.max_pixels:
            raise ImageError(
                f"The picture is {width} x {height} pixels; at most {self.max_pixels / 1e6:g} "
                f"megapixels are read (setting {MEGAPIXELS_SETTING}). Make it smaller first."
            )
        if width * height * bits_per_pixel > 8 * self.max_decoded_bytes:
            raise ImageError(
                f"The picture takes more than {self.max_decoded_bytes / 1e6:g} MB once decoded, "
                f"the most that is read (8 bytes for each pixel of {MEGAPIXELS_SETTING}); save it "
                "with 8 bits per channel."
            )

    def check_enlarged(self, width: int, height: int) -> None:
        """Refuse to enlarge a picture to this size in pixels; raises ``ImageError``."""
        if max(width, height) > self.max_side or width * height > self.max_pixels:
            raise ImageError(
                f"A width of {width} makes a picture of {width} x {height} pixels; a picture is "
                f"enlarged to {self.max_pixels / 1e6:g} megapixels and {self.max_side:,} pixels a "
                "side at most. Choose a smaller width."
            )


DEFAULT_LIMITS: Final = Limits()
