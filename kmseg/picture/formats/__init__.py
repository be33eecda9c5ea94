"""The input formats that are read. A new one is a module like these, and a line in FORMATS."""

from __future__ import annotations

from typing import Any, Final

from kmseg.picture.formats import avif, bmp, gif, heif, jpeg, png, raw, tiff, webp
from kmseg.picture.formats.base import Format

# By name, in the order in which messages list them.
FORMATS: Final[dict[str, Format[Any]]] = {
    format_.name: format_
    for format_ in (
        jpeg.FORMAT,
        png.FORMAT,
        webp.FORMAT,
        gif.FORMAT,
        bmp.FORMAT,
        tiff.FORMAT,
        avif.FORMAT,
        heif.FORMAT,
    )
}


def listed() -> str:
    """The names of all formats, as a sentence shows them: ``JPEG, PNG or TIFF``."""
    *names, last = (format_.name for format_ in FORMATS.values() if format_.listed)
    return f"{', '.join(names)} or {last}"


def extensions() -> tuple[str, ...]:
    """Extensions of file names, without their dots, of all formats and of camera raw.

    Camera raw is refused with a sentence that says what to do, so dialogs should offer it.
    """
    named = (extension for format_ in FORMATS.values() for extension in format_.extensions)
    return (*named, *raw.EXTENSIONS)
