"""Connected components: areas of one label, whose pixels touch each other along an edge.

The picture is cut into strips of rows, one for each thread. Each strip is labelled on its own, into
*parts*; parts that touch across the edge of a strip are then joined by union-find. Parts and
components are numbered in raster order of their first pixel, so the result does not depend on the
number of strips.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from kmseg.parallel.compiled import compiled, read_only
from kmseg.parallel.threads import N_CORES, in_threads


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The components of a label picture, cut at the edges of strips.

    Attributes
    ----------
    labels : ndarray of int16, shape (H, W)
        The label picture.
    picture : ndarray of int32, shape (H, W)
        The part of each pixel; -1 where the label is -1.
    roots : ndarray of int32, shape (P,)
        For each part, the first part of its component.
    strips : tuple of slice
        The rows of each strip. No part extends over two of them.
    """

    labels: NDArray[np.int16]
    picture: NDArray[np.int32]
    roots: NDArray[np.int32]
    strips: tuple[slice, ...]


def parts(labels: NDArray[np.int16], n_strips: int = N_CORES) -> Parts:
    """Find the components of equal labels.

    Parameters
    ----------
    labels : ndarray of int16, shape (H, W)
        -1 where a pixel belongs to no component.
    n_strips : int
        Strips that are labelled at once, at most H.

    Notes
    -----
    Memory: 4 bytes a pixel and 4 bytes a part; at most 4 bytes a pixel more while it works.
    """
    labels = read_only(labels)
    height, width = labels.shape
    edges = [height * i // n_strips for i in range(n_strips + 1)]
    strips = tuple(slice(*edge) for edge in pairwise(edges) if edge[0] < edge[1])
    picture = np.empty((height, width), np.int32)

    def label(strip: slice) -> NDArray[np.int32]:
        numbers = np.empty((strip.stop - strip.start) * width, np.int32)
        return numbers[: _label(labels[strip], picture[strip], numbers)].copy()

    numbers = in_threads(label, strips)
    ends = np.cumsum([own.max(initial=-1) + 1 for own in numbers])

    def number(i: int) -> None:
        first = 0 if i == 0 else ends[i - 1]
        _renumber(picture[strips[i]], numbers[i] + np.int32(first), np.int32(-1))

    in_threads(number, range(len(strips)))
    roots = np.arange(ends[-1], dtype=np.int32)
    for strip in strips[1:]:
        _join(labels[strip.start - 1 : strip.start + 1], picture[strip.start - 1 :], roots)
    _flatten(roots)
    return Parts(labels, picture, roots, strips)


def numbered(found: Parts) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """The picture of components, from 1, and the first part of each; changes ``found.picture``.

    Returns
    -------
    ndarray of int32, shape (H, W)
        The component of each pixel; 0 where it has none.
    ndarray of intp, shape (N,)
    """
    firsts = np.flatnonzero(found.roots == np.arange(len(found.roots)))
    numbers = np.empty(len(found.roots), np.int32)
    numbers[firsts] = np.arange(1, len(firsts) + 1)
    numbers = numbers[found.roots]
    in_threads(
        lambda strip: _renumber(found.picture[strip], numbers, np.int32(0)),
        found.strips,
    )
    return found.picture, firsts


@njit(inline="always")
def root_of(roots, i):  # type: ignore[no-untyped-def]
    """The least member of the set of ``i``; halves the path to it."""
    while roots[i] != i:
        roots[i] = roots[roots[i]]
        i = roots[i]
    return i


@njit(inline="always")
def join(roots, i, j):  # type: ignore[no-untyped-def]
    """Join two sets; the least member becomes the root."""
    i, j = root_of(roots, i), root_of(roots, j)
    if i < j:
        roots[j] = i
    elif j < i:
        roots[i] = j


@compiled()
def _label(labels, picture, roots):  # type: ignore[no-untyped-def]
    """Provisional numbers of a strip's pixels, and in ``roots`` the part of each, from 0."""
    height, width = labels.shape
    n = 0
    for r in range(height):
        for c in range(width):
            label = labels[r, c]
            if label < 0:
                picture[r, c] = -1
                continue
            up = r > 0 and labels[r - 1, c] == label
            if c > 0 and labels[r, c - 1] == label:
                picture[r, c] = picture[r, c - 1]
                if up and labels[r - 1, c - 1] != label:  # else they are joined already
                    join(roots, picture[r, c], picture[r - 1, c])
            elif up:
                picture[r, c] = picture[r - 1, c]
            else:
                picture[r, c] = n
                roots[n] = n
                n += 1
    n_parts = 0
    for i in range(n):
        if roots[i] == i:
            roots[i] = n_parts
            n_parts += 1
        else:
            roots[i] = roots[roots[i]]
    return n


@compiled()
def _renumber(picture, numbers, none):  # type: ignore[no-untyped-def]
    for r in range(picture.shape[0]):
        for c in range(picture.shape[1]):
            number = picture[r, c]
            picture[r, c] = numbers[number] if number >= 0 else none


@compiled()
def _join(labels, picture, roots):  # type: ignore[no-untyped-def]
    """Join the parts of two rows that touch."""
    for c in range(labels.shape[1]):
        if labels[0, c] >= 0 and labels[0, c] == labels[1, c]:
            join(roots, picture[0, c], picture[1, c])


@compiled()
def _flatten(roots):  # type: ignore[no-untyped-def]
    for i in range(len(roots)):
        roots[i] = roots[roots[i]]
