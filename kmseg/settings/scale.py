"""The scale of a picture in pixels per mm, as links and the command line spell it."""

from __future__ import annotations

import re
from typing import Final

from kmseg.errors import SettingsError, shown

SPELLING: Final = re.compile(r"(?=.*[1-9])\d{1,6}(\.\d{1,6})?", re.ASCII)


def parse_scale(text: str) -> float:
    """Pixels per mm; an empty text or "0" is an unknown scale, 0.

    Raises
    ------
    SettingsError
    """
    if text in ("", "0"):
        return 0.0
    if not SPELLING.fullmatch(text):
        raise SettingsError(
            "pixels per mm: must be a number above 0 of at most 6 digits and 6 decimals, such as "
            f"12.5, or 0 if it is not known, not {shown(text)}"
        )
    return float(text)


def format_scale(pixels_per_mm: float) -> str:
    """The inverse of :func:`parse_scale`; empty for 0."""
    return f"{pixels_per_mm:.6f}".rstrip("0").rstrip(".") if pixels_per_mm else ""
