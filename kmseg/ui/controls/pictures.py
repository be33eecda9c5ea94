"""The sidebar's first part: which picture."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import streamlit as st

from kmseg.errors import KmsegError
from kmseg.picture import formats
from kmseg.picture.reading import Reading
from kmseg.samples import SAMPLES
from kmseg.ui import failures, link, presets, store, text
from kmseg.ui.controls import reading
from kmseg.ui.session import Key, session

# If more files than this cannot be opened, their errors are folded.
MAX_UNFOLDED_ERRORS: Final = 3


@dataclass(frozen=True, slots=True)
class _Own:
    """A readable upload: its picture as by default, and how to read it in another way."""

    picture: store.Picture
    read_as: Callable[[Reading], store.Picture]


def choose() -> store.Picture:
    """Draw the choice of a sample or an upload; a new upload is chosen at once."""
    chooser = st.container()
    own = _own_pictures()
    if session.picture not in {*SAMPLES, *own}:  # the visitor removed it
        session.picture = next(reversed(own), link.DEFAULT_PICTURE)
    with chooser:
        chosen = st.selectbox(
            "Picture",
            [*own, *SAMPLES],
            key=Key.PICTURE,
            format_func=lambda key: own[key].picture.name if key in own else SAMPLES[key].title,
        )
        presets.follow(chosen)
        if chosen in own:
            return reading.choose(own[chosen].picture, own[chosen].read_as)
        picture = store.sample(chosen)
        reading.choose(picture, lambda _: picture)
        st.caption(text.names(SAMPLES[chosen].description))
        st.button(
            "Try these settings",
            on_click=partial(session.set_settings, presets.of(chosen)),
            help="Sets the colour space, channels and K of this line, and resets everything else.",
        )
    return picture


def _own_pictures() -> dict[str, _Own]:
    """The visitor's readable pictures by key; the others get a sentence each."""
    # Any file is accepted: browsers tell pictures by their extension, and do not know all of them.
    uploads = st.file_uploader(
        "Your own pictures",
        accept_multiple_files=True,
        key=Key.UPLOADS,
        help=f"{formats.listed()}. They stay in your session and are forgotten when you leave.",
    )
    photos = []
    if st.toggle("Take a photo", key=Key.CAMERA_ON):
        photos = [st.camera_input("Camera", key=Key.CAMERA, label_visibility="collapsed")]
    own: dict[str, _Own] = {}
    files: dict[str, str] = {}
    refused: list[tuple[str, KmsegError]] = []
    for file in (*uploads, *photos):
        if file is None:
            continue
        name = _plain_name(file.name)
        try:
            picture = store.upload(file, name)
        except KmsegError as error:
            refused.append((name, error))
            continue
        files[file.file_id] = picture.key
        if picture.key in own:
            continue
        same_name = sum(other.picture.name.startswith(name) for other in own.values())
        if same_name:
            picture = replace(picture, name=f"{name} ({same_name + 1})")
        own[picture.key] = _Own(picture, partial(store.upload, file, picture.name))
    _choose_newest(files)
    _show_refused(refused)
    return own


def _choose_newest(files: dict[str, str]) -> None:
    """Choose the newest upload since the previous run, even of a picture that is there already."""
    new = [key for file, key in files.items() if file not in session.own_files]
    session.own_files = files
    if not new:
        return
    session.picture = new[-1]
    if session.linked_reading is not None:
        session.set_reading(new[-1], session.linked_reading)
        session.linked_reading = None


def _show_refused(refused: list[tuple[str, KmsegError]]) -> None:
    """A sentence for each file; many are folded, since the controls are below."""
    if not refused:
        return
    several = len(refused) > MAX_UNFOLDED_ERRORS
    folded = f":material/error: {len(refused)} files could not be opened"
    with st.expander(folded) if several else st.container():
        for name, error in refused:
            st.error(f"{name}: {error}")
    failures.offer_retry([error for _, error in refused], "decode")


def _plain_name(name: str) -> str:
    """A file's name as at most 40 characters without any markup."""
    kept = re.sub(r"[^\w .,()’'-]|__+", " ", name).strip() or "picture"
    return kept if len(kept) <= 40 else f"{kept[:24]}…{kept[-15:]}"
