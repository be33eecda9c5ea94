"""Uploads that become pictures, or a sentence that says why they cannot."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from kmseg.errors import KmsegError
from kmseg.picture.apart import LARGE, n_pixels, read_image_apart
from kmseg.picture.image import Image
from kmseg.ui.server import configuration, incidents, uploads
from kmseg.ui.store import caches
from kmseg.ui.store.pictures import Picture
from kmseg.ui.store.results import data

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile


def upload(file: UploadedFile, name: str) -> Picture:
    """A visitor's picture; raises ``KmsegError``."""
    content, owner = file.getvalue(), caches.owner()
    opened = _opened(file.file_id, owner, content)
    if isinstance(opened, KmsegError):
        raise opened
    digest, width, height = opened
    return Picture(
        digest, name, width, height, owner, _reader(content), large=width * height > LARGE
    )


# As many as a session may have files: the page opens all of them again in each of its runs.
@st.cache_resource(
    max_entries=uploads.MAX_FILES, show_spinner="Reading the picture…", scope="session"
)
def _opened(file_id: str, owner: str, _content: bytes) -> tuple[str, int, int] | KmsegError:
    """Digest, width and height of an upload, or why it cannot be read.

    An error that may be gone at the next attempt is raised, so it is not cached.
    """
    digest = hashlib.sha256(_content).hexdigest()
    try:
        uploads.check(_content)
        large = n_pixels(_content, limits=configuration.current().limits) > LARGE
        made = data(Picture(digest, "", 0, 0, owner, _reader(_content), large))
    except KmsegError as error:
        if error.transient:
            raise
        incidents.note("upload_refused", f"{type(error).__name__} bytes={len(_content)}")
        return error
    return digest, made.width, made.height


def _reader(content: bytes) -> Callable[[], Image]:
    return partial(read_image_apart, content, limits=configuration.current().limits)
