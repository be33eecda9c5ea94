"""Reference implementations of regions and tidying: SciPy's ``label`` and slow loops."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

Labels = NDArray[np.int16]

ACROSS_CORNERS = np.ones((3, 3))


@st.composite
def label_pictures(draw: st.DrawFn, side: int = 12) -> Labels:
    """Label pictures with areas, specks and, in some, transparent pixels."""
    height, width = draw(st.integers(1, side)), draw(st.integers(1, side))
    least = draw(st.sampled_from([-1, 0]))
    labels = draw(arrays(np.int16, (height, width), elements=st.integers(least, 3)))
    if draw(st.booleans()):
        labels = ndimage.median_filter(labels, 3)
    labels[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = 0
    return labels


def components(labels: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """The 4-connected components of equal labels, numbered from 1 by their first pixel."""
    found = np.zeros(labels.shape, np.int32)
    for label in np.unique(labels[labels >= 0]):
        own, _ = ndimage.label(labels == label)
        found += np.where(own > 0, own + found.max(), 0)
    numbers, firsts = np.unique(found, return_index=True)
    numbers = numbers[np.argsort(firsts)]
    renumbered = np.zeros(found.max() + 1, np.int32)
    renumbered[numbers[numbers > 0]] = np.arange(1, np.count_nonzero(numbers) + 1)
    return np.asarray(renumbered[found], np.int32)


def shared_edges(found: NDArray[np.int32], number: int) -> NDArray[np.int64]:
    """The number of pixel edges that a component shares with each other one."""
    counts = np.zeros(found.max() + 1, np.int64)
    for first, second in ((found[1:], found[:-1]), (found[:, 1:], found[:, :-1])):
        for own, other in ((first, second), (second, first)):
            np.add.at(counts, other[(own == number) & (other != number)], 1)
    counts[0] = 0
    return counts


def tidied(labels: Labels, smallest: int, filled: tuple[int, ...]) -> Labels:
    """What ``kmseg.regions.tidy`` documents, step by step."""
    labels = labels.copy()
    while (step := _smallest_with_neighbours(labels, smallest)) is not None:
        inside, label = step
        labels[inside] = label
    for label in filled:
        labels[holes(labels, label)] = label
    return labels


def _smallest_with_neighbours(
    labels: Labels, smallest: int
) -> tuple[NDArray[np.bool_], int] | None:
    """The next region that is removed, and the label that it takes."""
    found = components(labels)
    areas = np.bincount(found.ravel())
    for number in sorted(range(1, len(areas)), key=lambda number: (areas[number], number)):
        edges = shared_edges(found, number)
        if areas[number] < smallest and edges.any():
            return found == number, int(labels[found == edges.argmax()][0])
    return None


def holes(labels: Labels, label: int) -> NDArray[np.bool_]:
    """The pixels that the areas of a label enclose; transparent pixels are outside."""
    others, _ = ndimage.label(labels != label, ACROSS_CORNERS)
    edge = np.ones(labels.shape, bool)
    edge[1:-1, 1:-1] = False
    return np.asarray(~np.isin(others, np.append(others[edge | (labels < 0)], 0)))
