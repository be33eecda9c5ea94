"""Thumbnails: squares from the middle of a picture, small enough to send with the page."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg.output import encode
from kmseg.samples import sample_image
from kmseg.ui.store.pictures import Picture
from kmseg.ui.store.results import data

# Address of a sample's thumbnail.
PATH: Final = "/kmseg/samples/{key}.webp"
TYPE: Final = encode.PICTURE_TYPES["webp"]
# Side in pixels: twice the CSS pixels on the page, for high-density screens.
SIDE: Final = 96
MAX_BYTES: Final = 3000

# Quality settings, tried in this order until the file is small enough.
_QUALITIES: Final = (70, 50, 30, 10, 1)
# Grey level behind transparent pixels, for the light and the dark theme.
_BACKGROUND: Final = 200

_drawing: Final = threading.Lock()


def of_sample(key: str) -> bytes:
    """A sample's thumbnail, made once per process and one at a time, as drawing takes time."""
    with _drawing:
        return _of_sample(key)


@lru_cache
def _of_sample(key: str) -> bytes:
    return thumbnail(sample_image(key).pixels)


def of_upload(picture: Picture) -> bytes:
    """An upload's thumbnail, from its data; raises ``KmsegError``."""
    made = data(picture)
    background = np.full((1, 3), _BACKGROUND, np.uint8)  # for index -1
    return thumbnail(np.vstack((made.histogram.colors, background))[made.tile.colors])


def thumbnail(pixels: NDArray[np.uint8]) -> bytes:
    """The middle of a picture as a WebP of at most ``MAX_BYTES``.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W, 3)
        RGB.
    """
    import cv2

    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    small = np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    for quality in _QUALITIES:
        content = encode.encode(small, "webp", (cv2.IMWRITE_WEBP_QUALITY, quality))
        if len(content) <= MAX_BYTES:
            break
    return content
