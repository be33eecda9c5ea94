"""The card of a link: original and segmentation with a title, as other sites show links."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from kmseg.output.figure import painted_image
from kmseg.output.grid import draw_strip, fitted, font, wrapped
from kmseg.output.render import picture_of

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation

WIDTH: Final = 1200
HEIGHT: Final = 630
TYPE: Final = "image/jpeg"
# Pixels: margin, space between the pictures, their box, and the baselines of the two lines above.
_MARGIN, _GAP, _BOX = 40, 24, (548, 396)
_TITLE, _TITLE_BASE = 48, 84
_CAPTION, _CAPTION_BASE = 26, 124
_TOP, _STRIP_TOP = 144, 556


def card(seg: Segmentation, title: str, caption: str) -> bytes:
    """Draw a card of 1200 x 630 pixels, the size that the Open Graph protocol's users recommend.

    Parameters
    ----------
    seg : Segmentation
        With its picture.
    title, caption : str
        One line each; what does not fit is left out.

    Returns
    -------
    bytes
        A JPEG.
    """
    from PIL import Image as Pillow
    from PIL import ImageDraw

    canvas = Pillow.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(canvas)
    inside = WIDTH - 2 * _MARGIN
    for text, size, base in ((title, _TITLE, _TITLE_BASE), (caption, _CAPTION, _CAPTION_BASE)):
        line = wrapped(text, size, inside)[0]
        draw.text((_MARGIN, base), line, fill="black", font=font(size), anchor="ls")
    for number, image in enumerate((picture_of(seg), painted_image(seg))):
        pixels = fitted(image, *_BOX)
        height, width = pixels.shape[:2]
        left = _MARGIN + number * (_BOX[0] + _GAP) + (_BOX[0] - width) // 2
        canvas.paste(Pillow.fromarray(pixels), (left, _TOP + (_BOX[1] - height) // 2))
    draw_strip(draw, seg, _MARGIN, _STRIP_TOP, inside)
    buffer = io.BytesIO()
    canvas.save(buffer, "JPEG", quality=85, subsampling=0)
    return buffer.getvalue()
