"""Frames of animations and pages of documents: counting them, and getting to one.

No decoder is asked for the number of frames of an untrusted file, because some decode all of it to
find out. The counts here come from a bounded walk over the file's structure, and a frame that would
take too much decoding is refused.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

from kmseg.errors import ImageError
from kmseg.picture.formats import FORMATS
from kmseg.picture.formats.base import MAX_FRAMES

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

    from kmseg.picture.limits import Limits

# Decoding a frame of an animation means decoding all frames before it. Together they may have at
# most this many times the pixels of the largest picture that is read.
_MOST_WORK: Final = 4
_DESCRIPTION: Final = re.compile(r"(frame|page) [\d,]{1,9} of ([\d,]{1,9})(?: or more)?", re.ASCII)


def count_frames(data: bytes, format_: str) -> int:
    """How many frames or pages a file holds, as its structure tells.

    Parameters
    ----------
    data : bytes
        A whole file that passed its format's parser.
    format_ : str
        The name of its format; one without a walk over its frames has one picture.

    Returns
    -------
    int
        From 1 to 10,000; counting stops there, and at the first damage.
    """
    counter = FORMATS[format_].frames
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
    if FORMATS[format_].first_frame_only and frame > 0:
        raise ImageError(
            f"Of an {format_} animation only the first frame is read; save frame {frame + 1:,} as "
            "a picture of its own."
        )
    if word == "frame" and (frame + 1) * size[0] * size[1] > _MOST_WORK * limits.max_pixels:
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
    paged = {f.pillow_name for f in FORMATS.values() if f.frame_word == "page"}
    animated = picture.format not in paged
    try:
        for n in range(1, frame + 1):
            if animated:
                picture.load()
            picture.seek(n)
    except EOFError as error:
        raise ImageError(
            f"{'Frame' if animated else 'Page'} {frame + 1:,} of this file cannot be "
            "read; choose an earlier one."
        ) from error


def _word(format_: str) -> str:
    return FORMATS[format_].frame_word
