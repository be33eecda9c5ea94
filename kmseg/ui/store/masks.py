"""The masks that a session has uploaded, by the digests that readings name them by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import streamlit as st

from kmseg.errors import ImageError
from kmseg.picture.masks import PackedMask, bright
from kmseg.ui.store import caches
from kmseg.ui.store.opening import upload
from kmseg.ui.store.pictures import Picture, pixels_of

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

# Masks of one session, each of at most an eighth of a byte for each pixel of the largest picture.
_MOST: Final = 8


@st.cache_resource(show_spinner=False, scope="session")
def _masks(owner: str) -> dict[str, PackedMask]:
    """The masks of a session, the last one used at the end."""
    return {}


def add_mask(file: UploadedFile, picture: Picture) -> str:
    """Keep an upload as a mask for a picture; returns its digest.

    Raises
    ------
    KmsegError
        It is no picture, has another size, or no bright pixel.
    """
    with pixels_of(upload(file, "mask")) as image:
        mask = bright(image)
    if mask.shape != (picture.height, picture.width):
        raise ImageError(
            f"A mask must have the picture's size of {picture.width} x {picture.height} pixels, "
            f"not {image.width} x {image.height}."
        )
    if not mask.any():
        raise ImageError(
            "The mask has no bright pixel: white is kept, and all of it is black. Make what should "
            "be clustered white."
        )
    packed = PackedMask.of(mask)
    kept = _masks(caches.owner())
    kept.pop(packed.digest, None)
    kept[packed.digest] = packed
    while len(kept) > _MOST:
        del kept[next(iter(kept))]
    return packed.digest


def has_mask(digest: str) -> bool:
    """Whether this session has a mask, or none is named."""
    return not digest or digest in _masks(caches.owner())


def forget_masks() -> None:
    """Remove all masks of this session."""
    _masks(caches.owner()).clear()


def with_mask(picture: Picture, digest: str) -> Picture:
    """A picture of which only the pixels under a mask count, if the session has that mask."""
    mask = _masks(caches.owner()).get(digest)
    if mask is None:
        return picture
    return replace(picture, reading=replace(picture.reading, mask=digest), mask=mask)
