"""Opens uploads as pictures, or tells why they cannot be opened."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from kmseg.errors import KmsegError
from kmseg.picture.apart import LARGE, n_pixels, read_image_apart
from kmseg.picture.image import Image
from kmseg.picture.levels import Scale
from kmseg.picture.probe import DEFAULT_READING
from kmseg.picture.reading import Reading
from kmseg.ui.server import configuration, incidents, uploads
from kmseg.ui.store import caches, thumbnails
from kmseg.ui.store.pictures import Picture
from kmseg.ui.store.results import data

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile


@dataclass(frozen=True, slots=True)
class _Opened:
    """The cached result of opening an upload; the fields are those of ``Picture``."""

    key: str
    width: int
    height: int
    notes: tuple[str, ...]
    scale: Scale | None
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class _Refused:
    """The reason why an upload cannot be read.

    A cached exception's traceback would keep the frames of every run that raises it alive, so only
    its type and message are cached.
    """

    kind: type[KmsegError]
    message: str


def upload(file: UploadedFile, name: str, reading: Reading = DEFAULT_READING) -> Picture:
    """An upload as a picture with this reading without its mask; raises ``KmsegError``."""
    reading = replace(reading, mask="")
    content, owner = file.getvalue(), caches.owner()
    opened = _opened(file.file_id, owner, reading, content)
    if isinstance(opened, _Refused):
        raise opened.kind(opened.message)
    return Picture(
        opened.key,
        name,
        opened.width,
        opened.height,
        owner,
        _reader(content, reading),
        large=opened.width * opened.height > LARGE,
        reading=reading,
        notes=opened.notes,
        scale=opened.scale,
        thumbnail=opened.thumbnail,
    )


# Each run opens all files of its session with the default reading, and the chosen file also with
# the chosen reading.
@st.cache_resource(
    max_entries=uploads.MAX_FILES + 20, show_spinner="Reading the picture…", scope="session"
)
def _opened(file_id: str, owner: str, reading: Reading, _content: bytes) -> _Opened | _Refused:
    """An opened upload, or the reason why it cannot be read.

    Transient errors are raised, so they are not cached.
    """
    digest = hashlib.sha256(_content).hexdigest()
    limits = configuration.current().limits
    try:
        uploads.check(_content)
        large = n_pixels(_content, limits=limits, reading=reading) > LARGE
        read = _reader(_content, reading)
        picture = Picture(digest, "", 0, 0, owner, read, large, reading)
        made, thumbnail = data(picture), thumbnails.of_upload(picture)
    except KmsegError as error:
        if error.transient:
            raise
        incidents.note("upload_refused", f"{type(error).__name__} bytes={len(_content)}")
        return _Refused(type(error), str(error))
    return _Opened(digest, made.width, made.height, made.notes, made.scale, thumbnail)


def _reader(content: bytes, reading: Reading) -> Callable[[], Image]:
    limits = configuration.current().limits
    return partial(read_image_apart, content, limits=limits, reading=reading.whole)
