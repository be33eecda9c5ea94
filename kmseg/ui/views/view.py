"""The definition of a view, and controls that several views share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import streamlit as st

from kmseg import explore

if TYPE_CHECKING:
    from kmseg.picture.reading import Reading
    from kmseg.segmentation import Segmentation
    from kmseg.settings import Settings
    from kmseg.ui import store


class Place(StrEnum):
    """The page's places; each holds one or more views. Places without views are not shown."""

    EXPLORE = "Explore"
    WATCH = "Watch"
    COMPARE = "Compare"
    REGIONS = "Regions"
    DOWNLOAD = "Download"


@dataclass(frozen=True, slots=True)
class Option:
    """A choice within a view.

    Attributes
    ----------
    name : str
        Its name in a link, and the key of its widget.
    titles : dict of str to str
        The page's title of each value; the default comes first.
    """

    name: str
    titles: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class ViewContext:
    """The data that a view draws.

    Attributes
    ----------
    picture : Picture
    wanted : Settings
        The settings of the controls; ``seg.settings`` may have a smaller width or fewer attempts.
    seg, merged : Segmentation
        Before and after clusters were merged and tidied.
    focus : tuple of int
        Clusters of ``seg`` in focus, numbered from 0; up to date if the view has
        ``needs_focus``.
    address : str
        The browser's name for ``seg``, see :func:`kmseg.ui.link.address`.
    find : callable
        ``find(name, reading)`` is the session's picture with this name in a link, or None.
    """

    picture: store.Picture
    wanted: Settings
    seg: Segmentation
    merged: Segmentation
    focus: tuple[int, ...]
    address: str
    find: Callable[[str, Reading], store.Picture | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One view of the page.

    Attributes
    ----------
    key : str
        Its name in a link.
    title : str
    place : Place
    show : callable
        ``show(context)`` draws it. The page shows the message of a ``KmsegError`` that it raises.
    options : tuple of Option
        Choices that are part of links. Their names differ from those of other views and settings.
    needs_focus : bool
        Whether the browser reports every change of focus to the server.
    """

    key: str
    title: str
    place: Place
    show: Callable[[ViewContext], None]
    options: tuple[Option, ...] = ()
    needs_focus: bool = False


def choose(label: str, titles: dict[str, str], key: str, *, labelled: bool = False) -> str:
    """Draw a row of choices; returns the chosen key of ``titles``."""
    chosen = st.segmented_control(
        label,
        list(titles),
        key=key,
        required=True,
        format_func=titles.__getitem__,
        persist_state="session",
        label_visibility="visible" if labelled else "collapsed",
    )
    return chosen or next(iter(titles))


def say_automatic(settings: Settings) -> None:
    """Show a note if a view's segmentations use another engine or start than the settings."""
    if explore.automatic(settings) != settings:
        st.caption(
            "These pictures use the exact engine, and k-means++ in place of your own colours, "
            "whatever the sidebar says. Clicking one changes those settings too."
        )
