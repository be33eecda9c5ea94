from __future__ import annotations

import struct

import pytest

import hostile
from kmseg.errors import ImageError
from kmseg.picture.formats.raw import is_camera_raw, refuse_camera_raw

# The tags of a directory: tag to values, all stored as LONG.
Tags = dict[int, list[int]]
THUMBNAIL: Tags = {
    254: [1],
    256: [160],
    257: [120],
    258: [8],
    259: [1],
    262: [2],
    273: [8],
    277: [3],
}


def tiff(first: Tags, *others: Tags, order: str = "<", linked: bool = False) -> bytes:
    """A TIFF; the other directories hang below the first one, or follow it if `linked`."""

    def size(tags: Tags) -> int:
        extra = sum(4 * len(values) for values in tags.values() if len(values) > 1)
        return 2 + 12 * len(tags) + 4 + extra

    if others and not linked:
        first = first | {330: [0] * len(others)}
    starts = [8]
    for tags in (first, *others):
        starts.append(starts[-1] + size(tags))
    if others and not linked:
        first[330] = starts[1:-1]
    data = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8)
    for n, tags in enumerate((first, *others)):
        entries, extra = b"", b""
        at = starts[n] + 2 + 12 * len(tags) + 4
        for tag, values in sorted(tags.items()):
            packed = struct.pack(f"{order}{len(values)}I", *values)
            entries += struct.pack(f"{order}HHI", tag, 4, len(values))
            entries += packed if len(values) == 1 else struct.pack(f"{order}I", at + len(extra))
            extra += packed if len(values) > 1 else b""
        following = starts[n + 1] if linked and n < len(others) else 0
        data += struct.pack(f"{order}H", len(tags)) + entries
        data += struct.pack(f"{order}I", following) + extra
    return data


SENSOR: Tags = {256: [6000], 257: [4000], 258: [14], 262: [32803], 277: [1]}

RAW = {
    "dng": tiff(THUMBNAIL | {50706: [0x01040000]}, SENSOR),
    "dng without a thumbnail": tiff(SENSOR | {50706: [0x01040000]}),
    "linear dng": tiff(THUMBNAIL, SENSOR | {262: [34892]}),
    "nef": tiff(THUMBNAIL, {254: [1], 262: [6]}, SENSOR | {259: [34713]}, order=">"),
    "arw": tiff(THUMBNAIL, {259: [32767], 256: [6000]}),
    "pef": tiff({256: [6000], 259: [65535], 262: [32803]}),
    "raw second": tiff(THUMBNAIL, SENSOR, linked=True),
    "cr2": b"II*\0\x10\0\0\0CR\x02\0" + bytes(50),
    "iiq": b"II*\0\x10\0\0\0IIII" + bytes(50),
    "orf": b"IIRO\x08\0\0\0" + bytes(50),
    "rw2": b"IIU\0\x18\0\0\0" + bytes(50),
    "raf": b"FUJIFILMCCD-RAW 0201" + bytes(50),
    "crw": b"II\x1a\0\0\0HEAPCCDR" + bytes(50),
    "cr3": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
    "x3f": b"FOVb" + bytes(50),
    "mrw": b"\0MRM" + bytes(50),
}

PICTURES = {
    "tiff": hostile.saved(hostile.picture(), "TIFF"),
    "fax": hostile.saved(hostile.picture(mode="1"), "TIFF", compression="group4"),
    "lzw": hostile.saved(hostile.picture(), "TIFF", compression="tiff_lzw"),
    "pyramid": tiff({256: [600], 257: [400], 262: [2]}, THUMBNAIL, THUMBNAIL),
    "pages": tiff(THUMBNAIL, THUMBNAIL, THUMBNAIL, linked=True),
    "jpeg": hostile.jpeg(),
    "png": hostile.saved(hostile.picture(), "PNG"),
    "avif": hostile.saved(hostile.picture(), "AVIF"),
    "cut short": RAW["dng"][:40],
    "nothing": b"",
    "circle": b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 330, 4, 1, 8, 8),
    "far": b"II*\0\xff\xff\xff\xff",
    "farther": b"MM\0+\0\x08\0\0" + b"\xff" * 8,
}


@pytest.mark.parametrize("name", RAW)
def test_camera_raw_is_refused_in_a_sentence(name: str) -> None:
    assert is_camera_raw(RAW[name])
    with pytest.raises(ImageError, match=r"camera raw file .* export it as JPEG"):
        refuse_camera_raw(RAW[name])


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_not_taken_for_camera_raw(name: str) -> None:
    assert not is_camera_raw(PICTURES[name])
    refuse_camera_raw(PICTURES[name])


@pytest.mark.parametrize("name", hostile.REFUSED)
def test_hostile_files_are_not_taken_for_camera_raw(name: str) -> None:
    assert not is_camera_raw(hostile.REFUSED[name])
