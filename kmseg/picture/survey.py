"""Statistics of a picture's values, collected strip by strip in a first pass."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Kind = Literal["unsigned", "signed", "float"]

# Outliers at each end: their share of the values, least number and greatest share.
_OUTLIERS, _FEWEST_OUTLIERS, _MOST_OUTLIERS = 1 / 5000, 8, 1 / 500
# The central values, between these parts of all: a picture's main classes.
_CORE: Final = 0.01
# Values form k classes if the variance within them is below this part of the whole, over k squared.
# Evenly spread values leave 1 / k**2, and noise with a single peak leaves more.
_UNEXPLAINED: Final = 0.6
_MOST_CLASSES: Final = 4
# Fewer whole numbers than this tell nothing about their spread.
_FEWEST_VALUES: Final = 16
_N_BINS: Final = 128
# Outliers are clipped if without them the range is smaller by this part of itself.
_STRETCH: Final = 0.25


@dataclass(frozen=True, slots=True)
class Samples:
    """What the samples of a picture are.

    Parameters
    ----------
    kind : {"unsigned", "signed", "float"}
    bits : int
        8 to 32 bits per sample, as the file states them.
    nodata : float, optional
        The value that stands for "no value".
    white_is_zero : bool
        Gray that counts from white to black.
    """

    kind: Kind
    bits: int
    nodata: float | None = None
    white_is_zero: bool = False

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and largest value of the type; without bounds for floats."""
        if self.kind == "float":
            return -math.inf, math.inf
        if self.kind == "signed":
            return -(2.0 ** (self.bits - 1)), 2.0 ** (self.bits - 1) - 1
        return 0.0, 2.0**self.bits - 1

    @property
    def name(self) -> str:
        """For messages: ``"16-bit"``, ``"signed 16-bit"``, ``"32-bit float"``."""
        before, after = {"signed": ("signed ", ""), "float": ("", " float")}.get(
            self.kind, ("", "")
        )
        return f"{before}{self.bits}-bit{after}"


def present_values(values: Array, nodata: float | None) -> npt.NDArray[np.bool_]:
    """Where there is a value: neither NaN, infinite, at the limit of ``float32`` nor nodata."""
    present = np.ones(values.shape, np.bool_)
    if values.dtype.kind == "f":
        # The largest finite number is a customary nodata value, whether declared or not.
        present = np.asarray(np.abs(values) < np.finfo(np.float32).max)
    if nodata is not None and not math.isnan(nodata):
        with np.errstate(over="ignore"):
            present &= values != (np.float32(nodata) if values.dtype == np.float32 else nodata)
    return present


class Survey:
    """Extremes of the values and, up to 16 bits, how often each value occurs.

    Parameters
    ----------
    samples : Samples
    n_pixels : int
        Of the whole picture.
    """

    def __init__(self, samples: Samples, n_pixels: int) -> None:
        self._samples = samples
        self._n_kept = max(_n_outliers(n_pixels), int(_CORE * n_pixels)) + 1
        self.is_color = False
        self.n_values = self.n_missing = 0
        counted = samples.bits <= 16 and samples.kind != "float"
        self._counts = np.zeros(1 << 16, np.int64) if counted else None
        # Of wider values only those outside the core are kept.
        self._lowest = self._highest = np.empty(0, np.float64)

    def add(self, strip: Array) -> None:
        """Add the values of a strip: (h, w) or (h, w, C)."""
        self.is_color = strip.ndim == 3 and strip.shape[2] > 1
        values = strip.ravel()
        if strip.dtype.kind == "f" or self._samples.nodata is not None:
            present = present_values(strip, self._samples.nodata)
            missing = ~(present.any(axis=2) if strip.ndim == 3 else present)
            self.n_missing += int(np.count_nonzero(missing))
            values = values if present.all() else strip[present]
        self.n_values += values.size
        if self._counts is not None:
            offset = int(self._samples.range[0])
            shifted = values if offset == 0 else values.astype(np.int64) - offset
            self._counts += np.bincount(shifted, minlength=1 << 16)[: 1 << 16]
        elif values.size:
            self._lowest = _smallest(values, self._lowest, self._n_kept)
            self._highest = -_smallest(-values.astype(np.float64), -self._highest, self._n_kept)

    def add_survey(self, other: Survey) -> None:
        """Add what was found in another part of the picture; both count their values."""
        assert self._counts is not None and other._counts is not None
        self._counts += other._counts
        self.is_color = other.is_color
        self.n_values += other.n_values
        self.n_missing += other.n_missing

    @property
    def minimum(self) -> float:
        """The smallest value."""
        return self._nth(0)[0]

    @property
    def maximum(self) -> float:
        """The largest value."""
        return self._nth(0)[1]

    def robust_range(self) -> tuple[float, float]:
        """Smallest and largest value, without outliers that stretch the range."""
        ends, inner = self._nth(0), self._nth(_n_outliers(self.n_values))
        width = inner[1] - inner[0]
        if width <= 0:
            return ends
        low = inner[0] if inner[0] - ends[0] > _STRETCH * width else ends[0]
        high = inner[1] if ends[1] - inner[1] > _STRETCH * width else ends[1]
        return low, high

    def core_range(self) -> tuple[float, float]:
        """The range of the central 98 % of the values."""
        return self._nth(int(_CORE * self.n_values))

    def core_has_classes(self, strips: Iterable[Array]) -> bool:
        """Whether the central values form two to four classes, rather than being noise."""
        low, high = self.core_range()
        if self._samples.kind != "float" and high - low < _FEWEST_VALUES:
            return False
        counts = np.zeros(_N_BINS, np.int64)
        if self._counts is not None:
            values = np.arange(len(self._counts)) + self._samples.range[0]
            counts += np.histogram(values, _N_BINS, (low, high), weights=self._counts)[0]
            strips = ()
        for strip in strips:
            with np.errstate(invalid="ignore"):
                values = strip[present_values(strip, self._samples.nodata)]
            counts += np.histogram(values, _N_BINS, (low, high))[0]
        unexplained = _unexplained_variances(counts / counts.sum())
        return any(part * k**2 < _UNEXPLAINED for k, part in enumerate(unexplained, 2))

    def _nth(self, n: int) -> tuple[float, float]:
        """The nth smallest and largest value, from 0."""
        n = min(n, self.n_values - 1)
        if self._counts is None:
            lowest, highest = np.sort(self._lowest), np.sort(self._highest)[::-1]
            n = min(n, lowest.size - 1)
            return float(lowest[n]), float(highest[n])
        below = np.cumsum(self._counts)
        low = int(np.searchsorted(below, n, side="right"))
        high = int(np.searchsorted(below, self.n_values - n, side="left"))
        return low + self._samples.range[0], high + self._samples.range[0]

    def is_widened_8_bit(self) -> bool:
        """Whether all values are 257 or 256 times those of an 8-bit picture."""
        if self._counts is None or self._samples.range != (0.0, 65535.0):
            return False
        used = np.flatnonzero(self._counts)
        return used.size > 1 and not ((used % 257).any() and (used % 256).any())

    def is_stretched_8_bit(self, bits: int) -> bool:
        """Whether all values are those of an 8-bit picture times ``(2**bits - 1) / 255``."""
        if self._counts is None:
            return False
        used = np.flatnonzero(self._counts)
        stretch = (2**bits - 1) / 255
        exact = np.rint(used / stretch) * stretch
        return bool((np.abs(exact - used) < 1).all())


def _unexplained_variances(parts: npt.NDArray[np.float64]) -> list[float]:
    """Which part of a histogram's variance remains within the best k classes, for k of 2 to 4.

    By dynamic programming over where the last class begins (W. D. Fisher, "On grouping for maximum
    homogeneity", Journal of the American Statistical Association 53, 1958).
    """
    bins = np.arange(parts.size)
    weight, moment, square = (
        np.concatenate([[0.0], np.cumsum(parts * bins**power)]) for power in range(3)
    )
    mass = weight[None, :] - weight[:, None]
    # Within-class variance of the bins from the row's index up to before the column's.
    within = square[None, :] - square[:, None]
    within -= (moment[None, :] - moment[:, None]) ** 2 / np.maximum(mass, 1e-12)
    within[np.tril_indices(within.shape[0], -1)] = np.inf
    best, unexplained = within[0], []
    for _ in range(2, _MOST_CLASSES + 1):
        best = (best[:, None] + within).min(axis=0)
        unexplained.append(float(best[-1] / max(within[0, -1], 1e-12)))
    return unexplained


def _n_outliers(n_values: int) -> int:
    return int(min(max(_FEWEST_OUTLIERS, n_values * _OUTLIERS), n_values * _MOST_OUTLIERS))


def _smallest(values: Array, others: Array, n: int) -> Array:
    """The n smallest of both."""
    if values.size > n:
        values = np.partition(values, n - 1)[:n]
    both = np.concatenate([values, others]).astype(np.float64)
    return np.partition(both, n - 1)[:n] if both.size > n else both
