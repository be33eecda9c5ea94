"""Original and segmentation, at the same size, down to single pixels, painted in the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from kmseg.ui.components.assets import asset

_mount = st.components.v2.component(
    "kmseg_viewer",
    html=asset("viewer/viewer.html"),
    css=asset("viewer/viewer.css"),
    js=asset("shared/address.js")
    + asset("shared/focus.js")
    + asset("spaces.js", "kmseg.color")
    + asset("viewer/viewer.js"),
)


def viewer(
    data: dict[str, Any],
    on_pick: Callable[[], None],
    on_action: Callable[[], None],
    key: str = "viewer",
) -> None:
    """Show a picture and its segmentation.

    Layout, paint, zoom and focus change in the browser, without a message to the server.

    Parameters
    ----------
    data : dict
        ``original`` and ``labels``: addresses of the picture and of its labels as an indexed PNG;
        ``width``, ``height``: their size; ``full``: [W, H] of what was clustered;
        ``region``: None, or ``x``, ``y`` of a part at full size with ``original`` and ``labels``;
        ``picture``, ``segmentation``: what names them, to forget zoom and focus with them;
        ``palette``: "#rrggbb" of each cluster; ``groups``: lists of clusters merged into one, with
        ``colors``, ``names`` and ``counts`` of each; ``space``, ``coordinates``: of the readout;
        ``k``, ``ks``: K as it is set, and its least and greatest value;
        ``alt``, ``description``: what is read out; ``hint``: what stands beside "Original";
        ``pick``: whether a click on the original calls ``on_pick``; ``file``: None, or ``url``,
        ``name`` and ``id`` of a file to save.
    on_pick : callable
        ``st.session_state[key].picked`` is then ``{"x", "y"}``, as parts of width and height.
    on_action : callable
        ``.action`` is ``{"what", "clusters"}``: mask, cutout, merge or split; or "k" and ``k``.
    key : str
        ``st.session_state[key].region`` is ``[x0, y0, x1, y1]`` in a run in which the viewer asks
        for this part, in pixels of the full size.
    """
    _mount(
        key=key,
        data=data,
        on_picked_change=on_pick,
        on_region_change=lambda: None,
        on_action_change=on_action,
    )
