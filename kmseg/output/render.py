"""A segmentation as pictures: cluster colours, gray ranks, masks, boundaries, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from kmseg.output.encode import on_white
from kmseg.picture.arrays import as_alpha
from kmseg.picture.image import Image

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation

Pixels = NDArray[np.uint8]

# The grey strip in "Image segmentation via K-means clustering with OpenCV-Python".
STRIP_LEVEL: Final = 193
STRIP_SHARE: Final = 0.0625


def palette(seg: Segmentation, paint: str = "colors") -> Pixels:
    """The colour of each cluster, shape (K, 3).

    Parameters
    ----------
    seg : Segmentation
    paint : {"colors", "gray"}
        Mean colours, or gray ranks: evenly spaced from black for the largest cluster to white for
        the smallest.
    """
    if paint == "colors":
        return seg.palette
    levels = np.rint(np.linspace(0, 255, seg.n_clusters)).astype(np.uint8)
    return np.repeat(levels[:, None], 3, axis=1)


def painted(labels: NDArray[np.int16], colors: Pixels, alpha: Pixels | None = None) -> Pixels:
    """Paint labels.

    Parameters
    ----------
    labels : ndarray of int16, shape (H, W)
        0 to K - 1; -1 is transparent.
    colors : ndarray of uint8, shape (K, 3)
    alpha : ndarray of uint8, shape (H, W), optional
        The alpha channel of the picture; by default, pixels of clusters are opaque.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3), or (H, W, 4) with transparency
        Pixels of clusters keep their alpha; pixels without a cluster are fully transparent.
    """
    if alpha is None and labels.min() >= 0:
        return colors[labels]
    with_alpha = np.column_stack((colors, np.full(len(colors), 255, np.uint8)))
    pixels = np.vstack((with_alpha, np.zeros((1, 4), np.uint8)))[labels]
    if alpha is not None:
        np.copyto(pixels[..., 3], alpha, where=labels >= 0)
    return pixels


def segmented(seg: Segmentation, paint: str = "colors") -> Pixels:
    """The picture in the colours of :func:`palette`, with the original's alpha.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3) or (H, W, 4)

    Raises
    ------
    LabelsError
        If the segmentation was made from a ``ColorHistogram``.
    """
    alpha = None if seg.image is None else seg.image.alpha
    return painted(seg.labels, palette(seg, paint), alpha)


def cutout(seg: Segmentation, clusters: tuple[int, ...]) -> Pixels:
    """The original, with its alpha, inside clusters; transparent elsewhere.

    Returns
    -------
    ndarray of uint8, shape (H, W, 4)

    Raises
    ------
    ValueError
        If the segmentation was made from a ``ColorHistogram``.
    """
    image, inside = picture_of(seg), mask(seg.labels, clusters)
    alpha = inside if image.alpha is None else np.minimum(inside, image.alpha)
    return np.dstack((np.where(inside[..., None] > 0, image.pixels, np.uint8(0)), alpha))


def numbers(seg: Segmentation) -> Pixels:
    """The number of each pixel's cluster, as in tables, shape (H, W); 0 for no cluster."""
    return np.array([0, *seg.numbers], np.uint8)[seg.labels + 1]


def number_colors(seg: Segmentation) -> Pixels:
    """Colours of the numbers from 1; a merged cluster's number has the merged colour."""
    colors = np.zeros((1 + max(map(max, seg.members)), 3), np.uint8)
    for group, color in zip(seg.members, seg.palette, strict=True):
        colors[list(group)] = color
    return colors


def mask(labels: NDArray[np.int16], clusters: tuple[int, ...]) -> Pixels:
    """255 where a pixel belongs to one of the clusters and 0 elsewhere, shape (H, W)."""
    return np.where(np.isin(labels, clusters), np.uint8(255), np.uint8(0))


def side_by_side(seg: Segmentation, paint: str = "gray") -> Pixels:
    """Original, gray strip and segmentation side by side on white, as in the article.

    Parameters
    ----------
    seg : Segmentation
    paint : {"gray", "colors"}
        As in :func:`palette`; the article uses gray.

    Returns
    -------
    ndarray of uint8, shape (H, W + strip + W, 3)
        The strip is 6.25 % of the width, at least one pixel.

    Raises
    ------
    ValueError
        If the segmentation was made from a ``ColorHistogram``.
    """
    image = picture_of(seg)
    height, width = image.pixels.shape[:2]
    strip = np.full((height, max(1, int(width * STRIP_SHARE)), 3), STRIP_LEVEL, np.uint8)
    right = segmented(seg, paint)
    if right.shape[2] == 4:
        right = on_white(right[..., :3], right[..., 3])
    return np.hstack((on_white(image.pixels, alpha_of(image)), strip, right))


def boundaries(seg: Segmentation) -> Pixels:
    """The original with cluster boundaries drawn over it, white with black edges.

    A pixel is on a boundary if its right or lower neighbour belongs to another cluster or to none.
    Lines are wider in pictures with more than 2,000 pixels a side.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3), or (H, W, 4) if any pixel is transparent

    Raises
    ------
    ValueError
        If the segmentation was made from a ``ColorHistogram``.
    """
    return outlined(picture_of(seg), seg.labels)


def outlined(image: Image, labels: NDArray[np.signedinteger]) -> Pixels:
    """A picture with the boundaries of labels, shape (H, W); see :func:`boundaries`."""
    import cv2

    line = np.zeros(labels.shape, np.uint8)
    line[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    line[:-1] |= labels[:-1] != labels[1:]
    width = 1 + max(labels.shape) // 2000
    line = np.asarray(cv2.dilate(line, np.ones((width, width), np.uint8)), np.uint8)
    edge = cv2.dilate(line, np.ones((2 * width + 1, 2 * width + 1), np.uint8)) > 0
    pixels = image.pixels.copy()
    pixels[edge] = 0
    pixels[line > 0] = 255
    alpha = alpha_of(image)
    return pixels if alpha is None else np.dstack((pixels, np.where(edge, np.uint8(255), alpha)))


def picture_of(seg: Segmentation) -> Image:
    """The picture that was clustered; raises ``ValueError`` if only its colours were given."""
    if seg.image is None:
        raise ValueError("a segmentation of a ColorHistogram has no picture")
    return seg.image


def alpha_of(image: Image) -> Pixels | None:
    """The alpha channel with which a picture is shown; None if all of it is opaque."""
    shown = image.alpha_shown
    return None if shown is None else as_alpha(shown)


def heat(values: NDArray[np.float64], top: float) -> Pixels:
    """Map values to colours from dark blue, for 0, to yellow, for ``top`` and above.

    The colour map is "cividis", which looks similar with and without colour vision deficiency
    (Nuñez, Anderton & Renslow 2018, doi:10.1371/journal.pone.0199239).

    Parameters
    ----------
    values : ndarray of float64, shape (H, W)
        NaN is transparent.
    top : float
        Above 0.

    Returns
    -------
    ndarray of uint8, shape (H, W, 4)
    """
    import cv2

    levels = np.rint(255 * np.clip(np.nan_to_num(values) / top, 0, 1)).astype(np.uint8)
    colors = cv2.applyColorMap(levels, cv2.COLORMAP_CIVIDIS)[..., ::-1]
    return np.dstack((colors, np.where(np.isnan(values), 0, 255).astype(np.uint8)))
