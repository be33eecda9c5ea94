"""Decoding with Pillow: any mode that it decodes to becomes strips of 8-bit colour or gray."""

from __future__ import annotations

import importlib
import io
import logging
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from kmseg.errors import ImageError
from kmseg.picture.formats.base import Format, Header
from kmseg.picture.limits import Limits
from kmseg.picture.strips import Decoded, Strip, row_ranges

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

_COLOR_MODES: Final = ("CMYK", "YCbCr", "LAB", "RGBX")
# Modes with transparency, and the mode through which each is converted to RGBA.
_ALPHA_MODES: Final = {
    "P": "P",
    "PA": "PA",
    "LA": "LA",
    "RGBA": "RGBA",
    "La": "LA",
    "RGBa": "RGBA",
}
# Modes whose files may state one transparent colour.
_KEYED_MODES: Final = ("1", "L", "RGB", "I;16")
_ORIENTATION_TAG: Final = 274  # CIPA DC-008 (EXIF)


def decode(data: bytes, header: Header, format_: Format[Any], limits: Limits) -> Decoded:
    """Decode the first picture of a file; see :func:`kmseg.picture.decode.decode`."""
    import PIL.Image

    importlib.import_module(format_.plugin)
    _configure_pillow(limits)
    if format_.prepare_pillow:
        format_.prepare_pillow()
    picture = PIL.Image.open(io.BytesIO(data), formats=[format_.pillow_name])
    _check(picture, header, format_)
    picture.load()
    if format_.is_complete and not format_.is_complete(data, header, picture):
        raise ImageError(f"This {format_.name} file is cut short; try another copy of it.")
    strips = _strips(picture, header, format_)
    return Decoded(picture.width, picture.height, strips, _orientation(picture))


def _configure_pillow(limits: Limits) -> None:
    """Let Pillow accept all that `limits` accept, and keep its warnings off standard error.

    These are settings of the process. Each is set once and never restored: restoring them after
    every decoding would not be thread-safe.
    """
    import PIL.Image

    guard = PIL.Image.MAX_IMAGE_PIXELS
    if guard is not None and guard < limits.max_pixels:
        PIL.Image.MAX_IMAGE_PIXELS = limits.max_pixels
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    logger = logging.getLogger("PIL")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _check(picture: PillowImage, header: Header, format_: Format[Any]) -> None:
    """Refuse a file that Pillow takes for something else than the header said."""
    size = header.width, header.height
    sizes = {size, size[::-1]} if format_.pillow_turns_upright else {size}
    names = {format_.pillow_name, *format_.pillow_aliases}
    if picture.size not in sizes or picture.format not in names:
        raise ImageError(f"This {format_.name} file contradicts itself; save it again.")


def _orientation(picture: PillowImage) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # broken EXIF says nothing about the pixels
        return 1


def _strips(picture: PillowImage, header: Header, format_: Format[Any]) -> Iterator[Strip]:
    """Convert a loaded picture strip by strip, and free it at the end."""
    with picture:
        key = _transparent_color(picture, header, format_)
        scale = _gray_scale(picture, header)
        for strip in _crops(picture):
            if strip.mode in _ALPHA_MODES:
                rgba = np.asarray(strip.convert(_ALPHA_MODES[strip.mode]).convert("RGBA"))
                yield rgba[..., :3], rgba[..., 3] > 0
            elif strip.mode in _COLOR_MODES:
                yield np.asarray(strip.convert("RGB")), None
            else:
                values = np.asarray(strip.convert("L") if strip.mode == "1" else strip)
                values = values.reshape(strip.height, strip.width, -1)
                visible = None if key is None else (values != key).any(axis=2)
                yield values if scale is None else _to_8_bits(values, *scale), visible


def _crops(picture: PillowImage) -> Iterator[PillowImage]:
    for top, bottom in row_ranges(picture.width, picture.height):
        yield picture.crop((0, top, picture.width, bottom))


def _to_8_bits(values: npt.NDArray[Any], black: float, white: float) -> npt.NDArray[Any]:
    low, high = sorted((black, white))
    values = np.clip(np.nan_to_num(values.astype(np.float64), nan=black), low, high)
    return np.rint((values - black) * 255 / (white - black))


def _gray_scale(picture: PillowImage, header: Header) -> tuple[float, float] | None:
    """The values that become 0 and 255 in gray of more than 8 bits; None for 8 bits."""
    if picture.mode.startswith("I;16"):
        black, white = 0.0, float((1 << min(header.bits, 16)) - 1)
    elif picture.mode in ("I", "F"):
        black, white = _value_range(picture)
    else:
        return None
    return (white, black) if header.white_is_zero else (black, white)


def _value_range(picture: PillowImage) -> tuple[float, float]:
    """Black and white of 32-bit gray, for which no range is standard.

    Black is 0 and white the smallest of the common maxima (1, 8 bits, 16 bits) that no value
    exceeds; without such a maximum the values' own range counts.
    """
    low, high = np.inf, -np.inf
    for strip in _crops(picture):
        values = np.asarray(strip)
        values = values[np.isfinite(values)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    for white in (1.0, 255.0, 65535.0):
        if low >= 0 and high <= white:
            return 0.0, white
    return (low, high) if low < high else (0.0, 1.0)


def _transparent_color(
    picture: PillowImage, header: Header, format_: Format[Any]
) -> npt.NDArray[np.int64] | None:
    """The samples of the one colour or gray that is transparent, as Pillow decodes them."""
    key = picture.info.get("transparency")
    if picture.mode not in _KEYED_MODES or not isinstance(key, (int, tuple)):
        return None
    samples = np.atleast_1d(np.asarray(key, dtype=np.int64))
    if format_.transparent_samples is None:
        return samples
    return format_.transparent_samples(samples, picture.mode, header)
