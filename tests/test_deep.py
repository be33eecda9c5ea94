from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

import hostile
from deepfiles import Words, opener, png, tiff, words
from kmseg.picture.deep import DeepPicture, load_deep


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
