"""Compact bytes of a :class:`kmseg.Trace`, which the page's browser steps through.

The last steps of a run move centroids and pixels only a little, so each array is stored as whole
numbers, as differences from one step to the next, with the bytes of equal significance together,
which DEFLATE (RFC 1951) then shortens. ``ui/components/steps/unpack.js`` is the decoder; change
both together.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from kmseg.tracing import Trace

# Centroids are rounded to this fraction of a unit of the colour space: that of float32 at 256.
PRECISION: Final = 2.0**-15


def pack_trace(trace: Trace, order: NDArray[np.intp]) -> bytes:
    """Pack a run of S moves.

    Parameters
    ----------
    trace : Trace
    order : ndarray of intp, shape (K,)
        The clusters in the order in which they are packed.

    Returns
    -------
    bytes
        In the format of zlib (RFC 1950): float64 arrays, then int32 arrays as differences along
        their first axis, all little-endian. The bytes of each array lie in planes, those of least
        significance first.

        - ``inertia`` (S+1,), then :func:`inertia_after_moves` (S,);
        - ``centroids`` in multiples of ``PRECISION`` (S+1, K, D), ``pixel_counts`` (S+1, K),
          ``palette`` (S+1, K, 3), ``changed`` (S+1,).
    """
    centroids = np.rint(trace.centroids[:, order] / PRECISION)
    whole = (centroids, trace.pixel_counts[:, order], trace.palette[:, order], trace.changed)
    planes = [_planes(np.asarray(trace.inertia, "<f8")), _planes(inertia_after_moves(trace))]
    for array in whole:
        numbers = array.astype(np.int64)
        planes.append(_planes(np.diff(numbers, axis=0, prepend=0 * numbers[:1]).astype("<i4")))
    return zlib.compress(b"".join(planes), 9)


def inertia_after_moves(trace: Trace) -> NDArray[np.float64]:
    """The inertia after each move, before pixels are assigned again, shape (S,).

    The sum of squared distances of n points to any point c is that to their mean m plus
    n |c - m|**2 (the parallel axis theorem). NaN where a cluster was empty, because its centroid
    then moves to a pixel of another cluster.
    """
    counts = trace.pixel_counts[:-1]
    squares = (np.diff(trace.centroids, axis=0) ** 2).sum(axis=2)
    after = trace.inertia[:-1] - (counts * squares).sum(axis=1)
    filled: NDArray[np.float64] = np.where((counts == 0).any(axis=1), np.nan, after)
    return filled


def _planes(array: NDArray[np.generic]) -> bytes:
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat.view(np.uint8).reshape(len(flat), flat.itemsize).T.tobytes()
