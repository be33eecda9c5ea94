"""Drawn pictures on which k-means fails, each for one reason, and two on which it does well.

Every picture has parts that a person sees at once. A test compares them with the clusters, so the
failures are measured and not only claimed. Only arithmetic and NumPy's PCG64 are used: a picture is
the same every time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

WIDTH, HEIGHT = 480, 320
_rows, _columns = np.ogrid[:HEIGHT:1.0, :WIDTH:1.0]  # of each pixel; they broadcast to the picture


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A drawn picture and its ground truth.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (HEIGHT, WIDTH, 3)
        sRGB.
    parts : ndarray of uint8, shape (HEIGHT, WIDTH)
        The part that a person sees at each pixel, numbered from 0, the background. All 0 if the
        picture has no parts.
    """

    pixels: NDArray[np.uint8]
    parts: NDArray[np.uint8]


def _drawing(colors: Floats, *masks: Mask, noise: float = 0.0) -> Drawing:
    """Round colours (H, W, 3); mask n marks part n, from 1. ``noise`` is in levels of 0 to 255."""
    grain = noise * (np.random.Generator(np.random.PCG64(1)).random((HEIGHT, WIDTH, 3)) - 0.5)
    parts = np.zeros((HEIGHT, WIDTH), np.uint8)
    for number, mask in enumerate(masks, start=1):
        parts[np.broadcast_to(mask, parts.shape)] = number
    return Drawing(np.rint((colors + grain).clip(0, 255)).astype(np.uint8), parts)


def _between(first: tuple[int, ...], second: tuple[int, ...], share: Floats) -> Floats:
    """Colours from the first (share 0) to the second (share 1), shape (H, W, 3)."""
    low, high = np.array(first, np.float64), np.array(second, np.float64)
    return low + np.broadcast_to(share, (HEIGHT, WIDTH))[..., None] * (high - low)


def _disc(x: float, y: float, radius: float, *, squash: float = 1.0) -> Mask:
    """The pixels of a disc, or of an ellipse that is ``squash`` times as high as wide."""
    return (_columns - x) ** 2 + ((_rows - y) / squash) ** 2 < radius**2


def gradient() -> Drawing:
    """A sky that changes from blue to orange without any edge."""
    return _drawing(_between((40, 70, 150), (250, 170, 100), _columns / (WIDTH - 1)))


def small_object() -> Drawing:
    """A ladybird, 0.3 % of the picture, on a meadow that is lit from the left."""
    body = _disc(330, 190, 13)
    spots = _disc(325, 185, 3) | _disc(335, 185, 3) | _disc(327, 196, 3) | _disc(336, 194, 3)
    colors = _between((120, 175, 70), (40, 95, 30), _columns / (WIDTH - 1))
    colors[body] = (215, 40, 30)
    colors[body & spots] = (160, 25, 20)
    return _drawing(colors, body, noise=16)


def elongated() -> Drawing:
    """A blue and a violet curtain; their folds are lit from almost black to bright."""
    triangle = np.abs((_columns / 40) % 2 - 1)  # 0 in the fold, 1 on its ridge
    shade = 0.12 + 0.88 * _smooth(triangle)
    violet = _columns >= WIDTH / 2
    cloth = np.where(violet[..., None], (150.0, 95.0, 215.0), (85.0, 120.0, 215.0))
    return _drawing(cloth * shade[..., None], violet, noise=6)


def wrapped_hue() -> Drawing:
    """Tomatoes whose reds lie on both sides of hue 0, on green."""
    colors = _between((70, 140, 60), (95, 165, 80), _rows / (HEIGHT - 1))
    red = np.zeros((HEIGHT, WIDTH), np.bool_)
    for x, y, radius in (
        (90, 95, 62),
        (235, 85, 70),
        (385, 95, 66),
        (165, 230, 70),
        (320, 230, 74),
    ):
        inside = _disc(x, y, radius)
        # From a purplish red, through pure red, to an orange red; light falls from the upper left.
        across = ((_columns - x) / radius + 1) / 2
        light = 1 - 0.35 * (((_columns - x) + (_rows - y)) / (2 * radius) + 0.5)
        shown = _between((215, 30, 80), (215, 80, 30), across) * light[..., None]
        colors[inside] = shown[inside]
        red |= inside
    return _drawing(colors, red, noise=6)


def texture() -> Drawing:
    """A disc of upright stripes on level stripes of the same two browns."""
    disc = _disc(240, 160, 110)
    stripes = np.where(disc, _columns // 5 % 2, _rows // 5 % 2)
    return _drawing(_between((120, 80, 50), (215, 180, 130), stripes), disc, noise=12)


def uneven_light() -> Drawing:
    """A sheet of music in light from the left. Lit ink is as bright as shaded paper."""
    ink = np.zeros((HEIGHT, WIDTH), np.bool_)
    for staff in (50, 180):
        for line in range(5):
            ink |= (_rows >= staff + 18 * line) & (_rows < staff + 18 * line + 3)
        for number, place in enumerate((6, 4, 5, 2, 3, 0, 1, 4, 2, 5)):
            x, y = 48 + 43 * number, staff + 9 * place + 1
            ink |= _disc(x, y, 11, squash=0.75)
            stem = (_columns >= x + 8) & (_columns < x + 11)
            ink |= stem & (_rows <= y) & (_rows > y - 50)
    light = 1.0 - 0.85 * _smooth(_columns / (WIDTH - 1))
    paper = np.where(ink[..., None], (75.0, 72.0, 90.0), (250.0, 246.0, 235.0))
    return _drawing(paper * light[..., None], ink, noise=6)


def stained_glass() -> Drawing:
    """Panes of five colours between leads: six distinct, compact groups of colours."""
    rng = np.random.Generator(np.random.PCG64(4))
    glass = np.array([(190, 40, 45), (235, 185, 60), (45, 110, 70), (45, 80, 165), (205, 215, 220)])
    columns, rows = 9, 6
    panes = np.stack(np.divmod(np.arange(columns * rows), columns), axis=-1) + 0.5
    panes += 0.6 * (rng.random(panes.shape) - 0.5)
    panes *= (HEIGHT / rows, WIDTH / columns)
    far = np.sqrt((_rows[..., None] - panes[:, 0]) ** 2 + (_columns[..., None] - panes[:, 1]) ** 2)
    nearest, second = np.moveaxis(np.partition(far, 1)[..., :2], -1, 0)
    lead = second - nearest < 4
    kind = (rng.permutation(columns * rows) % len(glass))[far.argmin(axis=-1)]
    colors = np.where(lead[..., None], (30.0, 28.0, 32.0), glass[kind])
    return _drawing(colors, *(~lead & (kind == number) for number in range(5)), noise=36)


def stained_cells() -> Drawing:
    """Stained cells under a microscope: pink cells with violet nuclei on white."""
    rng = np.random.Generator(np.random.PCG64(5))
    cells, nuclei = np.zeros((2, HEIGHT, WIDTH), np.bool_)
    for place in range(24):
        row, column = divmod(place, 6)
        x, y = np.array((80 * column + 40, 80 * row + 40)) + 16 * (rng.random(2) - 0.5)
        radius, squash = 30 + 8 * rng.random(), 0.8 + 0.3 * rng.random()
        dx, dy = 14 * (rng.random(2) - 0.5)
        cells |= _disc(x, y, radius, squash=squash)
        nuclei |= _disc(x + dx, y + dy, radius * 0.42)
    colors = np.where(cells[..., None], (228.0, 165.0, 195.0), (246.0, 243.0, 246.0))
    colors = np.where(nuclei[..., None], (105.0, 70.0, 150.0), colors)
    return _drawing(colors, cells & ~nuclei, nuclei, noise=30)


def _smooth(share: Floats) -> Floats:
    """A share that rises slowly near 0 and 1 and fast between."""
    return share**2 * (3 - 2 * share)
