"""PNG and TIFF files of 16 bits a channel, which Pillow does not write."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

import hostile

Words = npt.NDArray[np.uint16]


def words(channels: int, width: int = 16, height: int = 12) -> Words:
    generator = np.random.default_rng(channels)
    return generator.integers(0, 65536, (height, width, channels), dtype=np.uint16)


def opener(data: bytes) -> Callable[[], Any]:
    return lambda: Image.open(io.BytesIO(data))


def png(values: Words, filter_: int = 0) -> bytes:
    """A 16-bit PNG; filter 1 ("sub") or 2 ("up") for all rows."""
    height, width, channels = values.shape
    rows = values.astype(">u2").view(np.uint8).reshape(height, -1)
    before = np.zeros_like(rows)
    if filter_ == 1:
        before[:, 2 * channels :] = rows[:, : -2 * channels]
    elif filter_ == 2:
        before[1:] = rows[:-1]
    raw = b"".join(bytes([filter_]) + row.tobytes() for row in rows - before)
    color = {2: 4, 3: 2, 4: 6}[channels]
    return hostile.png(width, height, raw, bits=16, color=color)


def tiff(
    values: Words, order: str = "<", compression: int = 1, planar: int = 1, extra: int | None = None
) -> bytes:
    """A 16-bit TIFF in one strip (or in one a channel), of either byte order."""
    height, width, channels = values.shape
    stored = values.astype(f"{order}u2")
    parts = [stored.tobytes()]
    if planar == 2:
        parts = [stored[..., n].tobytes() for n in range(channels)]
    if compression == 8:
        parts = [zlib.compress(part) for part in parts]
    offsets, at = [], 8
    for part in parts:
        offsets.append(at)
        at += len(part)
    lists = {258: [16] * channels, 273: offsets, 279: [len(part) for part in parts]}
    numbers = {256: width, 257: height, 259: compression, 262: 2, 277: channels, 278: height}
    tags = {tag: [value] for tag, value in numbers.items()} | lists | {284: [planar]}
    tags |= {} if extra is None else {338: [extra]}
    data, entries = b"".join(parts), b""
    for tag, content in sorted(tags.items()):
        if len(content) == 1:
            value = struct.pack(f"{order}I", content[0])
        else:
            value = struct.pack(f"{order}I", 8 + len(data))
            data += struct.pack(f"{order}{len(content)}I", *content)
        entries += struct.pack(f"{order}HHI", tag, 4, len(content)) + value
    mark = b"II" if order == "<" else b"MM"
    return (
        struct.pack(f"{order}2sHI", mark, 42, 8 + len(data))
        + data
        + struct.pack(f"{order}H", len(tags))
        + entries
        + bytes(4)
    )
