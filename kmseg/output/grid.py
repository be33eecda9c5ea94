"""The figure of several segmentations: a grid of titled pictures for print, with their palettes."""

from __future__ import annotations

import io
import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from kmseg.output import captions
from kmseg.output.figure import ORIGINAL, painted_image, scaled_down
from kmseg.output.render import Pixels
from kmseg.picture.image import Image

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage
    from PIL.ImageDraw import ImageDraw

    from kmseg.segmentation import Segmentation

MAX_SEGMENTATIONS: Final = 6

DPI: Final = 300
"""Dots per inch in print."""
# The greatest size in pixels: 180 x 135 mm, as on a slide, or, if pictures would be smaller than
# 40 x 40 mm, 180 x 245 mm, an A4 page without its margins.
_MAX_WIDTH, _MAX_HEIGHTS, _MIN_SIDE = 2126, (1595, 2890), 472
# Sizes of text in pixels: titles of 9 points, shares and caption of 7 points.
_TITLE, _SMALL = 38, 29
_LEADING: Final = 1.35  # from line to line, as a multiple of the size
_MARGIN, _GAP, _STRIP, _SPACE, _SQUARE = 40, 56, 40, 14, 24
# Narrowest cell, which has room for a title in two lines.
_MIN_CELL: Final = 440
# Clusters whose shares are listed; the others are counted together.
_MAX_LISTED: Final = 12
_OUTLINE: Final = "#808080"


def grid(
    original: Image | None,
    segmentations: Sequence[tuple[str, Segmentation]],
    caption: str = "",
) -> bytes:
    """Draw segmentations beside each other, each with its palette and its shares.

    Below the pictures stand the caption and, by title, all settings of each segmentation. Letters
    that Pillow's font lacks are replaced as in :func:`kmseg.output.captions.drawable`.

    Parameters
    ----------
    original : Image, optional
        Shown first, under the title "Original image".
    segmentations : sequence of (str, Segmentation)
        One to six with their titles, such as :func:`kmseg.output.figure.title_of`. They may be of
        different pictures and sizes.
    caption : str
        A paragraph before the settings.

    Returns
    -------
    bytes
        A PNG of at most 180 mm width at 300 dots per inch. Larger pictures are scaled down, smaller
        ones enlarged without smoothing.

    Raises
    ------
    ValueError
        There are none or more than six.
    LabelsError
        One was made from a ``ColorHistogram``.
    """
    if not 1 <= len(segmentations) <= MAX_SEGMENTATIONS:
        raise ValueError(
            f"segmentations: must be 1 to {MAX_SEGMENTATIONS}, not {len(segmentations)}"
        )
    cells = [_Cell(title, painted_image(seg), seg) for title, seg in segmentations]
    if original is not None:
        cells.insert(0, _Cell(ORIGINAL, original, None))
    paragraphs = [caption] if caption else []
    paragraphs += [f"{title}: {captions.full(seg)}." for title, seg in segmentations]
    buffer = io.BytesIO()
    _drawn(_arranged(cells, paragraphs)).save(buffer, "PNG", dpi=(DPI, DPI))
    return buffer.getvalue()


class _Entry(NamedTuple):
    """A line of a legend: a cluster, or those that are not listed."""

    color: tuple[int, ...] | None
    text: str


@dataclass(frozen=True, eq=False)
class _Cell:
    """A picture with its title, and the segmentation whose palette stands below it."""

    title: str
    image: Image
    seg: Segmentation | None

    @cached_property
    def legend(self) -> list[_Entry]:
        """The largest clusters in the order of their numbers, then the number of the others."""
        if self.seg is None:
            return []
        shares, names = self.seg.shares, self.seg.names
        listed = sorted(np.argsort(-shares, kind="stable")[:_MAX_LISTED].tolist())
        entries = [
            _Entry(
                tuple(self.seg.palette[number].tolist()), f"{names[number]}  {shares[number]:.1%}"
            )
            for number in listed
        ]
        if rest := len(shares) - len(listed):
            entries.append(_Entry(None, f"{rest} more  {1 - shares[listed].sum():.1%}"))
        return entries

    def legend_columns(self, width: int) -> int:
        """How many clusters fit beside each other."""
        widest = max(_length(entry.text, _SMALL) for entry in self.legend if entry.color)
        return max(1, int((width + _SQUARE) // (widest + 2.5 * _SQUARE)))

    def legend_lines(self, width: int) -> int:
        """How many lines the legend takes."""
        if not self.legend:
            return 0
        n_clusters = sum(entry.color is not None for entry in self.legend)
        return math.ceil(n_clusters / self.legend_columns(width)) + len(self.legend) - n_clusters


@dataclass(frozen=True, eq=False)
class _Layout:
    """Places of the cells.

    Attributes
    ----------
    cells : list of _Cell
    paragraphs : list of str
        Text below the cells.
    columns : int
        Cells beside each other.
    cell : int
        Width of a cell in pixels.
    width, height : int
        Of the box that every picture fits in, in pixels.
    """

    cells: list[_Cell]
    paragraphs: list[str]
    columns: int
    cell: int
    width: int
    height: int

    @cached_property
    def rows(self) -> list[list[_Cell]]:
        """The cells row by row."""
        starts = range(0, len(self.cells), self.columns)
        return [self.cells[start : start + self.columns] for start in starts]

    def above(self, row: int) -> int:
        """Height of the longest title of a row."""
        n_lines = max(len(wrapped(cell.title, _TITLE, self.cell)) for cell in self.rows[row])
        return n_lines * _line(_TITLE) + _SPACE

    def below(self, row: int) -> int:
        """Height of the strips and the longest legend of a row."""
        n_lines = max(cell.legend_lines(self.cell) for cell in self.rows[row])
        strip = _SPACE + _STRIP + _SPACE + n_lines * _line(_SMALL) if n_lines else 0
        return strip + _GAP

    @property
    def full_width(self) -> int:
        """Of the whole figure."""
        return 2 * _MARGIN + self.columns * (self.cell + _GAP) - _GAP

    def top(self, row: int) -> int:
        """The top of a row; that of the row after the last is the bottom."""
        return _MARGIN + row * self.height + self._text_height(row)

    def _text_height(self, n_rows: int) -> int:
        return sum(self.above(row) + self.below(row) for row in range(n_rows))

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the paragraphs."""
        width = self.full_width - 2 * _MARGIN
        return [line for each in self.paragraphs for line in wrapped(each, _SMALL, width)]

    @property
    def full_height(self) -> int:
        """Of the whole figure."""
        return self.top(len(self.rows)) + len(self.lines) * _line(_SMALL) + _MARGIN

    def with_height(self, most: int) -> _Layout:
        """The layout with the largest pictures that fit in a height, and no wider than they are."""
        ratio = max(cell.image.height / cell.image.width for cell in self.cells)
        free = self.height + (most - self.full_height) / len(self.rows)
        width = max(1, min(self.cell, int(free / ratio)))
        height = max(1, round(width * ratio))
        fitting = replace(self, cell=max(width, _MIN_CELL), width=width, height=height)
        # Narrower cells may need more lines of text.
        return fitting if fitting.cell >= self.cell else fitting.with_height(most)

    @property
    def side(self) -> float:
        """The side of a square as large as a picture."""
        return math.sqrt(self.width * self.height)

    @property
    def worth(self) -> float:
        """The size of the pictures, less where cells stay empty."""
        return self.side * len(self.cells) / (len(self.rows) * self.columns)


def _arranged(cells: list[_Cell], paragraphs: list[str]) -> _Layout:
    """The layout with the largest pictures, on a page that is no higher than they need."""
    widths = [
        (_MAX_WIDTH - 2 * _MARGIN + _GAP) // columns - _GAP for columns in range(1, len(cells) + 1)
    ]
    wide = [
        _Layout(cells, paragraphs, number + 1, width, width, width)
        for number, width in enumerate(widths)
        if width >= _MIN_CELL
    ]
    for height in _MAX_HEIGHTS:
        fitting = [layout.with_height(height) for layout in wide]
        best = max(fitting, key=lambda layout: layout.worth)
        if best.side >= _MIN_SIDE:
            break
    return best


def _drawn(layout: _Layout) -> PillowImage:
    from PIL import Image as Pillow
    from PIL import ImageDraw

    canvas = Pillow.new("RGB", (layout.full_width, layout.full_height), "white")
    draw = ImageDraw.Draw(canvas)
    for number, cell in enumerate(layout.cells):
        row, column = divmod(number, layout.columns)
        left, top = _MARGIN + column * (layout.cell + _GAP), layout.top(row) + layout.above(row)
        middle = left + layout.cell // 2
        title = wrapped(cell.title, _TITLE, layout.cell)
        for back, line in enumerate(reversed(title)):
            at = (middle, top - _SPACE - _line(_TITLE) * back - _TITLE // 4)
            draw.text(at, line, fill="black", font=font(_TITLE), anchor="ms")
        pixels = fitted(cell.image, layout.width, layout.height)
        height, width = pixels.shape[:2]
        corner = middle - width // 2, top + (layout.height - height) // 2
        canvas.paste(Pillow.fromarray(pixels), corner)
        if cell.seg is not None:
            below = top + layout.height + _SPACE
            draw_strip(draw, cell.seg, middle - layout.width // 2, below, layout.width)
            _draw_legend(draw, cell, left, below + _STRIP + _SPACE, layout.cell)
    for number, line in enumerate(layout.lines):
        at = (_MARGIN, layout.top(len(layout.rows)) + number * _line(_SMALL))
        draw.text(at, line, fill="black", font=font(_SMALL), anchor="la")
    return canvas


def draw_strip(draw: ImageDraw, seg: Segmentation, left: int, top: int, width: int) -> None:
    """The palette as a strip, in which each cluster has its share of the width."""
    edges = np.rint(left + width * np.append(0, np.cumsum(seg.shares))).astype(int).tolist()
    for color, start, end in zip(seg.palette.tolist(), edges, edges[1:], strict=False):
        if end > start:
            draw.rectangle((start, top, end - 1, top + _STRIP - 1), fill=tuple(color))
    draw.rectangle((left, top, left + width - 1, top + _STRIP - 1), outline=_OUTLINE)


def _draw_legend(draw: ImageDraw, cell: _Cell, left: int, top: int, width: int) -> None:
    columns = cell.legend_columns(width)
    for number, (color, text) in enumerate(cell.legend):
        row, column = divmod(number, columns)
        if color is None:  # on a line of its own, as it is longer
            row, column = cell.legend_lines(width) - 1, 0
        x, y = left + column * width // columns, top + row * _line(_SMALL)
        if color is not None:
            draw.rectangle((x, y, x + _SQUARE, y + _SQUARE), fill=color, outline=_OUTLINE)
            x += int(1.5 * _SQUARE)
        draw.text((x, y + _SQUARE), text, fill="black", font=font(_SMALL), anchor="ls")


def fitted(image: Image, width: int, height: int) -> Pixels:
    """A picture on white in a box, enlarged by repeated pixels."""
    scale = min(width / image.width, height / image.height)
    wide = max(1, min(width, round(image.width * scale)))
    if scale <= 1:
        return scaled_down(image, wide)
    pixels = scaled_down(image, image.width)
    high = max(1, min(height, round(image.height * scale)))
    rows = np.arange(high) * image.height // high
    columns = np.arange(wide) * image.width // wide
    return pixels[rows][:, columns]


# -- text ------------------------------------------------------------------------------------------


@cache
def font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size=size)


def _line(size: int) -> int:
    """The height of a line of text."""
    return round(_LEADING * size)


def _length(text: str, size: int) -> float:
    return float(font(size).getlength(text))


def wrapped(text: str, size: int, width: int) -> list[str]:
    """Lines of at most this width, with "K = 4" on one; words that are longer are split."""
    lines = [""]
    for word in re.split(r"(?<!=) (?!=)", " ".join(captions.drawable(text).split())):
        longer = f"{lines[-1]} {word}".strip()
        if _length(longer, size) <= width:
            lines[-1] = longer
            continue
        while _length(word, size) > width:
            lengths = range(1, len(word) + 1)
            fits = max(
                1, bisect_right(lengths, float(width), key=lambda n: _length(word[:n], size))
            )
            lines.append(word[:fits])
            word = word[fits:]
        lines.append(word)
    return [line for line in lines if line] or [""]
