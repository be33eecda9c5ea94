"""Segmentations side by side, or one over the other, zoomed together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kmseg.ui.components.component import register

_mount = register("compare")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparePane:
    """One segmentation.

    Attributes
    ----------
    title : str
    lines : sequence of str
        Its settings, and how far it agrees with the first.
    image : str
        Address of its picture; empty if the session lacks the picture.
    width, height : int
        Of that picture, in pixels.
    full_width : int
        Width of the clustered picture, in pixels.
    colors : sequence of str
        Colour of each cluster as painted, ``"#rrggbb"``.
    shares : sequence of float
        Each cluster's share of the pixels, 0 to 1.
    query : dict of str to str
        Query of a link that opens it.
    """

    title: str
    lines: Sequence[str]
    image: str
    width: int
    height: int
    full_width: int
    colors: Sequence[str]
    shares: Sequence[float]
    query: dict[str, str]


@dataclass(frozen=True, slots=True)
class CompareData:
    """Data sent to the browser.

    Attributes
    ----------
    panes : sequence of ComparePane
        The first is the one that the others are compared with.
    editable : bool
        Whether panes can be opened, removed and made the first.
    """

    panes: Sequence[ComparePane]
    editable: bool


def compare(
    panes: Sequence[ComparePane],
    on_removed: Callable[[], None] | None = None,
    on_first: Callable[[], None] | None = None,
    *,
    key: str,
) -> None:
    """Show segmentations.

    Parameters
    ----------
    panes : sequence of ComparePane
    on_removed, on_first : callable, optional
        Called when a pane is removed, or is to be the first. ``st.session_state[key].removed`` or
        ``.first`` is then its index. Without them, panes have no buttons.
    key : str
    """
    callbacks = {"on_removed_change": on_removed, "on_first_change": on_first}
    given = {name: callback for name, callback in callbacks.items() if callback is not None}
    _mount(CompareData(panes, bool(given)), key=key, **given)
