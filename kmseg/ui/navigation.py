"""The places of the page and the views in each of them: which one is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st

from kmseg.ui.session import Key, session
from kmseg.ui.views import VIEWS, View
from kmseg.ui.views.view import Group

# A place without views is not shown.
PLACES: Final = tuple(
    place for place in Group if any(view.group == place for view in VIEWS.values())
)


def choose_view() -> View:
    """Draw a row of the places, and one of the open place's views if it has several.

    Returns
    -------
    View
        The open view.
    """
    view = VIEWS[session.view]
    session.last_views = session.last_views | {view.group: view.key}
    titles = _titles(view.group)
    with st.container(key="places", horizontal=True, gap="small"):
        _row("Places", {place: place for place in PLACES}, view.group, Key.PLACE, _open_place)
        if len(titles) > 1:
            _row(f"Parts of {view.group}", titles, view.key, Key.PART, _open_part)
    return view


def _titles(place: str) -> dict[str, str]:
    return {view.key: view.title for view in VIEWS.values() if view.group == place}


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
    """Open the view that was open last in the chosen place, or its first."""
    place = session.place
    session.view = session.last_views.get(place, next(iter(_titles(place))))


def _open_part() -> None:
    session.view = session.part
