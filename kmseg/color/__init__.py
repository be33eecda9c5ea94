"""The table of colour spaces: names, channels, sources, and conversion of unique colours.

A conversion handles each colour on its own, so it commutes with deduplication: convert the U
distinct colours of a picture, never its N pixels. A new space is one entry in :data:`COLOR_SPACES`,
its conversion in ``conversions.py``, and the browser's conversion in ``spaces.js``.

A *channel* is what a person switches on and off; a *coordinate* is a column of numbers that is
clustered. They are the same except for hue as an angle, which is one channel and two coordinates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from kmseg.color import conversions
from kmseg.color.conversions import Colors, Coordinates

__all__ = ["ALIASES", "COLOR_SPACES", "ColorSpace", "features", "offered", "selected"]


@dataclass(frozen=True, slots=True)
class ColorSpace:
    """One colour space.

    Attributes
    ----------
    key : str
        Its spelling in settings, links and on the command line.
    title : str
        Its name on the page.
    channels : tuple of str
        The names of its channels, in the order of their indices.
    coordinates : tuple of str
        The names of the C columns of :meth:`convert`.
    columns : tuple of tuple of int
        For each channel, which coordinates belong to it.
    summary : str
        What it separates well, in a line for people who do not know it.
    source : str
        Where the definition comes from, in one sentence for people.
    convert : callable
        (U, 3) ``uint8`` sRGB -> (U, C) ``float64``, in Fortran order.
    aliases : tuple of str
        Other spellings of ``key`` that are accepted.
    reorders : str
        Key of the space whose channels this one has in another order, so that both cluster alike;
        empty for others.
    """

    key: str
    title: str
    channels: tuple[str, ...]
    coordinates: tuple[str, ...]
    columns: tuple[tuple[int, ...], ...]
    summary: str
    source: str
    convert: Callable[[Colors], Coordinates] = field(repr=False, compare=False)
    aliases: tuple[str, ...] = ()
    reorders: str = ""

    def selected(self, channels: str) -> tuple[int, ...]:
        """Coordinate indices of canonical channels: ``"all"`` or digits such as ``"02"``."""
        chosen = range(len(self.channels)) if channels == "all" else map(int, channels)
        return tuple(column for channel in chosen for column in self.columns[channel])


def _space(
    key: str,
    title: str,
    channels: str,
    summary: str,
    source: str,
    convert: Callable[[Colors], Coordinates],
    *aliases: str,
    reorders: str = "",
) -> ColorSpace:
    """A space in which each channel is one coordinate."""
    names = tuple(channels.split())
    columns = tuple((index,) for index in range(len(names)))
    return ColorSpace(
        key, title, names, names, columns, summary, source, convert, aliases, reorders
    )


_OPENCV = "OpenCV's 8-bit definition"

COLOR_SPACES: Final[dict[str, ColorSpace]] = {
    space.key: space
    for space in (
        _space(
            "bgr",
            "BGR",
            "B G R",
            "RGB with its channels in OpenCV's order: the clusters are the same.",
            "sRGB bytes in OpenCV's order.",
            conversions.bgr,
            reorders="rgb",
        ),
        _space(
            "rgb",
            "RGB",
            "R G B",
            "Red, green and blue values, as files store them. "
            "Separates light from dark before hues.",
            "sRGB bytes (IEC 61966-2-1).",
            conversions.rgb,
        ),
        _space(
            "hsv",
            "HSV",
            "H S V",
            "Hue, saturation, value. Hue separates vivid colours, but may split red in two.",
            f"{_OPENCV}: H is half the angle (0-179), so red sits at both ends of H.",
            conversions.opencv("RGB2HSV"),
        ),
        ColorSpace(
            "hsv-circular",
            "HSV, hue as an angle",
            ("H", "V"),
            ("S·cos H", "S·sin H", "V"),
            ((0, 1), (2,)),
            "Hue and saturation as a vector, and value. "
            "Separates vivid colours, keeps red together.",
            "Hue as an angle weighted by saturation (S·cos H, S·sin H), so reds stay together.",
            conversions.hsv_circular,
        ),
        _space(
            "lab",
            "Lab, 8 bits",
            "L a b",
            "CIELAB as OpenCV stores it. Lightness counts more: light and dark separate first.",
            f"{_OPENCV}: L* times 2.55, a* and b* plus 128, so lightness weighs more.",
            conversions.opencv("RGB2Lab"),
        ),
        _space(
            "cielab",
            "CIELAB",
            "L* a* b*",
            "Lightness, green-red and blue-yellow, spaced roughly as seen. A good first choice.",
            "CIE 15:2004, D65, not rounded: distances roughly follow perception.",
            conversions.cielab,
        ),
        _space(
            "oklab",
            "Oklab",
            "L a b",
            "Like CIELAB but newer: blues keep their hue better when they get lighter.",
            "Ottosson 2020, times 255: steadier hue.",
            conversions.oklab,
        ),
        _space(
            "ycrcb",
            "YCrCb",
            "Y Cr Cb",
            "Luma and two colour differences, as in JPEG. Cr and Cb alone play down shadows.",
            f"{_OPENCV}: luma, then the differences to red and to blue (ITU-R BT.601).",
            conversions.opencv("RGB2YCrCb"),
            "ycc",
        ),
        _space(
            "gray",
            "Grey",
            "Y",
            "Luma alone: separates light from dark and ignores colour.",
            f"{_OPENCV} of luma (ITU-R BT.601).",
            conversions.opencv("RGB2GRAY"),
        ),
    )
}

ALIASES: Final = {alias: space.key for space in COLOR_SPACES.values() for alias in space.aliases}


def offered(current: str) -> list[ColorSpace]:
    """The spaces to choose from, in the order of the table: one of those that cluster alike.

    Parameters
    ----------
    current : str
        The key of the space in use. It is always offered, in place of the one it reorders: ``bgr``
        is in the list only if it is in use, and ``rgb`` otherwise.

    Returns
    -------
    list of ColorSpace
    """
    replaced = COLOR_SPACES[current].reorders
    return [
        space
        for space in COLOR_SPACES.values()
        if space.key == current or not (space.reorders or space.key == replaced)
    ]


def features(srgb255: Colors, color_space: str, channels: str = "all") -> Coordinates:
    """Coordinates to cluster.

    Parameters
    ----------
    srgb255 : ndarray of uint8, shape (U, 3)
        Colours in sRGB.
    color_space : str
        A key of :data:`COLOR_SPACES`.
    channels : str
        ``"all"`` or sorted digits of channels, as in ``Settings.channels``.

    Returns
    -------
    ndarray of float64, shape (U, D)
        In Fortran order: each column is contiguous.
    """
    converted = COLOR_SPACES[color_space].convert(np.ascontiguousarray(srgb255))
    return selected(converted, color_space, channels)


def selected(coordinates: Coordinates, color_space: str, channels: str) -> Coordinates:
    """The columns (U, D) of all coordinates of a space (U, C) that belong to these channels."""
    columns = COLOR_SPACES[color_space].selected(channels)
    every = len(columns) == coordinates.shape[1]
    return np.asfortranarray(coordinates if every else coordinates[:, columns])
