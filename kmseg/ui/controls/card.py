"""The settings in the sidebar, in the order in which users choose them."""

from __future__ import annotations

from functools import partial
from typing import Final

import streamlit as st

from kmseg.color import COLOR_SPACES
from kmseg.kmeans.engines import ENGINES
from kmseg.settings import INITS, PAGE_RANGES, STOPS
from kmseg.ui import presets, store, text
from kmseg.ui.controls import part, saved_file, starts
from kmseg.ui.session import channels_key, session, setting_key
from kmseg.ui.views import hue, sheet

# Titles of setting values that are not defined in a registry.
TITLES: Final = {
    "init": {"k-means++": "k-means++", "random": "Random", "manual": "My colours"},
    "stop": {
        "both": "Converged or maximum iterations",
        "epsilon": "Converged (epsilon)",
        "iterations": "Maximum iterations only",
    },
}


def draw(picture: store.Picture | None) -> None:
    """Draw all settings but K and the colour space, and the field for a mask of the picture."""
    _channels(session.color_space)
    init = st.segmented_control(
        "Initialisation",
        INITS,
        key=setting_key("init"),
        required=True,
        format_func=TITLES["init"].__getitem__,
        help="Where the K centroids start. **k-means++** draws pixels one by one, far ones more "
        "likely, **Random** draws all alike, and with **My colours** you choose the colours.",
    )
    if init == "manual":
        starts.draw()
    st.slider(
        "Attempts",
        *PAGE_RANGES["attempts"],
        key=setting_key("attempts"),
        disabled=init == "manual",
        help="The result of k-means depends on its starting centroids. It runs this many times, "
        "and the result with the lowest inertia is kept."
        + (" With your own colours there is one attempt." if init == "manual" else ""),
    )
    with st.expander("Advanced"):
        _advanced(picture)


def _channels(color_space: str) -> None:
    space = COLOR_SPACES[color_space]
    indices = ", ".join(f"{index} = {name}" for index, name in enumerate(space.channels))
    chosen = st.pills(
        "Channels",
        space.channels,
        selection_mode="multi",
        key=channels_key(color_space),
        persist_state="session",
        help="Only the selected channels are clustered. The command line numbers them: "
        f"{text.names(indices)}.",
    )
    if not chosen:
        st.caption("No channel is selected, so all of them are clustered.")
    if color_space in (hue.RAW, hue.ANGLE):
        st.button(
            "Hue is an angle: compare",
            type="tertiary",
            icon=":material/compare:",
            on_click=sheet.open_hue,
            help="Red lies at both ends of the hue scale from 0 to 179, so hue as a plain number "
            "splits it in two. See this picture clustered by hue as a number and as an angle.",
        )


def _advanced(picture: store.Picture | None) -> None:
    name = st.selectbox(
        "Engine",
        ENGINES,
        key=setting_key("engine"),
        format_func=lambda name: ENGINES[name].title,
        help="The exact engine clusters each distinct colour once, weighted by its number of "
        "pixels. Exact means that no colour is left out or rounded; a global optimum is shown as "
        "such. The others are for comparison.",
    )
    engine = ENGINES[name]
    reduced = "Here it works on a smaller copy of the picture." if engine.visits_pixels else ""
    if note := " ".join(filter(None, [engine.note, reduced])):
        st.caption(note)
    _stop_rule(iterations_only=engine.own_stop_rule)
    low, high = PAGE_RANGES["seed"]
    st.number_input(
        "Random seed",
        low,
        high,
        key=setting_key("seed"),
        help="Start of the random numbers. The same seed and settings repeat the result.",
    )
    low, high = PAGE_RANGES["width"]
    st.number_input(
        "Width in pixels",
        low,
        high,
        step=10,
        key=setting_key("width"),
        help="The picture is resized to this width before clustering. 0 keeps its size.",
    )
    st.caption("Settings of the two articles behind kmseg:")
    for title, settings in presets.ARTICLES.items():
        st.button(title, on_click=partial(session.set_settings, settings))
    if picture is not None:
        part.open_mask(picture)
    saved_file.draw()
    st.button("Reset all settings", on_click=partial(session.set_settings, presets.START))


def _stop_rule(iterations_only: bool) -> None:
    stop = st.selectbox(
        "Stop rule",
        STOPS,
        key=setting_key("stop"),
        format_func=TITLES["stop"].__getitem__,
        disabled=iterations_only,
    )
    st.number_input(
        "Epsilon",
        min_value=0.0,
        step=0.01,
        format="%g",
        key=setting_key("epsilon"),
        disabled=stop == "iterations" or iterations_only,
        help="The centroids have converged when none of them moves further than this, in units of "
        "the colour space.",
    )
    low, high = PAGE_RANGES["max_iter"]
    st.number_input(
        "Maximum iterations",
        low,
        high,
        key=setting_key("max_iter"),
        disabled=stop == "epsilon" and not iterations_only,
        help="Counts iterations over all colours. The exact engine first improves its attempts on "
        "a summary of the colours, which is not counted. With your own colours, every iteration "
        "counts.",
    )
