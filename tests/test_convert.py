from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import deepfiles
import hostile
import icc
import kmseg
from deepfiles import opener
from kmseg.picture.convert import convert
from kmseg.picture.strips import Decoded

Pixels = npt.NDArray[np.uint8]


def whole(converted: Decoded) -> tuple[Pixels, Pixels | None]:
    """All strips together: colour of three channels, and alpha."""
    strips = list(converted.strips)
    color = np.concatenate([np.broadcast_to(c, (*c.shape[:2], 3)) for c, _ in strips])
    assert color.shape == (converted.height, converted.width, 3)
    if strips[0][1] is None:
        assert all(alpha is None for _, alpha in strips)
        return color, None
    return color, np.concatenate([alpha for _, alpha in strips if alpha is not None])


def photo(width: int = 900, height: int = 1300) -> Pixels:
    """More than one strip of pixels."""
    rows, columns = np.mgrid[:height, :width]
    color = np.stack([rows * 255 / height, columns * 255 / width, (rows + columns) % 256], axis=2)
    return color.astype(np.uint8)


PROFILE = icc.rgb(icc.ADOBE_RGB, 563 / 256, "Adobe RGB (1998)")


MODES = {
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA"],
    "TIFF": ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB"],
    "JPEG": ["L", "RGB", "CMYK"],
}


@pytest.mark.parametrize(("format_", "mode"), [(f, mode) for f in MODES for mode in MODES[f]])
def test_8_bits_are_as_pillow_converts_them(format_: str, mode: str) -> None:
    image = Image.fromarray(photo())
    image = Image.merge("LAB", image.split()) if mode == "LAB" else image.convert(mode)
    data = hostile.saved(image, format_)
    converted = convert(opener(data), 8, "auto")
    color, alpha = whole(converted)
    expected = Image.open(io.BytesIO(data))
    if expected.mode == "P":
        assert (alpha == 255).all()
    assert (color == np.asarray(expected.convert("RGB"))).all()
    if mode in ("LA", "RGBA"):
        assert alpha is not None
        assert (alpha == np.asarray(expected)[..., -1]).all()
    assert (converted.notes, converted.scale) == ((), None)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_profile_is_applied_and_said(mode: str) -> None:
    image = Image.fromarray(photo()).convert(mode)
    data = hostile.saved(image, "PNG", icc_profile=PROFILE)
    converted = convert(opener(data), 8, "auto")
    assert converted.notes == ("Adobe RGB (1998) converted to sRGB",)
    color, _ = whole(converted)
    stored = np.asarray(image.convert("RGB"))
    expected = icc.to_srgb(stored.reshape(-1, 3), icc.ADOBE_RGB, 563 / 256).reshape(stored.shape)
    assert icc.delta_e(color[::7, ::7].astype(float), expected[::7, ::7]).mean() < 0.5


def test_a_given_profile_replaces_the_one_in_the_file() -> None:
    data = hostile.saved(Image.fromarray(photo()), "PNG")
    assert convert(opener(data), 8, "auto", profile=PROFILE).notes == (
        "Adobe RGB (1998) converted to sRGB",
    )
    assert convert(opener(data), 8, "auto", profile=b"junk").notes == (
        "The colour profile is damaged and was ignored.",
    )


@pytest.mark.parametrize("make", [deepfiles.png, deepfiles.tiff])
def test_12_bits_in_16_look_as_their_8_bit_twin(make: Callable[..., bytes]) -> None:
    twin = photo(60, 40)
    data = make(np.rint(twin * (4095 / 255)).astype(np.uint16))
    converted = convert(opener(data), 16, "auto")
    assert converted.notes == ("12 bits in 16, shown as 8",)
    assert (whole(converted)[0] == twin).all()


def test_16_bit_colour_with_soft_alpha_and_a_profile() -> None:
    values = np.concatenate([photo(60, 40), photo(60, 40)[..., :1]], axis=2).astype(np.uint16) * 257
    converted = convert(opener(deepfiles.png(values)), 16, "auto", profile=PROFILE)
    color, alpha = whole(converted)
    assert alpha is not None
    assert (alpha == values[..., 3] // 257).all()
    expected = icc.to_srgb(photo(60, 40).reshape(-1, 3), icc.ADOBE_RGB, 563 / 256)
    assert icc.delta_e(color.reshape(-1, 3).astype(float), expected).mean() < 0.5
    assert converted.notes == ("16-bit, shown as 8", "Adobe RGB (1998) converted to sRGB")


def test_a_transparent_colour_of_16_bits_is_compared_in_full() -> None:
    values = np.full((12, 16, 3), 5 * 257, np.uint16)
    values[3] += 1  # the same upper bytes
    data = deepfiles.png(values)
    key = hostile.png_chunk(b"tRNS", np.full(3, 5 * 257, ">u2").tobytes())
    _, alpha = whole(convert(opener(data[:33] + key + data[33:]), 16, "auto"))
    assert alpha is not None
    assert (alpha[3] == 255).all() and not np.delete(alpha, 3, axis=0).any()


def tiff_of(values: npt.NDArray[Any]) -> bytes:
    return hostile.saved(Image.fromarray(values), "TIFF")


def test_gray_of_16_bits_is_brought_out_with_the_units_of_the_file() -> None:
    values = np.random.default_rng(0).integers(150, 421, (1300, 900)).astype(np.uint16)
    converted = convert(opener(tiff_of(values)), 16, "auto")
    assert converted.notes == ("16-bit, 150 to 420 shown as 0 to 255",)
    color, alpha = whole(converted)
    assert alpha is None and converted.scale is not None
    assert np.abs(converted.scale.to_units(color[..., 0]) - values).max() <= 0.54


def test_signed_gray_of_16_bits() -> None:
    values = np.linspace(-1000, 900, 192).astype(np.int16).reshape(12, 16)
    data = hostile.tiff(
        {256: (16,), 257: (12,), 258: (16,), 259: (1,), 262: (1,), 273: (8,), 278: (12,)}
        | {279: (384,), 339: (2,)},
        struct.pack("<192h", *values.ravel()),
    )
    converted = convert(opener(data), 16, "auto")
    assert converted.notes == ("signed 16-bit, -1,000 to 900 shown as 0 to 255",)
    color, _ = whole(converted)
    assert color[0, 0, 0] == 0 and color[-1, -1, 0] == 255


def test_missing_values_are_transparent_and_counted() -> None:
    values = np.linspace(207, 459, 1300 * 900, dtype=np.float32).reshape(1300, 900)
    values[:40] = np.nan
    values[1299, :5] = -9999
    converted = convert(opener(tiff_of(values) if False else gdal(values, "-9999")), 32, "auto")
    assert converted.notes[1] == "36,005 pixels without a value are left out"
    _, alpha = whole(converted)
    assert alpha is not None
    assert not alpha[:40].any() and not alpha[1299, :5].any()
    assert (alpha[40:1299] == 255).all()


def gdal(values: npt.NDArray[Any], nodata: str) -> bytes:
    """A TIFF that declares a nodata value."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    tags = ImageFileDirectory_v2()
    tags.tagtype[42113] = 2
    tags[42113] = nodata
    return hostile.saved(Image.fromarray(values), "TIFF", tiffinfo=tags)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_nodata_value_of_8_bits(channels: int) -> None:
    values = np.full((12, 16, channels), 7, np.uint8)
    values[0] = 0
    converted = convert(opener(gdal(values.squeeze(), "0")), 8, "auto")
    assert converted.notes == ("16 pixels without a value are left out",)
    color, alpha = whole(converted)
    assert alpha is not None
    assert not alpha[0].any() and (alpha[1:] == 255).all() and (color[1:] == 7).all()


def test_gray_under_transparency_does_not_set_the_levels() -> None:
    values = np.random.default_rng(0).integers(300, 400, (40, 60, 2)).astype(np.uint16)
    values[..., 1] = 65535
    values[:10] = [65535, 0]
    converted = convert(opener(deepfiles.png(values)), 16, "auto")
    assert converted.notes == ("16-bit, 300 to 399 shown as 0 to 255",)
    _, alpha = whole(converted)
    assert alpha is not None and not alpha[:10].any() and (alpha[10:] == 255).all()


def test_a_profile_of_gray_beyond_8_bits_is_not_applied_but_said() -> None:
    values = np.linspace(0, 65535, 192).astype(np.uint16).reshape(12, 16)
    data = hostile.saved(Image.fromarray(values), "PNG")
    converted = convert(opener(data), 16, "auto", profile=icc.gray(1.8))
    assert converted.notes[1] == "The colour profile is not applied to grey of more than 8 bits."


def test_16_bits_that_pillow_reads_with_8_are_said() -> None:
    values = deepfiles.words(3)
    converted = convert(opener(deepfiles.tiff(values, planar=2, compression=8)), 16, "auto")
    assert converted.notes == ("16 bits a channel, read with 8",)
    assert (whole(converted)[0] == values >> 8).all()


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_channels_stored_apart_without_compression_were_read_as_bytes(order: str) -> None:
    values = deepfiles.words(3)
    image = kmseg.read_image(deepfiles.tiff(values, order, planar=2))
    assert (image.pixels == values >> 8).all()
    assert image.notes == ("16 bits a channel, read with 8",)


def test_white_is_zero_is_shown_right() -> None:
    values = np.linspace(1000, 2000, 192).astype(np.uint16).reshape(12, 16)
    converted = convert(opener(tiff_of(values)), 16, "auto", white_is_zero=True)
    color, _ = whole(converted)
    assert color[0, 0, 0] == 255 and color[-1, -1, 0] == 0
