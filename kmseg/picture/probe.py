"""What a picture claims to be, read from its header before any decoder sees a byte.

A few hundred bytes can make a decoder allocate gigabytes or keep it busy for minutes. So the claims
are checked first: the format (by the first bytes, never by the name), the size, and whether the
file holds enough data for that size. Every loop over the file is bounded.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from kmseg.errors import ImageError
from kmseg.picture import formats
from kmseg.picture.formats.base import Format, Header, refusal
from kmseg.picture.formats.raw import refuse_camera_raw
from kmseg.picture.formats.repair import split_png
from kmseg.picture.frames import check_frame, count_frames, describe
from kmseg.picture.limits import Limits
from kmseg.picture.profiles import MAX_PROFILE_BYTES
from kmseg.picture.reading import Reading

DEFAULT_READING = Reading()


@dataclass(frozen=True, slots=True)
class File:
    """A file that passed the checks, and how it is to be read.

    Parameters
    ----------
    data : bytes
        The file, mended where that costs no pixel.
    header : Header
        Of the frame that is read.
    reading : Reading
    index : int
        The frame's number for the decoder.
    profile : bytes or None
        A PNG's colour profile, which `data` no longer holds.
    note : str
        Which frame of how many is read; empty if there is one.
    """

    data: bytes
    header: Header
    reading: Reading = DEFAULT_READING
    index: int = 0
    profile: bytes | None = None
    note: str = ""


def open_file(data: bytes, limits: Limits, reading: Reading = DEFAULT_READING) -> File:
    """Mend a file, :func:`probe` it, and find the frame that is read; raises ``ImageError``."""
    limits.check_file_size(len(data))
    refuse_camera_raw(data)
    data, profile = split_png(data, MAX_PROFILE_BYTES)
    header = probe(data, limits)
    n_frames = count_frames(data, header.format)
    index = reading.frame
    check_frame(index, n_frames, header.format, (header.width, header.height), limits)
    parse_frame = formats.FORMATS[header.format].parse_frame
    if parse_frame and index:
        try:
            index, header = parse_frame(data, limits, index)
        except (struct.error, IndexError, OverflowError) as error:
            raise refusal(header.format, "is cut short") from error
        limits.check_size(header.width, header.height, header.samples * header.bits)
    note = describe(reading.frame, n_frames, header.format)
    return File(data, header, reading, index, profile, note)


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
