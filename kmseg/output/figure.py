"""The figure of "Image Segmentation with K-Means Clustering in Python": two titled pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from kmseg.output.encode import on_white
from kmseg.output.render import Pixels, alpha_of, painted, picture_of
from kmseg.picture.image import Image

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation

# Longest side of a panel in pixels; larger pictures are scaled down.
MAX_PANEL: Final = 1600
# Minimum width of a panel in pixels, so that its title fits. Narrower pictures are centred in it.
MIN_PANEL: Final = 300

ORIGINAL: Final = "Original image"


def figure(seg: Segmentation) -> Pixels:
    """Original and segmentation side by side on white, each under its title.

    Returns
    -------
    ndarray of uint8, shape (h, w, 3)

    Raises
    ------
    ValueError
        If the segmentation was made from a ``ColorHistogram``.
    """
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    image = picture_of(seg)
    scale = min(1, MAX_PANEL / max(image.width, image.height))
    width = max(1, round(image.width * scale))
    panels = {
        ORIGINAL: scaled_down(image, width),
        title_of(seg): scaled_down(painted_image(seg), width),
    }
    height = len(panels[ORIGINAL])
    column = max(width, MIN_PANEL)
    size = column // 20  # font size: the longest title is then 0.7 of a column wide
    font = ImageFont.load_default(size=size)
    canvas = Pillow.new("RGB", (2 * column + 3 * size, height + 4 * size), "white")
    draw = ImageDraw.Draw(canvas)
    for number, (title, pixels) in enumerate(panels.items()):
        left = size + number * (column + size)
        draw.text((left + column // 2, 2 * size), title, fill="black", font=font, anchor="ms")
        canvas.paste(Pillow.fromarray(pixels), (left + (column - width) // 2, 3 * size))
    return np.asarray(canvas)


def title_of(seg: Segmentation) -> str:
    """The article's title of a segmentation, "Segmented image when K = 4"."""
    return f"Segmented image when K = {seg.n_clusters}"


def painted_image(seg: Segmentation) -> Image:
    """A segmentation in the colours of its clusters, as a picture with the same transparency."""
    return Image(painted(seg.labels, seg.palette)[..., :3], picture_of(seg).opaque)


def scaled_down(image: Image, width: int) -> Pixels:
    """A picture on white at another width, shape (h, width, 3)."""
    shown = image.resized(width)
    return on_white(shown.pixels, alpha_of(shown))
