"""BMP: BITMAPCOREHEADER to BITMAPV5HEADER (learn.microsoft.com/windows/win32/gdi), and OS/2."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kmseg.picture.formats.base import Format, Header, refusal
from kmseg.picture.limits import Limits
from kmseg.picture.strips import Decoded, Strip, row_ranges

# Pillow decodes run-length compression in Python, which takes seconds for this many bytes.
_MAX_RUNS = 8 * 1024 * 1024
_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_BITS = (1, 4, 8, 16, 24, 32)


@dataclass(frozen=True, slots=True)
class BitFields:
    """How a BMP of 16 or 32 bits per pixel stores its channels.

    Parameters
    ----------
    offset : int
        Where the pixels begin, in bytes.
    top_down : bool
        The first row is the top one.
    masks : tuple of int
        The bits of red, green, blue and, in some headers, alpha.
    """

    offset: int
    top_down: bool
    masks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BmpHeader(Header):
    """A BMP's header.

    Parameters
    ----------
    bit_fields : BitFields, optional
        For a BMP that states them.
    """

    bit_fields: BitFields | None = None


def _recognises(data: bytes) -> bool:
    return data.startswith(b"BM")


def _parse(data: bytes, limits: Limits) -> BmpHeader:
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
    stride = _stride(width, bits)
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
    return BmpHeader("BMP", width, height, samples=1, bits=bits, bit_fields=fields)


def _stride(width: int, bits: int) -> int:
    """Bytes of a row, which is padded to a multiple of four."""
    return (width * bits + 31) // 32 * 4


def _decode(data: bytes, header: BmpHeader) -> Decoded | None:
    """Decode a BMP that states bit fields: Pillow supports only the common ones."""
    if header.bit_fields is None:
        return None
    strips = _bit_field_strips(data, header, header.bit_fields)
    return Decoded(header.width, header.height, strips)


def _bit_field_strips(data: bytes, header: Header, fields: BitFields) -> Iterator[Strip]:
    stride = _stride(header.width, header.bits)
    size = header.width * header.bits // 8
    starts = range(fields.offset, fields.offset + stride * header.height, stride)
    order = starts if fields.top_down else starts[::-1]
    for top, bottom in row_ranges(header.width, header.height):
        rows = b"".join(data[start : start + size] for start in order[top:bottom])
        words = np.frombuffer(rows, f"<u{header.bits // 8}").reshape(-1, header.width)
        channels = [_bit_field(words, mask) for mask in fields.masks]
        alpha = fields.masks[3:] and fields.masks[3]
        yield np.stack(channels[:3], axis=2), channels[3].astype(np.uint8) if alpha else None


def _bit_field(words: npt.NDArray[Any], mask: int) -> npt.NDArray[Any]:
    """The bits under a mask, scaled to 0 to 255."""
    low = mask & -mask or 1
    values = (words & np.uint32(mask)) // np.uint32(low)
    scaled: npt.NDArray[np.float64] = np.rint(values * (255.0 / max(1, mask // low)))
    return scaled


FORMAT = Format(
    name="BMP",
    extensions=("bmp",),
    recognises=_recognises,
    parse=_parse,
    plugin="PIL.BmpImagePlugin",
    pillow_name="BMP",
    own_decoder=_decode,
    zero_alpha_is_opaque=True,  # writers leave the unused fourth byte at 0
)
