"""Boxes of the ISO base media file format (ISO/IEC 14496-12) and of HEIF (ISO/IEC 23008-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from kmseg.picture.formats.base import refusal
from kmseg.picture.limits import Limits

# A phone's picture has some 100 items (tiles of 512 x 512) and 30 properties.
MAX_ITEMS = 4096
_MAX_BOXES = 10_000
# Colour, alpha and a thumbnail are decoded at most: three times the pixels of a picture.
_MAX_COVER = 3

_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
)


@dataclass(slots=True)
class Items:
    """What a HEIF ``meta`` box says: the items of a file by id, and which one is the picture."""

    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    # Start and length in the file of the pieces of each item, one after another.
    pieces: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    properties: list[tuple[bytes, int, int]] = field(default_factory=list)  # kind, start, end
    associated: dict[int, list[int]] = field(default_factory=dict)  # indices into properties
    in_data: set[int] = field(default_factory=set)  # items with pieces that count from the idat box
    data_start: int = 0  # of the contents of the idat box

    def content(self, data: bytes, item: int, n_bytes: int, format_: str) -> bytes:
        """The first bytes of an item; an item that the file does not hold in full is refused."""
        before = self.data_start if item in self.in_data else 0
        parts, missing = [], n_bytes
        for start, length in self.pieces.get(item, []):
            start += before
            length = length or max(0, len(data) - start)  # 0: to the end of the file
            if start + length > len(data):
                raise refusal(format_, "is cut short: it has too little data for its size")
            parts.append(data[start : start + min(length, missing)])
            missing -= len(parts[-1])
        return b"".join(parts)

    def size(self, data: bytes, item: int) -> tuple[int, int] | None:
        """Width and height that an item states (23008-12, 6.5.3)."""
        start = self._property(item, b"ispe")
        if start is None:
            return None
        width, height = struct.unpack_from(">II", data, start + 4)
        return width, height

    def shown_size(self, data: bytes, item: int) -> tuple[int, int] | None:
        """Width and height of the part of an item that is shown (14496-12, 12.1.4, ``clap``)."""
        size, start = self.size(data, item), self._property(item, b"clap")
        if size is None or start is None:
            return size
        width, width_part, height, height_part = struct.unpack_from(">4I", data, start)
        if not (width_part and height_part):
            return size
        return min(size[0], width // width_part), min(size[1], height // height_part)

    def _property(self, item: int, kind: bytes) -> int | None:
        """Where the contents of a property of an item start."""
        for index in self.associated.get(item, []):
            if index < len(self.properties) and self.properties[index][0] == kind:
                return self.properties[index][1]
        return None


def identify(data: bytes) -> str | None:
    """``"AVIF"``, ``"HEIF"`` or, for a file of neither kind, None; by the brands it states."""
    if data[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(data[:4], "big"), 4096, len(data))
    brands = {data[8:12]} | {data[at : at + 4] for at in range(16, end - 3, 4)}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def boxes(data: bytes, start: int, end: int, format_: str) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the contents of each box; a box that reaches too far is refused."""
    for _ in range(_MAX_BOXES):
        if end - start < 8:
            return
        length, kind = struct.unpack_from(">I4s", data, start)
        first = start + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, first)
            first += 8
        elif length == 0:
            length = end - start
        if length < first - start or start + length > end:
            raise refusal(format_, "is cut short or damaged")
        yield kind, first, start + length
        start += length
    raise refusal(format_, "has too many boxes")


def read_items(data: bytes, start: int, end: int, format_: str) -> Items:
    """The items of a ``meta`` box with the contents ``data[start:end]``."""
    items = Items()
    for kind, first, last in boxes(data, start + 4, end, format_):
        content = data[first:last]
        if kind == b"pitm":
            items.primary = int.from_bytes(content[4 : 8 if content[0] else 6], "big")
        elif kind == b"iinf":
            _read_kinds(items, content, format_)
        elif kind == b"iloc":
            _read_places(items, content, format_)
        elif kind == b"idat":
            items.data_start = first
        elif kind == b"iprp":
            for inner, a, b in boxes(data, first, last, format_):
                if inner == b"ipco":
                    items.properties += list(boxes(data, a, b, format_))
                elif inner == b"ipma":
                    _read_associations(items, data[a:b], format_)
    # Items that overlap make the same bytes be read several times, so overlap is limited.
    if sum(length for pieces in items.pieces.values() for _, length in pieces) > 2 * len(data):
        raise refusal(format_, "is damaged: its parts overlap")
    return items


def grid_size(
    data: bytes, items: Items, item: int, limits: Limits, format_: str
) -> tuple[int, int]:
    """Width and height of a picture that is put together from tiles (23008-12, 6.6.2.3.2)."""
    content = items.content(data, item, 12, format_)
    width, height = struct.unpack_from(">II" if content[1] & 1 else ">HH", content, 4)
    limits.check_size(width, height, bits_per_pixel=32)
    return width, height


def check_cover(n_pixels: int, limits: Limits, format_: str) -> None:
    """Refuse a file whose coded pictures have too many pixels together."""
    if n_pixels > _MAX_COVER * limits.max_pixels:
        raise refusal(format_, "holds too many pictures")


class _Numbers:
    """Whole numbers, most significant byte first, one after another."""

    def __init__(self, content: bytes, position: int) -> None:
        self._content, self._position = content, position

    def next(self, n_bytes: int) -> int:
        start = self._position
        self._position += n_bytes
        if self._position > len(self._content):
            raise IndexError("past the end of the box")
        return int.from_bytes(self._content[start : self._position], "big")


def _count(n: int, format_: str) -> int:
    if n > MAX_ITEMS:
        raise refusal(format_, "has too many parts")
    return n


def _read_kinds(items: Items, content: bytes, format_: str) -> None:
    wide = content[0] > 0
    for kind, start, end in boxes(content, 8 if wide else 6, len(content), format_):
        entry = content[start:end]
        if kind == b"infe" and entry[0] >= 2:
            size = 2 if entry[0] == 2 else 4
            items.kinds[int.from_bytes(entry[4 : 4 + size], "big")] = entry[6 + size : 10 + size]
    _count(len(items.kinds), format_)


def _read_places(items: Items, content: bytes, format_: str) -> None:
    version, sizes = content[0], content[4:6]
    offset_size, length_size = divmod(sizes[0], 16)
    base_size, index_size = divmod(sizes[1], 16)
    number = _Numbers(content, 6)
    id_size = 4 if version >= 2 else 2
    n_extents = 0
    for _ in range(_count(number.next(id_size), format_)):
        item = number.next(id_size)
        method = number.next(2) & 15 if version else 0
        number.next(2)  # the file it is in; 0 is this one
        base = number.next(base_size)
        pieces = items.pieces.setdefault(item, [])
        extents = number.next(2)
        n_extents = _count(n_extents + extents, format_)
        for _ in range(extents):
            if version:
                number.next(index_size)
            start = base + number.next(offset_size)
            pieces.append((start, number.next(length_size)))
        if method == 1:
            items.in_data.add(item)
        elif method > 1:
            raise refusal(format_, "is built in a way that is not read")


def _read_associations(items: Items, content: bytes, format_: str) -> None:
    wide_items, wide_indices = content[0] > 0, content[3] & 1
    number = _Numbers(content, 4)
    n_all = 0
    for _ in range(_count(number.next(4), format_)):
        item = number.next(4 if wide_items else 2)
        n_associated = number.next(1)
        n_all = _count(n_all + n_associated, format_)
        indices = items.associated.setdefault(item, [])
        for _ in range(n_associated):
            index = number.next(2) & 0x7FFF if wide_indices else number.next(1) & 0x7F
            if index > 0:
                indices.append(index - 1)
