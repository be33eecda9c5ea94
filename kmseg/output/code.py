"""A program and a notebook that make a segmentation, in a ZIP with their picture."""

from __future__ import annotations

import io
import zipfile
from typing import Final

import numpy as np

from kmseg.output import names
from kmseg.output.encode import png
from kmseg.picture.image import Image
from kmseg.settings import Language, Settings

_MAX_NAME_BYTES: Final = 120


def file_name(picture: str, language: Language, extension: str) -> str:
    """The name of a program, notebook or ZIP; ``picture`` is the picture's file name."""
    return f"{names.safe(picture, _MAX_NAME_BYTES)}_{language}.{extension}"


def archive(image: Image, settings: Settings, language: Language, picture: str) -> bytes:
    """A ZIP of program, notebook and picture.

    The picture is a PNG of the pixels that kmseg read, so the program gets the same ones.

    Parameters
    ----------
    image : Image
        At full size, before ``settings.width``.
    settings : Settings
    language : {"opencv", "scikit-learn", "numpy", "kmseg"}
    picture : str
        The picture's file name, from which the names in the ZIP are made.
    """
    name = f"{names.safe(picture, _MAX_NAME_BYTES)}.png"
    alpha = image.alpha
    if image.opaque is not None and (alpha is None or image.reading.region):
        shown = np.uint8(255) if alpha is None else alpha
        alpha = np.where(image.opaque, shown, np.uint8(0))
    pixels = image.pixels if alpha is None else np.dstack((image.pixels, alpha))
    script = settings.to_script(language, name, opaque=alpha is None)
    notebook = settings.to_notebook(language, name, opaque=alpha is None)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        # A ZipInfo has a fixed date, so equal contents give equal archives.
        for extension, text in (("py", script), ("ipynb", notebook)):
            entry = zipfile.ZipInfo(file_name(picture, language, extension))
            file.writestr(entry, text, zipfile.ZIP_DEFLATED)
        file.writestr(zipfile.ZipInfo(name), png(pixels), zipfile.ZIP_STORED)
    return buffer.getvalue()
