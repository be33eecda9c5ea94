"""GIF: GIF89a specification."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from kmseg.picture.formats.base import MAX_STEPS, Format, Header, refusal
from kmseg.picture.limits import Limits


def _recognises(data: bytes) -> bool:
    return data.startswith((b"GIF87a", b"GIF89a"))


def _parse(data: bytes, limits: Limits) -> Header:
    screen_width, screen_height = struct.unpack_from("<HH", data, 6)
    size = None
    for start, n_bytes in _frames(data):
        left, top, width, height, flags = struct.unpack_from("<HHHHB", data, start)
        frame = max(screen_width, left + width), max(screen_height, top + height)
        limits.check_size(*frame, bits_per_pixel=8)
        if size is None:
            size = frame  # decoders enlarge the screen so that the first frame fits
            first_code_bits = data[start + 9 + _palette_bytes(flags)] + 1
            if width * height > _most_pixels(8 * n_bytes // first_code_bits):
                raise refusal("GIF", "is cut short: it has too little data for its size")
    if size is None:
        raise refusal("GIF", "holds no picture")
    return Header("GIF", *size, samples=1)


def _frames(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each frame's image descriptor starts, and how many bytes of data the frame has.

    Bytes that begin no block are skipped, as Pillow does (GIF89a specification, sections 15, 20).
    """
    position, n_steps = 13 + _palette_bytes(data[10]), 0
    while position < len(data) and data[position] != 0x3B:
        introducer, start = data[position], position + 1
        position += 1
        if introducer == 0x2C:
            position += 10 + _palette_bytes(data[start + 8])
        elif introducer == 0x21:
            position += 1
        n_bytes = 0
        while introducer in (0x21, 0x2C) and position < len(data) and data[position]:
            n_bytes += min(data[position], len(data) - position - 1)
            position += 1 + data[position]
            n_steps += 1
            if n_steps > MAX_STEPS:
                break
        position += introducer in (0x21, 0x2C)
        n_steps += 1
        if n_steps > MAX_STEPS:
            raise refusal("GIF", "has too many blocks")
        if introducer == 0x2C:
            yield start, n_bytes


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _most_pixels(n_codes: int) -> int:
    """How many pixels LZW codes expand to at most.

    Each code stands for at most one pixel more than the one before, up to 4096.
    """
    growing = min(n_codes, 4096)
    return growing * (growing + 1) // 2 + 4096 * (n_codes - growing)


FORMAT = Format(
    name="GIF",
    extensions=("gif",),
    recognises=_recognises,
    parse=_parse,
    plugin="PIL.GifImagePlugin",
    pillow_name="GIF",
    frames=_frames,
)
