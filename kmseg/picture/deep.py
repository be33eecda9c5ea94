"""Colour of 16 bits a channel, which Pillow has no mode for.

Pillow decodes such pictures, but keeps only the upper byte of each sample. Decoding them again with
the byte order swapped keeps the lower byte instead. So both bytes come from Pillow's decoders, and
no second library parses untrusted files, but decoding takes twice as long.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

Words = npt.NDArray[np.uint16]

_PLANAR = 284  # TIFF 6.0: 2 if each channel is stored apart
_SWAPPED: Final = "B" if sys.byteorder == "little" else "L"
_UPPER_AND_LOWER: Final[dict[str, tuple[str, str]]] = {
    f"{mode};16{order}": (f"{mode};16{upper}", f"{mode};16{lower}")
    for mode in ("RGB", "RGBA", "RGBX")
    # N is the machine's own order, in which libtiff hands samples over.
    for order, upper, lower in (("B", "B", "L"), ("L", "L", "B"), ("N", "N", _SWAPPED))
}
_GRAY_WITH_ALPHA: Final = "LA;16B"


@dataclass(frozen=True, slots=True)
class DeepPicture:
    """A decoded picture of 16 bits a channel.

    Parameters
    ----------
    upper, lower : PIL.Image.Image
        RGB or RGBA: the upper and the lower bytes of the samples.
    is_gray : bool
        The samples are gray and alpha: upper and lower byte of gray, then of alpha.
    """

    upper: ImageFile
    lower: ImageFile
    is_gray: bool = False

    def strip(self, top: int, bottom: int) -> tuple[Words, Words | None]:
        """Some rows.

        Returns
        -------
        ndarray of uint16, shape (h, w, 3), or (h, w, 1) for gray
        ndarray of uint16, shape (h, w), or None
            The alpha channel, if there is one.
        """
        box = (0, top, self.upper.width, bottom)
        upper = np.asarray(self.upper.crop(box), dtype=np.uint16)
        words: Words = upper * np.uint16(256)
        if self.is_gray:
            words = words[..., ::2] + upper[..., 1::2]
        else:
            words += np.asarray(self.lower.crop(box))
        n_colors = 1 if self.is_gray else 3
        alpha = words[..., n_colors] if words.shape[2] > n_colors else None
        return words[..., :n_colors], alpha

    def alpha_white(self, spans: Iterator[tuple[int, int]]) -> int:
        """The value of alpha that means opaque: 65535, or less if all samples use fewer bits.

        A pixel counts from half opaque on. So if no alpha reaches half of the largest value, the
        alpha channel was stored with fewer bits, unless the whole picture is transparent.
        """
        largest = 0
        for top, bottom in spans:
            alpha = self.strip(top, bottom)[1]
            largest = max(largest, 0 if alpha is None else int(alpha.max()))
        return alpha_white(largest)


def alpha_white(largest: int) -> int:
    """The value of alpha that means opaque, by the largest that there is."""
    return next(white for white in (255, 1023, 4095, 16383, 65535) if largest <= white)


def load_deep(open_picture: Callable[[], ImageFile]) -> DeepPicture | None:
    """Decode a PNG or TIFF with 16 bits a channel in full.

    Parameters
    ----------
    open_picture : callable
        Opens the picture anew at each call, without loading it.

    Returns
    -------
    DeepPicture or None
        None if the picture has fewer bits, is gray without alpha (which Pillow reads in full), or
        is stored in a way that gives access to the upper bytes only: planar, premultiplied by
        alpha, or a later frame of an animation. The opened picture is then left unchanged.
    """
    upper = open_picture()
    raw_modes = {_raw_mode(tile.args) for tile in upper.tile}
    tags: Any = getattr(upper, "tag_v2", {})
    is_later_frame = upper.format == "PNG" and upper.tell() > 0  # blended with those before
    if len(raw_modes) != 1 or tags.get(_PLANAR, 1) == 2 or is_later_frame:
        return None
    (raw_mode,) = raw_modes
    if raw_mode == _GRAY_WITH_ALPHA and upper.mode == "RGBA":
        loaded = _load(upper, "RGBA")
        return DeepPicture(loaded, loaded, is_gray=True)
    if raw_mode not in _UPPER_AND_LOWER:
        return None
    first, second = _UPPER_AND_LOWER[raw_mode]
    return DeepPicture(_load(upper, first), _load(open_picture(), second))


def _raw_mode(arguments: Any) -> str:
    """How the samples lie in the data: the first of a decoder's arguments, or the only one."""
    return str(arguments if isinstance(arguments, str) else arguments[0])


def _load(picture: ImageFile, raw_mode: str) -> ImageFile:
    picture.tile = [
        tile._replace(args=raw_mode if isinstance(tile.args, str) else (raw_mode, *tile.args[1:]))
        for tile in picture.tile
        if tile.args is not None
    ]
    picture.load()
    return picture
