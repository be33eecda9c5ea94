"""Embedded ICC colour profiles: pixels to sRGB, by LittleCMS through Pillow.

Intent: relative colorimetric with black-point compensation. Matrix profiles, which nearly all
RGB pictures carry, hold no other table; colours within sRGB stay as they were meant; and the
darkest tone of a profile for print becomes black, so that shadows are not washed out. The
perceptual tables of print profiles differ from maker to maker.

A profile that does what sRGB does changes no value, whatever it is called, so a tagged picture
gives the same numbers as an untagged one.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import PIL.Image
    import PIL.ImageCms

    Pillow = PIL.Image.Image

#: The largest profile that is used; those of printing presses have up to 3 MB.
MAX_PROFILE_BYTES: Final = 4 * 1024 * 1024

_DAMAGED: Final = "The colour profile is damaged and was ignored."
_TOO_LARGE: Final = "The colour profile is larger than 4 MB and was ignored."
_UNFIT: Final = "The colour profile does not fit the picture and was ignored."
# How the note of a converted profile ends; before it stands the profile's name.
CONVERTED: Final = " converted to sRGB"
_LONGEST_NAME: Final = 60
# The kinds of profile that describe a picture's colours (ICC.1:2022, 7.2.5).
# For CIELAB, LittleCMS writes "abst".
_CLASSES: Final = ("scnr", "mntr", "prtr", "spac")
# The colour space a profile must have (ICC.1:2022, 7.2.6), by Pillow's mode; and the mode that
# LittleCMS is given, and what it gives back.
_SPACES: Final = {
    "L": ("GRAY", "L", "RGB"),
    "LA": ("GRAY", "L", "RGB"),
    "RGB": ("RGB", "RGB", "RGB"),
    "RGBA": ("RGB", "RGBA", "RGBA"),
    "CMYK": ("CMYK", "CMYK", "RGB"),
    "LAB": ("Lab", "LAB", "RGB"),
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """How the pixels of a picture become sRGB.

    Parameters
    ----------
    apply : callable, optional
        Turns a strip, a Pillow image of the mode that was asked for, into sRGB: RGB, or RGBA if
        it has alpha, which is kept. None: the pixels are sRGB already, or taken for it.
    note : str
        What is done, in a line; empty if nothing is.
    """

    apply: Callable[[Pillow], Pillow] | None = None
    note: str = ""


def conversion(profile: bytes | None, mode: str) -> Conversion:
    """What to do about an embedded profile.

    Parameters
    ----------
    profile : bytes or None
        The profile as the file holds it.
    mode : str
        Pillow's mode of the strips: L, LA, RGB, RGBA, CMYK or LAB. Palettes and YCbCr are to be
        made RGB before.

    Returns
    -------
    Conversion
        One without `apply` but with a note if the profile cannot be used: that is no reason to
        refuse a picture.
    """
    if not profile or mode not in _SPACES:
        return Conversion()
    if len(profile) > MAX_PROFILE_BYTES:
        return Conversion(note=_TOO_LARGE)
    import PIL.ImageCms

    space, given, returned = _SPACES[mode]
    try:
        source = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile))
        own = source.profile.xcolor_space.strip()
        classes = (*_CLASSES, "abst") if space == "Lab" else _CLASSES
        if own != space or source.profile.device_class.strip() not in classes:
            is_srgb = own == "RGB" and space == "GRAY" and _changes_nothing(source, "RGB")
            return Conversion(note="" if is_srgb else _UNFIT)
        if space in ("RGB", "GRAY") and _changes_nothing(source, given[:3]):
            return Conversion()
        transform = _transform(source, given, returned)
    except (OSError, ValueError, TypeError, PIL.ImageCms.PyCMSError):
        return Conversion(note=_DAMAGED)
    note = f"{_name(source)}{CONVERTED}"
    if space == "GRAY":
        return Conversion(_gray_table(transform), note)
    return Conversion(transform.apply, note)


def _gray_table(transform: PIL.ImageCms.ImageCmsTransform) -> Callable[[Pillow], Pillow]:
    """Gray by a table of its 256 levels, which takes a third of the time."""
    import PIL.Image

    levels = PIL.Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    tables = np.asarray(transform.apply(levels))[0].T.tolist()

    def apply(strip: Pillow) -> Pillow:
        gray = strip.getchannel("L")
        channels = [gray.point(table) for table in tables]
        if strip.mode == "LA":
            channels.append(strip.getchannel("A"))
        return PIL.Image.merge("RGBA"[: len(channels)], channels)

    return apply


def _transform(
    source: PIL.ImageCms.ImageCmsProfile, given: str, returned: str
) -> PIL.ImageCms.ImageCmsTransform:
    from PIL import ImageCms

    return ImageCms.ImageCmsTransform(
        source,
        _srgb(),
        given,
        returned,
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )


@lru_cache(maxsize=1)
def _srgb() -> PIL.ImageCms.ImageCmsProfile:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _changes_nothing(source: PIL.ImageCms.ImageCmsProfile, given: str) -> bool:
    """Whether the profile changes every probe colour by at most one level."""
    import PIL.Image

    colors = _probes()
    if given == "L":
        colors = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    picture = PIL.Image.fromarray(colors[None])
    converted = _transform(source, given, "RGB").apply(picture.convert(given))
    change = np.asarray(converted)[0].astype(np.int16) - colors
    return int(np.abs(change).max()) <= 1


@lru_cache(maxsize=1)
def _probes() -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """All grays, all levels of each channel alone, and a grid of 17 levels a channel."""
    levels = np.arange(256)
    ramps = [np.outer(levels, which) for which in ((1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1))]
    steps = np.linspace(0, 255, 17)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    return np.concatenate([*ramps, grid]).astype(np.uint8)


def _name(source: PIL.ImageCms.ImageCmsProfile) -> str:
    """A profile's description as plain text: printable, one line, at most 60 characters."""
    try:
        text = source.profile.profile_description or ""
    except (OSError, ValueError):
        text = ""
    words = "".join(c if c.isprintable() else " " for c in text[:1000]).split()
    name = " ".join(words)
    if len(name) > _LONGEST_NAME:
        name = name[: _LONGEST_NAME - 3].rstrip() + "..."
    return name or "Unnamed colour profile"
