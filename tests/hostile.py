"""Hostile, damaged and unusual picture files, each generated here.

Files in ``REFUSED`` must be refused with one sentence. Files in ``ACCEPTED`` must be read as
pictures of ``ACCEPTED_SIZE``. Files in ``EITHER`` may be read or refused, but must not crash.
"""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

ACCEPTED_SIZE = (16, 12)


# -- building blocks -------------------------------------------------------------------------------


def picture(width: int = 16, height: int = 12, mode: str = "RGB") -> Image.Image:
    """A small picture in which all pixels differ."""
    image = Image.new("RGB", (width, height))
    image.putdata(
        [
            (x * 15 % 256, y * 20 % 256, (x * y + 40) % 256)
            for y in range(height)
            for x in range(width)
        ]
    )
    return image.convert(mode)


def saved(image: Image.Image, format_: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def png_chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, raw: bytes, bits: int = 8, color: int = 2, extra: bytes = b""
) -> bytes:
    """A PNG of these rows, each with its filter byte; `extra` chunks precede the data."""
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + extra
        + png_chunk(b"IDAT", zlib.compress(raw, 9))
        + png_chunk(b"IEND")
    )


def gif(width: int, height: int, frame: tuple[int, int, int, int], lzw: bytes) -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", width, height, 0x80, 0, 0)
        + b"\0\0\0\xff\xff\xff"
        + b","
        + struct.pack("<HHHHB", *frame, 0)
        + b"\x02"
        + bytes([len(lzw)])
        + lzw
        + b"\0;"
    )


def bmp(
    width: int,
    height: int,
    pixels: bytes,
    bits: int = 24,
    compression: int = 0,
    masks: tuple[int, ...] = (),
) -> bytes:
    extra = struct.pack(f"<{len(masks)}I", *masks)
    offset = 54 + len(extra)
    info = struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(pixels), 2835, 2835, 0, 0
    )
    return b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset) + info + extra + pixels


def tiff(tags: dict[int, tuple[int, ...]], data: bytes = b"", next_directory: int = 0) -> bytes:
    """A little-endian TIFF: `data` begins at byte 8 and precedes the directory."""
    directory = b""
    for tag, values in sorted(tags.items()):
        value = struct.pack("<I", values[0]) if len(values) == 1 else struct.pack("<HH", *values)
        directory += struct.pack("<HHI", tag, 4 if len(values) == 1 else 3, len(values)) + value
    return (
        struct.pack("<2sHI", b"II", 42, 8 + len(data))
        + data
        + struct.pack("<H", len(tags))
        + directory
        + struct.pack("<I", next_directory)
    )


def gray_tiff(width: int, height: int, data: bytes, **tags: int) -> bytes:
    names = {"bits": 258, "compression": 259, "photometric": 262, "offset": 273, "rows": 278}
    values = {"bits": 8, "compression": 1, "photometric": 1, "offset": 8, "rows": height} | tags
    return tiff(
        {256: (width,), 257: (height,), 279: (len(data),)}
        | {names[name]: (value,) for name, value in values.items()},
        data,
    )


def webp(width: int, height: int) -> bytes:
    """An extended WebP that claims a canvas of this size, but holds a 16 x 12 picture."""
    still = saved(picture(), "WEBP", lossless=True)[12:]
    canvas = (
        struct.pack("<I", 0)
        + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little")
    )
    body = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + still
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg(**options: object) -> bytes:
    return saved(picture(), "JPEG", quality=95, **options)


def jpeg_claiming(width: int, height: int) -> bytes:
    """A JPEG whose header claims this size, but which holds a 16 x 12 picture."""
    data = bytearray(jpeg())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def jpeg_scans(n: int) -> bytes:
    """A progressive JPEG whose last scan is repeated `n` times."""
    data = jpeg(progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * n + data[-2:]


def with_segment(data: bytes, marker: int, content: bytes) -> bytes:
    """A JPEG with one more segment right after its start."""
    return data[:2] + struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content + data[2:]


def rows(n: int, row: bytes) -> bytes:
    return (b"\0" + row) * n


# -- the collections -------------------------------------------------------------------------------

_PNG = saved(picture(), "PNG")
_JPEG = jpeg()
_NOISE = bytes((i * i * 31 + i // 7) % 251 for i in range(4096))

REFUSED: dict[str, bytes] = {
    "empty": b"",
    "garbage": _NOISE,
    "svg.png": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "eps.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
    "pdf.png": b"%PDF-1.7\n1 0 obj <<>> endobj\n",
    "ppm.png": b"P6 2 2 255\n" + bytes(12),
    "heic.jpg": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64),
    "jpeg-magic-only": b"\xff\xd8\xff",
    "jpeg-truncated": _JPEG[: len(_JPEG) * 2 // 3],
    "jpeg-no-end": _JPEG[:-40],
    "jpeg-scan-bomb": jpeg_scans(200),
    "jpeg-claims-40-megapixels": jpeg_claiming(8000, 5000),
    "jpeg-claims-65500": jpeg_claiming(65500, 65500),
    "jpeg-no-height": jpeg_claiming(16, 0),
    "jpeg-padding": b"\xff\xd8" + b"\xff" * 100_000 + _JPEG[2:],
    "jpeg-only-padding": b"\xff\xd8" + b"\xff" * 3_000_000,
    "jpeg-exif-bomb": _JPEG[:2] + with_segment(b"", 0xE1, b"Exif\0\0" + _NOISE) * 20 + _JPEG[2:],
    "jpeg-12-bit": _JPEG.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"),
    "png-magic-only": b"\x89PNG\r\n\x1a\n",
    "png-truncated": _PNG[: len(_PNG) * 2 // 3],
    "png-no-end": _PNG[:-12],
    "png-bad-checksum": _PNG[:40] + bytes([_PNG[40] ^ 1]) + _PNG[41:],
    "png-pixel-bomb": png(60_000, 60_000, rows(1, bytes(9)), bits=1, color=0),
    "png-89-megapixels": png(9000, 9900, bytes(9900 * 1126), bits=1, color=0),
    "png-too-little-data": png(4900, 4900, rows(1, bytes(3 * 4900))),
    "png-half-the-rows": png(16, 12, rows(6, _NOISE[:48])),
    "png-bad-depth": png(16, 12, rows(12, bytes(48)), bits=4),
    "png-no-palette": png(16, 12, rows(12, bytes(16)), color=3),
    "png-text-bomb": png(
        16,
        12,
        rows(12, _NOISE[:48]),
        extra=png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20), 9)) * 200,
    ),
    "png-all-transparent": saved(Image.new("RGBA", (4, 4)), "PNG"),
    "gif-magic-only": b"GIF89a",
    "gif-900-megapixels": gif(30_000, 30_000, (0, 0, 30_000, 30_000), b"\x4c\x01"),
    "gif-huge-frame": gif(16, 12, (40_000, 40_000, 16, 12), b"\x4c\x01"),
    "gif-too-little-data": gif(4000, 4000, (0, 0, 4000, 4000), b"\x4c\x01"),
    "gif-no-frame": b"GIF89a" + struct.pack("<HHBBB", 16, 12, 0, 0, 0) + b";",
    "gif-blocks": b"GIF89a" + struct.pack("<HHBBB", 16, 12, 0, 0, 0) + b"!\xfe" + b"\1a" * 600_000,
    "bmp-magic-only": b"BM",
    "bmp-too-little-data": bmp(5000, 5000, bytes(5000)),
    "bmp-huge": bmp(2_000_000_000, 2_000_000_000, bytes(64)),
    "bmp-negative-width": bmp(-16, 12, bytes(1024)),
    "bmp-no-pixels": bmp(0, 12, bytes(1024)),
    "bmp-odd-depth": bmp(16, 12, bytes(4096), bits=13),
    "bmp-jpeg-inside": bmp(16, 12, _JPEG, compression=4),
    "bmp-endless-runs": bmp(16, 12, b"\0\2\0\0" * 2_200_000, bits=8, compression=1),
    "tiff-magic-only": b"II*\0",
    "tiff-truncated": saved(picture(), "TIFF")[:300],
    "tiff-directory-outside": struct.pack("<2sHI", b"II", 42, 1 << 30),
    "tiff-huge": gray_tiff(5376, 18_153_473, bytes(64)),
    "tiff-too-little-data": gray_tiff(5000, 5000, bytes(64)),
    "tiff-missing-strips": gray_tiff(16, 12, bytes(192), rows=1),
    "tiff-no-strips": tiff({256: (16,), 257: (12,)}),
    "tiff-many-samples": tiff({256: (16,), 257: (12,), 273: (8,), 277: (1 << 30,)}, bytes(192)),
    "tiff-bad-fax": gray_tiff(400, 400, _NOISE[:40], bits=1, compression=8),
    "webp-magic-only": b"RIFF\x04\0\0\0WEBP",
    "webp-truncated": saved(picture(64, 64), "WEBP", lossless=True)[:-30],
    "webp-huge-canvas": webp(16_000_000, 16_000_000),
    "webp-wrong-canvas": webp(15, 11),
}

_ANIMATION = [picture(), Image.new("RGB", ACCEPTED_SIZE, (9, 9, 9)), picture().rotate(180)]
_AFTER = {"save_all": True, "append_images": _ANIMATION[1:], "duration": 40}

ACCEPTED: dict[str, bytes] = {
    "jpeg": _JPEG,
    "jpeg-progressive": jpeg(progressive=True),
    "jpeg-trailing-bytes": _JPEG + b"\xff\xda" * 500,
    "jpeg-scan-markers-in-segment": with_segment(_JPEG, 0xE5, b"\xff\xda" * 500),
    "jpeg-fill-bytes": _JPEG[:2] + b"\xff" * 20 + _JPEG[2:],
    "jpeg-broken-exif": with_segment(_JPEG, 0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + _NOISE[:90]),
    "jpeg-several-pictures": saved(
        picture(), "MPO", save_all=True, append_images=[picture(32, 32)], quality=95
    ),
    "jpeg-cmyk": saved(picture(mode="CMYK"), "JPEG"),
    "png": _PNG,
    "png-trailing-bytes": _PNG + _NOISE,
    "png-black": png(16, 12, rows(12, bytes(48))),
    "png-animated": saved(picture(), "PNG", **_AFTER),
    "gif-animated": saved(picture(), "GIF", **_AFTER),
    "webp": saved(picture(), "WEBP"),
    "webp-animated": saved(picture(), "WEBP", lossless=True, **_AFTER),
    "bmp": saved(picture(), "BMP"),
    "bmp-top-down": bmp(16, -12, _NOISE[: 16 * 12 * 3]),
    "bmp-odd-masks": bmp(16, 12, _NOISE[: 16 * 12 * 4], 32, 3, (0xFF000000, 0xFF0, 0xFF0000)),
    "tiff": saved(picture(), "TIFF"),
    "tiff-pages": saved(picture(), "TIFF", save_all=True, append_images=[picture(40, 40)]),
    "tiff-directory-loop": tiff(
        {256: (16,), 257: (12,), 258: (8,), 262: (1,), 273: (8,), 278: (12,), 279: (192,)},
        bytes(range(192)),
        next_directory=200,
    ),
}

EITHER: dict[str, bytes] = {
    # It has crashed other decoders.
    "png-empty-frame-data": ACCEPTED["png-animated"][:-12] + png_chunk(b"fdAT") + _PNG[-12:],
    "jpeg-early-end": _JPEG[:-40] + b"\xff\xd9",
    "gif-early-end": gif(*ACCEPTED_SIZE, (0, 0, *ACCEPTED_SIZE), b"\x84\x05" + bytes(60)),
    "bmp-runs-out-of-range": bmp(16, 12, b"\xff\1\0\2\xff\xff" * 9, bits=8, compression=1),
}
