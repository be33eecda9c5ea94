"""Decoding with Pillow: opening a file safely, and going to the frame that is read."""

from __future__ import annotations

import importlib
import io
import logging
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from kmseg.errors import ImageError
from kmseg.picture.convert import convert
from kmseg.picture.formats.base import Format, Header
from kmseg.picture.formats.tiff import in_native_order
from kmseg.picture.frames import seek_frame
from kmseg.picture.limits import Limits
from kmseg.picture.probe import File
from kmseg.picture.resolution import pixels_per_mm
from kmseg.picture.strips import Decoded

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage
    from PIL.ImageFile import ImageFile

_ORIENTATION_TAG: Final = 274  # CIPA DC-008 (EXIF)


def decode(file: File, format_: Format[Any], limits: Limits) -> Decoded:
    """Decode the frame of a file that is read; see :func:`kmseg.picture.decode.decode`."""
    importlib.import_module(format_.plugin)
    configure_pillow(limits)
    if format_.prepare_pillow:
        format_.prepare_pillow()
    orientation, scale = 1, 0.0

    def on_load(picture: ImageFile) -> None:
        nonlocal orientation, scale
        first = file.index == 0
        if (
            first
            and format_.is_complete
            and not format_.is_complete(file.data, file.header, picture)
        ):
            raise _cut_short(format_)
        orientation = _orientation(picture)
        scale = pixels_per_mm(picture)

    try:
        decoded = _convert(file, file.data, format_, on_load)
    except OSError:
        mended = format_.mend(file.data) if format_.mend else None
        if mended is None:
            raise
        decoded = _convert(file, mended, format_, on_load)
    return replace(decoded, orientation=orientation, pixels_per_mm=scale)


def _convert(
    file: File, data: bytes, format_: Format[Any], on_load: Callable[[ImageFile], None]
) -> Decoded:
    import PIL.Image

    header = file.header

    def open_picture() -> ImageFile:
        picture = PIL.Image.open(io.BytesIO(data), formats=[format_.pillow_name])
        seek_frame(picture, file.index)
        _check(picture, header, format_)
        in_native_order(picture)
        return picture

    def key_of_8_bits(samples: Any, mode: str) -> Any:
        convert_samples = format_.transparent_samples
        return convert_samples(samples, mode, header) if convert_samples else samples

    return convert(
        open_picture,
        header.bits,
        file.reading.levels,
        white_is_zero=header.white_is_zero,
        profile=file.profile,
        key_of_8_bits=key_of_8_bits,
        on_load=on_load,
    )


def _cut_short(format_: Format[Any]) -> ImageError:
    return ImageError(f"This {format_.name} file is cut short; try another copy of it.")


def configure_pillow(limits: Limits) -> None:
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
    """Refuse a file if Pillow finds another format or size than its header claims."""
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
