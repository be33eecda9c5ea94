"""The directories of a TIFF file: TIFF 6.0, section 2, and BigTIFF."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from kmseg.picture.formats.base import refusal

# No TIFF directory of a photo comes near this number of tags.
_MAX_TAGS = 4096
_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
# Values beyond these are not looked at here.
_MAX_VALUES = 64
_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True, slots=True)
class Directory:
    """One directory: its tags that hold whole numbers and lie within the file.

    Parameters
    ----------
    position : int
        Where it begins.
    tags : dict of int to tuple of int
        The first 64 values of each tag.
    counts : dict of int to int
        The number of values of each tag.
    next : int
        Where the next one begins; 0 after the last, or where the file ends before it says so.
    """

    position: int
    tags: dict[int, tuple[int, ...]]
    counts: dict[int, int]
    next: int


def is_tiff(data: bytes) -> bool:
    """Whether a file begins as a TIFF."""
    return data.startswith(_SIGNATURES)


def first_position(data: bytes) -> int:
    """Where the first directory of a TIFF begins; raises ``struct.error`` if it is cut short."""
    order, big = _layout(data)
    at, letter = (8, "Q") if big else (4, "I")
    return int(struct.unpack_from(order + letter, data, at)[0])


def read_directory(data: bytes, position: int) -> Directory:
    """The directory at a position.

    Raises
    ------
    struct.error, OverflowError
        The directory does not lie within the file.
    """
    order, big = _layout(data)
    counter, entry, pointer = ("Q", "HHQ", "Q") if big else ("H", "HHI", "I")
    room = struct.calcsize("=" + pointer)
    start = position + struct.calcsize("=" + counter)
    (n_tags,) = struct.unpack_from(order + counter, data, position)
    if n_tags > _MAX_TAGS:
        raise refusal("TIFF", "has too many tags")
    tags, counts = {}, {}
    for _ in range(n_tags):
        tag, kind, count = struct.unpack_from(order + entry, data, start)
        at = start + struct.calcsize("=" + entry)
        start = at + room
        letter = _NUMBERS.get(kind)
        if letter is None or count == 0:
            continue
        n_bytes = count * struct.calcsize("=" + letter)
        if n_bytes > room:
            (at,) = struct.unpack_from(order + pointer, data, at)
            if at + n_bytes > len(data):
                continue
        counts[tag] = count
        n_values = min(count, _MAX_VALUES)
        tags[tag] = struct.unpack_from(f"{order}{n_values}{letter}", data, at)
    is_cut_short = start + room > len(data)
    (following,) = (0,) if is_cut_short else struct.unpack_from(order + pointer, data, start)
    return Directory(position, tags, counts, following)


def directories(data: bytes, most: int) -> Iterator[Directory]:
    """The directories of a TIFF in file order, at most ``most``; a cycle ends the iteration."""
    seen: set[int] = set()
    position = first_position(data)
    while position and position not in seen and len(seen) < most:
        seen.add(position)
        directory = read_directory(data, position)
        yield directory
        position = directory.next


def _layout(data: bytes) -> tuple[str, bool]:
    """The byte order, as :mod:`struct` spells it, and whether it is a BigTIFF."""
    return "<" if data[:2] == b"II" else ">", data[2:4] in (b"+\0", b"\0+")
