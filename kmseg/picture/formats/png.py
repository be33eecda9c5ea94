"""PNG: W3C PNG specification, third edition."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from kmseg.picture.header import DEFLATE_RATIO, MAX_STEPS, Header, refusal
from kmseg.picture.limits import Limits

# Pillow inflates each of these chunks, up to 1 MiB apiece.
_MAX_COMPRESSED_CHUNKS = 100
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_BITS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# First column and row of each interlacing pass, and the steps between them (section 8.1).
_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def parse(data: bytes, limits: Limits) -> Header:
    """Check a PNG file's claims; see :func:`kmseg.picture.probe.probe`."""
    header = None
    n_compressed = n_profiles = idat_bytes = 0
    kinds = set()
    for kind, start, length in _chunks(data):
        if header is None:
            if kind != b"IHDR" or length != 13:
                raise refusal("PNG", "does not begin with its header")
            header = _header(data, start)
            limits.check_size(header.width, header.height, header.samples * header.bits)
        kinds.add(kind)
        idat_bytes += length * (kind == b"IDAT")
        n_profiles += kind == b"iCCP"
        n_compressed += kind in (b"iCCP", b"zTXt", b"iTXt")
        if n_profiles > 1 or n_compressed > _MAX_COMPRESSED_CHUNKS:
            raise refusal("PNG", "carries too many compressed texts or profiles")
    if header is None or b"IEND" not in kinds:
        raise refusal("PNG", "is cut short")
    if data[25] == 3 and b"PLTE" not in kinds:
        raise refusal("PNG", "lacks its palette")
    if idat_bytes * DEFLATE_RATIO < _raw_bytes(header):
        raise refusal("PNG", "is cut short: it has too little data for its size")
    return header


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and length of each chunk up to the end marker, checksums verified."""
    view = memoryview(data)
    position = 8
    for _ in range(MAX_STEPS):
        if position == len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        (checksum,) = struct.unpack_from(">I", data, end)
        if zlib.crc32(view[position + 4 : end]) != checksum:
            raise refusal("PNG", "is damaged: a checksum is wrong")
        yield kind, position + 8, length
        if kind == b"IEND":
            return
        position = end + 4
    raise refusal("PNG", "has too many chunks")


def _header(data: bytes, start: int) -> Header:
    width, height, bits, color, compression, filter_, interlace = struct.unpack_from(
        ">IIBBBBB", data, start
    )
    if bits not in _BITS.get(color, ()) or compression or filter_ or interlace > 1:
        raise refusal("PNG", "has a header that PNG does not allow")
    return Header("PNG", width, height, _SAMPLES[color], bits, interlaced=interlace == 1)


def _raw_bytes(header: Header) -> int:
    """Bytes of the rows before compression: each row is led by a filter byte."""
    total = 0
    for left, top, across, down in _PASSES if header.interlaced else ((0, 0, 1, 1),):
        columns = max(0, -(-(header.width - left) // across))
        rows = max(0, -(-(header.height - top) // down))
        if columns:
            total += rows * (1 + (columns * header.samples * header.bits + 7) // 8)
    return total


def png_is_complete(data: bytes, header: Header) -> bool:
    """Whether a PNG file that passed :func:`probe` really holds every row.

    It inflates the whole picture to count its bytes: decoders accept a stream that ends early
    and leave the rest black.

    Parameters
    ----------
    data : bytes
        The file.
    header : Header
        What :func:`probe` returned for it.

    Returns
    -------
    bool
    """
    inflater = zlib.decompressobj()
    missing = _raw_bytes(header)
    view = memoryview(data)
    try:
        for kind, start, length in _chunks(data):
            # In small steps, for one step can inflate a thousandfold.
            for at in range(start, start + length if kind == b"IDAT" else start, 4096):
                missing -= len(inflater.decompress(view[at : min(at + 4096, start + length)]))
                if missing <= 0:
                    return True
    except zlib.error:
        return False
    return False
