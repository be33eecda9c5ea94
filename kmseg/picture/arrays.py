"""Helpers for arrays of pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from kmseg.picture.strips import Mask, Pixels


def averaged(
    pixels: Pixels, weights: Mask | Pixels | None, size: tuple[int, int]
) -> tuple[Pixels, npt.NDArray[np.float32] | None]:
    """Pixels of another size by area averaging with weights, and the average weights."""
    import cv2

    if weights is None:
        return uint8(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)), None
    floats = weights.astype(np.float32)
    cover = np.asarray(cv2.resize(floats, size, interpolation=cv2.INTER_AREA), np.float32)
    mean = np.zeros((size[1], size[0], 3), np.uint8)
    for channel in range(3):  # one at a time, because floats take much memory
        total = cv2.resize(pixels[..., channel] * floats, size, interpolation=cv2.INTER_AREA)
        part = np.divide(total, cover, out=np.zeros_like(total), where=cover > 0)
        mean[..., channel] = np.rint(np.clip(part, 0, 255))
    return mean, cover


def as_alpha(weights: Mask | Pixels) -> npt.NDArray[Any]:
    """A mask as alpha, 0 and 255; alpha as it is."""
    return weights if weights.dtype == np.uint8 else np.where(weights, np.uint8(255), np.uint8(0))


def is_array(array: object, dtype: type[np.generic], n_dimensions: int) -> bool:
    """Whether it is an array of this type and number of dimensions."""
    return isinstance(array, np.ndarray) and array.dtype == dtype and array.ndim == n_dimensions


def describe(array: object) -> str:
    """An array's type and shape for messages."""
    if isinstance(array, np.ndarray):
        return f"an array of {array.dtype} with shape {array.shape}"
    return type(array).__name__


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A view that cannot be written to, contiguous."""
    view = np.ascontiguousarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view


def uint8(array: npt.ArrayLike) -> Pixels:
    """The array as uint8."""
    return np.asarray(array, dtype=np.uint8)
