from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import hostile
from kmseg.picture.deep import DeepPicture, load_deep

Words = npt.NDArray[np.uint16]


def words(channels: int, width: int = 16, height: int = 12) -> Words:
    generator = np.random.default_rng(channels)
    return generator.integers(0, 65536, (height, width, channels), dtype=np.uint16)


def opener(data: bytes) -> Callable[[], Any]:
    return lambda: Image.open(io.BytesIO(data))


def png(values: Words, filter_: int = 0) -> bytes:
    """A 16-bit PNG; filter 1 ("sub") or 2 ("up") for all rows."""
    height, width, channels = values.shape
    rows = values.astype(">u2").view(np.uint8).reshape(height, -1)
    before = np.zeros_like(rows)
    if filter_ == 1:
        before[:, 2 * channels :] = rows[:, : -2 * channels]
    elif filter_ == 2:
        before[1:] = rows[:-1]
    raw = b"".join(bytes([filter_]) + row.tobytes() for row in rows - before)
    color = {2: 4, 3: 2, 4: 6}[channels]
    return hostile.png(width, height, raw, bits=16, color=color)


def tiff(
    values: Words, order: str = "<", compression: int = 1, planar: int = 1, extra: int | None = None
) -> bytes:
    """A 16-bit TIFF in one strip (or in one a channel), of either byte order."""
    height, width, channels = values.shape
    stored = values.astype(f"{order}u2")
    parts = [stored.tobytes()]
    if planar == 2:
        parts = [stored[..., n].tobytes() for n in range(channels)]
    if compression == 8:
        parts = [zlib.compress(part) for part in parts]
    offsets, at = [], 8
    for part in parts:
        offsets.append(at)
        at += len(part)
    lists = {258: [16] * channels, 273: offsets, 279: [len(part) for part in parts]}
    numbers = {256: width, 257: height, 259: compression, 262: 2, 277: channels, 278: height}
    tags = {tag: [value] for tag, value in numbers.items()} | lists | {284: [planar]}
    tags |= {} if extra is None else {338: [extra]}
    data, entries = b"".join(parts), b""
    for tag, content in sorted(tags.items()):
        if len(content) == 1:
            value = struct.pack(f"{order}I", content[0])
        else:
            value = struct.pack(f"{order}I", 8 + len(data))
            data += struct.pack(f"{order}{len(content)}I", *content)
        entries += struct.pack(f"{order}HHI", tag, 4, len(content)) + value
    mark = b"II" if order == "<" else b"MM"
    return (
        struct.pack(f"{order}2sHI", mark, 42, 8 + len(data))
        + data
        + struct.pack(f"{order}H", len(tags))
        + entries
        + bytes(4)
    )


def check(picture: DeepPicture | None, values: Words) -> None:
    assert picture is not None
    n_colors = values.shape[2] - (values.shape[2] in (2, 4))
    for top in range(0, 12, 5):
        color, alpha = picture.strip(top, min(top + 5, 12))
        assert (color == values[top : top + 5, :, :n_colors]).all()
        if n_colors < values.shape[2]:
            assert alpha is not None
            assert (alpha == values[top : top + 5, :, n_colors]).all()
        else:
            assert alpha is None


@pytest.mark.parametrize("filter_", [0, 1, 2])
@pytest.mark.parametrize("channels", [2, 3, 4])
def test_png_in_full(channels: int, filter_: int) -> None:
    values = words(channels)
    check(load_deep(opener(png(values, filter_))), values)


def test_interlaced_png_in_full() -> None:
    values = words(3, 5, 12)
    raw = b""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
    for left, top, across, down in [*passes, (0, 1, 1, 2)]:
        for row in values[top::down, left::across].astype(">u2"):
            raw += b"\0" + row.tobytes() if row.size else b""
    data = bytearray(hostile.png(5, 12, raw, bits=16, color=2))
    data[28] = 1
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    check(load_deep(opener(bytes(data))), values)


@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [3, 4])
def test_tiff_in_full(channels: int, order: str, compression: int) -> None:
    values = words(channels)
    extra = 2 if channels == 4 else None
    check(load_deep(opener(tiff(values, order, compression, extra=extra))), values)


def test_a_fourth_channel_without_a_meaning_is_left_out() -> None:
    values = words(4)
    check(load_deep(opener(tiff(values, extra=0))), values[..., :3])


@pytest.mark.parametrize("compression", [1, 8])
def test_channels_stored_apart_are_left_to_pillow(compression: int) -> None:
    picture = Image.open(io.BytesIO(tiff(words(3), compression=compression, planar=2)))
    before = list(picture.tile)
    assert load_deep(lambda: picture) is None
    assert picture.tile == before


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "I;16", "1"])
@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_other_pictures_are_left_to_pillow(mode: str, format_: str) -> None:
    image = Image.new(mode, (5, 4))
    assert load_deep(opener(hostile.saved(image, format_))) is None


def test_a_file_cut_short_is_not_read() -> None:
    data = png(words(3, 200, 12))
    with pytest.raises(OSError):
        load_deep(opener(data[:-3000]))


@pytest.mark.parametrize(
    ("largest", "white"), [(65535, 65535), (40000, 65535), (16383, 16383), (4095, 4095), (9, 255)]
)
def test_alpha_of_fewer_bits(largest: int, white: int) -> None:
    values = words(4)
    values[..., 3] = largest
    picture = load_deep(opener(png(values)))
    assert picture is not None
    assert picture.alpha_white(iter([(0, 5), (5, 12)])) == white
