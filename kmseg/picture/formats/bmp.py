"""BMP: BITMAPCOREHEADER to BITMAPV5HEADER (learn.microsoft.com/windows/win32/gdi), and OS/2."""

from __future__ import annotations

import struct

from kmseg.picture.header import BitFields, Header, refusal
from kmseg.picture.limits import Limits

# Pillow decodes the runs of a BMP in Python: a few seconds for this many bytes.
_MAX_RUNS = 8 * 1024 * 1024
_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_BITS = (1, 4, 8, 16, 24, 32)


def parse(data: bytes, limits: Limits) -> Header:
    """Check a BMP file's claims; see :func:`kmseg.picture.probe.probe`."""
    offset, kind = struct.unpack_from("<II", data, 10)
    if kind not in _HEADERS:
        raise refusal("BMP", "has a header of an unknown kind")
    if kind == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    if bits not in _BITS or compression not in (0, 1, 2, 3) or (compression, kind) == (3, 64):
        raise refusal("BMP", "is compressed or coloured in a way that is not read")
    top_down, height = height < 0, abs(height)
    limits.check_size(width, height, bits)
    stride = bmp_stride(width, bits)
    available = len(data) - offset
    if compression in (1, 2):
        if available > _MAX_RUNS:
            raise refusal("BMP", "is too large for its run-length compression")
    elif available < stride * (height - 1) + (width * bits + 7) // 8:
        raise refusal("BMP", "is cut short: it has too little data for its size")
    fields = None
    if compression == 3:
        if bits not in (16, 32):
            raise refusal("BMP", "has a header that BMP does not allow")
        masks = struct.unpack_from("<4I" if kind >= 56 else "<3I", data, 54)
        fields = BitFields(offset, top_down, masks)
    return Header("BMP", width, height, samples=1, bits=bits, bit_fields=fields)


def bmp_stride(width: int, bits: int) -> int:
    """Bytes of a BMP row, which is padded to a multiple of four."""
    return (width * bits + 31) // 32 * 4
