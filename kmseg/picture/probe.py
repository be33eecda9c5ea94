"""What a picture claims to be, read from its header before any decoder sees a byte.

A few hundred bytes can make a decoder allocate gigabytes, or keep it busy for minutes. So the
claims are checked first, with bounds on every loop: which of the six formats it is (by its first
bytes, never by its name), how large it is, and whether the file holds enough data for that.
"""

from __future__ import annotations

import struct

from kmseg.errors import ImageError
from kmseg.picture.formats import bmp, gif, jpeg, png, tiff, webp
from kmseg.picture.formats.bmp import bmp_stride
from kmseg.picture.formats.png import png_is_complete
from kmseg.picture.header import BitFields, Header, refusal
from kmseg.picture.limits import MEGAPIXELS_VARIABLE, Limits

__all__ = [
    "FORMATS",
    "MEGAPIXELS_VARIABLE",
    "BitFields",
    "Header",
    "Limits",
    "bmp_stride",
    "png_is_complete",
    "probe",
]

FORMATS = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF")
_PARSERS = {
    "JPEG": jpeg.parse,
    "PNG": png.parse,
    "WebP": webp.parse,
    "GIF": gif.parse,
    "BMP": bmp.parse,
    "TIFF": tiff.parse,
}


def probe(data: bytes, limits: Limits) -> Header:
    """Check what `data` claims to be against `limits`, without decoding it.

    Parameters
    ----------
    data : bytes
        A whole file.
    limits : Limits
        The largest picture that is accepted.

    Returns
    -------
    Header

    Raises
    ------
    ImageError
        Not one of the six formats, too large, damaged, or too short for what it claims.
    """
    limits.check_file_size(len(data))
    format_ = _identify(data)
    try:
        header = _PARSERS[format_](data, limits)
    except (struct.error, IndexError, OverflowError) as error:
        raise refusal(format_, "is cut short") from error
    limits.check_size(header.width, header.height, header.samples * header.bits)
    return header


def _identify(data: bytes) -> str:
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    if data.startswith(b"BM"):
        return "BMP"
    looks = "not a picture that is read here"
    if data[4:8] == b"ftyp":  # ISO base media (ISO/IEC 14496-12): what iPhones save
        looks = "a HEIC, AVIF or video file"
    raise ImageError(
        f"The file is {looks}; save the picture as {', '.join(FORMATS[:-1])} or {FORMATS[-1]}."
    )
