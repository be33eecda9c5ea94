"""Error messages on the page, with a "Try again" button for transient errors.

A :class:`KmsegError` may be raised in the script, in a widget's callback or in the thread that
creates a download. All are reported here, so each refused request is counted once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from kmseg.errors import BusyError, KmsegError, SavedFileError
from kmseg.ui import text
from kmseg.ui.server import incidents
from kmseg.ui.session import session


@contextmanager
def shown(place: str) -> Iterator[None]:
    """Show a ``KmsegError`` raised in the block, below the block's elements; the run continues.

    Parameters
    ----------
    place : str
        What failed, for the log; unique among the places that may fail in the same run.
    """
    try:
        yield
    except KmsegError as error:
        report(error, place)


@contextmanager
def collected(errors: dict[str, KmsegError], place: str) -> Iterator[None]:
    """Store a ``KmsegError`` of the block in ``errors``, to be reported further down the page."""
    try:
        yield
    except KmsegError as error:
        errors[place] = error


def report(error: KmsegError, place: str, retry: Callable[[], None] | None = None) -> None:
    """Show an error message, count it, and offer "Try again" if the error is transient.

    Parameters
    ----------
    error : KmsegError
    place : str
        As for :func:`shown`.
    retry : callable, optional
        Called by "Try again" before the page runs again.
    """
    st.error(_said(error))
    offer_retry([error], place, retry)


def offer_retry(
    errors: list[KmsegError], place: str, retry: Callable[[], None] | None = None
) -> None:
    """Count errors that were shown; draw "Try again" if any of them is transient."""
    count(errors, place)
    if any(error.transient for error in errors):
        st.button("Try again", key=f"try again: {place}", on_click=retry)


def in_callback(callback: Callable[[], None], what: str) -> Callable[[], None]:
    """Wrap a widget's callback so that the next run shows its ``KmsegError``.

    Streamlit calls callbacks before the script, which would not run after an exception.
    """

    def call() -> None:
        try:
            callback()
        except KmsegError as error:
            count([error], "callback")
            session.failures[what] = error

    return call


def in_download(make: Callable[[], bytes], what: str) -> Callable[[], bytes]:
    """Wrap a download's function so that the next run shows its ``KmsegError``.

    Streamlit calls the function in a separate thread, which cannot draw, and shows at the button
    that the download failed. The next run shows the reason, unless a later attempt succeeded.
    """
    failures = session.failures

    def call() -> bytes:
        try:
            content = make()
        except KmsegError as error:
            count([error], "download")
            failures[what] = error
            raise
        failures.pop(what, None)
        return content

    return call


def show_earlier() -> None:
    """Show errors raised since the last run began, each once."""
    failures = session.failures
    for what in list(failures):
        if error := failures.pop(what, None):  # a download may have succeeded meanwhile
            st.error(f"{what}: {_said(error)}")


def _said(error: KmsegError) -> str:
    """The message as Markdown; that about a saved file quotes it, and it may contain markup."""
    return text.plain(str(error)) if isinstance(error, SavedFileError) else str(error)


def count(errors: list[KmsegError], place: str) -> None:
    """Count errors as one refused request if any of them means that the server is busy."""
    if any(isinstance(error, BusyError) for error in errors):
        incidents.note("busy", place)
