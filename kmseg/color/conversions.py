"""Conversion of sRGB colours into each colour space.

A conversion takes (U, 3) ``uint8`` sRGB and returns (U, C) ``float64``. ``spaces.js`` beside this
module has the same conversions for the browser.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Colors = NDArray[np.uint8]
Coordinates = NDArray[np.float64]


def opencv(code: str) -> Callable[[Colors], Coordinates]:
    """Conversion by OpenCV's 8-bit definition ``cv2.COLOR_<code>``."""

    def convert(srgb255: Colors) -> Coordinates:
        import cv2

        converted = cv2.cvtColor(srgb255.reshape(-1, 1, 3), getattr(cv2, f"COLOR_{code}"))
        return converted.reshape(len(srgb255), -1).astype(np.float64, order="F")

    return convert


def rgb(srgb255: Colors) -> Coordinates:
    """The bytes themselves."""
    return srgb255.astype(np.float64, order="F")


def bgr(srgb255: Colors) -> Coordinates:
    """The bytes in OpenCV's order."""
    return srgb255[:, ::-1].astype(np.float64, order="F")


def hsv_circular(srgb255: Colors) -> Coordinates:
    """Saturation and hue as a vector (S cos H, S sin H), then V; all in units of 0-255.

    S and V are OpenCV's: S = 255 (V - min) / V. Hue is not rounded to OpenCV's steps of 2 degrees.
    """
    red, green, blue = srgb255.astype(np.float64).T
    value = srgb255.max(axis=1).astype(np.float64)
    chroma = value - srgb255.min(axis=1)
    saturation = 255.0 * chroma / np.maximum(value, 1.0)
    divisor = np.maximum(chroma, 1.0)
    hue = np.where(
        value == red,
        (green - blue) / divisor,
        np.where(value == green, 2.0 + (blue - red) / divisor, 4.0 + (red - green) / divisor),
    )
    angle = hue * (np.pi / 3.0)
    return np.stack((saturation * np.cos(angle), saturation * np.sin(angle), value)).T


# Linear sRGB to CIE XYZ, D65, from the primaries of IEC 61966-2-1:1999 (Lindbloom, "RGB/XYZ
# matrices"); the white point is the image of (1, 1, 1).
_XYZ_FROM_LINEAR: Final = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
# Ottosson 2020, "A perceptual color space for image processing".
_LMS_FROM_LINEAR: Final = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_OKLAB_FROM_LMS: Final = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def cielab(srgb255: Colors) -> Coordinates:
    """CIELAB of CIE 15:2004, from linear light, relative to the white point of sRGB (D65)."""
    relative = _XYZ_FROM_LINEAR / _XYZ_FROM_LINEAR.sum(1, keepdims=True)
    xyz = _times(relative, linear_light(srgb255))
    delta = 6.0 / 29.0
    f = np.where(xyz > delta**3, np.cbrt(xyz), xyz / (3 * delta**2) + 4.0 / 29.0)
    x, y, z = f.T
    lab = np.stack((116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z))).T
    return _with_neutral_grays(lab, srgb255)


def oklab(srgb255: Colors) -> Coordinates:
    """Oklab of Ottosson 2020, times 255."""
    lms = np.cbrt(_times(_LMS_FROM_LINEAR, linear_light(srgb255)))
    return _with_neutral_grays(255.0 * _times(_OKLAB_FROM_LMS, lms), srgb255)


def linear_light(srgb255: Colors) -> Coordinates:
    """Linear light of sRGB bytes, 0 to 1, in an array of the same shape."""
    return _linear_table()[srgb255]


@cache
def _linear_table() -> NDArray[np.float64]:
    """Linear light of each sRGB byte, shape (256,), in 0-1 (IEC 61966-2-1:1999)."""
    encoded = np.arange(256) / 255.0
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _times(matrix: Coordinates, colors: Coordinates) -> Coordinates:
    """A 3 x 3 matrix times each colour, (U, 3).

    BLAS is avoided: the product is too small for its threads, which spin for a while afterwards.
    """
    return np.asarray(np.einsum("ij,uj->ui", matrix, colors))


def _with_neutral_grays(lab: Coordinates, srgb255: Colors) -> Coordinates:
    """Set a = b = 0 for grays, where rounding errors leave values around 1e-15."""
    gray = (srgb255[:, 0] == srgb255[:, 1]) & (srgb255[:, 1] == srgb255[:, 2])
    lab[gray, 1:] = 0.0
    return lab
