"""AVIF: AV1 Image File Format 1.1, in HEIF (ISO/IEC 23008-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from kmseg.picture.formats.av1 import frame_sizes
from kmseg.picture.formats.base import MAX_STEPS, Format, Header, refusal
from kmseg.picture.formats.boxes import Items, boxes, check_cover, grid_size, identify, read_items
from kmseg.picture.limits import Limits

# An animation has a track for colour and perhaps one for alpha.
_MAX_TRACKS = 8


def parse(data: bytes, limits: Limits) -> Header:
    """Check an AVIF file's claims; see :func:`kmseg.picture.probe.probe`.

    The size of an animation is that of the still picture that AVIF requires beside it. The samples
    of its tracks are checked too, because decoders prefer them.
    """
    header = None
    for kind, start, end in boxes(data, 0, len(data), "AVIF"):
        if kind == b"meta" and header is None:
            header = _still(data, read_items(data, start, end, "AVIF"), limits)
        elif kind == b"moov":
            tracks = [(a, b) for k, a, b in boxes(data, start, end, "AVIF") if k == b"trak"]
            if len(tracks) > _MAX_TRACKS:
                raise refusal("AVIF", "has too many tracks")
            for a, b in tracks:
                _check_track(data, _sample_table(data, a, b), limits)
    if header is None:
        raise refusal("AVIF", "holds no picture")
    return header


def frames(data: bytes) -> Iterator[int]:
    """The numbers of an animation's frames; a still picture has one."""
    n_frames = 1
    for kind, start, end in boxes(data, 0, len(data), "AVIF"):
        for inner, a, b in boxes(data, start, end, "AVIF") if kind == b"moov" else ():
            if inner == b"trak":
                sizes = _sample_table(data, a, b)[b"stsz"][0]
                n_frames = max(n_frames, struct.unpack_from(">I", data, sizes + 8)[0])
    yield from range(n_frames)


def _still(data: bytes, items: Items, limits: Limits) -> Header:
    n_pixels = 0
    for item, kind in items.kinds.items():
        if kind == b"av01":
            n_pixels += _check_coded(data, items, item, limits)
        elif kind in (b"grid", b"iovl"):
            grid_size(data, items, item, limits, "AVIF")
    check_cover(n_pixels, limits, "AVIF")
    if items.kinds.get(items.primary) not in (b"av01", b"grid"):
        raise refusal("AVIF", "is built in a way that is not read")
    size = items.size(data, items.primary)
    if size is None:
        raise refusal("AVIF", "does not state its size")
    if items.kinds[items.primary] == b"grid" and size != grid_size(
        data, items, items.primary, limits, "AVIF"
    ):
        raise refusal("AVIF", "contradicts itself")
    return Header("AVIF", *size, samples=4)


def _check_coded(data: bytes, items: Items, item: int, limits: Limits) -> int:
    """Check a coded picture, and return how many pixels its data may hold."""
    size = items.size(data, item)
    if size is None:
        raise refusal("AVIF", "does not state its size")
    limits.check_size(*size, bits_per_pixel=32)
    largest = 0
    for width, height in frame_sizes(items.content(data, item, len(data), "AVIF")):
        limits.check_size(width, height, bits_per_pixel=32)
        largest = max(largest, width * height)
    if not largest:
        raise refusal("AVIF", "is damaged: a picture lacks its data")
    return largest


def _sample_table(data: bytes, start: int, end: int) -> dict[bytes, tuple[int, int]]:
    """Start and end of the boxes of a track's sample table, by kind."""
    for step in (b"mdia", b"minf", b"stbl"):
        inner = {kind: (a, b) for kind, a, b in boxes(data, start, end, "AVIF")}
        if step not in inner:
            raise refusal("AVIF", "is damaged: a track lacks its samples")
        start, end = inner[step]
    table = {kind: (a, b) for kind, a, b in boxes(data, start, end, "AVIF")}
    if not {b"stsd", b"stsz"} <= table.keys() or not table.keys() & {b"stco", b"co64"}:
        raise refusal("AVIF", "is damaged: a track lacks its samples")
    return table


def _check_track(data: bytes, table: dict[bytes, tuple[int, int]], limits: Limits) -> None:
    """Check the first sample of a track, the only one that is decoded."""
    start, end = table[b"stsd"]
    for kind, first, _ in boxes(data, start + 8, end, "AVIF"):
        if kind == b"av01":
            width, height = struct.unpack_from(">HH", data, first + 24)
            limits.check_size(width, height, bits_per_pixel=32)
    fixed, count = struct.unpack_from(">II", data, table[b"stsz"][0] + 4)
    if count > MAX_STEPS:
        raise refusal("AVIF", "has too many frames")
    length = fixed or struct.unpack_from(">I", data, table[b"stsz"][0] + 12)[0]
    if b"stco" in table:
        (offset,) = struct.unpack_from(">I", data, table[b"stco"][0] + 8)
    else:
        (offset,) = struct.unpack_from(">Q", data, table[b"co64"][0] + 8)
    if offset + length > len(data):
        raise refusal("AVIF", "is cut short")
    for width, height in frame_sizes(data[offset : offset + length]):
        limits.check_size(width, height, bits_per_pixel=32)


FORMAT = Format(
    name="AVIF",
    extensions=("avif",),
    recognises=lambda data: identify(data) == "AVIF",
    parse=parse,
    plugin="PIL.AvifImagePlugin",
    pillow_name="AVIF",
    frames=frames,
    first_frame_only=True,
)
