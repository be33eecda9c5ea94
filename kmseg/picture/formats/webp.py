"""WebP: RFC 9649."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from kmseg.picture.formats.base import MAX_STEPS, Format, Header, refusal
from kmseg.picture.limits import Limits


def _recognises(data: bytes) -> bool:
    return data.startswith(b"RIFF") and data[8:12] == b"WEBP"


def _parse(data: bytes, limits: Limits) -> Header:
    (riff_bytes,) = struct.unpack_from("<I", data, 4)
    if riff_bytes + 8 > len(data):
        raise refusal("WebP", "is cut short")
    canvas = None
    for kind, start in _chunks(data):
        size = _size(kind, data, start)
        if size:
            limits.check_size(*size, bits_per_pixel=32)
            canvas = canvas or size
            if size[0] > canvas[0] or size[1] > canvas[1]:
                raise refusal("WebP", "is damaged: a frame is larger than the picture")
        if kind in (b"VP8 ", b"VP8L"):
            break
    if canvas is None:
        raise refusal("WebP", "holds no picture")
    return Header("WebP", *canvas, samples=4)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Kind of each chunk, and where its content starts (section 2.3)."""
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    position = 12
    for _ in range(MAX_STEPS):
        kind, length = struct.unpack_from("<4sI", data, position)
        yield kind, position + 8
        position += 8 + length + length % 2
        if position + 8 > end:
            return
    raise refusal("WebP", "has too many chunks")


def _size(kind: bytes, data: bytes, start: int) -> tuple[int, int] | None:
    """Width and height that a chunk states, if any.

    For a frame of an animation, its offset is included.
    """
    if kind == b"VP8 ":
        if data[start + 3 : start + 6] != b"\x9d\x01\x2a":
            raise refusal("WebP", "is damaged")
        width, height = struct.unpack_from("<HH", data, start + 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        signature, packed = struct.unpack_from("<BI", data, start)
        if signature != 0x2F:
            raise refusal("WebP", "is damaged")
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    if kind not in (b"VP8X", b"ANMF"):
        return None
    at = start + 4 if kind == b"VP8X" else start
    a, b, c, d = (int.from_bytes(data[i : i + 3], "little") for i in range(at, at + 12, 3))
    return (a + 1, b + 1) if kind == b"VP8X" else (2 * a + c + 1, 2 * b + d + 1)


def _frames(data: bytes) -> Iterator[int]:
    """Frame chunks (section 2.7.1.1)."""
    for kind, start in _chunks(data):
        if kind == b"ANMF":
            yield start


FORMAT = Format(
    name="WebP",
    extensions=("webp",),
    recognises=_recognises,
    parse=_parse,
    plugin="PIL.WebPImagePlugin",
    pillow_name="WEBP",
    frames=_frames,
)
