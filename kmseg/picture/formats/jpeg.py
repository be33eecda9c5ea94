"""JPEG: ITU-T T.81, annex B."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from kmseg.errors import ImageError
from kmseg.picture.formats.base import Format, Header, refusal
from kmseg.picture.formats.repair import ended_jpeg
from kmseg.picture.limits import Limits

# A segment holds up to 64 KiB (T.81, B.1.1.4), so 50 MiB of metadata fill 800.
_MAX_SEGMENTS = 10_000
# Pillow searches for the next marker byte by byte in Python; real files have next to no padding.
_MAX_PADDING = 64 * 1024
# Pillow appends EXIF segments one by one, which takes quadratic time.
_MAX_EXIF_SEGMENTS = 16
# A marker is FF and a code. FF 00 is data, FF FF is padding, D0 to D7 restart within a scan.
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_HUFFMAN_FRAMES = (0xC0, 0xC1, 0xC2)


def _recognises(data: bytes) -> bool:
    return data.startswith(b"\xff\xd8\xff")


def _parse(data: bytes, limits: Limits) -> Header:
    header = None
    n_scans = n_blocks = n_exif = padding = 0
    data_start = 2
    for code, start, length in _segments(data):
        if code in _FRAMES and header is None:
            header, n_blocks = _frame(code, data[start : start + length])
        if n_scans == 0:
            padding += start - 2 - data_start
            data_start = start + length
        n_scans += code == 0xDA
        n_exif += code == 0xE1 and data.startswith(b"Exif\0\0", start + 2)
        if n_scans > limits.max_jpeg_scans:
            raise refusal("JPEG", f"has more than {limits.max_jpeg_scans} scans")
        if n_exif > _MAX_EXIF_SEGMENTS:
            raise refusal("JPEG", "carries too much EXIF data")
        if padding > _MAX_PADDING:
            raise refusal("JPEG", "is damaged: it has bytes that belong nowhere")
    if header is None or n_scans == 0:
        raise refusal("JPEG", "holds no picture")
    limits.check_size(header.width, header.height)
    if n_blocks > 8 * (len(data) - data_start):
        raise refusal("JPEG", "is cut short: it has too little data for its size")
    return header


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Code, start and length of each segment up to the end of the first picture."""
    position = 2
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.search(data, position)
        if found is None:
            return
        code, position = data[found.end() - 1], found.end()
        if code == 0xD9:
            return
        if code < 0xC0 or code == 0xD8:  # a marker without a length
            continue
        (length,) = struct.unpack_from(">H", data, position)
        yield code, position, length
        position += max(2, length)
    raise refusal("JPEG", "has too many segments")


def _frame(code: int, segment: bytes) -> tuple[Header, int]:
    """The header, and the least number of bits of data: one for each block of 8 x 8."""
    bits, height, width, n_components = struct.unpack_from(">BHHB", segment, 2)
    if bits != 8:
        raise ImageError(f"This JPEG file has {bits} bits per channel; save it again with 8.")
    sampling = [divmod(segment[9 + 3 * i], 16) for i in range(n_components)]
    widest = max((h for h, _ in sampling), default=0) * 8
    tallest = max((v for _, v in sampling), default=0) * 8
    if not (widest and tallest):
        raise refusal("JPEG", "is damaged")
    n_blocks = sum(-(-width * h // widest) * -(-height * v // tallest) for h, v in sampling)
    header = Header("JPEG", width, height, n_components)
    return header, n_blocks if code in _HUFFMAN_FRAMES else 0


FORMAT = Format(
    name="JPEG",
    extensions=("jpg", "jpeg"),
    recognises=_recognises,
    parse=_parse,
    plugin="PIL.JpegImagePlugin",
    pillow_name="JPEG",
    pillow_aliases=("MPO",),  # some phones' files, which hold several pictures
    mend=ended_jpeg,
)
