"""What the page keeps: for whom, how much of it, and how long.

Keys are a digest of the picture's bytes and ``Settings``. What comes from a visitor's picture is
kept under that visitor's session and goes with it; the samples are everybody's. Pixels are let go
first: they are decoded again in the few cases in which more is asked for than a segmentation.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from uuid import uuid4

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kmseg import explore
from kmseg.errors import BusyError, KmsegError
from kmseg.histogram import ColorHistogram, color_histogram
from kmseg.kmeans import Progress
from kmseg.labeling import PixelGrid
from kmseg.output import cloud, encode, export
from kmseg.parallel.gate import Waiting
from kmseg.picture.apart import read_image_apart
from kmseg.picture.image import Image
from kmseg.samples import SAMPLES, sample_image
from kmseg.segmentation import Segmentation, segment
from kmseg.settings import Settings
from kmseg.ui.server import incidents, turns, uploads
from kmseg.ui.server.turns import still_wanted, turn
from kmseg.ui.store.budget import MEGABYTE, budget
from kmseg.ui.store.store import Store, n_bytes

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

# What is kept of one picture: segmentations, tiles, previews of labels.
MADE_OF_ONE_BYTES: Final = 24 * MEGABYTE
# What nobody looked at for so long is forgotten, in seconds.
IDLE: Final = 3600.0
# What a screen can show of a picture, in pixels a side.
PREVIEW_SIDE: Final = 960
# A preview that has every pixel is PNG, and a reduced one, whose colours are averages anyway, JPEG.
JPEG_QUALITY: Final = 92
# The greatest side of a part that is shown at full size, in pixels.
REGION_SIDE: Final = 2400

EVERYBODY: Final = ""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture on the page: a key for what is made of it, its name, its size, and whose it is."""

    key: str
    name: str
    width: int
    height: int
    owner: str
    read: Callable[[], Image]


class _Made:
    """What of a picture at one size does not depend on settings, and what of it was made so far."""

    def __init__(self, image: Image) -> None:
        self.width, self.height = image.width, image.height
        self.histogram = color_histogram(image)
        self.preview = PixelGrid.of(image, self.histogram, PREVIEW_SIDE)
        self.original = _original(image, len(self.preview.columns))
        self.tile = explore.tile_grid(image, self.histogram)
        self.kept: Store[Any] = Store(MADE_OF_ONE_BYTES)

    @property
    def n_bytes(self) -> int:
        histogram = n_bytes(self.histogram)
        return histogram + n_bytes([*self.original, self.preview, self.tile]) + self.kept.n_bytes


_pixels: Final[Store[Image]] = Store(budget().pixels)
_made: Final[Store[_Made]] = Store(
    budget().made, lambda made: made.n_bytes, lambda made: made.kept.clear()
)


def drop_idle() -> None:
    """Forget what nobody asked for in the last hour."""
    for store in (_pixels, _made):
        store.drop_idle(IDLE)


def gauges() -> dict[str, tuple[int, str]]:
    """What an operator watches: value and meaning, by name."""
    return {
        "pixel_bytes": (_pixels.n_bytes, "decoded pixels that are kept"),
        "made_bytes": (_made.n_bytes, "what was made of pictures and is kept"),
        "turns_waiting": (turns.WORK.n_waiting, "page runs that wait for a turn"),
        "pixels_waiting": (turns.PIXELS.n_waiting, "page runs that wait for pixels to be decoded"),
    }


# -- pictures -------------------------------------------------------------------------------------


def _forget(owner: str) -> None:
    for store in (_pixels, _made):
        store.drop(owner)


@st.cache_resource(show_spinner=False, scope="session", on_release=_forget)
def _owner() -> str:
    """Whose pictures these are: it ends with the session, and all that is kept for it."""
    return uuid4().hex


@st.cache_resource(max_entries=len(SAMPLES), show_spinner=False)
def _sample(key: str) -> Image:
    return sample_image(key)


def sample(key: str) -> Picture:
    """A sample by its key."""
    image = _sample(key)
    title = SAMPLES[key].title
    return Picture(key, title, image.width, image.height, EVERYBODY, lambda: image)


@st.cache_resource(max_entries=100, show_spinner="Reading the picture…", scope="session")
def _opened(file_id: str, owner: str, _content: bytes) -> tuple[str, int, int] | KmsegError:
    """Digest, width and height of an upload, or why it is none."""
    digest = hashlib.sha256(_content).hexdigest()
    try:
        uploads.check(_content)
        made = _of(Picture(digest, "", 0, 0, owner, lambda: read_image_apart(_content)))
    except BusyError:
        raise
    except KmsegError as error:
        incidents.note("upload_refused", f"{type(error).__name__} bytes={len(_content)}")
        return error
    return digest, made.width, made.height


def upload(file: UploadedFile, name: str) -> Picture:
    """A visitor's picture; raises ``KmsegError``."""
    content, owner = file.getvalue(), _owner()
    opened = _opened(file.file_id, owner, content)
    if isinstance(opened, KmsegError):
        raise opened
    digest, width, height = opened
    return Picture(digest, name, width, height, owner, lambda: read_image_apart(content))


def pixels(picture: Picture) -> Image:
    """A picture's pixels; raises ``KmsegError``."""
    with _pixels_of(picture) as image:
        return image


@contextmanager
def _pixels_of(picture: Picture, width: int = 0) -> Iterator[Image]:
    """Pixels at a width, for as long as they are needed."""
    key = picture.owner, picture.key
    with turns.PIXELS.admitted(still_wanted):
        image = _pixels.get((*key, 0), picture.read)
        if width not in (0, image.width):
            full = image
            image = _pixels.get((*key, width), lambda: full.resized(width))
        yield image


def _of(picture: Picture, width: int = 0) -> _Made:
    def make() -> _Made:
        with _pixels_of(picture, width) as image, turn():
            return _Made(image)

    return _made.get((picture.owner, picture.key, width), make, still_wanted)


def _original(image: Image, width: int) -> tuple[bytes, str]:
    shown = image.resized(width)
    if shown.opaque is not None:
        alpha = np.where(shown.opaque, np.uint8(255), np.uint8(0))
        return encode.png(np.dstack((shown.pixels, alpha))), "image/png"
    if shown is image:
        return encode.png(shown.pixels), "image/png"
    return encode.jpeg(shown.pixels, JPEG_QUALITY), "image/jpeg"


# -- one segmentation -----------------------------------------------------------------------------


@dataclass(eq=False)
class _Work:
    """A segmentation, and how far whoever makes it has come: attempts done, and all of them."""

    progress: tuple[int, int]
    lock: threading.Lock = field(default_factory=threading.Lock)
    seg: Segmentation | None = None


def segmentation(
    picture: Picture,
    settings: Settings,
    progress: Progress = lambda done, attempts: None,
    waiting: Waiting = still_wanted,
) -> Segmentation:
    """The segmentation of a picture, without its pixels; raises ``KmsegError``.

    Each is made once, and who else wants it meanwhile sees the same progress; if its maker gives
    up, the next one takes over. ``progress`` is as in :func:`kmseg.segment`, and ``waiting(ahead)``
    is called while others have their turn.
    """
    made = _of(picture, settings.width)
    work: _Work = made.kept.get((settings,), lambda: _Work((0, settings.attempts)))
    while not work.lock.acquire(timeout=0.1):
        progress(*work.progress)
    try:
        if work.seg is None:
            # The engines that visit every pixel get a small picture.
            source: Image | ColorHistogram = made.histogram
            if settings.engine != "exact":
                with _pixels_of(picture, settings.width) as image:
                    source = image
            with turn(waiting) as pause:

                def tell(done: int, attempts: int) -> None:
                    work.progress = done, attempts
                    pause()
                    progress(done, attempts)

                work.seg = segment(source, settings, histogram=made.histogram, progress=tell)
            _of(picture, settings.width)  # it has grown
        return work.seg
    finally:
        work.lock.release()


def size(picture: Picture, seg: Segmentation) -> tuple[int, int]:
    """Width and height of what was clustered."""
    made = _of(picture, seg.settings.width)
    return made.width, made.height


def previews(
    picture: Picture, seg: Segmentation
) -> tuple[tuple[bytes, str], bytes, tuple[int, int]]:
    """Original with its MIME type, labels as indexed PNG, and their size (width, height)."""
    made = _of(picture, seg.settings.width)
    labels = made.kept.get(
        ("labels", seg.settings),
        lambda: encode.indexed_png(seg.labels_on(made.preview), seg.palette),
    )
    return made.original, labels, (len(made.preview.columns), len(made.preview.rows))


Box = tuple[int, int, int, int]


def region(picture: Picture, seg: Segmentation, wanted: Box) -> tuple[Box, bytes, bytes]:
    """A part at full size: where it lies, and the original and the labels as PNG."""
    made = _of(picture, seg.settings.width)
    box = left, top, right, bottom = within(made.width, made.height, wanted)

    def make() -> tuple[bytes, bytes]:
        rows, columns = slice(top, bottom), slice(left, right)
        with _pixels_of(picture, seg.settings.width) as image, turn():
            part = image.pixels[rows, columns]
            if image.opaque is not None:
                alpha = image.opaque[rows, columns].astype(np.uint8) * 255
                part = np.dstack((part, alpha))
            labels = replace(seg, image=image).labels_at(rows, columns)
            return encode.png(part), encode.indexed_png(labels, seg.palette)

    return box, *made.kept.get(("region", seg.settings, box), make, still_wanted)


def within(width: int, height: int, wanted: Box) -> Box:
    """What of a part lies in a picture: left, top, right, bottom, at most REGION_SIDE apart.

    Any whole numbers give at least one pixel.
    """

    def side(low: int, high: int, size: int) -> tuple[int, int]:
        middle = min(max((low + high) // 2, 0), size)
        half = min(max((high - low) // 2, 1), REGION_SIDE // 2)
        return max(min(middle - half, size - 1), 0), min(middle + half, size)

    (left, right), (top, bottom) = (
        side(wanted[0], wanted[2], width),
        side(wanted[1], wanted[3], height),
    )
    return left, top, right, bottom


def residual(picture: Picture, seg: Segmentation) -> NDArray[np.float64]:
    """Delta E between original and segmentation at each pixel of the preview."""
    made = _of(picture, seg.settings.width)
    with turn():
        return explore.residual(seg, made.preview)


def color_cloud(picture: Picture, seg: Segmentation, space: str, n_points: int) -> cloud.Cloud:
    """The colours of a picture with the clusters of a segmentation of it."""

    def make() -> cloud.Points:
        with turn():
            return cloud.points(seg.histogram, space, n_points)

    kept = _of(picture, seg.settings.width).kept
    return cloud.color_cloud(seg, kept.get(("cloud", space, n_points), make, still_wanted))


def file(
    picture: Picture, seg: Segmentation, download: export.Download, context: export.Context
) -> bytes:
    """The content of a download."""
    with turns.FILES.admitted(), _pixels_of(picture, seg.settings.width) as image:
        return download.make(replace(seg, image=image), context)  # the labels go with the copy


# -- many segmentations ---------------------------------------------------------------------------


@dataclass(eq=False)
class _Series(Generic[T]):
    """What a view has of its pictures so far."""

    items: list[T] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def grow(self, more: Callable[[int], Iterator[T]]) -> Generator[T]:
        """All that are there, then ``more(number)`` of them; what is interrupted goes on later."""
        yield from (known := list(self.items))
        with self.lock:
            yield from self.items[len(known) :]
            with turn() as pause:
                for item in more(len(self.items)):
                    self.items.append(item)
                    pause()
                    yield item


def _series(made: _Made, *key: Any) -> _Series[Any]:
    series: _Series[Any] = made.kept.get(key, _Series)
    return series


def sheet(picture: Picture, settings: Settings) -> Generator[explore.Tile]:
    """A tile for every colour space and channel set, as they are made."""
    made = _of(picture, settings.width)
    wanted = explore.views(settings)
    series = _series(made, "tiles", wanted[0])
    return series.grow(lambda done: explore.sheet(made.histogram, made.tile, wanted[done:]))


def tile(picture: Picture, settings: Settings) -> explore.Tile:
    """One segmentation, small."""
    made = _of(picture, settings.width)
    series = _series(made, "tile", settings)
    found: explore.Tile = next(
        series.grow(lambda done: explore.sheet(made.histogram, made.tile, [settings]))
    )
    return found


def ladder(picture: Picture, settings: Settings, most: int) -> Generator[explore.Rung]:
    """K from 2 up, as they are made."""
    made = _of(picture, settings.width)
    plain = replace(explore.automatic(settings), n_clusters=most)
    return _series(made, "rungs", plain).grow(
        lambda done: explore.ladder(made.histogram, made.tile, plain, range(2 + done, most + 1))
    )
