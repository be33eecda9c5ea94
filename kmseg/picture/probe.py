"""What a picture claims to be, read from its header before any decoder sees a byte.

A few hundred bytes can make a decoder allocate gigabytes or keep it busy for minutes. So the claims
are checked first: the format (by the first bytes, never by the name), the size, and whether the
file holds enough data for that size. Every loop over the file is bounded.
"""

from __future__ import annotations

import struct
from typing import Any

from kmseg.errors import ImageError
from kmseg.picture import formats
from kmseg.picture.formats.base import Format, Header, refusal
from kmseg.picture.limits import Limits


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
        Of no format in :mod:`kmseg.picture.formats`, too large, damaged, or too short for what it
        claims.
    """
    limits.check_file_size(len(data))
    format_ = _identify(data)
    try:
        header: Header = format_.parse(data, limits)
    except (struct.error, IndexError, OverflowError) as error:
        raise refusal(format_.name, "is cut short") from error
    limits.check_size(header.width, header.height, header.samples * header.bits)
    return header


def _identify(data: bytes) -> Format[Any]:
    for format_ in formats.FORMATS.values():
        if format_.recognises(data):
            return format_
    looks = "not a picture that is read here"
    if data[4:8] == b"ftyp":  # ISO base media (ISO/IEC 14496-12): what iPhones save
        looks = "a HEIC, AVIF or video file"
    raise ImageError(f"The file is {looks}; save the picture as {formats.listed()}.")
