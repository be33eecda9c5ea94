"""A part of the view "Colour spaces": simulated colour vision deficiencies beside clusters."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Final

import streamlit as st

from kmseg import explore
from kmseg.color import COLOR_SPACES
from kmseg.output import encode
from kmseg.samples import SAMPLES
from kmseg.settings import Settings
from kmseg.ui import presets, store
from kmseg.ui.components.assets import data_url
from kmseg.ui.session import session
from kmseg.ui.views.view import ViewContext

# Minimum width of a picture in pixels: two stand side by side on a phone.
_WIDTH: Final = 150

# Titles of the pictures of store.color_vision, and what they show.
_SEEN: Final = {
    "original": ("Original", "as stored in the file"),
    "protan": ("Protanopia, simulated", "without working L cones (long wavelengths)"),
    "deutan": ("Deuteranopia, simulated", "without working M cones (medium wavelengths)"),
    "tritan": (
        "Tritanopia, simulated",
        "without working S cones (short wavelengths); an approximation",
    ),
}


def show(context: ViewContext) -> None:
    """Draw the picture, three simulations of it, and clusters that may show what they hide."""
    st.markdown(
        "**Why the colour space matters.** Colours that look alike to some people can still lie "
        "apart in a channel."
    )
    settings = explore.automatic(_settings(context))
    seen = store.color_vision(context.picture)
    tile = store.tile(context.picture, settings)
    clusters = encode.indexed_png(tile.labels, tile.palette)
    cells = st.grid("auto", min_column_width=_WIDTH)
    for key, (title, note) in _SEEN.items():
        with cells.cell():
            st.html(_figure(data_url(seen[key], encode.PICTURE_TYPES["webp"]), title, note))
    with cells.cell():
        st.html(_figure(data_url(clusters, encode.PNG), "Clusters", _named(settings)))
        if settings != explore.automatic(context.wanted):
            st.button("Use these settings", on_click=partial(session.set_settings, settings))
    st.caption(
        "This is a simulation (Machado, Oliveira and Fernandes 2009, severity 1.0). It is not a "
        "test of colour vision and not a diagnosis. What somebody sees also depends on the screen, "
        "the light and the person."
    )


def _settings(context: ViewContext) -> Settings:
    """A sample's own settings, which show its numeral; else the settings in use."""
    key = context.picture.key
    return presets.of(key) if key in SAMPLES else context.wanted


def _named(settings: Settings) -> str:
    """Colour space, channels and K, such as "HSV: H, S, K = 3"."""
    channels = ", ".join(settings.channel_names)
    return f"{COLOR_SPACES[settings.color_space].title}: {channels}, K = {settings.n_clusters}"


def _figure(source: str, title: str, note: str) -> str:
    return (
        f'<figure class="kmseg-seen"><img src="{source}" alt="{escape(title)}">'
        f"<figcaption><strong>{escape(title)}</strong><br>{escape(note)}</figcaption></figure>"
    )
