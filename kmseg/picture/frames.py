"""Frames of animations and pages of documents: counting them, and getting to one.

No decoder is asked for the number of frames of an untrusted file, because some decode all of it to
find out. The counts here come from a bounded walk over the file's structure, and a frame that would
take too much decoding is refused.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from kmseg.errors import ImageError
from kmseg.picture.formats import avif
from kmseg.picture.formats.base import MAX_STEPS
from kmseg.picture.formats.directories import directories

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

    from kmseg.picture.limits import Limits

#: More frames than this are not counted.
MAX_FRAMES: Final = 10_000
# Decoding a frame of an animation means decoding all frames before it. Together they may have at
# most this many times the pixels of the largest picture that is read.
_MOST_WORK: Final = 4
_PAGED: Final = ("TIFF",)
# The frames behind the first are not checked before they are decoded.
_FIRST_ONLY: Final = ("AVIF",)
_DESCRIPTION: Final = re.compile(r"(frame|page) [\d,]{1,9} of ([\d,]{1,9})(?: or more)?", re.ASCII)
# TIFF 6.0, section 8: NewSubfileType. Bit 0 is a smaller version of another picture, bit 2 a mask.
_SUBFILE_TYPE, _NO_PAGE = 254, 0b101


def count_frames(data: bytes, format_: str) -> int:
    """How many frames or pages a file holds, as its structure tells.

    Parameters
    ----------
    data : bytes
        A whole file that passed its format's parser.
    format_ : str
        The name of its format. GIF, PNG, WebP, TIFF and AVIF are counted; others have one picture.

    Returns
    -------
    int
        From 1 to 10,000; counting stops there, and at the first damage.
    """
    counter = _COUNTERS.get(format_)
    if counter is None:
        return 1
    n_frames = 0
    try:
        for _ in counter(data):
            n_frames += 1
            if n_frames == MAX_FRAMES:
                break
    except (
        struct.error,
        IndexError,
        OverflowError,
        ImageError,
    ):  # the frames before the damage can be read
        pass
    return max(1, n_frames)


def describe(frame: int, n_frames: int, format_: str) -> str:
    """What is shown of a file of several: ``"page 1 of 3"``; empty for a single picture.

    Parameters
    ----------
    frame : int
        From 0.
    n_frames : int
    format_ : str
    """
    if n_frames < 2:
        return ""
    of = f"{n_frames:,} or more" if n_frames == MAX_FRAMES else f"{n_frames:,}"
    return f"{_word(format_)} {frame + 1:,} of {of}"


def parse_description(note: str) -> tuple[str, int] | None:
    """The inverse of :func:`describe`: ``("page", 3)`` for ``"page 1 of 3"``, else None."""
    found = _DESCRIPTION.fullmatch(note)
    return (found[1], min(int(found[2].replace(",", "")), MAX_FRAMES)) if found else None


def check_frame(
    frame: int, n_frames: int, format_: str, size: tuple[int, int], limits: Limits
) -> None:
    """Refuse a frame that a file does not have, or that takes too much decoding.

    Parameters
    ----------
    frame : int
        From 0.
    n_frames : int
        As :func:`count_frames` returned.
    format_ : str
    size : (int, int)
        Width and height of the whole picture.
    limits : Limits
        Four times their pixels are decoded at most. Pages of a TIFF do not depend on each other.

    Raises
    ------
    ImageError
    """
    word = _word(format_)
    if frame >= n_frames:
        has = f"one {word}" if n_frames == 1 else f"{n_frames:,} {word}s"
        raise ImageError(
            f"There is no {word} {frame + 1:,}: the file has {has}; choose one of those."
        )
    if format_ in _FIRST_ONLY and frame > 0:
        raise ImageError(
            f"Of an {format_} animation only the first frame is read; save frame {frame + 1:,} as "
            "a picture of its own."
        )
    if format_ not in _PAGED and (frame + 1) * size[0] * size[1] > _MOST_WORK * limits.max_pixels:
        most = max(1, _MOST_WORK * limits.max_pixels // (size[0] * size[1]))
        raise ImageError(
            f"Frame {frame + 1:,} takes too long, since all frames before it are decoded too; "
            f"choose one up to {most:,}, or save it as a picture of its own."
        )


def seek_frame(picture: ImageFile, frame: int) -> None:
    """Seek an opened picture to a frame that was checked, or to a directory of a TIFF.

    It seeks one frame at a time, so the decoder never reads ahead. In an animation, frames depend
    on those before them, so each is decoded on the way.

    Raises
    ------
    ImageError
        The frame is damaged or missing.
    """
    animated = picture.format != "TIFF"
    try:
        for n in range(1, frame + 1):
            if animated:
                picture.load()
            picture.seek(n)
    except EOFError as error:
        raise ImageError(
            f"{_word(picture.format or '').capitalize()} {frame + 1:,} of this file cannot be "
            "read; choose an earlier one."
        ) from error


def find_page(data: bytes, page: int) -> tuple[int, int]:
    """A page of a TIFF that :func:`check_frame` accepted.

    Returns
    -------
    int
        The number of its directory, for :func:`seek_frame`: smaller versions and masks count.
    int
        The position of its directory, for the parser.
    """
    for n, place in enumerate(_tiff_pages(data)):
        if n == page:
            return place
    raise ImageError(f"There is no page {page + 1:,} in this file; choose an earlier one.")


def _word(format_: str) -> str:
    return "page" if format_ in _PAGED else "frame"


# -- one counter for each format -------------------------------------------------------------------


def _gif_frames(data: bytes) -> Iterator[int]:
    """Image descriptors (GIF89a specification, sections 20 and 15)."""
    position = 13 + _palette_bytes(data[10])
    in_blocks = False
    for _ in range(2 * MAX_STEPS):
        size_or_introducer = data[position]
        if in_blocks:
            position += 1 + size_or_introducer
            in_blocks = size_or_introducer > 0
        elif size_or_introducer == 0x2C:
            yield position
            position += 11 + _palette_bytes(data[position + 9])
            in_blocks = True
        elif size_or_introducer == 0x21:
            position += 2
            in_blocks = True
        else:
            return


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _png_frames(data: bytes) -> Iterator[int]:
    """The picture data and, in an animation, each frame control chunk behind it.

    One before it describes the same frame (PNG, third edition, 11.3.6). A second acTL chunk makes
    Pillow read a still picture.
    """
    position, n_animations, seen_data = 8, 0, False
    for _ in range(MAX_STEPS):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IEND":
            return
        n_animations += kind == b"acTL" and not seen_data
        if (kind == b"fcTL" and seen_data and n_animations == 1) or (
            kind == b"IDAT" and not seen_data
        ):
            yield position
        seen_data = seen_data or kind == b"IDAT"
        position += 12 + length


def _webp_frames(data: bytes) -> Iterator[int]:
    """Frame chunks (RFC 9649, section 2.7.1.1)."""
    position = 12
    for _ in range(MAX_STEPS):
        kind, length = struct.unpack_from("<4sI", data, position)
        if kind == b"ANMF":
            yield position
        position += 8 + length + length % 2


def _tiff_pages(data: bytes) -> Iterator[tuple[int, int]]:
    """Number and position of each directory in a row that is a page of its own."""
    for n, directory in enumerate(directories(data, MAX_FRAMES)):
        if n == 0 or not directory.tags.get(_SUBFILE_TYPE, (0,))[0] & _NO_PAGE:
            yield n, directory.position


_COUNTERS: Final[dict[str, Callable[[bytes], Iterator[object]]]] = {
    "GIF": _gif_frames,
    "PNG": _png_frames,
    "WebP": _webp_frames,
    "TIFF": _tiff_pages,
    "AVIF": avif.frames,
}
