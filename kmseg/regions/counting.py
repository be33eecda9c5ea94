"""The number of regions of each label, without measuring them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmseg.parallel.compiled import compiled
from kmseg.parallel.threads import N_CORES, in_threads
from kmseg.regions.components import parts


def region_counts(
    labels: NDArray[np.int16], n_labels: int, n_strips: int = N_CORES
) -> NDArray[np.int64]:
    """Count the connected components of each label.

    Parameters
    ----------
    labels : ndarray of int16, shape (H, W)
        Less than ``n_labels``; -1 where a pixel belongs to no component.
    n_labels : int
        K.
    n_strips : int
        The number of threads; the result does not depend on it.

    Returns
    -------
    ndarray of int64, shape (K,)

    Notes
    -----
    Memory while it works: at most 8 bytes a pixel and 6 bytes a component.
    """
    found = parts(labels, n_strips)
    own = np.empty(len(found.roots), np.int16)
    in_threads(
        lambda strip: _labels_of(found.labels[strip], found.picture[strip], own), found.strips
    )
    firsts = found.roots == np.arange(len(found.roots))
    return np.bincount(own[firsts], minlength=n_labels)


@compiled()
def _labels_of(labels, picture, own):  # type: ignore[no-untyped-def]
    """The label of each part of a strip."""
    for r in range(picture.shape[0]):
        before = -1
        for c in range(picture.shape[1]):
            part = picture[r, c]
            if part != before and part >= 0:
                own[part] = labels[r, c]
            before = part
