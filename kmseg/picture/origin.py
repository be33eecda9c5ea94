"""What is known of a picture that was read, apart from its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kmseg.picture.levels import Scale
from kmseg.picture.reading import Reading

if TYPE_CHECKING:
    from kmseg.picture.image import Image


@dataclass(frozen=True, slots=True)
class Origin:
    """What was read, and how.

    Parameters
    ----------
    width, height : int
        In pixels, upright, after resizing.
    notes : tuple of str
    scale : Scale or None
    reading : Reading
    pixels_per_mm : float
        As in :class:`kmseg.picture.image.Image`.
    """

    width: int
    height: int
    notes: tuple[str, ...]
    scale: Scale | None
    reading: Reading
    pixels_per_mm: float = 0.0

    @classmethod
    def of(cls, image: Image) -> Origin:
        """That of a picture in memory."""
        size, scale = (image.width, image.height), image.scale
        return cls(*size, image.notes, scale, image.reading, image.pixels_per_mm)
