from __future__ import annotations

import contextlib
import struct
import time

import pytest
from PIL import Image

import hostile
from kmseg.errors import ImageError
from kmseg.picture.formats import FORMATS
from kmseg.picture.formats.png import PngHeader, has_all_rows
from kmseg.picture.limits import Limits
from kmseg.picture.probe import probe

Image.init()
# Formats that Pillow writes.
WRITTEN = [name for name, format_ in FORMATS.items() if format_.pillow_name in Image.SAVE]


def test_default_limits() -> None:
    limits = Limits()
    assert (limits.max_pixels, limits.max_side) == (50_000_000, 30_000)
    assert (limits.max_bytes, limits.max_jpeg_scans) == (50 * 2**20, 100)


def test_limits_can_be_lowered_and_raised() -> None:
    picture = hostile.gray_tiff(5000, 100, bytes(500_000))
    with pytest.raises(ImageError, match=r"5000 x 100 pixels; at most 0\.4 megapixels"):
        probe(picture, Limits(max_pixels=400_000))
    header = probe(hostile.REFUSED["png-89-megapixels"], Limits(max_pixels=90_000_000))
    assert (header.width, header.height) == (9000, 9900)


@pytest.mark.parametrize("format_", WRITTEN)
@pytest.mark.parametrize("size", [(1, 1), (16, 12), (300, 7)])
def test_every_format_states_its_size(format_: str, size: tuple[int, int]) -> None:
    data = hostile.saved(hostile.picture(*size), FORMATS[format_].pillow_name)
    header = probe(data, Limits())
    assert (header.format, header.width, header.height) == (format_, *size)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_bits_and_samples(format_: str, mode: str) -> None:
    image = Image.new("I;16", (5, 4)) if mode == "I;16" else hostile.picture(5, 4, mode)
    header = probe(hostile.saved(image, format_), Limits())
    assert header.samples == {"RGB": 3, "RGBA": 4, "LA": 2}.get(mode, 1)
    assert header.bits == {"1": 1, "I;16": 16}.get(mode, 8)


@pytest.mark.parametrize("options", [{"lossless": True}, {"exif": b"Exif\0\0"}, {"quality": 50}])
def test_kinds_of_webp(options: dict[str, object]) -> None:
    data = hostile.saved(hostile.picture(33, 21, "RGBA"), "WEBP", **options)
    header = probe(data, Limits())
    assert (header.width, header.height) == (33, 21)


@pytest.mark.parametrize("kind", [40, 52, 56, 64, 108, 124])
def test_kinds_of_bmp(kind: int) -> None:
    info = struct.pack("<IiiHHI", kind, 9, -5, 1, 24, 0).ljust(kind, b"\0")
    data = b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + kind) + info + bytes(28 * 5)
    header = probe(data, Limits())
    assert (header.width, header.height) == (9, 5)


def test_os2_bmp() -> None:
    data = b"BM" + struct.pack("<IHHIIHHHH", 0, 0, 0, 26, 12, 9, 5, 1, 24) + bytes(28 * 5)
    header = probe(data, Limits())
    assert (header.format, header.width, header.height, header.bits) == ("BMP", 9, 5, 24)


def test_big_endian_and_big_tiff() -> None:
    entries = [(256, 9), (257, 5), (258, 8), (259, 1), (262, 1), (273, 8), (278, 5), (279, 45)]
    small = struct.pack(">2sHIH", b"MM", 42, 8, len(entries)) + b"".join(
        struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in entries
    )
    big = struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 16, len(entries)) + b"".join(
        struct.pack("<HHQQ", tag, 4, 1, value) for tag, value in entries
    )
    for data in (small, big):
        header = probe(data, Limits())
        assert (header.width, header.height, header.bits) == (9, 5, 8)


def test_scans_up_to_the_limit_are_read() -> None:
    n_own = hostile.jpeg(progressive=True).count(b"\xff\xda")
    probe(hostile.jpeg_scans(100 - n_own), Limits())
    with pytest.raises(ImageError, match="more than 100 scans"):
        probe(hostile.jpeg_scans(101 - n_own), Limits())


def test_a_scan_cannot_hide_behind_an_end_marker_in_a_comment() -> None:
    bomb = hostile.REFUSED["jpeg-scan-bomb"]
    last = bomb.rindex(b"\xff\xda", 0, bomb.index(b"\xff\xda") + 400)
    hidden = bomb[:last] + b"\xff\xfe\0\x04\xff\xd9" + bomb[last:]
    with pytest.raises(ImageError, match="more than 100 scans"):
        probe(hidden, Limits())


@pytest.mark.parametrize(
    "data",
    [
        hostile.jpeg()[:-2] + b"\xff\0" * 10_000_000 + b"\xff\xd9",
        b"GIF89a" + bytes(7) + b"!\xfe" + b"\1a" * 10_000_000,
        b"GIF89a" + bytes(20_000_000),
        b"\xff\xd8" + b"\xff\xe0\0\2" * 5_000_000,
        b"\xff\xd8\xff" + bytes(20_000_000),
        b"RIFF" + struct.pack("<I", 20_000_004) + b"WEBP" + bytes(20_000_000),
        struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 16, 900_000) + bytes(20_000_000),
    ],
    ids=["jpeg-stuffing", "gif-blocks", "gif-zeros", "segments", "jpeg-zeros", "webp", "tiff"],
)
def test_twenty_megabytes_without_a_picture_are_refused_quickly(data: bytes) -> None:
    start = time.process_time()
    with contextlib.suppress(ImageError):
        probe(data, Limits())
    assert time.process_time() - start < 2


def test_a_large_photo_is_probed_quickly() -> None:
    start = time.process_time()
    probe(hostile.jpeg()[:-2] + b"\x12\xff\0\x34\xff\xd3" * 4_000_000 + b"\xff\xd9", Limits())
    assert time.process_time() - start < 1


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (16, 12), (9, 9)])
def test_rows_of_a_png_are_counted_to_the_byte(interlaced: bool, size: tuple[int, int]) -> None:
    width, height = size
    header = PngHeader("PNG", width, height, 3, 8, interlaced=interlaced)
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
    passes += [(0, 1, 1, 2)]
    n_bytes = 0
    for left, top, across, down in passes if interlaced else [(0, 0, 1, 1)]:
        columns = len(range(left, width, across))
        n_bytes += len(range(top, height, down)) * (1 + 3 * columns) if columns else 0
    assert has_all_rows(hostile.png(width, height, bytes(n_bytes)), header)
    assert not has_all_rows(hostile.png(width, height, bytes(n_bytes - 1)), header)
