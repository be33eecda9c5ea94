"""Comparison of two partitions of the same pixels, and of two segmentations of one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kmseg.errors import ComparisonError
from kmseg.labeling import ByColor
from kmseg.picture.image import Image
from kmseg.segmentation import Segmentation

Labels = NDArray[np.int16]
Table = NDArray[np.int64]

# Pixels that are counted at once: their pairs of labels take eight bytes each.
_STRIP: Final = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Two segmentations of the same pixels beside each other.

    Attributes
    ----------
    table : ndarray of int64, shape (K1, K2)
        The contingency table: pixels in cluster i of the first and j of the second.
    second_of_first : ndarray of int64, shape (K1,)
        The cluster of the second that corresponds to each of the first, see :func:`matching`; -1
        for a cluster left over.
    first_of_second : ndarray of int64, shape (K2,)
        Likewise, the cluster of the first that corresponds to each of the second.
    adjusted_rand : float
        The adjusted Rand index, see :func:`adjusted_rand`.
    """

    table: Table
    second_of_first: NDArray[np.int64]
    first_of_second: NDArray[np.int64]
    adjusted_rand: float

    @property
    def n_pixels(self) -> int:
        """The number of pixels that are in a cluster."""
        return int(self.table.sum())

    @property
    def n_agreeing(self) -> int:
        """The number of pixels in corresponding clusters."""
        first = np.flatnonzero(self.second_of_first >= 0)
        return int(self.table[first, self.second_of_first[first]].sum())

    @property
    def share(self) -> float:
        """The share of pixels in corresponding clusters, 0 to 1."""
        return self.n_agreeing / self.n_pixels

    def differs(self, first: Labels, second: Labels) -> NDArray[np.bool_]:
        """Which pixels are in clusters that do not correspond.

        Parameters
        ----------
        first, second : ndarray of int16, shape (h, w)
            Labels of both segmentations, of all pixels or of those of a preview; -1 where a pixel
            does not count, which does not differ.
        """
        return disagreeing(self.second_of_first, first, second)


def compare(first: Segmentation, second: Segmentation) -> Agreement:
    """Compare two segmentations of the same pixels, over all of them.

    Parameters
    ----------
    first, second : Segmentation
        Any settings, merged or carried-over clusters; but the same picture at the same size. If all
        pixels of one colour are in one cluster, as after every engine that clusters colours, the
        pictures themselves are not needed.

    Returns
    -------
    Agreement

    Raises
    ------
    ComparisonError
        They are of different sizes or of different pictures.
    LabelsError
        Pixels of one colour may be in several clusters, and the picture is not known.
    """
    _check_same_pixels(first, second)
    shape = first.n_clusters, second.n_clusters
    if isinstance(first.labeling, ByColor) and isinstance(second.labeling, ByColor):
        counts = first.histogram.counts
        table = contingency(first.color_labels, second.color_labels, shape, counts)
    else:
        table = contingency(first.labels, second.labels, shape)
    matched = matching(table)
    back = np.full(shape[1], -1, np.int64)
    pairs = np.flatnonzero(matched >= 0)
    back[matched[pairs]] = pairs
    return Agreement(table, matched, back, adjusted_rand(table))


def _check_same_pixels(first: Segmentation, second: Segmentation) -> None:
    images = [seg.image for seg in (first, second)]
    sizes = [(image.width, image.height) for image in images if image is not None]
    if len(set(sizes)) > 1:
        (width, height), (other_width, other_height) = sizes
        raise ComparisonError(
            f"compare: both must be of one size, not {width} x {height} and {other_width} x "
            f"{other_height} pixels; segment the picture at the same width"
        )
    one, other = first.histogram, second.histogram
    same = one is other or (
        np.array_equal(one.colors, other.colors) and np.array_equal(one.counts, other.counts)
    )
    if same and images[0] is not None and images[1] is not None:
        same = _are_equal(images[0], images[1])
    if not same:
        raise ComparisonError(
            f"compare: both must be of the same picture, not of pictures with {one.n_pixels:,} "
            f"pixels in {one.n_colors:,} colours and {other.n_pixels:,} in {other.n_colors:,}; "
            "choose two segmentations of one picture"
        )


def _are_equal(one: Image, other: Image) -> bool:
    if one is other:
        return True
    masks = [opaque for opaque in (one.opaque, other.opaque) if opaque is not None]
    same_masks = not masks or (len(masks) == 2 and np.array_equal(masks[0], masks[1]))
    return same_masks and np.array_equal(one.pixels, other.pixels)


def contingency(
    first: Labels,
    second: Labels,
    shape: tuple[int, int],
    weights: NDArray[np.int64] | None = None,
) -> Table:
    """Count the pairs of labels.

    Parameters
    ----------
    first, second : ndarray of int16, of one shape
        Pairs in which either is negative are left out.
    shape : tuple of int
        Numbers of clusters, (K1, K2).
    weights : ndarray of int64, optional
        How often each pair counts, in the shape of the labels.

    Returns
    -------
    ndarray of int64, shape (K1, K2)
    """
    flat, others = first.reshape(-1), second.reshape(-1)
    table = np.zeros(shape[0] * shape[1], np.int64)
    for start in range(0, len(flat), _STRIP):
        part = slice(start, start + _STRIP)
        both = (flat[part] >= 0) & (others[part] >= 0)
        pairs = flat[part][both].astype(np.intp) * shape[1] + others[part][both]
        counted = None if weights is None else weights.reshape(-1)[part][both]
        # Sums of weights are floats, but whole numbers far below 2**53, so they are exact.
        table += np.bincount(pairs, counted, len(table)).astype(np.int64)
    return table.reshape(shape)


def matching(table: NDArray[Any]) -> NDArray[np.int64]:
    """Match rows to columns one to one, so that the matched entries have the greatest sum.

    (Kuhn 1955, "The Hungarian method for the assignment problem", Naval Research Logistics
    Quarterly 2.)

    Returns
    -------
    ndarray of int64, shape (K1,)
        The column of each row; -1 for a row left over.
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(table, maximize=True)
    matched = np.full(len(table), -1, np.int64)
    matched[rows] = columns
    return matched


def disagreeing(matched: NDArray[np.int64], first: Labels, second: Labels) -> NDArray[np.bool_]:
    """Which pixels are in clusters that do not correspond by :func:`matching`.

    Negative labels, which are of no cluster, correspond to each other.
    """
    of_second = np.append(np.where(matched < 0, -2, matched), -1)
    differs: NDArray[np.bool_] = of_second[first] != second
    return differs


def adjusted_rand(table: Table) -> float:
    """The adjusted Rand index of a contingency table, in whole numbers until the last division.

    It compares pairs of pixels: 1 if two partitions are equal, 0 on average if they are
    independent. (L. Hubert, P. Arabie, "Comparing partitions", Journal of Classification 2, 1985;
    in terms of the pair confusion matrix.)
    """
    cells = [int(n) for n in table.ravel()]
    together = sum(n * n for n in cells)  # ordered pairs in one cluster of both
    first = sum(int(n) ** 2 for n in table.sum(axis=1))
    second = sum(int(n) ** 2 for n in table.sum(axis=0))
    total = sum(cells)
    both, only_first, only_second = together - total, first - together, second - together
    neither = total**2 - first - second + together
    if only_first == only_second == 0:
        return 1.0
    return (
        2
        * (both * neither - only_first * only_second)
        / (
            (both + only_first) * (only_first + neither)
            + (both + only_second) * (only_second + neither)
        )
    )
