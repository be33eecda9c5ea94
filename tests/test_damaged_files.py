"""Arbitrary, damaged and truncated files are read or refused: nothing else happens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

import hostile
from kmseg.errors import ImageError
from kmseg.picture.image import Image, read_image

_MAGIC = [
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"GIF89a",
    b"BM",
    b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"MM\0+\0\x08\0\0",
    b"RIFF\x40\0\0\0WEBPVP8 ",
    b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0",
    b"",
]


def read_or_refuse(data: bytes) -> Image | None:
    try:
        return read_image(data)
    except ImageError as error:
        assert str(error).isprintable()
        return None


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(_MAGIC), st.binary(max_size=300))
def test_random_bytes_are_read_or_refused(magic: bytes, rest: bytes) -> None:
    read_or_refuse(magic + rest)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_files_are_read_or_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(hostile.ACCEPTED | hostile.EITHER)))
    content = bytearray((hostile.ACCEPTED | hostile.EITHER)[name])
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    read_or_refuse(bytes(content))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_truncated_files_keep_their_size_or_are_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(hostile.ACCEPTED)))
    content = hostile.ACCEPTED[name]
    image = read_or_refuse(content[: data.draw(st.integers(0, len(content) - 1))])
    assert image is None or (image.width, image.height) == hostile.ACCEPTED_SIZE


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_a_photo_cut_anywhere_is_refused(format_: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    options = {"compression": "tiff_lzw"} if format_ == "TIFF" else {}
    whole = hostile.saved(Pillow.fromarray(pixels), format_, **options)
    for fraction in (0.1, 0.3, 0.5, 0.7, 0.9):
        assert read_or_refuse(whole[: int(len(whole) * fraction)]) is None
