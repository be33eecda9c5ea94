"""The part of a picture that counts: a region, that is a rectangle or polygon, or a mask."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kmseg.errors import SettingsError, shown

#: Corners (x, y) in pixels from the upper left corner of the picture; empty for the whole picture.
Region = tuple[tuple[int, int], ...]

MAX_CORNERS: Final = 64
MAX_COORDINATE: Final = 1_000_000

_DIGEST: Final = re.compile(r"[0-9a-f]{16}", re.ASCII)
_CORNER: Final = re.compile(r"(\d{1,7})\.(\d{1,7})")
_ALLOWED: Final = (
    f"region: must be 2 corners of a rectangle, or 3 to {MAX_CORNERS} of a polygon, each two whole "
    f"numbers of pixels x.y up to {MAX_COORDINATE:,}, such as 10.20_300.150"
)


def parse_region(value: object) -> Region:
    """A region as ``Reading.region`` has it, from pairs or from text such as "10.20_300.150".

    Raises
    ------
    SettingsError
    """
    corners = _split(value) if isinstance(value, str) else value
    try:
        pairs = [(int(x), int(y)) for x, y in corners]  # type: ignore[attr-defined]
        exact = pairs == [(x, y) for x, y in corners]  # type: ignore[attr-defined]
    except (TypeError, ValueError, OverflowError):
        raise SettingsError(f"{_ALLOWED}, not {shown(value)}") from None
    region = tuple(pairs)
    if not region:
        return ()
    inside = all(0 <= number <= MAX_COORDINATE for corner in region for number in corner)
    has_area = len(region) > 2 or (len(region) == 2 and _differ(*region))
    if not (exact and inside and has_area and len(region) <= MAX_CORNERS):
        raise SettingsError(f"{_ALLOWED}, not {shown(value)}")
    return region


def format_region(region: Region) -> str:
    """The inverse of :func:`parse_region`: ``((10, 20), (300, 150))`` -> "10.20_300.150"."""
    return "_".join(f"{x}.{y}" for x, y in region)


def corners_of(region: Region) -> Region:
    """The corners of the polygon; those of a rectangle are four."""
    if len(region) != 2:
        return region
    (left, top), (right, bottom) = region
    return (left, top), (right, top), (right, bottom), (left, bottom)


def mask_of(
    region: Region, width: int, height: int, scale: tuple[float, float] = (1.0, 1.0)
) -> NDArray[np.bool_]:
    """Which pixels of a picture are inside a region.

    Parameters
    ----------
    region : tuple of (int, int)
        Corners of a rectangle or polygon.
    width, height : int
        Of the picture, in pixels.
    scale : pair of float
        Pixels of this picture for each pixel of the region's coordinates, in x and y.

    Returns
    -------
    ndarray of bool, shape (height, width)
        True where the pixel's centre is inside by the even-odd rule: a line from it crosses the
        polygon's edges an odd number of times. A centre exactly on an edge is inside if the
        inside is to its right or, on a horizontal edge, below.
    """
    corners = [(x * scale[0], y * scale[1]) for x, y in corners_of(region)]
    crossed = np.zeros((height, width), np.bool_)
    for (x0, y0), (x1, y1) in pairwise([*corners, corners[0]]):
        low, high = sorted((y0, y1))
        first, end = (int(np.clip(np.ceil(y - 0.5), 0, height)) for y in (low, high))
        rows = np.arange(first, end)
        if rows.size:
            x = x0 + (rows + 0.5 - y0) * ((x1 - x0) / (y1 - y0))
            columns = np.maximum(np.ceil(x - 0.5), 0).astype(np.intp)
            on = columns < width
            crossed[rows[on], columns[on]] ^= True
    inside: NDArray[np.bool_] = np.logical_xor.accumulate(crossed, axis=1)
    return inside


def digest_of(mask: NDArray[np.bool_]) -> str:
    """What names a mask of shape (H, W) in a reading: 16 hexadecimal digits of its SHA-256."""
    content = repr(mask.shape).encode() + np.packbits(mask).tobytes()
    return hashlib.sha256(content).hexdigest()[:16]


def parse_mask(value: object) -> str:
    """The digest of a mask, or "" for none; raises ``SettingsError``."""
    if value == "" or (isinstance(value, str) and _DIGEST.fullmatch(value)):
        return str(value)
    raise SettingsError(f"mask: must be 16 hexadecimal digits of a mask, not {shown(value)}")


def _split(text: str) -> list[tuple[int, int]]:
    found = [_CORNER.fullmatch(part) for part in text.strip().split("_")] if text.strip() else []
    if len(found) > MAX_CORNERS or not all(found):
        raise SettingsError(f"{_ALLOWED}, not {shown(text)}")
    return [(int(match[1]), int(match[2])) for match in found if match]


def _differ(first: Iterable[Any], second: Iterable[Any]) -> bool:
    """Whether two corners differ in both coordinates."""
    return all(one != other for one, other in zip(first, second, strict=True))
