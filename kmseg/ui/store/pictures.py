"""The pictures on the page, and their pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Final

import streamlit as st

from kmseg.picture import frames
from kmseg.picture.image import Image
from kmseg.picture.levels import Scale
from kmseg.picture.masks import PackedMask
from kmseg.picture.probe import DEFAULT_READING
from kmseg.picture.reading import Reading
from kmseg.samples import SAMPLES, sample_image
from kmseg.ui.server import gates
from kmseg.ui.store import caches
from kmseg.ui.store.store import Key
from kmseg.ui.store.work import Jobs

_decoding: Final = Jobs()
# Ends of the notes about colour with more than 8 bits, see kmseg.picture.levels.
_DEEP: Final = ("shown as 8", "shown as 0 to 255")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture on the page.

    Attributes
    ----------
    key : str
        A sample's key, or the digest of an upload.
    name : str
        Its name on the page.
    width, height : int
        In pixels, upright.
    owner : str
        The session that owns its cached results; ``EVERYBODY`` for samples.
    read : callable
        Decodes it, as ``reading`` without its region and mask says; raises ``KmsegError``.
    large : bool
        Whether decoding takes so much memory that only one such picture is decoded at a time.
    reading : Reading
        How ``read`` reads the file.
    notes : tuple of str
        How the file's values were converted. The text may contain strings from the file.
    scale : Scale or None
        For gray with more than 8 bits: how levels map to the file's values.
    thumbnail : bytes
        A small WebP; empty for samples.
    mask : PackedMask or None
        The mask that ``reading`` names.
    """

    key: str
    name: str
    width: int
    height: int
    owner: str
    read: Callable[[], Image]
    large: bool = False
    reading: Reading = DEFAULT_READING
    notes: tuple[str, ...] = ()
    scale: Scale | None = None
    thumbnail: bytes = b""
    mask: PackedMask | None = None

    @property
    def frames(self) -> tuple[str, int]:
        """The noun for the file's frames, and their number: ``("page", 3)``."""
        found = filter(None, map(frames.parse_description, self.notes))
        return next(found, ("frame", 1))

    @property
    def units(self) -> tuple[float, float, int] | None:
        """The file's values at levels 0 and 255, and the decimals that a level resolves."""
        return None if self.scale is None else self.scale.ends

    @property
    def has_levels(self) -> bool:
        """Whether the file has more than 8 bits, so that its levels can be chosen."""
        return self.scale is not None or any(note.endswith(_DEEP) for note in self.notes)


@st.cache_resource(max_entries=len(SAMPLES), show_spinner=False)
def _sample(key: str) -> Image:
    return sample_image(key)


def sample(key: str, reading: Reading = DEFAULT_READING) -> Picture:
    """A sample by its key, of which only a region counts; its levels and frame are fixed."""
    image = _sample(key)
    return Picture(
        key,
        SAMPLES[key].title,
        image.width,
        image.height,
        caches.EVERYBODY,
        lambda: image,
        reading=Reading(region=reading.region),
    )


def key_of(picture: Picture, width: int = 0) -> Key:
    """The cache key of a picture at a width."""
    return picture.owner, picture.key, picture.reading, width


def pixels(picture: Picture) -> Image:
    """A picture's pixels; raises ``KmsegError``."""
    with pixels_of(picture) as image:
        return image


@contextmanager
def pixels_of(picture: Picture, width: int = 0) -> Iterator[Image]:
    """A picture's pixels at a width, while the context lasts; raises ``KmsegError``.

    Runs that need the same picture share one decoding. A run that waits for it, or for a slot of
    ``LARGE``, holds no slot of ``PIXELS``.
    """
    stop = gates.stop_if_cancelled
    key = key_of(picture)
    while True:
        with ExitStack() as decoding:
            is_cached = _cached(picture, width) is not None
            if not is_cached:
                decoding.enter_context(_decoding.exclusive(key, lambda _: stop()))
                if picture.large:
                    decoding.enter_context(gates.LARGE.admitted(stop))
            with gates.PIXELS.admitted(stop):
                image = _cached(picture, width)
                if image is None and is_cached:
                    continue  # it was evicted while this run waited
                if image is None:
                    image = _whole(picture).within(picture.reading.region)
                    if picture.mask is not None:
                        image = image.masked(picture.mask.unpacked)
                    caches.pixels().put(key, image)
                decoding.close()
                yield _resized(picture, image, width)
                return


def _cached(picture: Picture, width: int) -> Image | None:
    """The cached picture at this width, otherwise at full width; None if neither is cached."""
    for cached_width in (width, 0):
        image: Image | None = caches.pixels().find(key_of(picture, cached_width))
        if image is not None:
            return image
    return None


def _whole(picture: Picture) -> Image:
    """The picture without its region and mask, decoded unless it is cached."""
    whole = replace(picture, reading=picture.reading.whole)
    is_part = whole.reading != picture.reading
    image: Image | None = caches.pixels().find(key_of(whole)) if is_part else None
    return picture.read() if image is None else image


def _resized(picture: Picture, image: Image, width: int) -> Image:
    if width not in (0, image.width):
        image = image.resized(width)
        caches.pixels().put(key_of(picture, width), image)
    return image
