"""Data computed once per picture, and segmentations."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kmseg import explore
from kmseg.histogram import ColorHistogram, color_histogram
from kmseg.kmeans import Progress
from kmseg.kmeans.engines import ENGINES
from kmseg.labeling import ByPixel, Packed, PixelGrid
from kmseg.output import encode
from kmseg.parallel.gate import Pause, PreemptedError, Waiting
from kmseg.picture.image import Image
from kmseg.picture.levels import Scale
from kmseg.segmentation import Segmentation, segment
from kmseg.settings import TIDYING, Settings
from kmseg.ui.server.gates import WORK, slot, stop_if_cancelled
from kmseg.ui.store import caches
from kmseg.ui.store.pictures import Picture, key_of, pixels_of
from kmseg.ui.store.store import Key
from kmseg.ui.store.work import Job, Jobs

# Longest side of a preview in pixels, about what a screen can show of a picture.
PREVIEW_SIDE: Final = 960
# A preview at full size is lossless if that takes at most this many bytes; others are lossy.
MAX_EXACT: Final = 100_000

_segmenting: Final = Jobs()


@dataclass(frozen=True, slots=True, eq=False)
class PictureData:
    """Data of a picture at one width that does not depend on any other setting.

    Attributes
    ----------
    width, height : int
        In pixels.
    histogram : ColorHistogram
        Of its U colours.
    original : bytes
        The preview of the original, with its transparency, as WebP.
    preview, tile : PixelGrid
        The pixels of the preview, and those of :func:`kmseg.explore.tile_grid`.
    notes, scale, pixels_per_mm
        As in :class:`kmseg.picture.image.Image`.
    """

    width: int
    height: int
    histogram: ColorHistogram
    original: bytes
    preview: PixelGrid
    tile: PixelGrid
    notes: tuple[str, ...]
    scale: Scale | None
    pixels_per_mm: float


def _data_of(image: Image) -> PictureData:
    histogram = color_histogram(image)
    preview = PixelGrid.of(image, histogram, PREVIEW_SIDE)
    return PictureData(
        width=image.width,
        height=image.height,
        histogram=histogram,
        original=_original(image, len(preview.columns)),
        preview=preview,
        tile=explore.tile_grid(image, histogram),
        notes=image.notes,
        scale=image.scale,
        pixels_per_mm=image.pixels_per_mm,
    )


def _original(image: Image, width: int) -> bytes:
    pixels = as_seen(image, width)
    if width == image.width and len(exact := encode.webp(pixels, exact=True)) <= MAX_EXACT:
        return exact
    return encode.webp(pixels)


def as_seen(
    image: Image, width: int, rows: slice = slice(None), columns: slice = slice(None)
) -> NDArray[np.uint8]:
    """A region at a width: RGB, or RGBA with transparency; shape (h, width, 3 or 4)."""
    pixels, alpha = image.averaged(width, rows, columns)
    return pixels if alpha is None else np.dstack((pixels, alpha))


def data(picture: Picture, width: int = 0) -> PictureData:
    """A picture's data at a width; raises ``KmsegError``."""

    def make() -> PictureData:
        with pixels_of(picture, width) as image, slot():
            return _data_of(image)

    made: PictureData = caches.results().get(key_of(picture, width), make, stop_if_cancelled)
    return made


def size(picture: Picture, seg: Segmentation) -> tuple[int, int]:
    """Width and height of the clustered picture, in pixels."""
    made = data(picture, seg.settings.width)
    return made.width, made.height


def pixels_per_mm(picture: Picture, seg: Segmentation) -> float:
    """The scale of the clustered picture by what its file states; 0 if it states none."""
    return data(picture, seg.settings.width).pixels_per_mm


def segmentation(
    picture: Picture,
    settings: Settings,
    progress: Progress = lambda done, attempts: None,
    waiting: Waiting = stop_if_cancelled,
) -> Segmentation:
    """The segmentation of a picture, without its pixels; :func:`tidied` tidies it.

    It is computed once. Other runs that need it meanwhile wait and see the same progress. If the
    run that computes it is cancelled, a waiting run takes over.

    Parameters
    ----------
    picture : Picture
    settings : Settings
        ``smallest_region`` and ``fill_holes`` are left out of the result's.
    progress : callable, optional
        As in :func:`kmseg.segment`; an exception ends this run's work or wait.
    waiting : callable, optional
        ``waiting(ahead)`` is called while this run waits for a slot, with the number of other
        waiting jobs.

    Returns
    -------
    Segmentation
        A copy that shares its arrays with the cached one, so properties memoised for a caller, such
        as ``labels``, are not kept in the cache.

    Raises
    ------
    KmsegError
    """
    settings = settings.untidied()
    key = key_of(picture, settings.width)
    made = data(picture, settings.width)
    found: Segmentation | None = caches.results().find(key, settings)
    if found is None:

        def follow(job: Job) -> None:
            stop_if_cancelled()
            progress(*job.progress)

        with _segmenting.exclusive((key, settings), follow) as job:
            found = caches.results().find(key, settings)
            if found is None:
                source: Image | ColorHistogram = made.histogram
                if ENGINES[settings.engine].visits_pixels:  # the page gives these a small picture
                    with pixels_of(picture, settings.width) as image:
                        source = image
                found = _segment(source, made.histogram, settings, job, slot(waiting), progress)
                caches.results().put(key, found, settings)
    return copy(found)


def tidied(picture: Picture, seg: Segmentation, settings: Settings) -> Segmentation:
    """A segmentation after the last step of these settings, without its pixels.

    Parameters
    ----------
    picture : Picture
    seg : Segmentation
        That of :func:`segmentation` or of another store's function, with or without merges.
    settings : Settings
        Only ``smallest_region`` and ``fill_holes`` count.

    Raises
    ------
    KmsegError
    """
    how = {name: getattr(settings, name) for name in TIDYING}
    if not settings.tidies:
        return seg
    width = seg.settings.width
    data(picture, width)  # the result is cached as a part of it

    def make() -> Segmentation:
        with pixels_of(picture, width) as image, slot():
            made = replace(seg, image=image).tidied(**how)
            assert isinstance(made.labeling, ByPixel)
            packed = Packed.of(made.labeling)
        return replace(made, image=None, labeling=packed, untidied=seg)

    part = part_of(replace(seg, settings=replace(seg.settings, **how), untidied=seg))

    found: Segmentation = caches.results().get(
        key_of(picture, width), make, stop_if_cancelled, part=part
    )
    return copy(found)


def part_of(seg: Segmentation) -> Hashable:
    """The part of the picture's results under which a segmentation is kept."""
    if seg.untidied is None:
        return seg.settings
    return "tidied", seg.settings, seg.untidied.merges, seg.clusters.digest if seg.carried else ""


def segment_when_idle(key: Key, settings: Settings, check: Callable[[], None]) -> None:
    """Make a segmentation that no run has requested, while the server is idle.

    A run that requests it meanwhile waits for it, as for a segmentation made by another run.

    Parameters
    ----------
    key : Key
        Key of a picture at ``settings.width``. Nothing is done unless its data is cached.
    settings : Settings
        Settings with an engine that does not visit pixels.
    check : callable
        Called between the steps; raises ``PreemptedError`` if the segmentation is no longer needed.

    Raises
    ------
    PreemptedError
        The server is not idle, or a run is making this segmentation.
    """
    made: PictureData | None = caches.results().find(key)

    def made_by_a_run(job: Job) -> None:
        raise PreemptedError

    if made is None or caches.results().has(key, settings):
        return
    with _segmenting.exclusive((key, settings), made_by_a_run) as job:
        if caches.results().has(key, settings):
            return

        def progress(done: int, attempts: int) -> None:
            if not job.is_awaited:
                check()

        idle = WORK.idle(lambda: job.is_awaited)
        found = _segment(made.histogram, made.histogram, settings, job, idle, progress)
        caches.results().put(key, found, settings, spare=not job.is_awaited)


def _segment(
    source: Image | ColorHistogram,
    histogram: ColorHistogram,
    settings: Settings,
    job: Job,
    admission: AbstractContextManager[Pause],
    progress: Progress,
) -> Segmentation:
    job.progress = 0, settings.attempts
    with admission as pause:

        def tell(done: int, attempts: int) -> None:
            job.progress = done, attempts
            pause()
            progress(done, attempts)

        found = segment(source, settings, histogram=histogram, progress=tell)
        return replace(found, image=None)
