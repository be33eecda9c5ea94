"""``Regions``: the connected components of a segmentation, measured.

The names and definitions are those of ``skimage.measure.regionprops``. Sums over pixels are whole
numbers, so areas, boxes, centroids and mean colours are exact.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg.parallel.compiled import compiled, read_only
from kmseg.parallel.threads import N_CORES, in_threads
from kmseg.regions.components import numbered, parts

# The columns of the sums over the pixels of a part.
_N_SUMS: Final = 12
_AREA, _ROWS, _COLUMNS, _ROWS2, _COLUMNS2, _PRODUCTS = range(6)
_COLORS, _STEPS = slice(6, 9), slice(9, 12)
# The lengths that a border pixel adds to the perimeter, by its neighbours on the border.
_STEP_LENGTHS: Final = np.array([1.0, np.sqrt(2), (1 + np.sqrt(2)) / 2])


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """Regions of a picture: connected components of the pixels of a cluster.

    Pixels are connected along their edges, not across corners. Row ``i`` of every column describes
    one region. Regions are in raster order of their first pixel. Transparent pixels are in none.

    Attributes
    ----------
    label : ndarray of int32, shape (N,)
        The region's value in ``label_image``, at least 1.
    cluster : ndarray of int16, shape (N,)
        Its cluster, as in ``Segmentation.labels``: an index into ``palette`` and ``names``.
    area : ndarray of int64, shape (N,)
        Pixels.
    bbox : ndarray of int32, shape (N, 4)
        The bounding box: min_row, min_col, max_row, max_col; the last two are exclusive.
    centroid : ndarray of float64, shape (N, 2)
        The mean row and column of its pixels; the centre of the first pixel is (0, 0).
    perimeter : ndarray of float64, shape (N,)
        The length of the line through the centres of its border pixels, those with one of four
        neighbours outside the region: 1 for a straight step, the square root of 2 for a diagonal
        one, and their mean for a corner (K. Benkrid, D. Crookes, *Design and FPGA implementation of
        a perimeter estimator*, Irish Machine Vision and Image Processing Conference 2000). 0 for a
        single pixel.
    eccentricity : ndarray of float64, shape (N,)
        Of the ellipse with the same second moments: 0 for a circle, 1 for a line.
    mean_color : ndarray of float64, shape (N, 3)
        The mean sRGB colour of its pixels, 0 to 255.
    touches_border : ndarray of bool, shape (N,)
        Whether it reaches the edge of the picture.
    label_image : ndarray of int32, shape (H, W)
        The region of each pixel; 0 where there is none.
    """

    label: NDArray[np.int32]
    cluster: NDArray[np.int16]
    area: NDArray[np.int64]
    bbox: NDArray[np.int32]
    centroid: NDArray[np.float64]
    perimeter: NDArray[np.float64]
    eccentricity: NDArray[np.float64]
    mean_color: NDArray[np.float64]
    touches_border: NDArray[np.bool_]
    label_image: NDArray[np.int32]

    @property
    def n_regions(self) -> int:
        """N, the number of regions."""
        return len(self.label)

    def selected(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Regions:
        """Some of the regions, such as ``regions.selected(regions.area >= 50)``.

        They keep their labels; ``label_image`` stays as it is and shows the others too.
        """
        columns = {f.name: getattr(self, f.name)[rows] for f in fields(self)[:-1]}
        return replace(self, **columns)


def measure(
    labels: NDArray[np.int16], pixels: NDArray[np.uint8], n_strips: int = N_CORES
) -> Regions:
    """Find and measure the regions of a label picture.

    Parameters
    ----------
    labels : ndarray of int16, shape (H, W)
        -1 where a pixel belongs to no cluster.
    pixels : ndarray of uint8, shape (H, W, 3)
        The sRGB colours of the picture.
    n_strips : int
        The number of threads; the result does not depend on it.

    Notes
    -----
    Memory: the result has 4 bytes a pixel and 87 bytes a region. While it is made, at most 4 bytes
    a pixel and 250 bytes a region are needed beside it.
    """
    found, pixels = parts(labels, n_strips), read_only(pixels)
    n_parts = len(found.roots)
    sums = np.zeros((n_parts, _N_SUMS), np.int64)
    boxes = np.empty((n_parts, 4), np.int32)
    clusters = np.full(n_parts, -1, np.int16)
    rows = [(strip.start, strip.stop) for strip in found.strips]
    arrays = found.labels, found.picture, found.roots, pixels
    in_threads(lambda own: _measure(*arrays, *own, sums, boxes, clusters), rows)
    label_image, firsts = numbered(found)
    # Parts that continue a region across the edge of a strip are added to its first part.
    later = np.flatnonzero(found.roots != np.arange(n_parts))
    into = found.roots[later]
    np.add.at(sums, into, sums[later])
    np.minimum.at(boxes[:, :2], into, boxes[later, :2])
    np.maximum.at(boxes[:, 2:], into, boxes[later, 2:])
    sums, boxes = sums[firsts], boxes[firsts]
    height, width = labels.shape
    area = sums[:, _AREA].copy()
    return Regions(
        label=np.arange(1, len(firsts) + 1, dtype=np.int32),
        cluster=clusters[firsts],
        area=area,
        bbox=boxes,
        centroid=sums[:, [_ROWS, _COLUMNS]] / area[:, None],
        perimeter=sums[:, _STEPS] @ _STEP_LENGTHS,
        eccentricity=_eccentricity(sums),
        mean_color=sums[:, _COLORS] / area[:, None],
        touches_border=(boxes[:, :2] == 0).any(axis=1)
        | (boxes[:, 2:] == (height, width)).any(axis=1),
        label_image=label_image,
    )


def _eccentricity(sums: NDArray[np.int64]) -> NDArray[np.float64]:
    """sqrt(1 - l2 / l1), with the eigenvalues l1 >= l2 of the covariance of the coordinates."""
    area, rows, columns = sums[:, _AREA], sums[:, _ROWS], sums[:, _COLUMNS]
    # Moments about a whole number near the centroid are exact, and their corrections are small.
    row, column = rows // area, columns // area
    own_rows, own_columns = rows - row * area, columns - column * area
    variance = [
        (squares - 2 * at * total + at * at * area - own * (own / area)) / area
        for squares, at, total, own in (
            (sums[:, _ROWS2], row, rows, own_rows),
            (sums[:, _COLUMNS2], column, columns, own_columns),
        )
    ]
    products = sums[:, _PRODUCTS] - row * columns - column * rows + row * column * area
    covariance = (products - own_rows * (own_columns / area)) / area
    half_sum = (variance[0] + variance[1]) / 2
    half_difference = np.hypot((variance[0] - variance[1]) / 2, covariance)
    largest = half_sum + half_difference
    ratio = np.divide(2 * half_difference, largest, np.zeros(len(area)), where=largest > 0)
    eccentricity: NDArray[np.float64] = np.sqrt(ratio.clip(max=1))
    return eccentricity


@compiled()
def _measure(labels, picture, roots, pixels, top, bottom, sums, boxes, clusters):  # type: ignore[no-untyped-def]
    """Sums, boxes and clusters of the parts in the rows from ``top`` to ``bottom``."""
    width = labels.shape[1]
    borders = np.zeros((3, width), np.bool_)  # of the rows above, at and below r
    _find_borders(labels, top - 1, borders[0])
    _find_borders(labels, top, borders[1])
    for r in range(top, bottom):
        _find_borders(labels, r + 1, borders[2])
        c = 0
        while c < width:
            part = picture[r, c]
            if part < 0:
                c += 1
                continue
            own = sums[part]
            if own[_AREA] == 0:
                boxes[part, 0], boxes[part, 1] = r, c
                boxes[part, 2], boxes[part, 3] = r, c
                clusters[part] = labels[r, c]
            first = c
            n = n_c = n_cc = red = green = blue = 0
            while c < width and picture[r, c] == part:
                n_c += c
                n_cc += c * c
                red += pixels[r, c, 0]
                green += pixels[r, c, 1]
                blue += pixels[r, c, 2]
                if borders[1, c]:
                    step = _step(labels, picture, roots, borders, r, c)
                    if step >= 0:
                        own[9 + step] += 1
                c += 1
            n = c - first
            own[_AREA] += n
            own[_ROWS] += r * n
            own[_COLUMNS] += n_c
            own[_ROWS2] += r * r * n
            own[_COLUMNS2] += n_cc
            own[_PRODUCTS] += r * n_c
            own[6] += red
            own[7] += green
            own[8] += blue
            boxes[part, 1] = min(boxes[part, 1], first)
            boxes[part, 2] = r + 1
            boxes[part, 3] = max(boxes[part, 3], c)
        borders[0], borders[1] = borders[1], borders[2]


@compiled()
def _find_borders(labels, r, borders):  # type: ignore[no-untyped-def]
    """Which pixels of a row have one of four neighbours with another label, or none."""
    height, width = labels.shape
    if r < 0 or r >= height:
        borders[:] = False
        return
    for c in range(width):
        label = labels[r, c]
        borders[c] = (
            r == 0
            or c == 0
            or r == height - 1
            or c == width - 1
            or labels[r - 1, c] != label
            or labels[r + 1, c] != label
            or labels[r, c - 1] != label
            or labels[r, c + 1] != label
        )


@compiled()
def _step(labels, picture, roots, borders, r, c):  # type: ignore[no-untyped-def]
    """The index of the length that a border pixel adds; -1 if it adds none."""
    height, width = labels.shape
    label, root = labels[r, c], roots[picture[r, c]]
    straight = diagonal = 0
    for dr in range(-1, 2):
        for dc in range(-1, 2):
            rr, cc = r + dr, c + dc
            if rr < 0 or cc < 0 or rr >= height or cc >= width or (dr == 0 and dc == 0):
                continue
            if labels[rr, cc] != label or not borders[1 + dr, cc]:
                continue
            if dr == 0 or dc == 0:
                straight += 1
            elif roots[picture[rr, cc]] == root:
                diagonal += 1
    if diagonal <= 2 and 2 <= straight <= 3:
        return 0
    if (straight == 0 and diagonal == 2) or (straight == 1 and diagonal == 3):
        return 1
    if straight == 1 and 1 <= diagonal <= 2:
        return 2
    return -1
