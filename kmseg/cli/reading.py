"""The picture of ``-i``: a file, standard input, a pipe, or a sample."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO, Final

from kmseg.cli.streams import quoted
from kmseg.errors import ImageError, KmsegError
from kmseg.picture.image import Image, read_image
from kmseg.picture.limits import Limits
from kmseg.picture.masks import read_mask
from kmseg.picture.reading import Reading
from kmseg.settings import SAMPLE_PREFIX

STANDARD_INPUT: Final = "-"
_PART_BYTES: Final = 1 << 20


def read(source: str, limits: Limits, reading: Reading) -> Image:
    """Read the picture of ``-i``.

    Raises
    ------
    KmsegError
        It cannot be read; the message names the option.
    """
    try:
        if sample := _sample(source):
            from kmseg.samples import sample_image

            return sample_image(sample).within(reading.region)
        if source == STANDARD_INPUT:
            return read_image(_standard_input(limits), limits=limits, reading=reading)
        if _is_stream(source):
            with Path(source).open("rb") as file:
                return read_image(_bounded(file, limits), limits=limits, reading=reading)
        return read_image(source, limits=limits, reading=reading)
    except KmsegError as error:
        raise KmsegError(f"-i: {error}") from error
    except OSError as error:
        reason = error.strerror or error
        raise KmsegError(f"-i: {quoted(source)} cannot be read ({reason})") from error


def masked(image: Image, path: str, limits: Limits) -> Image:
    """A picture that counts only where the picture of ``--mask`` is bright.

    Raises
    ------
    KmsegError
        The mask cannot be used; the message names the option.
    """
    try:
        return image.masked(read_mask(path, limits=limits))
    except ImageError as error:
        raise KmsegError(f"--mask: {error}") from error


def name(source: str) -> str:
    """What files that are saved call the picture."""
    if source == STANDARD_INPUT:
        return "stdin"
    return _sample(source) or Path(source).name


def status(source: str) -> os.stat_result | None:
    """What the system knows of the picture's file; None if there is no such file."""
    try:
        if source == STANDARD_INPUT:
            return os.fstat(sys.stdin.fileno())
        return Path(source).stat()
    except (OSError, ValueError, AttributeError):
        return None


def _sample(source: str) -> str:
    """The key of a sample that is named as in ``sample:china``, else ""."""
    return source.removeprefix(SAMPLE_PREFIX) if source.startswith(SAMPLE_PREFIX) else ""


def _is_stream(source: str) -> bool:
    """Whether a path is a pipe or a device, whose size is not known."""
    found = status(source)
    return found is not None and (stat.S_ISFIFO(found.st_mode) or stat.S_ISCHR(found.st_mode))


def _standard_input(limits: Limits) -> bytes:
    if sys.stdin is None:
        raise ImageError("Standard input is closed; pipe a picture into it.")
    return _bounded(sys.stdin.buffer, limits)


def _bounded(stream: BinaryIO, limits: Limits) -> bytes:
    """All of a stream, or enough of it to be refused as too large: some streams never end."""
    if stream.isatty():
        raise ImageError("This is a terminal; pipe a picture into it, as in -i - < photo.jpg.")
    parts, left = [], limits.max_bytes + 1
    while left and (part := stream.read(min(left, _PART_BYTES))):  # which allocates that much
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
