"""Original and segmentation side by side, at the same size, pixel for pixel."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from kmseg.ui.assets import asset, media_url

_mount = st.components.v2.component(
    "kmseg_viewer",
    html=asset("viewer.html"),
    css=asset("viewer.css"),
    js=asset("address.js") + asset("viewer.js"),
)


def viewer(
    original: tuple[bytes, str],
    segmentation: bytes,
    size: tuple[int, int],
    caption: str,
    description: str,
    on_pick: Callable[[], None] | None,
    hint: str,
    key: str = "viewer",
) -> None:
    """Show two pictures of equal size.

    Parameters
    ----------
    original : tuple of (bytes, str)
        The encoded picture and its MIME type.
    segmentation : bytes
        PNG.
    size : tuple of (int, int)
        Width and height in pixels, of both.
    caption, description : str
        Of the segmentation: what stands under it, and what is read out.
    on_pick : callable, optional
        Makes the original clickable; ``st.session_state[key].picked`` is then ``{"x", "y"}``, as
        parts of the width and the height.
    hint : str
        What stands beside "Original".
    key : str
    """
    _mount(
        key=key,
        data={
            "original": media_url(*original, f"{key}.original"),
            "segmentation": media_url(segmentation, "image/png", f"{key}.segmentation"),
            "width": size[0],
            "height": size[1],
            "caption": caption,
            "description": description,
            "pick": on_pick is not None,
            "hint": hint,
        },
        on_picked_change=on_pick or (lambda: None),
    )
