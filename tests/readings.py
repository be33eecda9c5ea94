"""Files with more than one way to be read: deep ones, of several pages, with soft alpha."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

import icc


def fluorescence() -> tuple[np.ndarray, bytes]:
    """Three classes around 150, 300 and 420 of 65,535, and their 16-bit TIFF."""
    rows, columns = np.mgrid[:60, :80]
    distance = np.hypot(rows - 30, columns - 40)
    classes = np.select([distance < 8, distance < 20], [420, 300], 150)
    noise = np.random.default_rng(1).normal(0, 8, classes.shape)
    values = np.rint(classes + noise).astype(np.uint16)
    return values, saved(values)


def pages(*colors: str, compression: str | None = None) -> bytes:
    """A TIFF with a page of each colour, 16 x 12."""
    first, *rest = (Pillow.new("RGB", (16, 12), color) for color in colors)
    buffer = io.BytesIO()
    first.save(buffer, "TIFF", save_all=True, append_images=rest, compression=compression)
    return buffer.getvalue()


def logo(side: int = 200) -> np.ndarray:
    """A red disc above a soft black shadow that is less than half opaque everywhere, RGBA."""
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    shadow = 110 * np.clip(1 - np.hypot(rows - 0.05, columns - 0.05) / 0.45, 0, 1)
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[..., 3] = np.rint(shadow)
    pixels[np.hypot(rows, columns) < 0.2] = (230, 30, 40, 255)
    return pixels


def saved(pixels: np.ndarray, format_: str = "TIFF", **options: object) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, format_, **options)
    return buffer.getvalue()


def save_with_metadata(path: Path, pixels: np.ndarray, secret: str) -> bytes:
    """Save a JPEG with a secret in EXIF, comment and profile, and a place; returns the profile."""
    exif = Pillow.Exif()
    exif[0x010E] = secret  # ImageDescription
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 12.0, 34.5), 3: "E", 4: (11.0, 33.0, 12.25)})
    profile = icc.rgb(icc.ADOBE_RGB, 2.2, name=f"Screen of {secret}")
    Pillow.fromarray(pixels).save(path, exif=exif, icc_profile=profile, comment=secret.encode())
    return profile
