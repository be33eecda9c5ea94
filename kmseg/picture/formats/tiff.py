"""TIFF: TIFF 6.0, and BigTIFF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kmseg.errors import ImageError
from kmseg.picture.formats.base import (
    DEFLATE_RATIO,
    MAX_FRAMES,
    MAX_STEPS,
    Format,
    Header,
    refusal,
)
from kmseg.picture.formats.directories import directories, first_position, is_tiff, read_directory
from kmseg.picture.limits import Limits

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

# Colour and alpha, or four inks and alpha; gray and alpha.
_MOST_SAMPLES, _MOST_GRAY = 5, 2
# TIFF 6.0, section 8: NewSubfileType. Bit 0 is a smaller version of another picture, bit 2 a mask.
_SUBFILE_TYPE, _NO_PAGE = 254, 0b101
# The most bytes that one byte can expand to, by compression. Bilevel fax codes and the newer
# compressions have no useful bound.
_RATIOS = {1: 1, 5: 4096, 8: DEFLATE_RATIO, 32946: DEFLATE_RATIO, 32773: 128}
# How Pillow unpacks samples that it takes for little- or big-endian -> for the machine's order.
_NATIVE = {
    little_or_big: native
    for little, big, native in (
        ("I;16S", "I;16BS", "I;16NS"),
        ("I;32", "I;32B", "I;32N"),
        ("I;32S", "I;32BS", "I;32NS"),
        ("F;32F", "F;32BF", "F;32NF"),
        ("F;64F", "F;64BF", "F;64NF"),
    )
    for little_or_big in (little, big)
}
_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_SAMPLES, _ROWS_PER_STRIP, _PLANAR = 277, 278, 284
_STRIP_OFFSETS, _TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS = 273, 322, 323, 324


def _parse(data: bytes, limits: Limits) -> Header:
    return parse_page(data, limits, first_position(data))


def parse_page(data: bytes, limits: Limits, position: int) -> Header:
    """The header of the page with its directory at `position`; see :class:`Format`."""
    directory = read_directory(data, position)
    tags, counts = directory.tags, directory.counts

    def number(tag: int, default: int) -> int:
        return tags[tag][0] if tag in tags else default

    width, height = number(_WIDTH, 0), number(_LENGTH, 0)
    bits = max(tags.get(_BITS, (1,)))
    samples = number(_SAMPLES, counts.get(_BITS, 1))
    photometric = number(_PHOTOMETRIC, 1)
    most = _MOST_GRAY if photometric in (0, 1) else 4 if bits > 8 else _MOST_SAMPLES
    if samples > most:
        raise ImageError(
            f"This TIFF file has {samples} channels or planes; save those that "
            "you want to look at as pictures of their own."
        )
    limits.check_size(width, height, bits * samples)
    n_stored = counts.get(_STRIP_OFFSETS, counts.get(_TILE_OFFSETS, 0))
    if not n_stored:
        raise refusal("TIFF", "holds no picture")
    across, down = width, min(number(_ROWS_PER_STRIP, height), height)
    if _STRIP_OFFSETS not in tags:
        across, down = number(_TILE_WIDTH, 0), number(_TILE_LENGTH, 0)
        limits.check_size(across, down, bits * samples)
    n_pieces = -(-width // max(1, across)) * -(-height // max(1, down))
    if number(_PLANAR, 1) == 2:
        n_pieces *= samples
    if not n_pieces <= n_stored <= MAX_STEPS:
        raise refusal("TIFF", "is damaged: its strips do not cover the picture")
    ratio = _RATIOS.get(number(_COMPRESSION, 1))
    stored = 1 if photometric == 6 else samples  # YCbCr stores colour at a lower resolution
    if ratio and len(data) * ratio < (width * bits * stored + 7) // 8 * height:
        raise refusal("TIFF", "is cut short: it has too little data for its size")
    return Header("TIFF", width, height, samples, bits, white_is_zero=photometric == 0)


def _prepare_pillow() -> None:
    """Have Pillow open more kinds of gray, and libtiff print nothing."""
    from PIL.TiffImagePlugin import OPEN_INFO

    for photometric in (0, 1):
        for order, double, long in ((b"II", "F;64F", "I;32"), (b"MM", "F;64BF", "I;32B")):
            OPEN_INFO.setdefault((order, photometric, (3,), 1, (64,), ()), ("F", double))
            OPEN_INFO.setdefault((order, photometric, (1,), 1, (32,), ()), ("I", long))
    _silence_libtiff()


def in_native_order(picture: ImageFile) -> None:
    """Correct how Pillow takes what libtiff hands over, which has the machine's byte order.

    Pillow expects the file's order for signed and floating-point samples, so compressed big-endian
    files came out as noise (``TiffImagePlugin._load_libtiff`` of Pillow 13).
    """
    tags: Any = getattr(picture, "tag_v2", {})
    order = "" if max(tags.get(_BITS, (8,))) != 16 else "L" if tags.prefix == b"II" else "B"

    def corrected(tile: Any) -> Any:
        raw = tile.args[0] if isinstance(tile.args, tuple) else ""
        if tile.codec_name == "libtiff":
            raw = _NATIVE.get(raw, raw)
        elif order and len(raw) == 1:  # a channel stored apart, of which Pillow takes bytes
            raw = f"{raw};16{order}"
        return tile._replace(args=(raw, *tile.args[1:])) if raw else tile

    picture.tile = [corrected(tile) for tile in picture.tile]


def _silence_libtiff() -> None:
    """Unset libtiff's handlers, which print errors to standard error; Pillow cannot do that."""
    import ctypes

    import PIL._imaging

    for handler in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
        try:
            getattr(ctypes.CDLL(PIL._imaging.__file__), handler)(None)
        except (AttributeError, OSError):  # this build of Pillow does not export the function
            return


def _pages(data: bytes) -> Iterator[tuple[int, int]]:
    """Number and position of each directory in a row that is a page of its own."""
    for n, directory in enumerate(directories(data, MAX_FRAMES)):
        if n == 0 or not directory.tags.get(_SUBFILE_TYPE, (0,))[0] & _NO_PAGE:
            yield n, directory.position


def find_page(data: bytes, page: int) -> tuple[int, int]:
    """A page, from 0.

    Returns
    -------
    int
        The number of its directory: smaller versions and masks count.
    int
        The position of its directory, for the parser.
    """
    for n, place in enumerate(_pages(data)):
        if n == page:
            return place
    raise ImageError(f"There is no page {page + 1:,} in this file; choose an earlier one.")


def _parse_page(data: bytes, limits: Limits, page: int) -> tuple[int, Header]:
    """The number of a page's directory, and its header."""
    number, position = find_page(data, page)
    return number, parse_page(data, limits, position)


FORMAT = Format(
    name="TIFF",
    extensions=("tif", "tiff"),
    recognises=is_tiff,
    parse=_parse,
    plugin="PIL.TiffImagePlugin",
    pillow_name="TIFF",
    prepare_pillow=_prepare_pillow,
    pillow_turns_upright=True,
    frames=_pages,
    frame_word="page",
    parse_frame=_parse_page,
)
