"""PNG: W3C PNG specification, third edition."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kmseg.picture.formats.base import DEFLATE_RATIO, MAX_STEPS, Format, Header, refusal
from kmseg.picture.limits import Limits

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

    from kmseg.picture.formats.base import Samples

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
# Pillow inflates each compressed text or profile, up to 1 MiB apiece.
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


@dataclass(frozen=True, slots=True)
class PngHeader(Header):
    """A PNG's header.

    Parameters
    ----------
    interlaced : bool
        The pixels are stored in the seven passes of Adam7.
    """

    interlaced: bool = False


def recognises(data: bytes) -> bool:
    """Whether a file begins as a PNG."""
    return data.startswith(SIGNATURE)


def _parse(data: bytes, limits: Limits) -> PngHeader:
    header = None
    n_compressed = n_profiles = idat_bytes = 0
    kinds = set()
    for kind, start, length in chunks(data):
        if not checksum_is_right(data, start, length):
            raise refusal("PNG", "is damaged: a checksum is wrong")
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


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each chunk, and start and length of its content, up to the end marker.

    A chunk may be damaged, or reach beyond the end of the file.

    Raises
    ------
    struct.error
        The file ends before a chunk of the end marker's kind.
    ImageError
        There are too many chunks.
    """
    position = len(SIGNATURE)
    for _ in range(MAX_STEPS):
        if position == len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, position)
        yield kind, position + 8, length
        if kind == b"IEND":
            return
        position += 12 + length
    raise refusal("PNG", "has too many chunks")


def checksum_is_right(data: bytes, start: int, length: int) -> bool:
    """Whether a chunk's checksum is that of its kind and content (section 5.3).

    Raises
    ------
    struct.error
        The chunk reaches beyond the end of the file.
    """
    (checksum,) = struct.unpack_from(">I", data, start + length)
    return bool(zlib.crc32(memoryview(data)[start - 4 : start + length]) == checksum)


def _header(data: bytes, start: int) -> PngHeader:
    width, height, bits, color, compression, filter_, interlace = struct.unpack_from(
        ">IIBBBBB", data, start
    )
    if bits not in _BITS.get(color, ()) or compression or filter_ or interlace > 1:
        raise refusal("PNG", "has a header that PNG does not allow")
    return PngHeader("PNG", width, height, _SAMPLES[color], bits, interlaced=interlace == 1)


def _raw_bytes(header: PngHeader) -> int:
    """Bytes of all rows before compression; each row begins with a filter byte."""
    total = 0
    for left, top, across, down in _PASSES if header.interlaced else ((0, 0, 1, 1),):
        columns = max(0, -(-(header.width - left) // across))
        rows = max(0, -(-(header.height - top) // down))
        if columns:
            total += rows * (1 + (columns * header.samples * header.bits + 7) // 8)
    return total


def _is_complete(data: bytes, header: PngHeader, picture: PillowImage) -> bool:
    """Whether the file holds all rows: Pillow leaves missing rows black."""
    last_row = picture.crop((0, picture.height - 1, picture.width, picture.height))
    if not header.interlaced and any(last_row.tobytes()):
        return True
    return has_all_rows(data, header)


def has_all_rows(data: bytes, header: PngHeader) -> bool:
    """Whether a file's data inflates to as many bytes as `header` calls for; it inflates it all."""
    inflater = zlib.decompressobj()
    missing = _raw_bytes(header)
    view = memoryview(data)
    try:
        for kind, start, length in chunks(data):
            # In small steps: each may expand to a thousand times its size.
            for at in range(start, start + length if kind == b"IDAT" else start, 4096):
                missing -= len(inflater.decompress(view[at : min(at + 4096, start + length)]))
                if missing <= 0:
                    return True
    except zlib.error:
        return False
    return False


def _transparent_samples(samples: Samples, mode: str, header: PngHeader) -> Samples:
    """Pillow scales a picture's samples to 8 bits, but not those of its transparent colour."""
    if mode == "RGB" and header.bits == 16:
        return samples >> 8
    if mode == "L" and header.bits < 8 and samples[0] < 1 << header.bits:
        return samples * 255 // ((1 << header.bits) - 1)
    return samples


def _frames(data: bytes) -> Iterator[int]:
    """The picture data and, in an animation, each frame control chunk behind it.

    One before it describes the same frame (PNG, third edition, 11.3.6). A second acTL chunk makes
    Pillow read a still picture.
    """
    n_animations, seen_data = 0, False
    for kind, start, _ in chunks(data):
        n_animations += kind == b"acTL" and not seen_data
        if (kind == b"fcTL" and seen_data and n_animations == 1) or (
            kind == b"IDAT" and not seen_data
        ):
            yield start
        seen_data = seen_data or kind == b"IDAT"


FORMAT = Format(
    name="PNG",
    extensions=("png",),
    recognises=recognises,
    parse=_parse,
    plugin="PIL.PngImagePlugin",
    pillow_name="PNG",
    is_complete=_is_complete,
    transparent_samples=_transparent_samples,
    frames=_frames,
)
