"""The starting colours of a manual start: one colour picker for each cluster."""

from __future__ import annotations

import streamlit as st

from kmseg.kmeans.engines import DEFAULT_ENGINE
from kmseg.settings import Settings, to_hex
from kmseg.ui import store
from kmseg.ui.session import Key, session, start_key


def fill(picture: store.Picture) -> None:
    """With a manual start, set missing starting colours to those of the current clusters.

    Raises
    ------
    KmsegError
        The current clusters cannot be computed.
    """
    count = session.n_clusters
    if session.start_slot not in range(1, count + 1):
        session.start_slot = 1
    missing = _missing()
    if session.init == "manual" and missing:
        automatic = session.settings(init=Settings().init, engine=DEFAULT_ENGINE)
        palette = store.segmentation(picture, automatic).palette
        for index in missing:
            session.set_start_color(index, to_hex(palette[index % len(palette)]))


def draw() -> None:
    """Draw the colour pickers, unless the colours could not be computed in this run."""
    count = session.n_clusters
    if not _missing():
        with st.container(horizontal=True, gap="small"):
            for index in range(count):
                st.color_picker(
                    str(index + 1), key=start_key(index), persist_state="session", width="content"
                )
    st.number_input(
        "Next click on the original sets colour",
        min_value=1,
        max_value=count,
        key=Key.START_SLOT,
        help="Each click moves on to the next colour.",
    )


def pick(picture: store.Picture, x: float, y: float) -> None:
    """Set the next starting colour to that of a pixel of the original.

    Parameters
    ----------
    picture : Picture
    x, y : float
        The pixel's position, as fractions of the picture's width and height.

    Raises
    ------
    KmsegError
        The picture's pixels cannot be read.
    """
    column = min(max(int(x * picture.width), 0), picture.width - 1)
    row = min(max(int(y * picture.height), 0), picture.height - 1)
    slot = session.start_slot
    session.set_start_color(slot - 1, to_hex(store.pixels(picture).pixels[row, column]))
    session.start_slot = slot % session.n_clusters + 1


def _missing() -> list[int]:
    """Clusters, numbered from 0, without a starting colour."""
    return [i for i in range(session.n_clusters) if session.start_color(i) is None]
