"""The largest frame that AV1 data may hold (AV1 Bitstream & Decoding Process Specification).

A decoder allocates memory by the sequence headers in the data, whatever the container claims.
"""

from __future__ import annotations

from collections.abc import Iterator

from kmseg.picture.formats.base import refusal

_SEQUENCE_HEADER = 1  # obu_type, section 6.2.2
# A frame comes in some ten OBUs, and a file may hold thousands of pictures.
_MAX_PARTS = 1000
# Longer than any sequence header, operating points and timing included.
_MAX_HEADER_BYTES = 1024


def frame_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """The largest width and height of each sequence header in a string of OBUs (section 5.3)."""
    position = 0
    for _ in range(_MAX_PARTS):
        if position >= len(data):
            return
        first = data[position]
        position += 2 if first & 4 else 1  # an extension follows
        length = len(data) - position
        if first & 2:  # the size is stated, seven bits a byte (section 4.10.5)
            length = 0
            for n in range(8):
                byte = data[position]
                position += 1
                length |= (byte & 127) << 7 * n
                if byte < 128:
                    break
        if length > len(data) - position:
            raise refusal("AVIF", "is cut short")
        if first >> 3 & 15 == _SEQUENCE_HEADER:
            yield _frame_size(data[position : position + min(length, _MAX_HEADER_BYTES)])
        position += length
    raise refusal("AVIF", "has too many parts")


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._bits, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def next(self, n: int) -> int:
        self._left -= n
        if self._left < 0:
            raise IndexError("past the end of the sequence header")
        return self._bits >> self._left & (1 << n) - 1

    def skip_variable(self) -> None:
        """A number of variable length: zeros, a one, then as many bits (section 4.10.3)."""
        zeros = 0
        while not self.next(1):
            zeros += 1
        self.next(zeros if zeros < 32 else 0)


def _frame_size(header: bytes) -> tuple[int, int]:
    """Width and height of a sequence header (section 5.5.1)."""
    bits = _Bits(header)
    bits.next(4)  # profile, and whether it is a still picture
    if bits.next(1):  # a reduced header
        bits.next(5)
    else:
        _skip_operating_points(bits)
    n_width, n_height = bits.next(4) + 1, bits.next(4) + 1
    return bits.next(n_width) + 1, bits.next(n_height) + 1


def _skip_operating_points(bits: _Bits) -> None:
    n_delay_bits = 0
    if bits.next(1):  # timing
        bits.next(64)
        if bits.next(1):
            bits.skip_variable()
        if bits.next(1):  # decoder model
            n_delay_bits = bits.next(5) + 1
            bits.next(42)
    has_display_delay = bits.next(1)
    for _ in range(bits.next(5) + 1):
        bits.next(12)
        if bits.next(5) > 7:
            bits.next(1)
        if n_delay_bits and bits.next(1):
            bits.next(2 * n_delay_bits + 1)
        if has_display_delay and bits.next(1):
            bits.next(4)
