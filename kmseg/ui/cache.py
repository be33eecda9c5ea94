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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Generic, ParamSpec, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kmseg import cloud, explore, export, figures, warm
from kmseg.apart import get_ready, read_image_apart
from kmseg.histogram import ColorHistogram, color_histogram
from kmseg.image import Image
from kmseg.kmeans import Progress
from kmseg.samples import SAMPLES, sample_image
from kmseg.segmentation import Segmentation, segment
from kmseg.settings import Settings

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

TTL: Final = 3600.0  # seconds; a text such as "1h" would have Streamlit import pandas
# What a screen can show of a picture, in pixels a side.
PREVIEW_SIDE: Final = 1200
# A preview that has every pixel is PNG, and a reduced one, whose colours are averages anyway, JPEG.
JPEG_QUALITY: Final = 92
# The greatest side of a part that is shown at full size, in pixels.
REGION_SIDE: Final = 2400

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


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
        get_ready()
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
    return read_image_apart(_content)


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


@_for_both(max_entries=6)
def _original(key: str, width: int, _image: Image) -> tuple[bytes, str]:
    _, columns = _image.grid(PREVIEW_SIDE)
    shown = _image.resized(len(columns))
    if shown.opaque is not None:
        alpha = np.where(shown.opaque, np.uint8(255), np.uint8(0))
        return export.png(np.dstack((shown.pixels, alpha))), "image/png"
    if shown is _image:
        return export.png(shown.pixels), "image/png"
    return export.jpeg(shown.pixels, JPEG_QUALITY), "image/jpeg"


@_for_both(max_entries=6)
def _shown_colors(
    key: str, width: int, _image: Image, _histogram: ColorHistogram
) -> NDArray[np.int32]:
    """The colour of each pixel of a preview, as its number in the histogram; -1 is transparent."""
    return _histogram.numbers_at(_image, *_image.grid(PREVIEW_SIDE))


@st.cache_data(max_entries=64, ttl=TTL, max_size="64MB", show_spinner=False, scope="session")
def _labels_png(
    key: str, settings: Settings, _seg: Segmentation, _colors: NDArray[np.int32]
) -> bytes:
    return export.indexed_png(_shown_labels(_seg, _colors), _seg.palette)


def _shown_labels(seg: Segmentation, colors: NDArray[np.int32]) -> NDArray[np.int16]:
    if seg.pixel_labels is None:
        return np.append(seg.color_labels, np.int16(-1)).take(colors)
    # Pixels of one colour need not all be in one cluster.
    return seg.labels_at(*_image(seg).grid(PREVIEW_SIDE))


def previews(
    picture: Picture, seg: Segmentation
) -> tuple[tuple[bytes, str], bytes, tuple[int, int]]:
    """Original with its MIME type, labels as indexed PNG, and their size (width, height)."""
    image, sized = _image(seg), (picture.key, seg.settings.width)
    original = _original[picture.shared](*sized, image)
    colors = _colors_of_preview(picture, seg)
    labels = _labels_png(picture.key, seg.settings, seg, colors)
    return original, labels, (colors.shape[1], colors.shape[0])


def _colors_of_preview(picture: Picture, seg: Segmentation) -> NDArray[np.int32]:
    sized = picture.key, seg.settings.width
    return _shown_colors[picture.shared](*sized, _image(seg), seg.histogram)


Box = tuple[int, int, int, int]


@st.cache_data(max_entries=8, ttl=TTL, max_size="32MB", show_spinner=False, scope="session")
def _region(key: str, settings: Settings, region: Box, _seg: Segmentation) -> tuple[bytes, bytes]:
    left, top, right, bottom = region
    image, rows, columns = _image(_seg), slice(top, bottom), slice(left, right)
    pixels = image.pixels[rows, columns]
    if image.opaque is not None:
        pixels = np.dstack((pixels, image.opaque[rows, columns].astype(np.uint8) * 255))
    return export.png(pixels), export.indexed_png(_seg.labels_at(rows, columns), _seg.palette)


def region(picture: Picture, seg: Segmentation, wanted: Box) -> tuple[Box, bytes, bytes]:
    """A part at full size: where it lies, and the original and the labels as PNG."""
    box = within(_image(seg), wanted)
    return box, *_region(picture.key, seg.settings, box, seg)


def within(image: Image, wanted: Box) -> Box:
    """What of a part lies in the picture: left, top, right, bottom, at most REGION_SIDE apart.

    Any whole numbers give at least one pixel.
    """

    def side(low: int, high: int, size: int) -> tuple[int, int]:
        middle = min(max((low + high) // 2, 0), size)
        half = min(max((high - low) // 2, 1), REGION_SIDE // 2)
        return max(min(middle - half, size - 1), 0), min(middle + half, size)

    (left, right), (top, bottom) = (
        side(wanted[0], wanted[2], image.width),
        side(wanted[1], wanted[3], image.height),
    )
    return left, top, right, bottom


@dataclass(eq=False)
class _Series(Generic[T]):
    """What a view has of its pictures so far."""

    items: list[T] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def grow(self, more: Callable[[int], Iterator[T]]) -> Iterator[T]:
        """All that are there, then ``more(number)`` of them; what is interrupted goes on later."""
        yield from (known := list(self.items))
        with self.lock:
            yield from self.items[len(known) :]
            for item in more(len(self.items)):
                self.items.append(item)
                yield item


@_for_both(max_entries=4)
def _tiles(key: str, settings: Settings) -> _Series[explore.Tile]:
    return _Series()


@_for_both(max_entries=4)
def _rungs(key: str, settings: Settings) -> _Series[explore.Rung]:
    return _Series()


def sheet(picture: Picture, settings: Settings) -> Iterator[explore.Tile]:
    """A tile for every colour space and channel set, as they are made."""
    image, histogram = _sized[picture.shared](picture.key, settings.width, picture.image)
    wanted = explore.views(settings)
    series = _tiles[picture.shared](picture.key, wanted[0])
    return series.grow(lambda done: explore.sheet(image, histogram, wanted[done:]))


def tile(picture: Picture, settings: Settings) -> explore.Tile:
    """One segmentation, small."""
    image, histogram = _sized[picture.shared](picture.key, settings.width, picture.image)
    series = _tiles[picture.shared](picture.key, settings)
    return next(series.grow(lambda done: explore.sheet(image, histogram, [settings])))


def ladder(picture: Picture, settings: Settings, most: int) -> Iterator[explore.Rung]:
    """K from 2 up, as they are made."""
    image, histogram = _sized[picture.shared](picture.key, settings.width, picture.image)
    plain = replace(explore.automatic(settings), n_clusters=most)
    series = _rungs[picture.shared](picture.key, plain)
    return series.grow(
        lambda done: explore.ladder(image, histogram, plain, range(2 + done, most + 1))
    )


def residual(picture: Picture, seg: Segmentation) -> NDArray[np.float64]:
    """Delta E between original and segmentation at each pixel of the preview."""
    colors = _colors_of_preview(picture, seg)
    return explore.residual(seg.histogram, colors, _shown_labels(seg, colors), seg.palette)


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
