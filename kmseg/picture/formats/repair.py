"""Repair, before decoding, of damage that browsers ignore and that affects no pixel."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from kmseg.errors import ImageError
from kmseg.picture.formats.png import SIGNATURE, checksum_is_right, chunks, recognises

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

_ANIMATION: Final = frozenset((b"acTL", b"fcTL", b"fdAT"))
_JPEG_END: Final = b"\xff\xd9"
# Bytes without FF; where libjpeg expects pixel data, it decodes them to visible noise.
_NOISE: Final = b"\x5a\xa5\x39\xc6\x17\xe8\x93\x4d" * 32


def split_png(data: bytes, most: int) -> tuple[bytes, bytes | None]:
    """Separate a PNG from its colour profile and from ancillary chunks with a wrong checksum.

    Browsers ignore such chunks (W3C PNG specification, third edition, 13.1). If one belongs to an
    animation, all chunks of the animation are removed. Pillow would refuse a file with such chunks
    or with a profile of more than 1 MiB.

    Parameters
    ----------
    data : bytes
        A whole file. One that is no PNG, or with chunks that do not fit, is left as it is.
    most : int
        The most bytes of a profile that are inflated.

    Returns
    -------
    bytes
        The file, or a copy without those chunks. Other damage is left to the parser.
    bytes or None
        The profile, or None if there is none. One that cannot be inflated is cut short, one that
        is larger than `most` has one byte more.
    """
    if not recognises(data):
        return data, None
    kept, dropped, profile = _sorted_chunks(data, most)
    if not dropped:
        return data, None
    if dropped & _ANIMATION:
        kept = [
            piece for piece in kept if data[piece.start + 4 : piece.start + 8] not in _ANIMATION
        ]
    return SIGNATURE + b"".join(data[piece] for piece in kept), profile


def _sorted_chunks(data: bytes, most: int) -> tuple[list[slice], set[bytes], bytes | None]:
    """The chunks to keep, with all that follows the last one; the kinds dropped; the profile."""
    kept: list[slice] = []
    dropped: set[bytes] = set()
    profile = None
    position = len(SIGNATURE)
    with suppress(struct.error, ImageError):  # the rest is kept
        for kind, start, length in chunks(data):
            end = start + length + 4
            if end > len(data) or not kind.isalpha():
                break
            ancillary = kind[:1].islower()
            if ancillary and not checksum_is_right(data, start, length):
                dropped.add(kind)
            elif kind == b"iCCP" and profile is None:
                dropped.add(kind)
                profile = _inflated(memoryview(data)[start : start + length], most)
            else:
                kept.append(slice(start - 8, end))
            position = end
    kept.append(slice(position, len(data)))
    return kept, dropped, profile


def _inflated(content: memoryview, most: int) -> bytes:
    """The profile in an iCCP chunk: a name, 0, the method, and zlib data (section 11.3.2.3)."""
    name_end = bytes(content[:80]).find(b"\0")
    if name_end < 0:
        return b"damaged"
    inflater = zlib.decompressobj()
    try:
        return inflater.decompress(content[name_end + 2 :], most + 1) or b"damaged"
    except zlib.error:
        return b"damaged"


def ended_jpeg(data: bytes) -> bytes | None:
    """A JPEG that lacks its end marker, with one; None if it lacks rows too.

    libjpeg silently fills in missing rows. So the file is decoded twice, the second time with noise
    before the marker: if all rows are present, the noise changes no pixel.

    Parameters
    ----------
    data : bytes
        A whole file that passed the parser but that Pillow called truncated.

    Returns
    -------
    bytes or None
    """
    body = data.rstrip(b"\0")  # a copy that broke off may be filled up with zeros
    if body.endswith(b"\xff"):
        body += b"\0" if len(body) < len(data) else b""
        body = body if body.endswith(b"\0") else body[:-1]  # FF 00 is data, FF half a marker
    try:
        if _same(_decoded(body + _JPEG_END), _decoded(body + _NOISE + _JPEG_END)):
            return body + _JPEG_END
    except OSError:  # the noise made no sense as pixels
        return None
    return None


def _decoded(data: bytes) -> PillowImage:
    import PIL.Image

    picture = PIL.Image.open(io.BytesIO(data), formats=["JPEG"])
    picture.load()
    return picture


def _same(one: PillowImage, other: PillowImage) -> bool:
    boxes = ((0, top, one.width, min(top + 64, one.height)) for top in range(0, one.height, 64))
    return all(one.crop(box).tobytes() == other.crop(box).tobytes() for box in boxes)
