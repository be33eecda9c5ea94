"""Detection of camera raw files, so that their thumbnail is not mistaken for the picture."""

from __future__ import annotations

import struct
from typing import Final

from kmseg.errors import ImageError
from kmseg.picture.formats.directories import directories, is_tiff, read_directory

#: Why a camera raw file is not read, and what to do.
REFUSAL: Final = (
    "This is a camera raw file (such as DNG, NEF, CR2 or ARW), which has to be developed first; "
    "export it as JPEG, PNG or TIFF with your camera's software or a raw converter."
)

#: Extensions of raw files that phones write, without the dot.
EXTENSIONS: Final = ("dng",)

# Signatures of formats not based on TIFF: CR3 (Canon), RAF (Fujifilm), ORF (Olympus), RW2
# (Panasonic), CRW (Canon), X3F (Sigma), MRW (Minolta).
_BEGINNINGS = (
    *(b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0"),
    *(b"II\x1a\0\0\0HEAPCCDR", b"FOVb", b"\0MRM"),
)
# What follows the first eight bytes of a TIFF: CR2 (Canon) and IIQ (Phase One).
_SECOND_SIGNATURES = (b"CR\x02", b"IIII", b"MMMM")
_COMPRESSION, _PHOTOMETRIC, _SUB_DIRECTORIES = 259, 262, 330
_DNG_VERSION = 50706  # in the first directory of each DNG (Adobe DNG Specification 1.7, chapter 4)
_SENSOR_COLORS = (32803, 34892)  # colour filter array, linear raw (same place)
_RAW_COMPRESSIONS = (
    32767,
    32769,
    32770,
    34713,
    65000,
    65535,
)  # of Sony, Epson, Samsung, Nikon, Kodak, Pentax
# A raw file has some four directories.
_MAX_DIRECTORIES = 16


def is_camera_raw(data: bytes) -> bool:
    """Whether a file holds the samples of a camera's sensor, beside a thumbnail at most.

    Parameters
    ----------
    data : bytes
        A whole file.

    Returns
    -------
    bool
        False also for a TIFF that is damaged.
    """
    if data.startswith(_BEGINNINGS) or data[4:12] == b"ftypcrx ":
        return True
    if not is_tiff(data):
        return False
    if data.startswith(_SECOND_SIGNATURES, 8):
        return True
    try:
        return _has_sensor_data(data)
    except (struct.error, OverflowError, ImageError):
        return False


def refuse_camera_raw(data: bytes) -> None:
    """Raise an ImageError if a file is camera raw."""
    if is_camera_raw(data):
        raise ImageError(REFUSAL)


def _has_sensor_data(data: bytes) -> bool:
    n_left = _MAX_DIRECTORIES
    for directory in directories(data, _MAX_DIRECTORIES):
        if _DNG_VERSION in directory.tags or _is_sensor_data(directory.tags):
            return True
        for position in directory.tags.get(_SUB_DIRECTORIES, ())[:n_left]:
            n_left -= 1
            if _is_sensor_data(read_directory(data, position).tags):
                return True
    return False


def _is_sensor_data(tags: dict[int, tuple[int, ...]]) -> bool:
    return (
        tags.get(_PHOTOMETRIC, (0,))[0] in _SENSOR_COLORS
        or tags.get(_COMPRESSION, (0,))[0] in _RAW_COMPRESSIONS
    )
