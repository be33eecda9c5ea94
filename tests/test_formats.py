"""Pictures of every format are read as they are: depth, transparency, orientation, first frame."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps

import hostile
from kmseg.errors import ImageError
from kmseg.picture.image import read_image

PHOTO = np.asarray(hostile.picture(23, 17))


def saved(array: np.ndarray, format_: str, mode: str | None = None, **options: object) -> bytes:
    image = Pillow.fromarray(array)
    return hostile.saved(image.convert(mode) if mode else image, format_, **options)


@pytest.mark.parametrize(
    ("format_", "options"),
    [
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_deflate"}),
        ("TIFF", {"compression": "packbits"}),
        ("TIFF", {"big_tiff": True}),
    ],
)
def test_lossless_formats_are_read_exactly(format_: str, options: dict[str, object]) -> None:
    image = read_image(saved(PHOTO, format_, **options))
    assert np.array_equal(image.pixels, PHOTO)
    assert image.opaque is None


@pytest.mark.parametrize("format_", ["JPEG", "WEBP"])
def test_lossy_formats_are_read_as_pillow_decodes_them(format_: str) -> None:
    data = saved(PHOTO, format_, quality=80)
    assert np.array_equal(read_image(data).pixels, Pillow.open(io.BytesIO(data)).convert("RGB"))


def test_gif_palettes() -> None:
    image = hostile.picture().quantize(16)
    assert np.array_equal(read_image(hostile.saved(image, "GIF")).pixels, image.convert("RGB"))


@pytest.mark.parametrize("format_", ["PNG", "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_gray_bilevel_and_palette(format_: str, mode: str) -> None:
    image = hostile.picture(mode=mode)
    assert np.array_equal(read_image(hostile.saved(image, format_)).pixels, image.convert("RGB"))


@pytest.mark.parametrize(("format_", "tolerance"), [("TIFF", 0), ("JPEG", 12)])
def test_cmyk(format_: str, tolerance: int) -> None:
    image = Pillow.new("CMYK", (16, 16), (20, 200, 90, 30))
    decoded = read_image(hostile.saved(image, format_)).pixels.astype(int)
    assert np.abs(decoded - np.asarray(image.convert("RGB"))).max() <= tolerance


def test_a_picture_larger_than_one_strip() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1100, 2000, 3), dtype=np.uint8)
    assert np.array_equal(read_image(saved(pixels, "BMP")).pixels, pixels)


def test_bmp_rows_from_the_top_and_odd_channel_masks() -> None:
    words = np.arange(12, dtype="<u4").reshape(3, 4) << 28 | 0x0AB << 4 | 0x12 << 16
    data = hostile.bmp(4, -3, words.tobytes(), 32, 3, (0xF0000000, 0x00000FF0, 0x00FF0000))
    assert read_image(data).pixels[1].tolist() == [[17 * i, 0xAB, 0x12] for i in range(4, 8)]
    words = np.array([[0xF800, 0x07E0], [0x001F, 0xFFFF]], "<u2")
    data = hostile.bmp(2, 2, words.tobytes(), 16, 3, (0xF800, 0x07E0, 0x001F))
    expected = [[[0, 0, 255], [255, 255, 255]], [[255, 0, 0], [0, 255, 0]]]
    assert read_image(data).pixels.tolist() == expected


# -- more than 8 bits ------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_16_bit_gray_is_scaled_not_clipped(format_: str) -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    image = read_image(hostile.saved(Pillow.fromarray(values), format_))
    expected = (values.astype(np.uint32) + 128) // 257
    assert np.array_equal(image.pixels, np.repeat(expected[..., None], 3, axis=2))


def test_16_bit_gray_where_0_is_white() -> None:
    values = np.array([[0, 257, 65535]], "<u2")
    data = hostile.gray_tiff(3, 1, values.tobytes(), bits=16, photometric=0)
    assert read_image(data).pixels[0, :, 0].tolist() == [255, 254, 0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0.0, 0.5, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[0.0, 90.0, 200.0]], np.float32), [0, 90, 200]),
        (np.array([[-1.0, np.nan, 3.0]], np.float32), [0, 0, 255]),
        (np.array([[0.0, -np.inf, np.inf]], np.float32), [0, 0, 0]),  # both are left out
        (np.array([[0, 257, 65535]], np.int32), [0, 1, 255]),
        (np.array([[-100, 0, 100_000]], np.int32), [0, 0, 255]),
        (np.array([[70_000, 70_000, 70_000]], np.int32), [128, 128, 128]),
    ],
)
def test_32_bit_gray(values: np.ndarray, expected: list[int]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(saved(values, "TIFF")).pixels[0, :, 0].tolist() == expected


def test_16_bit_colour_keeps_the_upper_bytes() -> None:
    row = b"\0" + bytes([0x12, 0x34, 0x80, 0, 0xFF, 0xFF])
    image = read_image(hostile.png(1, 2, row * 2, bits=16))
    assert image.pixels.tolist() == [[[0x12, 0x80, 0xFF]]] * 2


# -- transparency ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format_", "options"), [("PNG", {}), ("WEBP", {"lossless": True, "exact": True})]
)
def test_a_pixel_counts_from_half_opaque_on(format_: str, options: dict[str, object]) -> None:
    pixels = np.dstack([PHOTO, np.full((17, 23), 255, np.uint8)])
    pixels[0, :3, 3] = [0, 127, 128]
    image = read_image(saved(pixels, format_, **options))
    assert np.array_equal(image.pixels, PHOTO)
    assert image.opaque is not None
    assert np.argwhere(~image.opaque).tolist() == [[0, 0], [0, 1]]
    assert image.alpha is not None
    assert image.alpha[0, :4].tolist() == [0, 127, 128, 255]


def test_gray_with_alpha() -> None:
    image = Pillow.fromarray(np.array([[[7, 0], [9, 1], [200, 255]]], np.uint8))
    decoded = read_image(hostile.saved(image, "PNG"))
    assert decoded.pixels[0].tolist() == [[7] * 3, [9] * 3, [200] * 3]
    assert decoded.opaque is not None
    assert decoded.opaque.tolist() == [[False, False, True]]


@pytest.mark.parametrize("transparency", [1, bytes([255, 0, 128, 255])])
def test_palette_transparency(transparency: int | bytes) -> None:
    image = Pillow.fromarray(np.array([[0, 1, 2, 3]], np.uint8), "P")
    image.putpalette([10, 0, 0, 20, 0, 0, 30, 0, 0, 40, 0, 0])
    for format_ in ["PNG", "GIF"] if isinstance(transparency, int) else ["PNG"]:
        decoded = read_image(hostile.saved(image, format_, transparency=transparency))
        assert decoded.pixels[0, [0, 2, 3], 0].tolist() == [10, 30, 40]
        assert decoded.opaque is not None
        assert decoded.opaque.tolist() == [[True, False, True, True]]


@pytest.mark.parametrize(
    ("bits", "color", "row", "key", "opaque"),
    [
        (8, 2, bytes([1, 2, 3, 1, 2, 4]), (1, 2, 3), [False, True]),
        (16, 2, bytes(range(12)), (0x0001, 0x0203, 0x0405), [False, True]),
        (8, 0, bytes([1, 2]), (2,), [True, False]),
        (16, 0, bytes([1, 2, 1, 3]), (0x0103,), [True, False]),
        (4, 0, bytes([0x3F]), (15,), [True, False]),
        (2, 0, bytes([0b01100000]), (1,), [False, True]),
        (1, 0, bytes([0b10000000]), (1,), [False, True]),
    ],
)
def test_transparent_colour(
    bits: int, color: int, row: bytes, key: tuple[int, ...], opaque: list[bool]
) -> None:
    chunk = hostile.png_chunk(b"tRNS", b"".join(value.to_bytes(2, "big") for value in key))
    image = read_image(hostile.png(2, 1, b"\0" + row, bits, color, chunk))
    assert image.opaque is not None
    assert image.opaque.tolist() == [opaque]


def test_zero_alpha_everywhere_is_refused_except_in_bmp() -> None:
    with pytest.raises(ImageError, match="transparent"):
        read_image(hostile.REFUSED["png-all-transparent"])
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    data = bytearray(hostile.bmp(1, 1, bytes(16) + b"\1\2\3\0", 32, 3, masks))
    data[10:15] = [54 + 16 + 16, 0, 0, 0, 56]
    image = read_image(bytes(data))
    assert image.pixels.tolist() == [[[3, 2, 1]]]
    assert image.opaque is None


# -- orientation -----------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize(
    ("format_", "options"),
    [("JPEG", {"quality": 90}), ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})],
)
def test_pictures_are_turned_upright(
    format_: str, options: dict[str, object], orientation: int
) -> None:
    exif = Pillow.Exif()
    exif[274] = orientation
    data = saved(PHOTO, format_, exif=exif, **options)
    upright = ImageOps.exif_transpose(Pillow.open(io.BytesIO(data))).convert("RGB")
    assert upright.size == ((17, 23) if orientation in (5, 6, 7, 8) else (23, 17))
    assert np.array_equal(read_image(data).pixels, upright)


def test_the_mask_is_turned_upright_too() -> None:
    exif = Pillow.Exif()
    exif[274] = 6
    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[0, 0, 3] = 255
    image = read_image(saved(pixels, "PNG", exif=exif))
    assert image.opaque is not None
    assert np.argwhere(image.opaque).tolist() == [[0, 1]]


def test_broken_exif_does_not_stop_decoding() -> None:
    for content in (b"", b"II", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff" + bytes(99)):
        data = hostile.with_segment(hostile.jpeg(), 0xE1, b"Exif\0\0" + content)
        assert read_image(data).width == 16


# -- first pictures only ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["png-animated", "webp-animated", "tiff-pages", "gif-animated"])
def test_the_first_picture_is_read(name: str) -> None:
    pixels = read_image(hostile.ACCEPTED[name]).pixels.astype(int)
    tolerance = 60 if name == "gif-animated" else 0
    assert np.abs(pixels - np.asarray(hostile.picture())).max() <= tolerance


def test_the_default_image_of_an_animation_is_read() -> None:
    frames = [Pillow.new("RGB", hostile.ACCEPTED_SIZE, color) for color in ("red", "blue")]
    data = hostile.saved(
        hostile.picture(), "PNG", save_all=True, default_image=True, append_images=frames
    )
    assert np.array_equal(read_image(data).pixels, hostile.picture())


def test_jpeg_with_several_pictures_is_the_first_one() -> None:
    assert np.array_equal(
        read_image(hostile.ACCEPTED["jpeg-several-pictures"]).pixels,
        Pillow.open(io.BytesIO(hostile.jpeg())),
    )
