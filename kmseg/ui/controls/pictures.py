"""Choice of the picture: the strip of uploads and samples, and its controls in the sidebar."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

import streamlit as st

from kmseg.errors import KmsegError
from kmseg.picture import formats
from kmseg.picture.reading import Reading
from kmseg.samples import SAMPLES
from kmseg.ui import failures, link, presets, store, text
from kmseg.ui.components.album.album import AlbumData, AlbumPicture, album
from kmseg.ui.components.assets import asset, media_url
from kmseg.ui.controls import reading
from kmseg.ui.picture_names import UPLOAD, is_upload, upload_name
from kmseg.ui.records import Refusal
from kmseg.ui.server import platform
from kmseg.ui.server.uploads import NoRoomError
from kmseg.ui.session import Key, session
from kmseg.ui.store import thumbnails

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

MISSING: Final = (
    "This link was made with a picture that is not in the link. Open that picture, or any other, "
    "to apply these settings to it."
)
KEPT: Final = (
    f"{formats.listed()}. Your pictures stay on this server while this page is open, and in this "
    "browser for up to a week, so that they come back after a reload. Nobody else can see them, "
    "and no link contains them."
)


@dataclass(frozen=True, slots=True)
class _Own:
    """A readable upload: the picture as read by default, and a function for other readings."""

    picture: store.Picture
    read_as: Callable[[Reading], store.Picture]


Find = Callable[[str, Reading], store.Picture | None]
"""Finds a picture by its name in a link and how it is read; None if the session lacks it."""


def choose() -> tuple[store.Picture | None, Find]:
    """Draw the strip of pictures, and the chosen picture's controls in the sidebar.

    A new upload is chosen at once.

    Returns
    -------
    Picture or None
        None while the requested picture is missing; no other picture replaces it.
    Find

    Raises
    ------
    KmsegError
        The chosen picture cannot be read with the chosen frame or levels.
    """
    side = st.sidebar.container()
    photo = _camera()
    own = _own_pictures([*_uploads(), *photo])
    _replace_photo(own, photo)
    chosen = session.picture
    is_there = chosen in own or chosen in SAMPLES
    if is_there:
        presets.follow(chosen)
    _strip(own, chosen if is_there else "")
    session.drawn &= is_there
    with side:
        picture = None
        if chosen in own:
            picture = reading.choose(own[chosen].picture, own[chosen].read_as)
        elif is_there:
            picture = _sample(chosen)
    return picture, partial(_find, own)


def _find(own: dict[str, _Own], name: str, reading: Reading) -> store.Picture | None:
    if not store.has_mask(reading.mask):
        return None
    if name in SAMPLES:
        return store.with_mask(store.sample(name, reading), reading.mask)
    found = [each for key, each in own.items() if is_upload(name, key)]
    return store.with_mask(found[-1].read_as(reading), reading.mask) if found else None


def _sample(key: str) -> store.Picture:
    """A sample; draws its description and a button for its suggested settings."""
    picture = reading.choose(store.sample(key), partial(store.sample, key))
    st.caption(text.names(SAMPLES[key].description))
    st.button(
        "Try these settings",
        on_click=partial(session.set_settings, presets.of(key)),
        help="Sets the colour space, channels and K of this line, and resets everything else.",
    )
    return picture


# -- files -----------------------------------------------------------------------------------------


def _uploads() -> list[UploadedFile]:
    """The files of Streamlit's uploader, which is hidden: the strip sends files through it."""
    st.html(f"<style>{asset('shared/uploader.css')}</style>")
    # Accept any file: browsers filter by extension, and do not know all picture formats.
    return st.file_uploader(
        "Your own pictures",
        accept_multiple_files=True,
        key=Key.UPLOADS,
        label_visibility="collapsed",
    )


def _camera() -> list[UploadedFile]:
    """The photo taken with the camera, if any."""
    with st.sidebar:
        if not st.toggle("Take a photo", key=Key.CAMERA_ON):
            return []
        photo = st.camera_input("Camera", key=Key.CAMERA, label_visibility="collapsed")
    return [] if photo is None else [photo]


def _own_pictures(uploads: Sequence[UploadedFile]) -> dict[str, _Own]:
    """Readable uploads by key; the others are added to ``session.refused``."""
    own: dict[str, _Own] = {}
    files: dict[str, str] = {}
    session.refused = {
        file: refusal for file, refusal in session.refused.items() if refusal.again != "open"
    }
    errors: list[KmsegError] = []
    for file in uploads:
        if file.file_id in session.removed_files:
            continue
        name = _plain_name(file.name)
        try:
            picture = store.upload(file, name)
        except KmsegError as error:
            _refuse(file.file_id, name, error)
            errors.append(error)
            continue
        files[file.file_id] = picture.key
        if picture.key in own:
            continue
        same_name = sum(other.picture.name.startswith(name) for other in own.values())
        if same_name:
            picture = replace(picture, name=f"{name} ({same_name + 1})")
        own[picture.key] = _Own(picture, partial(store.upload, file, picture.name))
    failures.count(errors, "decode")
    _choose_newest(files)
    return own


def _refuse(file: str, name: str, error: KmsegError) -> None:
    """Record why a file was refused; remove it from the server unless the error is transient."""
    again: Literal["", "open", "send"]
    again = "open" if error.transient else "send" if isinstance(error, NoRoomError) else ""
    if again != "open":
        _remove([file])
    session.refused = session.refused | {file: Refusal(file, name, str(error), again)}


def _choose_newest(files: dict[str, str]) -> None:
    """Choose the newest upload since the previous run, even if its picture was uploaded before.

    The picture that a link names is preferred. Pictures that the browser restores are not chosen.
    """
    new = [key for file, key in files.items() if file not in session.own_files]
    session.own_files = files
    wanted = [key for key in new if is_upload(session.picture, key)]
    fresh = [key for key in new if key not in session.returning]
    session.returning -= set(new)
    if wanted or fresh:
        _take((wanted or fresh)[-1])


def _take(key: str) -> None:
    """Choose a picture; an upload gets the reading of a link whose picture was missing."""
    if session.picture.startswith(UPLOAD) and not is_upload(session.picture, key):
        session.merges = session.focus = ()  # these belong to the missing picture
    session.picture = key
    if key not in SAMPLES and session.linked_reading is not None:
        session.set_reading(key, session.linked_reading)
        session.linked_reading = None


def _replace_photo(own: dict[str, _Own], photo: Sequence[UploadedFile]) -> None:
    """Choose another picture if the visitor cleared the camera photo that was shown."""
    if session.picture == session.photo and session.photo not in own:
        session.picture = next(reversed(own), link.DEFAULT_PICTURE)
    session.photo = next((session.own_files.get(file.file_id, "") for file in photo), "")


def _plain_name(name: str) -> str:
    """A file's name without markup, shortened to at most 40 characters."""
    kept = re.sub(r"[^\w .,()’'-]|__+", " ", name).strip() or "picture"
    return kept if len(kept) <= 40 else f"{kept[:24]}…{kept[-15:]}"


# -- the strip -------------------------------------------------------------------------------------


def _strip(own: dict[str, _Own], chosen: str) -> None:
    wanted = session.picture
    if not wanted.startswith(UPLOAD):
        wanted = upload_name(wanted)
    data = AlbumData(
        pictures=[
            AlbumPicture(key, each.picture.name, _thumbnail(each)) for key, each in own.items()
        ],
        samples=_samples(fails=False),
        failing=_samples(fails=True),
        why=SAMPLES[chosen].why if chosen in SAMPLES else "",
        chosen=chosen,
        session=store.owner(),
        files=session.own_files,
        expected=sorted(session.returning),
        refused=list(session.refused.values()),
        wanted="" if chosen else wanted,
        missing=MISSING,
        kept=KEPT,
        max_bytes=platform.max_upload_bytes(),
        extensions=formats.extensions(),
    )
    album(
        data,
        on_picked_change=_pick,
        on_removed_change=_remove_one,
        on_returning_change=_expect,
        on_dismissed_change=_dismiss,
        on_forgotten_change=_forget,
        on_again_change=lambda: None,
    )


def _samples(*, fails: bool) -> list[AlbumPicture]:
    """The samples on which k-means fails, or the others."""
    return [
        AlbumPicture(key, sample.title, thumbnails.PATH.format(key=key))
        for key, sample in SAMPLES.items()
        if sample.fails == fails
    ]


def _thumbnail(own: _Own) -> str:
    key = f"album.{own.picture.key}"
    return media_url(own.picture.thumbnail, thumbnails.TYPE, key)


def _pick() -> None:
    key = session.event(Key.ALBUM, "picked")
    if isinstance(key, str) and (key in SAMPLES or key in session.own_files.values()):
        _take(key)


def _texts_of(event: str) -> frozenset[str]:
    """The strings that the strip sent with this event."""
    sent = session.event(Key.ALBUM, event)
    return (
        frozenset(each for each in sent if isinstance(each, str))
        if isinstance(sent, list)
        else frozenset()
    )


def _expect() -> None:
    session.returning |= _texts_of("returning")


def _dismiss() -> None:
    dismissed = [file for file in session.refused if file in _texts_of("dismissed")]
    _remove(dismissed)
    session.refused = {
        file: refusal for file, refusal in session.refused.items() if file not in dismissed
    }


def _remove_one() -> None:
    _remove_pictures(_texts_of("removed"))


def _forget() -> None:
    session.refused = {}
    _remove_pictures(session.own_files.values())
    store.forget_masks()


def _remove_pictures(keys: Collection[str]) -> None:
    """Remove uploaded pictures, and the results computed from them, from the server."""
    files = {file: key for file, key in session.own_files.items() if key in keys}
    _remove(list(files))
    for key in files.values():
        store.forget(key)
    session.own_files = {file: key for file, key in session.own_files.items() if file not in files}
    if session.picture in files.values():
        session.picture = next(reversed(session.own_files.values()), link.DEFAULT_PICTURE)
    if session.photo in files.values():
        session.camera_on = False


def _remove(files: list[str]) -> None:
    for file in files:
        platform.remove_upload(file)
    session.removed_files |= set(files)
