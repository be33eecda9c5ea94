"""Encoders: arrays and plain values to the bytes of a file."""

from __future__ import annotations

import io
import json
import struct
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg.errors import ImageError

PNG: Final = "image/png"
PICTURE_TYPES: Final = {"png": PNG, "jpg": "image/jpeg", "webp": "image/webp"}
"""MIME types of :func:`photo`'s formats by extension."""

# Quality of lossy downloads: no visible artefacts.
PHOTO_QUALITY: Final = 92

# Quality of the page's previews: about 60 % of the bytes of a WebP of PHOTO_QUALITY.
PREVIEW_QUALITY: Final = 82

# Largest side in pixels. WebP stores 14 bits; libjpeg's limit is JPEG_MAX_DIMENSION.
MAX_SIDE: Final = {"webp": 16_383, "jpg": 65_500, "jpeg": 65_500}
_MAX_SIDE_ELSEWHERE: Final = 2**31 - 1
# Formats without transparency, or whose transparency few programs support.
_OPAQUE: Final = ("jpg", "jpeg", "bmp")


def on_white(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """RGB pixels, shape (H, W, 3), with an alpha channel, shape (H, W), composited over white."""
    if alpha is None:
        return pixels
    opacity = alpha[..., None].astype(np.uint16)
    blended = pixels * opacity  # at most 255 * 255, which fits in 16 bits
    blended += 255 * (255 - opacity)
    blended += 127  # to round
    return (blended // 255).astype(np.uint8)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode gray (H, W), RGB (H, W, 3) or RGBA (H, W, 4) pixels as PNG."""
    return encode(pixels, "png")


def jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """Encode RGB pixels as JPEG of a quality from 1 to 100, without chroma subsampling."""
    import cv2

    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    options = (cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling)
    return encode(pixels, "jpg", options)


def webp(pixels: NDArray[np.uint8], *, exact: bool = False) -> bytes:
    """Encode RGB or RGBA pixels as WebP for the page, lossless if ``exact``."""
    import PIL.Image

    file = io.BytesIO()
    options = {"quality": 0, "exact": True} if exact else {"quality": PREVIEW_QUALITY}
    PIL.Image.fromarray(pixels).save(
        file, "WEBP", lossless=exact, method=0 if exact else 2, **options
    )
    return file.getvalue()


def photo(pixels: NDArray[np.uint8], extension: str) -> bytes:
    """Encode RGB or RGBA pixels for viewing; ``extension`` is a key of ``PICTURE_TYPES``.

    JPEG has no transparency, so transparent pixels become white.
    """
    import cv2

    if extension == "webp":
        return encode(pixels, extension, (cv2.IMWRITE_WEBP_QUALITY, PHOTO_QUALITY))
    if extension != "jpg":
        return encode(pixels, extension)
    if pixels.shape[2] == 4:
        pixels = np.where(pixels[..., 3:] > 0, pixels[..., :3], np.uint8(255))
    return jpeg(pixels, PHOTO_QUALITY)


def encode(pixels: NDArray[np.uint8], extension: str, options: tuple[int, ...] = ()) -> bytes:
    """Encode pixels with OpenCV.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W), (H, W, 3) or (H, W, 4)
        Gray, RGB or RGBA.
    extension : str
        File extension of the format without its dot, such as ``"png"``. For formats without
        transparency, RGBA is composited over white.
    options : tuple of int
        Pairs of an OpenCV ``IMWRITE_*`` flag and its value.

    Raises
    ------
    ImageError
        If the format cannot hold a picture of this size.
    """
    import cv2

    most = MAX_SIDE.get(extension, _MAX_SIDE_ELSEWHERE)
    if max(pixels.shape[:2]) > most:
        raise ImageError(
            f"{extension}: holds at most {most} pixels a side, not "
            f"{pixels.shape[1]} x {pixels.shape[0]}; choose png"
        )
    if extension in _OPAQUE and pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = on_white(pixels[..., :3], pixels[..., 3])
    if pixels.ndim == 3:
        to_bgr = cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
        pixels = np.asarray(cv2.cvtColor(pixels, to_bgr), np.uint8)
    return cv2.imencode(f".{extension}", pixels, options)[1].tobytes()


def indexed_png(labels: NDArray[np.int16], colors: NDArray[np.uint8]) -> bytes:
    """Encode labels as an indexed PNG for a browser: pixel values are labels from 0.

    Downloaded files number clusters from 1: see :func:`labels_png`.

    Parameters
    ----------
    labels : ndarray of int16, shape (H, W)
        0 to K - 1; -1, transparent, becomes index K with a tRNS entry.
    colors : ndarray of uint8, shape (K, 3)
        K is at most 256, or 255 if any pixel is transparent.
    """
    if labels.min() >= 0:
        return _indexed_png(labels, colors)
    values = np.where(labels < 0, np.int16(len(colors)), labels)
    palette = np.vstack((colors, np.zeros((1, 3), np.uint8)))
    return _indexed_png(values, palette, b"\xff" * len(colors) + b"\0")


def labels_png(numbers: NDArray[np.uint8], colors: NDArray[np.uint8]) -> bytes:
    """Encode cluster numbers as an indexed PNG: each pixel's value is its cluster's number.

    Parameters
    ----------
    numbers : ndarray of uint8, shape (H, W)
        From 1; 0 is no cluster.
    colors : ndarray of uint8, shape (N, 3)
        Colours of the numbers 1 to N; N is at most 255. Palette entry 0 is black, and transparent
        by a tRNS entry.
    """
    return _indexed_png(numbers, np.vstack((np.zeros((1, 3), np.uint8), colors)), b"\0")


def _indexed_png(
    values: NDArray[np.int16] | NDArray[np.uint8], palette: NDArray[np.uint8], alpha: bytes = b""
) -> bytes:
    """An 8-bit indexed PNG; ``alpha`` has one byte for each of the first palette entries."""
    height, width = values.shape
    rows = np.zeros((height, width + 1), np.uint8)  # column 0 is the filter type; 0 means none
    rows[:, 1:] = values
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # 8 bits, indexed colour
    chunks = {b"IHDR": header, b"PLTE": palette.tobytes()} | ({b"tRNS": alpha} if alpha else {})
    # Labels form runs: run-length matching is fastest, and gives the smallest files for photos.
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)
    chunks |= {b"IDAT": packer.compress(rows.data) + packer.flush(), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks.items()
    )


def json_bytes(value: object) -> bytes:
    """Encode a value as indented JSON; raises ``ValueError`` for NaN and infinity."""
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()
