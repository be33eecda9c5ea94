"""All caching of the page: what is kept, for whom, how much of it, and how long.

Keys are a digest of the picture's bytes and ``Settings``; arrays are never hashed (Streamlit hashes
large ones by a sample). What comes from a visitor's picture lives in that visitor's session only;
the samples are everybody's. Pictures are bounded in number, each by the pixel limit of
``read_image``; encoded pictures also in bytes; all of them in time.
"""

from __future__ import annotations

import gc
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, ParamSpec, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kmseg import export, render
from kmseg.histogram import ColorHistogram, color_histogram
from kmseg.image import Image, read_image
from kmseg.samples import SAMPLES, sample_image
from kmseg.segmentation import Segmentation, segment
from kmseg.settings import Settings

TTL: Final = "1h"
# What a screen can show of a picture, in pixels a side.
PREVIEW_SIDE: Final = 1200
# Up to this many pixels the original is shown as PNG; above, PNG takes megabytes, so JPEG.
PNG_PIXELS: Final = 400_000
JPEG_QUALITY: Final = 92

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture on the page: its name, its pixels, and a key for what is made of them."""

    key: str
    name: str
    image: Image
    shared: bool


def _for_both(max_entries: int) -> Callable[[Callable[P, R]], dict[bool, Callable[P, R]]]:
    """One cache for the samples, shared, and one for each session's own pictures."""

    def decorate(function: Callable[P, R]) -> dict[bool, Callable[P, R]]:
        return {
            shared: st.cache_resource(
                ttl=TTL,
                max_entries=max_entries,
                show_spinner=False,
                scope="global" if shared else "session",
            )(function)
            for shared in (True, False)
        }

    return decorate


@st.cache_resource(show_spinner="Starting…")
def warm_up() -> None:
    """Import and compile what the first visitor would otherwise wait for; freeze what stays.

    Loops are compiled for each number of coordinates, once on a machine: three before the page
    comes up, two and one behind it.
    """
    image = Image(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
    for engine in ("exact", "opencv"):
        segment(image, Settings(engine=engine))
    gc.collect()
    gc.freeze()  # a full collection after each run of the page would walk all of it

    def compile_the_rest() -> None:
        for channels in ("01", "0"):
            segment(image, Settings(channels=channels))

    threading.Thread(target=compile_the_rest, name="kmseg warm-up").start()


@st.cache_resource(max_entries=len(SAMPLES), show_spinner=False)
def _sample(key: str) -> Image:
    return sample_image(key)


def sample(key: str) -> Picture:
    """A sample by its key."""
    return Picture(key, SAMPLES[key].title, _sample(key), shared=True)


@st.cache_resource(max_entries=4, ttl=TTL, show_spinner="Reading the picture…", scope="session")
def _read(digest: str, _content: bytes) -> Image:
    return read_image(_content)


def upload(content: bytes, name: str) -> Picture:
    """A visitor's picture; raises ``ImageError``."""
    digest = hashlib.sha256(content).hexdigest()
    return Picture(digest, name, _read(digest, content), shared=False)


@_for_both(max_entries=6)
def _sized(key: str, width: int, _image: Image) -> tuple[Image, ColorHistogram]:
    image = _image.resized(width)
    return image, color_histogram(image)


@_for_both(max_entries=48)
def _segmentation(
    key: str, settings: Settings, _image: Image, _histogram: ColorHistogram
) -> Segmentation:
    return segment(_image, settings, histogram=_histogram)


def segmentation(picture: Picture, settings: Settings) -> Segmentation:
    """The segmentation of a picture; raises ``ImageError`` if ``settings.width`` is too much."""
    image, histogram = _sized[picture.shared](picture.key, settings.width, picture.image)
    return _segmentation[picture.shared](picture.key, settings, image, histogram)


def _grid(image: Image) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the pixels that a preview shows: all, or evenly spaced ones."""
    scale = min(1.0, PREVIEW_SIDE / max(image.width, image.height))
    sides = [(side, max(1, round(side * scale))) for side in (image.height, image.width)]
    rows, columns = (((np.arange(n) + 0.5) * side / n).astype(np.intp) for side, n in sides)
    return rows, columns


@_for_both(max_entries=6)
def _original(key: str, width: int, _image: Image) -> tuple[bytes, str]:
    rows, columns = _grid(_image)
    shown = _image.resized(len(columns))
    if shown.opaque is not None:
        alpha = np.where(shown.opaque, np.uint8(255), np.uint8(0))
        return export.png(np.dstack((shown.pixels, alpha))), "image/png"
    if len(rows) * len(columns) <= PNG_PIXELS:
        return export.png(shown.pixels), "image/png"
    return export.jpeg(shown.pixels, JPEG_QUALITY), "image/jpeg"


@st.cache_data(max_entries=64, ttl=TTL, max_size="64MB", show_spinner=False, scope="session")
def _painted(key: str, settings: Settings, paint: str, _seg: Segmentation) -> bytes:
    rows, columns = _grid(_image(_seg))
    return export.indexed_png(_seg.labels_at(rows, columns), render.palette(_seg, paint))


def previews(
    picture: Picture, seg: Segmentation, paint: str
) -> tuple[tuple[bytes, str], bytes, tuple[int, int]]:
    """Original with its MIME type, segmentation as PNG, and their size (width, height)."""
    image = _image(seg)
    rows, columns = _grid(image)
    original = _original[picture.shared](picture.key, seg.settings.width, image)
    return original, _painted(picture.key, seg.settings, paint, seg), (len(columns), len(rows))


def _image(seg: Segmentation) -> Image:
    assert seg.image is not None
    return seg.image
