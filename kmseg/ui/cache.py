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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kmseg import cloud, export, figures, render, warm
from kmseg.histogram import ColorHistogram, color_histogram
from kmseg.image import Image, read_image
from kmseg.kmeans import Progress
from kmseg.samples import SAMPLES, sample_image
from kmseg.segmentation import Segmentation, segment
from kmseg.settings import Settings

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

TTL: Final = 3600.0  # seconds; a text such as "1h" would have Streamlit import pandas
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
    """Wait for what the server has begun to load since it started."""
    warm.warm_up()


@st.cache_resource(show_spinner=False)
def warm_up_the_rest() -> None:
    """Behind the first page; then freeze what stays."""

    def work() -> None:
        warm.warm_up_the_rest()
        gc.collect()
        gc.freeze()  # a full collection after each run of the page would walk all of it

    threading.Thread(target=work, name="kmseg warm-up").start()


@st.cache_resource(max_entries=len(SAMPLES), show_spinner=False)
def _sample(key: str) -> Image:
    return sample_image(key)


def sample(key: str) -> Picture:
    """A sample by its key."""
    return Picture(key, SAMPLES[key].title, _sample(key), shared=True)


@st.cache_resource(max_entries=64, ttl=TTL, show_spinner=False, scope="session")
def _digest(file_id: str, _content: bytes) -> str:
    return hashlib.sha256(_content).hexdigest()


@st.cache_resource(max_entries=4, ttl=TTL, show_spinner="Reading the picture…", scope="session")
def _read(digest: str, _content: bytes) -> Image:
    return read_image(_content)


def upload(file: UploadedFile, name: str) -> Picture:
    """A visitor's picture; raises ``ImageError``."""
    content = file.getvalue()
    digest = _digest(file.file_id, content)
    return Picture(digest, name, _read(digest, content), shared=False)


@_for_both(max_entries=6)
def _sized(key: str, width: int, _image: Image) -> tuple[Image, ColorHistogram]:
    image = _image.resized(width)
    return image, color_histogram(image)


@dataclass(eq=False)
class _Work:
    """A segmentation, and how far whoever makes it has come: attempts done, and all of them."""

    progress: tuple[int, int]
    lock: threading.Lock = field(default_factory=threading.Lock)
    seg: Segmentation | None = None


# Streamlit repeats what a cached function shows whenever it takes its result from the cache, and
# cannot repeat a button. So it keeps an empty place, and the work that shows its progress is done
# outside. What a visitor interrupts leaves the place as it was.
@_for_both(max_entries=48)
def _work(key: str, settings: Settings) -> _Work:
    return _Work((0, settings.attempts))


def segmentation(
    picture: Picture, settings: Settings, progress: Progress = lambda done, attempts: None
) -> Segmentation:
    """The segmentation of a picture; raises ``ImageError`` if ``settings.width`` is too much.

    Each is made once, and who else wants it meanwhile sees the same progress; if its maker gives
    up, the next one takes over.
    """
    image, histogram = _sized[picture.shared](picture.key, settings.width, picture.image)
    work = _work[picture.shared](picture.key, settings)

    def tell(done: int, attempts: int) -> None:
        work.progress = done, attempts
        progress(done, attempts)

    while not work.lock.acquire(timeout=0.1):
        progress(*work.progress)
    try:
        if work.seg is None:
            work.seg = segment(image, settings, histogram=histogram, progress=tell)
        return work.seg
    finally:
        work.lock.release()


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


@_for_both(max_entries=6)
def _shown_colors(
    key: str, width: int, _image: Image, _histogram: ColorHistogram
) -> NDArray[np.int32]:
    """The colour of each pixel of a preview, as its number in the histogram; -1 is transparent."""
    rows, columns = _grid(_image)
    opaque = None if _image.opaque is None else _image.opaque[rows][:, columns]
    numbers = np.arange(_histogram.n_colors, dtype=np.int32)
    return _histogram.values_at(_image.pixels[rows][:, columns], numbers, opaque)


@st.cache_data(max_entries=64, ttl=TTL, max_size="64MB", show_spinner=False, scope="session")
def _painted(
    key: str, settings: Settings, paint: str, _seg: Segmentation, _colors: NDArray[np.int32]
) -> bytes:
    if _seg.pixel_labels is None:
        labels = np.append(_seg.color_labels, np.int16(-1)).take(_colors)
    else:  # pixels of one colour need not all be in one cluster
        labels = _seg.labels_at(*_grid(_image(_seg)))
    return export.indexed_png(labels, render.palette(_seg, paint))


def previews(
    picture: Picture, seg: Segmentation, paint: str
) -> tuple[tuple[bytes, str], bytes, tuple[int, int]]:
    """Original with its MIME type, segmentation as PNG, and their size (width, height)."""
    image, sized = _image(seg), (picture.key, seg.settings.width)
    original = _original[picture.shared](*sized, image)
    colors = _shown_colors[picture.shared](*sized, image, seg.histogram)
    painted = _painted(picture.key, seg.settings, paint, seg, colors)
    return original, painted, (colors.shape[1], colors.shape[0])


@_for_both(max_entries=3)
def _cloud_points(
    key: str, width: int, space: str, n_points: int, _histogram: ColorHistogram
) -> cloud.Points:
    return cloud.points(_histogram, space, n_points)


def color_cloud(picture: Picture, seg: Segmentation, space: str, n_points: int) -> figures.Cloud:
    """The colours of a picture with the clusters of a segmentation of it."""
    sized = picture.key, seg.settings.width
    points = _cloud_points[picture.shared](*sized, space, n_points, seg.histogram)
    return cloud.color_cloud(seg, points)


def _image(seg: Segmentation) -> Image:
    assert seg.image is not None
    return seg.image
