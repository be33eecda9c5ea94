"""Labels as bytes for the browser: exact, and a fraction of a PNG.

A pixel is first compared with its neighbours, the most likely one first; only a label that none of
them has is written out. Each of these yes-or-no answers is coded by an adaptive binary range coder
(G. N. N. Martin, "Range encoding", 1979; carries as in M. Schindler's `rangecoder`, 1998), whose
probabilities depend on which neighbours agree and on the label that is compared.
``viewer/codec.js`` decodes it.

Measured with previews of 960 pixels a side (`tests/benchmarks/label_codec.py`):

FIGURES
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg.parallel.compiled import compiled, inlined

# Width, height, number of clusters, and whether pixels of no cluster follow them as one more value.
_HEADER: Final = "<HHBB"
# The interval of the range coder has 31 bits; below 23 a byte is written.
_TOP: Final = 1 << 31
_BOTTOM: Final = 1 << 23
# Probabilities have 15 bits. Each follows the answers seen in its context, the first ones faster.
_ONE: Final = 1 << 15
_RATES: Final = np.array([1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6])
_N_PATTERNS: Final = 128
_N_STATE: Final = 5
_LOW, _RANGE, _CACHE, _PENDING, _LENGTH = range(_N_STATE)


def encode_labels(labels: NDArray[np.int16], n_clusters: int) -> bytes:
    """Encode labels.

    Parameters
    ----------
    labels : ndarray of int16, shape (H, W)
        0 to ``n_clusters - 1``; -1 for pixels of no cluster. H and W are at most 65,535.
    n_clusters : int
        1 to 255.

    Returns
    -------
    bytes
    """
    height, width = labels.shape
    has_none = bool(labels.min() < 0)
    n_values = n_clusters + has_none
    # Two rows above, two columns to the left and one to the right, so that all have neighbours.
    padded = np.zeros((height + 2, width + 3), np.uint8)
    padded[2:, 2:-1] = np.where(labels < 0, n_clusters, labels) if has_none else labels
    out = np.empty(2 * labels.size + 64, np.uint8)  # an answer takes less than 15 bits, mostly 1
    bits = max(n_values - 1, 1).bit_length()
    length = _encode(padded, n_values, bits, out)
    if length > len(out):  # not even nearly: noise of 255 labels takes 1.1 bytes a pixel
        raise ValueError("labels: more than two bytes a pixel")
    return struct.pack(_HEADER, width, height, n_clusters, has_none) + out[:length].tobytes()


def checksum(by_color: NDArray[np.int16], colors: NDArray[np.int32]) -> int:
    """A checksum of labels, to compare them with labels that were found elsewhere.

    Parameters
    ----------
    by_color : ndarray of int16, shape (U,)
        The label of each colour, at most 254.
    colors : ndarray of int32, shape (H, W)
        The colour of each pixel; -1 where a pixel has no cluster, whose label counts as 255.

    Returns
    -------
    int
        s of the last pixel: s = 31 s' + label, modulo 2**32, where s' is that of the pixel before.
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
def _write(byte, state, out):  # type: ignore[no-untyped-def]
    if state[_LENGTH] < len(out):
        out[state[_LENGTH]] = byte
    state[_LENGTH] += 1


@inlined()
def _shift(state, out):  # type: ignore[no-untyped-def]
    """Move the highest byte of the interval's lower end out; 255 may still become a carry."""
    if state[_LOW] < 255 << 23 or state[_LOW] >= _TOP:
        carry = state[_LOW] >> 31
        if state[_CACHE] >= 0:
            _write((state[_CACHE] + carry) & 255, state, out)
        for _ in range(state[_PENDING]):
            _write((255 + carry) & 255, state, out)
        state[_PENDING] = 0
        state[_CACHE] = (state[_LOW] >> 23) & 255
    else:
        state[_PENDING] += 1
    state[_LOW] = (state[_LOW] & (_BOTTOM - 1)) << 8


@inlined()
def _answer(yes, chances, seen, context, state, out):  # type: ignore[no-untyped-def]
    """Code an answer, and adapt the chance of "no" in this context."""
    bound = (state[_RANGE] >> 15) * chances[context]
    rate = _RATES[seen[context]]
    if yes:
        state[_LOW] += bound
        state[_RANGE] -= bound
        chances[context] -= chances[context] >> rate
    else:
        state[_RANGE] = bound
        chances[context] += (_ONE - chances[context]) >> rate
    if seen[context] + 1 < len(_RATES):
        seen[context] += 1
    while state[_RANGE] < _BOTTOM:
        _shift(state, out)
        state[_RANGE] <<= 8


@compiled()
def _encode(padded, n_values, bits, out):  # type: ignore[no-untyped-def]
    state = np.zeros(_N_STATE, np.int64)
    state[_RANGE], state[_CACHE] = _TOP - 1, -1
    new = 4 * _N_PATTERNS * n_values  # contexts of labels that are written out
    chances = np.full(new + (n_values << bits), _ONE // 2, np.int32)
    seen = np.zeros(len(chances), np.uint8)
    for y in range(2, padded.shape[0]):
        for x in range(2, padded.shape[1] - 1):
            left, above = padded[y, x - 1], padded[y - 1, x]
            corner, right = padded[y - 1, x - 1], padded[y - 1, x + 1]
            pattern = (
                (left == above)
                + 2 * (left == corner)
                + 4 * (above == right)
                + 8 * (left == padded[y, x - 2])
                + 16 * (above == padded[y - 2, x])
                + 32 * (above == corner)
                + 64 * (left == right)
            )
            label, found = padded[y, x], False
            # If the pixel above the left one is like it, an edge runs down beside both.
            first, second = (above, left) if corner == left else (left, above)
            neighbours = (first, second, right, corner)
            for i in range(4):
                if (
                    (i > 0 and neighbours[i] == first)
                    or (i > 1 and neighbours[i] == second)
                    or (i > 2 and neighbours[i] == right)
                ):
                    continue
                found = label == neighbours[i]
                context = (i * _N_PATTERNS + pattern) * n_values + neighbours[i]
                _answer(found, chances, seen, context, state, out)
                if found:
                    break
            if found:
                continue
            node, tree = 1, new + (np.int64(first) << bits)
            for place in range(bits - 1, -1, -1):
                bit = (label >> place) & 1
                _answer(bit == 1, chances, seen, tree + node, state, out)
                node = 2 * node + bit
    for _ in range(5):
        _shift(state, out)
    return state[_LENGTH]
