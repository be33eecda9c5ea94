"""Ishihara-style plates: a disc of coloured dots that hides a numeral.

The dots of the numeral differ from the other dots in hue alone. Lightness and chroma are drawn from
the same ranges for both. A clustering of lightness therefore finds nothing, while one that includes
hue finds the numeral: the plates show how much the choice of colour space matters.

S. Ishihara's "Tests for Colour-Blindness" (Tokyo, 1917) pairs hues that people with one kind of
colour vision deficiency cannot distinguish. Such hues lie on a confusion line: a straight line of
the CIE 1931 xy diagram through the dichromat's copunctal point, which is about (0.747, 0.253) for
protan, (1.40, -0.40) for deutan and (0.171, 0.000) for tritan vision (V. C. Smith and J. Pokorny,
"Spectral sensitivity of the foveal cone photopigments between 400 and 500 nm", Vision Research 15,
1975). The palettes follow these lines, but the plates are no test of colour vision.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmseg.errors import SettingsError

PAPER = (250, 247, 240)
"""sRGB between the dots: a warm near-white, as on printed plates."""

HueBand = tuple[float, float]
"""Lowest and highest CIELAB hue angle in degrees; the highest may exceed 360."""


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a plate in CIELAB LCh (D65 white).

    Attributes
    ----------
    title : str
        The two hues as people with normal colour vision see them.
    numeral, ground : tuple of HueBand
        Hue bands in degrees. Each dot is assigned a band of its group, then a hue within it.
    chroma : tuple of float
        Lowest and highest C*, shared by both groups. Every combination of the bands with `chroma`
        and `lightness` lies inside the sRGB gamut, so no clipping shifts the lightness.
    lightness : tuple of float
        Lowest and highest L* (0 to 100), shared by both groups.
    """

    title: str
    numeral: tuple[HueBand, ...]
    ground: tuple[HueBand, ...]
    chroma: tuple[float, float]
    lightness: tuple[float, float]


# At equal lightness and chroma, two hues share a confusion line if their angles add up to about
# 200 degrees (protan), 170 (deutan), or 400 to 450 (tritan).
PALETTES: dict[str, Palette] = {
    "protan": Palette("orange on green", ((48, 66),), ((128, 150),), (30, 36), (40, 76)),
    "protan-rose": Palette("blue-green on rose", ((182, 204),), ((-4, 14),), (25, 29), (50, 76)),
    "deutan": Palette("green on red", ((126, 148),), ((22, 44),), (28, 34), (40, 76)),
    "deutan-olive": Palette("orange on olive", ((52, 64),), ((106, 122),), (32, 40), (40, 78)),
    "tritan": Palette("violet on green", ((286, 304),), ((126, 146),), (36, 46), (48, 70)),
    "tritan-mauve": Palette("ochre on mauve", ((72, 88),), ((322, 342),), (38, 46), (56, 76)),
    "two-tone": Palette(
        "rose and orange on green and teal",
        ((6, 20), (54, 66)),
        ((128, 142), (176, 190)),
        (26, 31),
        (52, 74),
    ),
}
"""Palettes by name: two for each kind of confusion line, and one with two hues per group."""


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """A drawn plate and its ground truth.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (size, size, 3)
        sRGB picture; the rims of the dots are anti-aliased.
    numeral_mask : ndarray of bool, shape (size, size)
        Pixels of the dots that belong to the numeral.
    dots_mask : ndarray of bool, shape (size, size)
        Pixels of any dot: those whose centre lies inside it.
    dots : ndarray of float64, shape (n, 3)
        Centre x, centre y and radius of every dot in pixels; pixel (row 0, column 0) has its
        centre at (0, 0). Largest dots first.
    in_numeral : ndarray of bool, shape (n,)
        Whether the dot belongs to the numeral: its centre lies in the numeral's shape.
    """

    pixels: NDArray[np.uint8]
    numeral_mask: NDArray[np.bool_]
    dots_mask: NDArray[np.bool_]
    dots: NDArray[np.float64]
    in_numeral: NDArray[np.bool_]


MIN_SIZE, MAX_SIZE = 200, 2000

# Lengths are shares of the plate's side.
_DISC_RADIUS = 0.485
_GAP = 0.0025
# Radius of the dots, and the largest share of the disc that dots of this radius may fill.
_DOT_KINDS = ((0.0225, 0.17), (0.0180, 0.22), (0.0138, 1.0), (0.0100, 1.0), (0.0068, 1.0))

# Largest share of the disc that a numeral fills. One cluster of all dots overlaps with the numeral
# by that share, so bold numerals such as 88 are drawn thinner to keep it well below a third.
_LARGEST_SHARE = 0.25


def draw_plate(numeral: str, palette: Palette, seed: int, size: int = 600) -> Plate:
    """Draw a plate. Equal arguments give equal plates.

    Parameters
    ----------
    numeral : str
        One or two digits, "0" to "99".
    palette : Palette
        One of `PALETTES` or another that lies inside the sRGB gamut.
    seed : int
        Seed for the positions and colours of the dots, 0 or more.
    size : int
        Width and height in pixels, `MIN_SIZE` to `MAX_SIZE`.

    Returns
    -------
    Plate

    Raises
    ------
    SettingsError
        If `numeral`, `seed` or `size` is not as above.
    """
    if not re.fullmatch("[0-9]{1,2}", numeral):
        raise SettingsError(f"The numeral of a plate is one or two digits 0 to 9, not {numeral!r}.")
    if seed < 0:
        raise SettingsError(f"The seed of a plate is 0 or more, not {seed}.")
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise SettingsError(f"The size of a plate is {MIN_SIZE} to {MAX_SIZE} pixels, not {size}.")
    rng = np.random.Generator(np.random.PCG64(seed))
    dots = _pack_dots(size, rng)
    columns, rows = dots[:, :2].astype(np.intp).T
    in_numeral = _numeral_shape(numeral, size)[rows, columns]
    colours = np.empty((len(dots), 3))
    colours[in_numeral] = _dot_colours(palette.numeral, palette, int(in_numeral.sum()), rng)
    colours[~in_numeral] = _dot_colours(palette.ground, palette, int((~in_numeral).sum()), rng)

    owner, coverage = _rasterise(dots, size)
    paper = np.array(PAPER, np.float64)
    pixels = np.rint(paper + coverage[..., None] * (colours[owner] - paper)).astype(np.uint8)
    dots_mask = coverage > 0.5
    return Plate(pixels, dots_mask & in_numeral[owner], dots_mask, dots, in_numeral)


def _pack_dots(size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Fill the disc with dots that keep a gap, largest first: x, y and radius, shape (n, 3).

    The clearance of a pixel is its distance to the nearest dot or to the rim of the disc. Each dot
    is put on a random pixel with enough clearance, and reduces the clearance around it.
    """
    middle = (size - 1) / 2
    offsets = np.arange(size) - middle
    disc = _DISC_RADIUS * size
    # IEEE 754 rounds square roots alike on every platform, which keeps the plates identical.
    clearance = disc - np.sqrt(offsets[:, None] ** 2 + offsets**2)
    gap = max(_GAP * size, 1.0)
    largest = _DOT_KINDS[0][0] * size + gap
    dots: list[tuple[int, int, float]] = []
    for share, fill in _DOT_KINDS:
        radius = share * size
        room = round(fill * (disc / radius) ** 2)
        reach = int(radius + gap + largest) + 1
        steps = np.arange(-reach, reach + 1)
        stamp = np.sqrt(steps[:, None] ** 2 + steps**2) - radius - gap
        candidates = np.flatnonzero(clearance >= radius)
        rng.shuffle(candidates)
        for place in candidates.tolist():
            y, x = divmod(place, size)
            if clearance.item(place) < radius:
                continue
            dots.append((x, y, radius))
            top, left = max(reach - y, 0), max(reach - x, 0)
            around = clearance[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
            part = stamp[top : top + around.shape[0], left : left + around.shape[1]]
            np.minimum(around, part, out=around)
            room -= 1
            if room == 0:
                break
    return np.array(dots, np.float64)


def _rasterise(
    dots: NDArray[np.float64], size: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The index of the dot at each pixel, and the share of the pixel that it covers, 0 to 1.

    The coverage falls from 1 to 0 over one pixel across the rim. Dots keep a gap of at least one
    pixel, so no pixel touches two dots.
    """
    owner = np.zeros((size, size), np.intp)
    coverage = np.zeros((size, size))
    for index, (x, y, radius) in enumerate(dots.tolist()):
        reach = int(radius) + 1
        window = np.s_[int(y) - reach : int(y) + reach + 1, int(x) - reach : int(x) + reach + 1]
        steps = np.arange(-reach, reach + 1)
        covered = np.clip(radius + 0.5 - np.sqrt(steps[:, None] ** 2 + steps**2), 0.0, 1.0)
        owner[window][covered > 0] = index
        np.maximum(coverage[window], covered, out=coverage[window])
    return owner, coverage


def _dot_colours(
    bands: tuple[HueBand, ...], palette: Palette, count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Colours of one group of dots: sRGB, 0 to 255, not rounded, shape (count, 3).

    Lightness and chroma are evenly spaced over their ranges and shuffled, so the numeral and the
    ground have the same distribution for every seed.
    """

    def spread(low: float, high: float) -> NDArray[np.float64]:
        return low + (high - low) * (rng.permutation(count) + 0.5) / max(count, 1)

    lightness, chroma = spread(*palette.lightness), spread(*palette.chroma)
    low, high = np.array(bands, np.float64)[rng.permutation(count) % len(bands)].T
    hue = low + (high - low) * rng.random(count)
    return lch_to_srgb(np.stack([lightness, chroma, hue], axis=-1)).clip(0.0, 1.0) * 255.0


def lch_to_srgb(lch: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert CIELAB LCh to sRGB.

    Parameters
    ----------
    lch : ndarray of float64, shape (..., 3)
        L* (0 to 100), C* and hue angle in degrees, relative to the D65 white.

    Returns
    -------
    ndarray of float64, shape (..., 3)
        Gamma-encoded sRGB; a colour is in the gamut if all three are 0 to 1.

    Notes
    -----
    CIELAB follows CIE 15:2004, the matrix and the transfer curve IEC 61966-2-1.
    """
    lightness, chroma, angle = lch[..., 0], lch[..., 1], np.radians(lch[..., 2])
    y = (lightness + 16.0) / 116.0
    f = np.stack([y + chroma * np.cos(angle) / 500, y, y - chroma * np.sin(angle) / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * (0.95047, 1.0, 1.08883)
    to_rgb = np.array(
        [
            [3.2404542, -1.5371385, -0.4985314],
            [-0.9692660, 1.8760108, 0.0415560],
            [0.0556434, -0.2040259, 1.0572252],
        ]
    )
    linear = xyz @ to_rgb.T
    curve = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, curve))


Stroke = list[tuple[float, float]]


def _arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> Stroke:
    """Points along an ellipse. Angles are in degrees: 0 is right, 90 down."""
    angles = np.radians(np.linspace(start, end, 49))
    xs, ys = x + rx * np.cos(angles), y + ry * np.sin(angles)
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


_DIGIT_WIDTH, _DIGIT_SPACE = 0.56, 0.36
# Centre lines of the digits in a box of width 0.56 and height 1, with y pointing down. No font is
# used, because fonts and their renderers change between versions.
_STROKES: dict[str, tuple[Stroke, ...]] = {
    "0": (_arc(0.28, 0.5, 0.28, 0.5, 0, 360),),
    "1": ([(0.08, 0.2), (0.34, 0.0), (0.34, 1.0)],),
    "2": ([*_arc(0.28, 0.28, 0.27, 0.28, 190, 395), (0.0, 1.0), (0.56, 1.0)],),
    "3": (
        [*_arc(0.26, 0.25, 0.25, 0.25, 205, 450), (0.2, 0.5)],
        [(0.2, 0.5), *_arc(0.26, 0.75, 0.29, 0.25, 270, 515)],
    ),
    "4": ([(0.42, 1.0), (0.42, 0.0), (0.0, 0.66), (0.58, 0.66)],),
    "5": ([(0.5, 0.0), (0.08, 0.0), (0.04, 0.44), *_arc(0.26, 0.68, 0.3, 0.32, 230, 500)],),
    "6": (
        [(0.44, 0.0), *_arc(0.5, 0.68, 0.5, 0.6, 250, 180)],
        _arc(0.28, 0.69, 0.28, 0.31, 0, 360),
    ),
    "7": ([(0.0, 0.0), (0.56, 0.0), (0.18, 1.0)],),
    "8": (_arc(0.28, 0.24, 0.24, 0.24, 0, 360), _arc(0.28, 0.74, 0.28, 0.26, 0, 360)),
    "9": (
        [(0.12, 1.0), *_arc(0.06, 0.32, 0.5, 0.6, 70, 0)],
        _arc(0.28, 0.31, 0.28, 0.31, 0, 360),
    ),
}


def _numeral_shape(numeral: str, size: int) -> NDArray[np.bool_]:
    """The filled shape of the numeral, centred on the plate, shape (size, size)."""
    height, thickness = (0.55, 0.125) if len(numeral) == 1 else (0.43, 0.095)
    shape = _draw_strokes(numeral, size, height, thickness)
    share = shape.sum() / (np.pi * (_DISC_RADIUS * size) ** 2)
    if share > _LARGEST_SHARE:
        shape = _draw_strokes(numeral, size, height, thickness * _LARGEST_SHARE / share)
    return shape


def _draw_strokes(numeral: str, size: int, height: float, thickness: float) -> NDArray[np.bool_]:
    """The numeral as strokes; height and thickness are shares of the side."""
    import cv2

    width = _DIGIT_WIDTH * len(numeral) + _DIGIT_SPACE * (len(numeral) - 1)
    shape = np.zeros((size, size), np.uint8)
    for position, digit in enumerate(numeral):
        left = position * (_DIGIT_WIDTH + _DIGIT_SPACE) - width / 2
        for stroke in _STROKES[digit]:
            points = (np.array(stroke) + np.array((left, -0.5))) * height + 0.5
            corners = np.rint(points * size).astype(np.int32)
            cv2.polylines(shape, [corners], False, 255, max(round(thickness * size), 1))
    return shape > 0
