"""Masks: pictures whose bright pixels say which pixels of another picture count."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

import numpy as np

from kmseg.picture.image import Image, read_image
from kmseg.picture.limits import DEFAULT_LIMITS, Limits
from kmseg.picture.roi import digest_of
from kmseg.picture.strips import Mask

_HALF_BRIGHT: Final = 128  # of 255


@dataclass(frozen=True, slots=True)
class PackedMask:
    """A mask, one bit a pixel, which takes an eighth of its memory.

    Attributes
    ----------
    digest : str
        As in ``Reading.mask``.
    shape : tuple of two int
        H and W.
    bits : bytes
        As by ``numpy.packbits``.
    """

    digest: str
    shape: tuple[int, int]
    bits: bytes

    @classmethod
    def of(cls, mask: Mask) -> PackedMask:
        """Pack a mask of shape (H, W)."""
        return cls(digest_of(mask), (mask.shape[0], mask.shape[1]), np.packbits(mask).tobytes())

    @property
    def unpacked(self) -> Mask:
        """The mask, of shape (H, W)."""
        height, width = self.shape
        bits = np.unpackbits(np.frombuffer(self.bits, np.uint8), count=height * width)
        return bits.astype(np.bool_).reshape(self.shape)


def bright(image: Image) -> Mask:
    """A picture as a mask.

    Returns
    -------
    ndarray of bool, shape (H, W)
        True where the picture counts and is at least half as bright as white, or in a picture of
        two shades, as of labels 0 and 1, where it has the brighter one.
    """
    light = image.pixels.mean(axis=2)
    least, most = light.min(), light.max()
    has_two = least < most and not np.any((light > least) & (light < most))
    mask: Mask = light >= (most if has_two else _HALF_BRIGHT)
    return mask if image.opaque is None else mask & image.opaque


def read_mask(source: str | os.PathLike[str] | bytes, *, limits: Limits = DEFAULT_LIMITS) -> Mask:
    """Read a mask from a picture's file, or from its bytes, for :meth:`kmseg.Image.masked`.

    Parameters
    ----------
    source, limits
        As for :func:`kmseg.read_image`, which also says what is raised.

    Returns
    -------
    ndarray of bool, shape (H, W)
        True where the picture is bright, see :func:`bright`.
    """
    return bright(read_image(source, limits=limits))
