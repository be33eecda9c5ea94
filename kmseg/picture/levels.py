"""Samples of more than 8 bits as 8: which of the file's values become 0 and 255.

Two passes over the strips of a picture: :func:`choose_scale` looks at every value, then
:meth:`Scale.apply` maps each strip. Memory stays within that of a few strips.

The rule of ``levels="auto"``

* **Colour** keeps its look. White is ``2**b - 1``, where b is the bit depth that the values really
  use: 8, 10 or 12 if no value exceeds that depth (as 16 bits such a picture would be black: at
  most 15 of 255), 14 if the largest value also reaches 90 % of it or all values are those of an
  8-bit picture stretched to 14 bits, otherwise 16. The limit: a 16-bit photo that stays below 1/16
  of white, or that peaks by chance between 22.5 and 25 % of it, is taken for 12 or 14 bits and
  brightened. An 8-bit picture saved with 16 (all values multiples of 257 or of 256) never is.
* **Gray** is brought out where it uses less than a quarter of the range that its type suggests:
  the range of the type up to 16 bits; for wider integers 0-255 or 0-65535, and for floats 0-1,
  0-255 or 0-65535, whichever is the first to hold the values. The smallest and largest value then
  become 0 and 255. Gray that uses a quarter or more of the suggested range keeps that range, so it
  looks like the 8-bit version of the same photo.
* **Outliers** such as hot pixels do not set the range: where the outermost 0.02 % of the values (at
  least 8 values, at most 0.2 %) stretch the range by more than a quarter, they are clipped.
  A class of 0.2 % of the pixels or more is never clipped by that.
* **Classes close together** are kept distinct: where the central 98 % of the values would get fewer
  than 16 levels but clearly form two to four classes, the range extends past these values at most
  by their own width on either side. Values beyond that, at most 1 % at each end, are clipped to
  white or black, where they form a class of their own. Central values that are only noise, such as
  the background of a picture with a few bright cells, do not count as classes.

The limit of 8 bits: values closer than 1/255 of the range may get the same level. Classes stay
apart if their centres differ by some 4 levels (1.6 % of the range) and by 5 of their standard
deviations. If a wide tail of more than 1 % leaves less to the classes, give levels (low, high)
around them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from kmseg.errors import ImageError
from kmseg.picture.reading import Levels
from kmseg.picture.survey import Array, Samples, Survey, present_values

# Gray that uses a smaller part of its type's range than this is brought out.
_SMALL_PART: Final = 0.25
# Classes within fewer levels than this are spread.
_FEW_LEVELS: Final = 16
# A picture of 14 bits reaches this part of white; see above.
_NEAR_WHITE: Final = 0.9
# Interpolated floats may overshoot the range of a picture by this fraction of it.
_OVERSHOOT: Final = 0.02
# What the note on colour of more than 8 bits says.
_DEPTH: Final = re.compile(r"(\d+)(?: bits in \d+|-bit), shown as 8")


@dataclass(frozen=True, slots=True)
class Scale:
    """How a file's values become levels of 0-255: ``(value - low) * 255 / (high - low)``, rounded.

    Parameters
    ----------
    samples : Samples
    low, high : float
        The values that become 0 and 255 (255 and 0 if white is zero); beyond them it is clipped.
    n_missing : int
        Pixels without a value: NaN, infinite, the largest or smallest finite number of a
        floating-point type, or the declared nodata value; in colour, in all channels.
    notes : tuple of str
        What was done, one short line each.
    """

    samples: Samples
    low: float
    high: float
    n_missing: int = 0
    notes: tuple[str, ...] = ()

    def apply(self, strip: Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_] | None]:
        """Levels of a strip, and where it has values.

        Parameters
        ----------
        strip : numpy.ndarray
            (h, w) or (h, w, C): the file's values.

        Returns
        -------
        ndarray of uint8
            The strip's shape; 0 where there is no value.
        ndarray of bool, shape (h, w), or None
            None if the whole picture has values.
        """
        if strip.dtype == np.uint16:  # a table is faster by far
            levels = self._levels(np.arange(1 << 16, dtype=np.uint16))[strip]
        else:
            levels = self._levels(strip)
        if not self.n_missing:
            return levels, None
        present = present_values(strip, self.samples.nodata)
        if strip.ndim == 3:
            present = np.asarray(present.any(axis=2))
        levels[~present] = 0
        return levels, present

    def _levels(self, values: Array) -> npt.NDArray[np.uint8]:
        with np.errstate(invalid="ignore"):
            scaled = np.clip(values.astype(np.float64), self.low, self.high)
            np.nan_to_num(scaled, copy=False, nan=self.low)
        scaled -= self.low
        scaled *= 255 / (self.high - self.low)
        if self.samples.white_is_zero:
            np.subtract(255, scaled, out=scaled)
        return np.rint(scaled, out=scaled).astype(np.uint8)

    def to_units(self, levels: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Levels of 0-255, fractions included, as values of the file."""
        levels = np.asarray(levels, dtype=np.float64)
        if self.samples.white_is_zero:
            levels = 255 - levels
        return self.low + levels * ((self.high - self.low) / 255)

    @property
    def ends(self) -> tuple[float, float, int]:
        """The file's values at levels 0 and 255, and the decimals that a level resolves."""
        black, white = self.to_units([0, 255]).tolist()
        return black, white, decimals(self.step)

    @property
    def bare(self) -> Scale:
        """Only how levels map to values, without what was found in the picture."""
        samples = replace(self.samples, nodata=None)
        return Scale(samples, self.low, self.high)

    @property
    def step(self) -> float:
        """How much of the file's units one level stands for."""
        return (self.high - self.low) / 255


def choose_scale(
    strips: Callable[[], Iterable[Array]], samples: Samples, levels: Levels, n_pixels: int
) -> Scale:
    """Look at all values of a picture, and choose how they become levels of 0-255.

    Parameters
    ----------
    strips : callable
        Each call gives the strips of the picture: (h, w) or (h, w, 1) for gray, (h, w, 3) for
        colour, of an integer type or of ``float32`` or ``float64``.
    samples : Samples
        What the values are. Those of at most 8 bits are never scaled.
    levels : "auto", "stored" or (low, high)
        See :class:`kmseg.picture.reading.Reading`. ``"stored"`` means the whole range of the
        type. Floats have none: 0-1, 0-255 or 0-65535, the first that holds every value, or else
        the smallest and largest value.
    n_pixels : int
        Of the whole picture.

    Returns
    -------
    Scale

    Raises
    ------
    ImageError
        No pixel has a value.
    """
    survey = Survey(samples, n_pixels)
    for strip in strips():
        survey.add(strip)
    return scale_of(survey, samples, levels, strips)


def scale_of(
    survey: Survey,
    samples: Samples,
    levels: Levels,
    strips: Callable[[], Iterable[Array]] = tuple,
) -> Scale:
    """What :func:`choose_scale` returns, for a picture that was surveyed.

    ``strips`` is called only if it is not known how often each value occurs.
    """
    if survey.n_values == 0:
        raise ImageError(
            "No pixel of the picture has a value: all are NaN, infinite or the nodata value that "
            "the file declares; choose another picture."
        )
    low, high, note = _chosen(survey, samples, levels, strips)
    notes = [note] if note else []
    if survey.n_missing:
        pixels = (
            "pixel without a value is" if survey.n_missing == 1 else "pixels without a value are"
        )
        notes.append(f"{survey.n_missing:,} {pixels} left out")
    return Scale(samples, low, high, survey.n_missing, tuple(notes))


def common_levels(own: Iterable[tuple[float, float]]) -> tuple[float, float] | None:
    """One pair of levels for a series, given those that suit each file: the range of them all.

    None if there are none, for files of 8 bits.
    """
    ranges = list(own)
    return (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else None


def used_depth(notes: Iterable[str]) -> int | None:
    """The bit depth with which colour was read, by the notes of its picture; None for 8 bits."""
    stated = (_DEPTH.fullmatch(note) for note in notes)
    return next((int(found[1]) for found in stated if found), None)


def parse_nodata(text: object) -> float | None:
    """The nodata value of a TIFF's tag 42113 (GDAL_NODATA, ASCII); None if it states none.

    Source: the GeoTIFF driver's documentation of GDAL (gdal.org/drivers/raster/gtiff.html).
    """
    if isinstance(text, bytes):
        text = text.decode("ascii", "replace")
    if not isinstance(text, str):
        return None
    try:
        return float(text.strip("\0 \t\r\n")[:64])
    except ValueError:
        return None


def decimals(step: float) -> int:
    """Decimals that are needed to tell values apart that differ by `step`."""
    return max(0, -math.floor(math.log10(step))) if step > 0 else 0


def format_value(value: float, step: float) -> str:
    """A value in the file's units, with the decimals that a level of width `step` supports.

    Examples
    --------
    >>> format_value(1023.96, 1), format_value(291.0437, 0.125)
    ('1,024', '291.0')
    """
    places = decimals(step)
    text = f"{value:,.{places}f}" if abs(value) < 1e15 and places < 12 else f"{value:.6g}"
    return text.removeprefix("-") if not text.strip("-0.,") else text


# -- the rule --------------------------------------------------------------------------------------


def _chosen(
    survey: Survey, samples: Samples, levels: Levels, strips: Callable[[], Iterable[Array]]
) -> tuple[float, float, str]:
    """The values that become 0 and 255, and what to say about it."""
    if samples.bits <= 8:
        return 0.0, 255.0, ""
    if isinstance(levels, tuple):
        low, high = levels
    elif levels == "stored":
        low, high = _stored_range(survey, samples)
    elif survey.is_color:
        depth = _used_depth(survey) if samples.bits == 16 else samples.bits
        used = f"{depth} bits in {samples.bits}" if depth < samples.bits else samples.name
        return 0.0, 2.0**depth - 1, f"{used}, shown as 8"
    else:
        low, high = _gray_range(survey, samples)
        low, high = _closer_range(survey, samples, (low, high), strips)
    shown = "255 to 0" if samples.white_is_zero else "0 to 255"
    ends = " to ".join(f"{float(end):,}".removesuffix(".0") for end in (low, high))
    return low, high, f"{samples.name}, {ends} shown as {shown}"


def _used_depth(survey: Survey) -> int:
    white = survey.maximum
    if survey.is_widened_8_bit():
        return 16
    for bits in (8, 10, 12):
        if white < 1 << bits:
            return bits
    near_white = white >= _NEAR_WHITE * (2**14 - 1) or survey.is_stretched_8_bit(14)
    return 14 if white < 1 << 14 and near_white else 16


def _gray_range(survey: Survey, samples: Samples) -> tuple[float, float]:
    low, high = survey.robust_range()
    suggested = _suggested_range(low, high, samples)
    if suggested is not None:
        part = (high - low) / (suggested[1] - suggested[0])
        if part >= _SMALL_PART or low == high or survey.is_widened_8_bit():
            return suggested
    return _outward(low, high) if samples.kind == "float" else (low, high)


def _closer_range(
    survey: Survey,
    samples: Samples,
    chosen: tuple[float, float],
    strips: Callable[[], Iterable[Array]],
) -> tuple[float, float]:
    """A range around the central values, if `chosen` would merge classes that they form."""
    low, high = survey.core_range()
    width = high - low
    if width <= 0 or 256 * width >= _FEW_LEVELS * (chosen[1] - chosen[0]):
        return chosen
    if survey.is_widened_8_bit() or not survey.core_has_classes(strips()):
        return chosen
    outer = survey.robust_range()
    low, high = max(outer[0], low - width), min(outer[1], high + width)
    return _outward(low, high) if samples.kind == "float" else (low, high)


def _outward(low: float, high: float) -> tuple[float, float]:
    """The range rounded outwards to three or four digits, so that notes state it exactly."""
    if low == high:
        margin = max(1.0, abs(low) / 1000)
        return low - margin, high + margin
    decimals = 2 - math.floor(math.log10(high - low))
    unit = 10.0**-decimals
    outward = math.floor(low / unit + 1e-3) * unit, math.ceil(high / unit - 1e-3) * unit
    return round(outward[0], decimals), round(outward[1], decimals)


def _suggested_range(low: float, high: float, samples: Samples) -> tuple[float, float] | None:
    """The first of the usual ranges of the type that holds `low` to `high`."""
    if samples.bits <= 16 and samples.kind != "float":
        return samples.range
    slack = _OVERSHOOT if samples.kind == "float" else 0.0
    for white in (1.0, 255.0, 65535.0) if samples.kind == "float" else (255.0, 65535.0):
        if -slack * white <= low and high <= white + slack * white:
            return 0.0, white
    return None if samples.kind == "float" else samples.range


def _stored_range(survey: Survey, samples: Samples) -> tuple[float, float]:
    if samples.kind != "float":
        return samples.range
    for white in (1.0, 255.0, 65535.0):
        if survey.minimum >= 0 and survey.maximum <= white:
            return 0.0, white
    return _outward(survey.minimum, survey.maximum)
