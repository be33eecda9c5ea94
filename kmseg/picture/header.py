"""What the checks of all formats share: the header they return, and how they refuse."""

from __future__ import annotations

from dataclasses import dataclass

from kmseg.errors import ImageError

# No walk over chunks, blocks or segments takes more steps than this: a 50 MiB GIF made of full
# blocks (255 bytes, GIF89a section 15) has 205,000.
MAX_STEPS = 300_000
# The most bytes that one byte can stand for. DEFLATE: zlib.net/zlib_tech.html.
DEFLATE_RATIO = 1032


@dataclass(frozen=True, slots=True)
class BitFields:
    """How a BMP of 16 or 32 bits per pixel keeps its channels.

    Parameters
    ----------
    offset : int
        Where the pixels begin.
    top_down : bool
        The first row is the top one.
    masks : tuple of int
        The bits of red, green, blue and, perhaps, alpha.
    """

    offset: int
    top_down: bool
    masks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """What a file claims about its first picture.

    Parameters
    ----------
    format : str
        One of :data:`kmseg.picture.probe.FORMATS`.
    width, height : int
        As stored, before any turning upright.
    samples, bits : int
        Samples per pixel, and bits per sample.
    interlaced : bool
        A PNG stored in seven passes.
    white_is_zero : bool
        A gray TIFF whose samples count from white to black.
    bit_fields : BitFields, optional
        For a BMP that states them.
    """

    format: str
    width: int
    height: int
    samples: int = 3
    bits: int = 8
    interlaced: bool = False
    white_is_zero: bool = False
    bit_fields: BitFields | None = None


def refusal(format_: str, what: str) -> ImageError:
    """The error for a file that claims to be of a format, but cannot be read as such."""
    return ImageError(f"This {format_} file {what}; try another copy of it, or save it again.")
