"""The part of the picture that is clustered: a region that is drawn on it, or a mask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import streamlit as st

from kmseg.picture.reading import Reading
from kmseg.picture.roi import Region, parse_region
from kmseg.ui import failures, store
from kmseg.ui.session import session

_MASK_HELP: Final = """
A picture of the same size. What is white there is clustered; what is black is left out, and is
transparent in the result. A link does not contain the mask.

To draw a rectangle or polygon instead, press **Draw a region** at the pictures.
"""


def show(picture: store.Picture) -> None:
    """Name the region and the mask, each with a button to remove it."""
    reading = session.reading(picture.key)
    if not store.has_mask(reading.mask):
        session.set_reading(picture.key, replace(reading, mask=""))
        session.correct(
            "mask: the link does not contain its mask; open the mask's file again. The whole "
            "picture is used"
        )
    elif reading.mask:
        _named("**Mask** leaves out what is black in it", "Remove mask", set_mask, picture.key, "")
    if reading.region:
        _named(_spelled(reading.region), "Remove region", set_region, picture.key, ())


def open_mask(picture: store.Picture) -> None:
    """Draw the field for a mask's file."""
    key = f"mask of {picture.key}"
    st.file_uploader(
        "Use a mask",
        key=key,
        on_change=failures.in_callback(partial(_take_mask, picture, key), "Mask"),
        help=_MASK_HELP,
    )


def of(
    picture: store.Picture, reading: Reading, read_as: Callable[[Reading], store.Picture]
) -> store.Picture:
    """A picture with this reading, made of the one with the default reading or by ``read_as``."""
    wanted = replace(reading, mask="")
    read = picture if wanted == picture.reading else read_as(wanted)
    return store.with_mask(read, reading.mask)


def set_region(key: str, region: Region) -> None:
    """Cluster only what is inside a region of a picture; without corners, all of it."""
    session.set_reading(key, replace(session.reading(key), region=region))


def set_mask(key: str, digest: str) -> None:
    """Cluster only what a mask of the session says; all of the picture by ""."""
    session.set_reading(key, replace(session.reading(key), mask=digest))


def draw_region(picture: store.Picture, corners: list[Any]) -> None:
    """Set the region of a picture from the fractions of its width and height in the viewer.

    Raises
    ------
    SettingsError
        The corners are no rectangle and no polygon.
    """
    try:
        drawn = [[round(picture.width * u), round(picture.height * v)] for u, v in corners]
    except (TypeError, ValueError, OverflowError):
        drawn = corners  # are refused
    set_region(picture.key, parse_region(drawn))


def _spelled(region: Region) -> str:
    columns, rows = zip(*region, strict=True)
    size = f"{max(columns) - min(columns):,} × {max(rows) - min(rows):,} pixels"
    shape = "rectangle," if len(region) == 2 else f"polygon of {len(region)} corners,"
    return f"**Region** {shape} {size}"


def _named(said: str, label: str, remove: Callable[..., None], *arguments: object) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(said)
        st.button(label, key=label.lower(), on_click=remove, args=arguments)


def _take_mask(picture: store.Picture, key: str) -> None:
    """Use the file of the field; without a file, no mask."""
    file = session.uploaded(key)
    set_mask(picture.key, "" if file is None else store.add_mask(file, picture))
