"""Lossless compression of labels for the browser, to about half the size of a PNG.

A pixel's label is predicted from its neighbours, the most likely one first. A label that no
neighbour has is coded explicitly. All these binary decisions are coded by an adaptive binary range
coder (G. N. N. Martin, "Range encoding", 1979; carries as in M. Schindler's `rangecoder`, 1998).
Its contexts are the pattern of equal neighbours and the predicted label. ``viewer/codec.js``
decodes it.

Kilobytes of a photo's preview of 960 pixels a side (``tests/benchmarks/label_codec.py``), by K:

======  ====  =============  ===
K       this  lossless WebP  PNG
======  ====  =============  ===
4         22             34   45
6         34             51   67
32        97            155  182
======  ====  =============  ===
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg.parallel.compiled import compiled, inlined

# Width, height, number of clusters, and whether there are pixels without a cluster, which are coded
# as one more value.
_HEADER: Final = "<HHBB"
# The interval of the range coder has 31 bits; when it needs less than 23, a byte is written.
_TOP: Final = 1 << 31
_BOTTOM: Final = 1 << 23
# Probabilities have 15 bits. Each adapts to the decisions seen in its context, faster at first.
_ONE: Final = 1 << 15
_RATES: Final = np.array([1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6])
_N_PATTERNS: Final = 128
_CACHE, _PENDING, _LENGTH = range(3)


def encode_labels(labels: NDArray[np.int16], n_clusters: int) -> bytes:
    """Encode labels.

    Parameters
    ----------
    labels : ndarray of int16, shape (H, W)
        0 to ``n_clusters - 1``; -1 for pixels without a cluster. H and W are at most 65,535.
    n_clusters : int
        1 to 255.

    Returns
    -------
    bytes
    """
    height, width = labels.shape
    has_none = bool(labels.min() < 0)
    n_values = n_clusters + has_none
    # Two rows above, two columns to the left and one to the right, so that every pixel has all
    # neighbours.
    padded = np.zeros((height + 2, width + 3), np.uint8)
    padded[2:, 2:-1] = np.where(labels < 0, n_clusters, labels) if has_none else labels
    out = np.empty(2 * labels.size + 64, np.uint8)  # a decision takes less than 15 bits, mostly 1
    bits = max(n_values - 1, 1).bit_length()
    length = _encode(padded, n_values, bits, out)
    if length > len(out):  # unreachable: noise of 255 labels takes 1.1 bytes a pixel
        raise ValueError("labels: more than two bytes a pixel")
    return struct.pack(_HEADER, width, height, n_clusters, has_none) + out[:length].tobytes()


def checksum(by_color: NDArray[np.int16], colors: NDArray[np.int32]) -> int:
    """A checksum of labels, to compare them with labels that the browser computed.

    Parameters
    ----------
    by_color : ndarray of int16, shape (U,)
        The label of each colour, at most 254.
    colors : ndarray of int32, shape (H, W)
        The colour of each pixel; -1 for a pixel without a cluster, whose label counts as 255.

    Returns
    -------
    int
        The last s of s = 31 s' + label, modulo 2**32, where s' is the previous pixel's s.
    """
    return int(_checksum(by_color, colors))


@compiled()
def _checksum(by_color, colors):  # type: ignore[no-untyped-def]
    total = np.int64(0)
    for row in range(colors.shape[0]):
        for column in range(colors.shape[1]):
            color = colors[row, column]
            label = np.int64(255) if color < 0 else np.int64(by_color[color])
            total = (31 * total + label) & 0xFFFFFFFF
    return total


@inlined()
def _shift(low, state, out):  # type: ignore[no-untyped-def]
    """Shift out the highest byte of the interval's lower end; returns the remaining bits.

    A byte, and any bytes of 255 after it, are held back until no carry can change them.
    """
    if low < 255 << 23 or low >= _TOP:
        carry, length = low >> 31, state[_LENGTH]
        for i in range(state[_PENDING] + 1):
            if length + i < len(out) and length + i >= 0:
                out[length + i] = (state[_CACHE] + carry if i == 0 else 255 + carry) & 255
        state[_LENGTH] = length + state[_PENDING] + 1
        state[_PENDING], state[_CACHE] = 0, (low >> 23) & 255
    else:
        state[_PENDING] += 1
    return (low & (_BOTTOM - 1)) << 8


@inlined()
def _answer(yes, low, size, context, chances, seen, state, out):  # type: ignore[no-untyped-def]
    """Code a decision and adapt its context's probability of "no"; returns the new interval."""
    context = np.uint64(context)
    chance, rate = np.int64(chances[context]), _RATES[np.uint64(seen[context])]
    bound = (size >> 15) * chance
    if yes:
        low, size = low + bound, size - bound
        chances[context] = chance - (chance >> rate)
    else:
        size = bound
        chances[context] = chance + ((_ONE - chance) >> rate)
    seen[context] += seen[context] + 1 < len(_RATES)
    while size < _BOTTOM:
        low, size = _shift(low, state, out), size << 8
    return low, size


@compiled()
def _encode(padded, n_values, bits, out):  # type: ignore[no-untyped-def]
    low, size = np.int64(0), np.int64(_TOP - 1)
    state = np.array([0, 0, -1])  # bytes held back; none before the first byte
    new = 4 * _N_PATTERNS * n_values  # contexts of labels that are coded explicitly
    chances = np.full(new + (n_values << bits), _ONE // 2, np.uint16)
    seen = np.zeros(len(chances), np.uint8)
    for y in range(2, padded.shape[0]):
        row, row_above = padded[y], padded[y - 1]
        for x in range(2, padded.shape[1] - 1):
            left, above = np.int64(row[x - 1]), np.int64(row_above[x])
            corner, right = np.int64(row_above[x - 1]), np.int64(row_above[x + 1])
            pattern = (
                np.int64(left == above)
                | np.int64(left == corner) << 1
                | np.int64(above == right) << 2
                | np.int64(left == row[x - 2]) << 3
                | np.int64(above == padded[y - 2, x]) << 4
                | np.int64(above == corner) << 5
                | np.int64(left == right) << 6
            )
            label, context = np.int64(row[x]), pattern * n_values
            # If the pixel above the left one has the same label, a vertical edge runs beside both.
            first, second = (above, left) if corner == left else (left, above)
            found = label == first
            low, size = _answer(found, low, size, context + first, chances, seen, state, out)
            if found:
                continue
            known = (first, second, right, corner)
            for i in range(1, 4):
                context += _N_PATTERNS * n_values
                neighbour = known[i]
                if neighbour == first or (i > 1 and neighbour == second):
                    continue
                if i > 2 and neighbour == right:
                    continue
                found = label == neighbour
                at = context + neighbour
                low, size = _answer(found, low, size, at, chances, seen, state, out)
                if found:
                    break
            if found:
                continue
            node, tree = np.int64(1), new + (first << bits)
            for place in range(bits - 1, -1, -1):
                bit = (label >> place) & 1
                low, size = _answer(bit == 1, low, size, tree + node, chances, seen, state, out)
                node = 2 * node + bit
    for _ in range(5):
        low = _shift(low, state, out)
    return state[_LENGTH]
