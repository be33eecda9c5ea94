"""Drawing of an animation's frames in few exact colours: those of the clusters, and greys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

N_GRAYS: Final = 16
"""Greys from black to white, after the clusters' colours: for text, lines and paper."""
MAX_COLORS: Final = 256
"""Most colours of an indexed picture."""

BLACK, DARK, MIDDLE, LIGHT, WHITE = 0, 5, 9, 12, N_GRAYS - 1

Points = NDArray[np.float64]
Indices = NDArray[np.int16]


class Box(NamedTuple):
    """A panel's place on the canvas, in pixels."""

    left: int
    top: int
    width: int
    height: int

    def at(self, points: Points) -> Points:
        """Positions on the canvas of points with coordinates from 0 to 1, the second upwards."""
        share = points * (1, -1) + (0, 1)
        return np.asarray(share * (self.width - 1, self.height - 1) + (self.left, self.top))


class Canvas:
    """A picture of indices: a cluster's number, or ``n_clusters`` plus a grey's number.

    Parameters
    ----------
    width, height : int
    n_clusters : int
    """

    def __init__(self, width: int, height: int, n_clusters: int) -> None:
        self._n_clusters = n_clusters
        self.indices = np.full((height, width), self.gray(WHITE), np.int16)

    def gray(self, level: int) -> int:
        """The index of a grey, from 0, black, to ``N_GRAYS - 1``, white."""
        return self._n_clusters + level

    def grays(self, values: NDArray[np.uint8]) -> Indices:
        """Indices of the greys nearest to values of 0 to 255."""
        levels = np.rint(values / 255 * (N_GRAYS - 1)).astype(np.int16)
        return levels + np.int16(self._n_clusters)

    def copy(self) -> Canvas:
        """A canvas with the same content."""
        height, width = self.indices.shape
        other = Canvas(width, height, self._n_clusters)
        other.indices[:] = self.indices
        return other

    def write(self, text: str, left: int, top: int, size: int) -> None:
        """Write a line of text in black on white."""
        from PIL import Image as Pillow
        from PIL import ImageDraw, ImageFont

        width = self.indices.shape[1] - left
        line = Pillow.new("L", (width, 2 * size), 255)
        font = ImageFont.load_default(size=size)
        ImageDraw.Draw(line).text((0, size // 4), text, fill=0, font=font)
        self.indices[top : top + 2 * size, left:] = self.grays(np.asarray(line))

    def frame(self, box: Box) -> None:
        """Draw a thin frame around a box."""
        left, top, width, height = box
        corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)]
        around = Box(left - 3, top - 3, width + 6, height + 6)
        self.lines([around.at(np.array(corners))], LIGHT, 1)

    def lines(self, lines: Iterable[Points], level: int, width: int = 2) -> None:
        """Draw lines in a grey, each through positions on the canvas, shape (n, 2)."""
        from PIL import Image as Pillow
        from PIL import ImageDraw

        height, full_width = self.indices.shape
        mask = Pillow.new("L", (full_width, height))
        draw = ImageDraw.Draw(mask)
        for points in lines:
            draw.line([(x, y) for x, y in points.tolist()], fill=1, width=width)
        self.indices[np.asarray(mask) > 0] = self.gray(level)

    def paste(self, indices: Indices, left: int, top: int) -> None:
        """Draw a picture of indices; a negative one is white."""
        height, width = indices.shape
        shown = np.where(indices < 0, np.int16(self.gray(WHITE)), indices)
        self.indices[top : top + height, left : left + width] = shown

    def dots(self, points: Points, indices: Indices, side: int = 2) -> None:
        """Draw small squares at positions on the canvas, shape (n, 2), each in its colour."""
        columns, rows = np.rint(points).astype(np.intp).T
        for dy in range(side):
            for dx in range(side):
                self.indices[rows + dy, columns + dx] = indices

    def disc(self, x: float, y: float, index: int, radius: int = 7) -> None:
        """Draw a disc with a white and a black rim."""
        top, left = (max(0, round(at) - radius - 3) for at in (y, x))
        around = self.indices[top : round(y) + radius + 4, left : round(x) + radius + 4]
        rows, columns = np.ogrid[: around.shape[0], : around.shape[1]]
        distance = np.hypot(rows + top - y, columns + left - x)
        for rim, color in ((2, self.gray(WHITE)), (1, self.gray(BLACK)), (-1, index)):
            around[distance <= radius + rim] = color

    def image(self, colors: NDArray[np.uint8]) -> PillowImage:
        """The picture with these colours of the clusters, shape (K, 3), indexed if they fit."""
        from PIL import Image as Pillow

        grays = np.rint(np.linspace(0, 255, N_GRAYS)).astype(np.uint8)
        palette = np.vstack((colors, np.repeat(grays[:, None], 3, axis=1)))
        if len(palette) > MAX_COLORS:
            return Pillow.fromarray(palette[self.indices])
        shown = Pillow.fromarray(self.indices.astype(np.uint8), "P")
        shown.putpalette(palette.tobytes())
        return shown
