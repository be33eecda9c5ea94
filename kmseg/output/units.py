"""Clusters of a gray picture with more than 8 bits in the file's own units, such as kelvin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kmseg.picture.levels import Scale, format_value
from kmseg.segmentation import Segmentation

Values = NDArray[np.float64]


#: Column titles for :meth:`Units.row`.
HEADER: Final = "  ".join(f"{title:>10}" for title in ("in file", "least", "greatest"))


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Cluster values in the file's units, to the precision of 256 levels.

    Attributes
    ----------
    scale : Scale
        Maps levels 0 to 255 linearly to ``low`` to ``high``; values outside are clipped.
    centroids, least, greatest : ndarray of float64, shape (K,)
        Mean, smallest and largest value of each cluster's pixels; NaN for a cluster without pixels.
    """

    scale: Scale
    centroids: Values
    least: Values
    greatest: Values

    def text(self, value: float) -> str:
        """A value with as many decimals as one level resolves: ``"1,024"``, or "-" for NaN."""
        return "-" if math.isnan(value) else format_value(value, self.scale.step)

    def number(self, value: float) -> float | None:
        """:meth:`text` as a number, for machine-readable files; None for NaN."""
        return None if math.isnan(value) else float(self.text(value).replace(",", ""))

    def row(self, number: int) -> str:
        """Centroid, least and greatest value of a cluster, numbered from 0, as text columns."""
        values = self.centroids[number], self.least[number], self.greatest[number]
        return "  ".join(f"{self.text(value):>10}" for value in values)

    def summary(self, number: int) -> str:
        """Mean and range of a cluster: ``"299.5 (251 to 345)"``; the mean has one more digit."""
        if math.isnan(self.centroids[number]):
            return "no pixels"
        mean = format_value(self.centroids[number], self.scale.step / 10)
        least, greatest = self.text(self.least[number]), self.text(self.greatest[number])
        return f"{mean} ({least} to {greatest})"

    def to_dict(self) -> dict[str, Any]:
        """A JSON object: sample type, range of the levels, and a list for each kind of value."""
        lists = {
            name: [self.number(value) for value in getattr(self, name)]
            for name in ("centroids", "least", "greatest")
        }
        samples = self.scale.samples
        return {"samples": samples.name, "low": self.scale.low, "high": self.scale.high} | lists


def cluster_units(seg: Segmentation, scale: Scale | None = None) -> Units | None:
    """The clusters in the file's units.

    Parameters
    ----------
    seg : Segmentation
    scale : Scale, optional
        The picture's scale; by default that of ``seg.origin``.

    Returns
    -------
    Units or None
        None for colour pictures and for 8 bits.
    """
    if scale is None:
        scale = None if seg.origin is None else seg.origin.scale
    if scale is None:
        return None
    if seg.gray_ends is not None:
        ends = seg.gray_ends.astype(np.float64)
    else:
        levels = seg.histogram.colors[:, 0].astype(np.float64)
        ends = np.empty((2, seg.n_clusters))
        ends[0], ends[1] = 255, 0
        np.minimum.at(ends[0], seg.color_labels, levels)
        np.maximum.at(ends[1], seg.color_labels, levels)
    ends[:, seg.pixel_counts == 0] = np.nan
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN
        means = seg.color_sums[:, 0] / seg.pixel_counts
    values = np.sort(scale.to_units(ends), axis=0)  # sorted: white may be the smallest value
    return Units(scale, scale.to_units(means), values[0], values[1])
