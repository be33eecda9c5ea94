"""Draws the row of places and the open place's views; opens the view that is chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st

from kmseg.ui.session import Key, session
from kmseg.ui.views import VIEWS, View
from kmseg.ui.views.view import Place

# A place without views is not shown.
PLACES: Final = tuple(
    place for place in Place if any(view.place == place for view in VIEWS.values())
)


def choose_view() -> View:
    """Draw the row of places, and a row of the open place's views if it has several.

    Returns
    -------
    View
        The open view.
    """
    view = VIEWS[session.view]
    session.last_views = session.last_views | {view.place: view.key}
    titles = _titles(view.place)
    with st.container(key="places", horizontal=True, gap="small"):
        _row("Places", {place: place for place in PLACES}, view.place, Key.PLACE, _open_place)
        if len(titles) > 1:
            _row(f"Views in {view.place}", titles, view.key, Key.PART, _open_part)
    return view


def _titles(place: str) -> dict[str, str]:
    return {view.key: view.title for view in VIEWS.values() if view.place == place}


def _row(
    label: str, titles: dict[str, str], chosen: str, key: Key, on_change: Callable[[], None]
) -> None:
    if session.option(key) != chosen:  # a link, Back or a button opened another view
        session.set_option(key, chosen)
    st.segmented_control(
        label,
        list(titles),
        key=key,
        required=True,
        format_func=titles.__getitem__,
        on_change=on_change,
        label_visibility="collapsed",
        wrap=False,
    )


def _open_place() -> None:
    """Open the chosen place's view that was open last, otherwise its first view."""
    place = session.place
    session.view = session.last_views.get(place, next(iter(_titles(place))))


def _open_part() -> None:
    part = session.part
    if VIEWS[part].place == session.place:  # the browser may still send that of the last place
        session.view = part
