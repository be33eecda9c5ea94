"""Errors on the page: each becomes a sentence, with a button to try again where that may help.

A :class:`KmsegError` may come up in the script, in a widget's callback or on the thread that makes
a download. All three end here, so that each refused request is counted once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from kmseg.errors import BusyError, KmsegError
from kmseg.ui.server import incidents
from kmseg.ui.session import session


@contextmanager
def shown(place: str) -> Iterator[None]:
    """Show a ``KmsegError`` raised in the block, below what the block drew; the run continues.

    Parameters
    ----------
    place : str
        What failed, for the log; must differ from other places that may fail in the same run.
    """
    try:
        yield
    except KmsegError as error:
        report(error, place)


@contextmanager
def collected(errors: dict[str, KmsegError], place: str) -> Iterator[None]:
    """Put a ``KmsegError`` of the block into ``errors``, to be reported further down the page."""
    try:
        yield
    except KmsegError as error:
        errors[place] = error


def report(error: KmsegError, place: str, retry: Callable[[], None] | None = None) -> None:
    """Show an error as a sentence, count it, and offer to try again if that may help.

    Parameters
    ----------
    error : KmsegError
    place : str
        As for :func:`shown`.
    retry : callable, optional
        What "Try again" does before it runs the page again.
    """
    st.error(str(error))
    offer_retry([error], place, retry)


def offer_retry(
    errors: list[KmsegError], place: str, retry: Callable[[], None] | None = None
) -> None:
    """Count errors that were shown; draw a button to run the page again if any may pass."""
    count(errors, place)
    if any(error.transient for error in errors):
        st.button("Try again", key=f"try again: {place}", on_click=retry)


def in_callback(callback: Callable[[], None], what: str) -> Callable[[], None]:
    """A widget's callback whose ``KmsegError`` is shown by the run that follows.

    Streamlit calls callbacks before the page's script, which then would not run.
    """

    def call() -> None:
        try:
            callback()
        except KmsegError as error:
            count([error], "callback")
            session.failures[what] = error

    return call


def in_download(make: Callable[[], bytes], what: str) -> Callable[[], bytes]:
    """A download's function whose ``KmsegError`` is shown by the next run.

    Streamlit calls it on a thread of its own, where nothing can be drawn. It says at the button
    that the file could not be made; the next run says why, unless a later attempt succeeded.
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
    """Show what failed since the last run began, each once."""
    failures = session.failures
    for what in list(failures):
        if error := failures.pop(what, None):  # a download may have succeeded meanwhile
            st.error(f"{what}: {error}")


def count(errors: list[KmsegError], place: str) -> None:
    """Count errors as one refused request if any of them is a refusal."""
    if any(isinstance(error, BusyError) for error in errors):
        incidents.note("busy", place)
