"""The table of colour spaces: names, channels, ranges, sources, and conversion of unique colours.

A conversion looks at one colour at a time, so it commutes with removing duplicates: convert the U
distinct colours of a picture, never its N pixels. A new space is one entry in :data:`COLOR_SPACES`.

A *channel* is what a person switches on and off; a *coordinate* is a column of numbers that is
clustered. They are the same thing except for hue as an angle, which is one channel and two
coordinates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Colors = NDArray[np.uint8]
Coordinates = NDArray[np.float64]
Range = tuple[float, float]

_BYTE: Final[Range] = (0.0, 255.0)


def _opencv(code: str) -> Callable[[Colors], Coordinates]:
    """Conversion by OpenCV's 8-bit definition ``cv2.COLOR_<code>``."""

    def convert(srgb255: Colors) -> Coordinates:
        import cv2

        converted = cv2.cvtColor(srgb255.reshape(-1, 1, 3), getattr(cv2, f"COLOR_{code}"))
        return converted.reshape(len(srgb255), -1).astype(np.float64, order="F")

    return convert


def _rgb(srgb255: Colors) -> Coordinates:
    return srgb255.astype(np.float64, order="F")


def _bgr(srgb255: Colors) -> Coordinates:
    return srgb255[:, ::-1].astype(np.float64, order="F")


def _hsv_circular(srgb255: Colors) -> Coordinates:
    """Saturation and hue as a vector (S cos H, S sin H), then V; all in units of 0-255.

    S and V are OpenCV's: S = 255 (V - min) / V. Hue is computed without rounding to 2 degrees.
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


@cache
def _linear_table() -> NDArray[np.float64]:
    """Linear light of each sRGB byte (IEC 61966-2-1:1999)."""
    encoded = np.arange(256) / 255.0
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


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


def _times(matrix: Coordinates, colors: Coordinates) -> Coordinates:
    """A 3 x 3 matrix times each colour, (U, 3).

    Not by BLAS: its threads, which this is too little work for, go on spinning for a while.
    """
    return np.asarray(np.einsum("ij,uj->ui", matrix, colors))


def _cielab(srgb255: Colors) -> Coordinates:
    """CIELAB of CIE 15:2004, from float linear light, relative to the white of sRGB (D65)."""
    relative = _XYZ_FROM_LINEAR / _XYZ_FROM_LINEAR.sum(1, keepdims=True)
    xyz = _times(relative, _linear_table()[srgb255])
    delta = 6.0 / 29.0
    f = np.where(xyz > delta**3, np.cbrt(xyz), xyz / (3 * delta**2) + 4.0 / 29.0)
    x, y, z = f.T
    lab = np.stack((116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z))).T
    return _without_noise(lab, srgb255)


def _oklab(srgb255: Colors) -> Coordinates:
    lms = np.cbrt(_times(_LMS_FROM_LINEAR, _linear_table()[srgb255]))
    return _without_noise(255.0 * _times(_OKLAB_FROM_LMS, lms), srgb255)


def _without_noise(lab: Coordinates, srgb255: Colors) -> Coordinates:
    """Grays with a = b = 0, which rounding leaves a trace above and below."""
    gray = (srgb255[:, 0] == srgb255[:, 1]) & (srgb255[:, 1] == srgb255[:, 2])
    lab[gray, 1:] = 0.0
    return lab


@dataclass(frozen=True, slots=True)
class ColorSpace:
    """One colour space.

    Attributes
    ----------
    key, title : str
        How settings, links and the command line spell it; how people read it.
    channels : tuple of str
        The names of its channels, in the order of their indices.
    coordinates : tuple of str
        The names of the columns of :meth:`convert`, C of them.
    ranges : tuple of (float, float)
        The least and greatest value of each coordinate over all 8-bit sRGB colours.
    columns : tuple of tuple of int
        For each channel, which coordinates belong to it.
    source : str
        Where the definition comes from, in one sentence for people.
    convert : callable
        (U, 3) ``uint8`` sRGB -> (U, C) ``float64``, column by column in memory.
    """

    key: str
    title: str
    channels: tuple[str, ...]
    coordinates: tuple[str, ...]
    ranges: tuple[Range, ...]
    columns: tuple[tuple[int, ...], ...]
    source: str
    convert: Callable[[Colors], Coordinates] = field(repr=False, compare=False)

    def selected(self, channels: str) -> tuple[int, ...]:
        """Coordinate indices of canonical channels: ``"all"`` or digits such as ``"02"``."""
        chosen = range(len(self.channels)) if channels == "all" else map(int, channels)
        return tuple(column for channel in chosen for column in self.columns[channel])


def _space(
    key: str,
    title: str,
    channels: str,
    ranges: tuple[Range, ...],
    source: str,
    convert: Callable[[Colors], Coordinates],
) -> ColorSpace:
    names = tuple(channels.split())
    columns = tuple((index,) for index in range(len(names)))
    return ColorSpace(key, title, names, names, ranges, columns, source, convert)


_ARTICLE = "OpenCV's 8-bit definition"

COLOR_SPACES: Final[dict[str, ColorSpace]] = {
    space.key: space
    for space in (
        _space("bgr", "BGR", "B G R", (_BYTE,) * 3, "sRGB bytes in OpenCV's order.", _bgr),
        _space("rgb", "RGB", "R G B", (_BYTE,) * 3, "sRGB bytes.", _rgb),
        _space(
            "hsv",
            "HSV",
            "H S V",
            ((0.0, 179.0), _BYTE, _BYTE),
            f"{_ARTICLE}: H is half the angle (0-179), so red sits at both ends of H.",
            _opencv("RGB2HSV"),
        ),
        ColorSpace(
            "hsv-circular",
            "HSV, hue as an angle",
            ("H", "V"),
            ("S·cos H", "S·sin H", "V"),
            ((-255.0, 255.0), (-255.0, 255.0), _BYTE),
            ((0, 1), (2,)),
            "Hue as an angle weighted by saturation (S·cos H, S·sin H), so reds stay together.",
            _hsv_circular,
        ),
        _space(
            "lab",
            "Lab, 8 bits",
            "L a b",
            (_BYTE, (42.0, 226.0), (20.0, 223.0)),
            f"{_ARTICLE}: L* times 2.55, a* and b* plus 128, so lightness weighs more.",
            _opencv("RGB2Lab"),
        ),
        _space(
            "cielab",
            "CIELAB",
            "L* a* b*",
            ((0.0, 100.0), (-86.2, 98.3), (-107.9, 94.5)),
            "CIE 15:2004, D65, from unrounded values: distances follow the eye.",
            _cielab,
        ),
        _space(
            "oklab",
            "Oklab",
            "L a b",
            (_BYTE, (-59.7, 70.5), (-79.5, 50.7)),
            "Ottosson 2020, times 255: even lightness and hue.",
            _oklab,
        ),
        _space(
            "ycrcb",
            "YCrCb",
            "Y Cr Cb",
            (_BYTE,) * 3,
            f"{_ARTICLE}: luma, then the differences to red and to blue.",
            _opencv("RGB2YCrCb"),
        ),
        _space("gray", "Gray", "Y", (_BYTE,), f"{_ARTICLE} of luma.", _opencv("RGB2GRAY")),
    )
}

ALIASES: Final = {"ycc": "ycrcb"}


def features(srgb255: Colors, color_space: str, channels: str = "all") -> Coordinates:
    """Coordinates to cluster.

    Parameters
    ----------
    srgb255 : ndarray of uint8, shape (U, 3)
        Colours in sRGB.
    color_space : str
        A key of :data:`COLOR_SPACES`.
    channels : str
        ``"all"`` or sorted digits of channels, as ``Settings.channels`` holds them.

    Returns
    -------
    ndarray of float64, shape (U, D), in Fortran's order: each column is contiguous
    """
    converted = COLOR_SPACES[color_space].convert(np.ascontiguousarray(srgb255))
    return selected(converted, color_space, channels)


def selected(coordinates: Coordinates, color_space: str, channels: str) -> Coordinates:
    """Those of all coordinates of a space, (U, C), that belong to these channels, (U, D)."""
    columns = COLOR_SPACES[color_space].selected(channels)
    every = len(columns) == coordinates.shape[1]
    return np.asfortranarray(coordinates if every else coordinates[:, columns])
