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
    segmented = Image(painted(seg.labels, seg.palette)[..., :3], image.opaque)
    panels = {
        "Original image": _panel(image),
        f"Segmented image when K = {seg.n_clusters}": _panel(segmented),
    }
    height, width = panels["Original image"].shape[:2]
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


def _panel(image: Image) -> Pixels:
    scale = min(1, MAX_PANEL / max(image.width, image.height))
    shown = image.resized(max(1, round(image.width * scale)))
    return on_white(shown.pixels, alpha_of(shown))
