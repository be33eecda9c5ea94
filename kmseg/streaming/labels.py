"""The labels of a large picture, written as a BigTIFF tile by tile."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache, partial
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from kmseg.histogram import look_up
from kmseg.output.render import number_colors
from kmseg.parallel.threads import as_made
from kmseg.segmentation import Segmentation
from kmseg.streaming.picture import LargePicture
from kmseg.streaming.segment import Run
from kmseg.streaming.tiff import Region

# Labels form runs, which the fastest level of Deflate packs well.
_LEVEL: Final = 1
# Colours of a TIFF's palette have 16 bits: 255 becomes 65535.
_WIDER: Final = 257


def write_labels(
    picture: LargePicture, seg: Segmentation, file: BinaryIO, *, run: Run = as_made
) -> None:
    """Write each pixel's cluster as a tiled BigTIFF with a palette, compressed by Deflate.

    Parameters
    ----------
    picture : LargePicture
        As :func:`kmseg.streaming.segment.segment_large` returned it.
    seg : Segmentation
        A pixel's value is the number of its cluster, from 1, as in ``seg.numbers``; 0 is no
        cluster.
    file : binary file
        Open for writing, at its beginning.
    run : callable
        Applies a function to each part; by default in threads.

    Raises
    ------
    ImageError
        The picture's file is damaged.
    OSError
        The file cannot be written.
    """
    import tifffile

    numbers = np.array(seg.numbers, np.uint8)[seg.color_labels]
    encoded = partial(_encoded_tiles, picture, _Table(seg.histogram.table(numbers)))
    colors = np.zeros((256, 3), np.uint16)
    painted = number_colors(seg)
    colors[1 : len(painted) + 1] = painted

    def tiles() -> Iterator[bytes]:
        for part in run(encoded, picture.regions()):
            yield from part

    with tifffile.TiffWriter(file, bigtiff=True) as writer:
        writer.write(
            tiles(),
            shape=(picture.height, picture.width),
            dtype=np.uint8,
            tile=picture.tile,
            photometric="palette",
            colormap=colors.T * _WIDER,
            compression="zlib",
            metadata=None,
            software="kmseg",
        )


class _Table:
    """Cluster numbers by colour, which are packed to be sent to other processes: 16 MB else."""

    def __init__(self, numbers: NDArray[np.uint8]) -> None:
        self.numbers = numbers

    def __reduce__(self) -> tuple[Callable[[bytes], _Table], tuple[bytes]]:
        return _unpacked, (self._packed,)

    @cached_property
    def _packed(self) -> bytes:
        return zlib.compress(self.numbers.tobytes(), _LEVEL)


@lru_cache(maxsize=1)
def _unpacked(packed: bytes) -> _Table:
    return _Table(np.frombuffer(bytearray(zlib.decompress(packed)), np.uint8))


def _encoded_tiles(picture: LargePicture, table: _Table, region: Region) -> list[bytes]:
    """The tiles of a part, by rows; beyond the picture's edges they are 0."""
    import imagecodecs

    (rows, columns), (height, width) = region.shape, picture.tile
    labels = np.zeros((-(-rows // height) * height, -(-columns // width) * width), np.uint8)
    pixels, opaque, _ = picture.pixels(region)
    found = np.empty(region.shape, np.uint8)
    look_up(pixels, table.numbers, found)
    if opaque is not None:
        found[~opaque] = 0
    labels[:rows, :columns] = found
    return [
        bytes(imagecodecs.zlib_encode(labels[y : y + height, x : x + width].tobytes(), _LEVEL))
        for y in range(0, rows, height)
        for x in range(0, columns, width)
    ]
