"""The sidebar's second part: the settings, in the order in which people decide on them."""

from __future__ import annotations

from functools import partial
from typing import Final

import streamlit as st

from kmseg.color import COLOR_SPACES
from kmseg.kmeans.engines import ENGINES
from kmseg.settings import INITS, PAGE_RANGES, STOPS, Settings
from kmseg.ui import text
from kmseg.ui.controls import starts
from kmseg.ui.session import channels_key, session, setting_key
from kmseg.ui.views import hue, sheet

# What the page calls the values of settings that have no table of their own.
TITLES: Final = {
    "init": {"k-means++": "k-means++", "random": "Random", "manual": "My colours"},
    "stop": {
        "both": "Either, whichever comes first",
        "epsilon": "Centroids at rest (epsilon)",
        "iterations": "Number of iterations",
    },
}


def draw() -> None:
    """Draw every setting but K and the colour space, which are below the pictures."""
    _channels(session.color_space)
    init = st.segmented_control(
        "Initialisation",
        INITS,
        key=setting_key("init"),
        required=True,
        format_func=TITLES["init"].__getitem__,
        help="Where the K centroids start: spread out by chance (k-means++), at random pixels, or "
        "at colours that you choose.",
    )
    if init == "manual":
        starts.draw()
    st.slider(
        "Attempts",
        *PAGE_RANGES["attempts"],
        key=setting_key("attempts"),
        disabled=init == "manual",
        help="k-means can end in different places. It is started this many times and the lowest "
        "inertia wins." + (" Your colours are one start." if init == "manual" else ""),
    )
    with st.expander("Advanced"):
        _advanced()


def _channels(color_space: str) -> None:
    space = COLOR_SPACES[color_space]
    indices = ", ".join(f"{index} = {name}" for index, name in enumerate(space.channels))
    chosen = st.pills(
        "Channels",
        space.channels,
        selection_mode="multi",
        key=channels_key(color_space),
        persist_state="session",
        help="Only these are clustered. On the command line they go by index: "
        f"{text.names(indices)}.",
    )
    if not chosen:
        st.caption("None is chosen, so all are clustered.")
    if color_space in (hue.RAW, hue.ANGLE):
        st.button(
            "Hue is an angle: compare",
            type="tertiary",
            icon=":material/compare:",
            on_click=sheet.open_hue,
            help="Red lies at both ends of H from 0 to 179, so raw hue cuts it in two. See what "
            "that does to this picture, beside hue as an angle.",
        )


def _advanced() -> None:
    name = st.selectbox(
        "Engine",
        ENGINES,
        key=setting_key("engine"),
        format_func=lambda name: ENGINES[name].title,
        help="The exact engine clusters each distinct colour once, by its number of pixels. The "
        "others are the well-known calls, to compare with.",
    )
    engine = ENGINES[name]
    reduced = "It works on a reduced picture here." if engine.visits_pixels else ""
    if note := " ".join(filter(None, [engine.note, reduced])):
        st.caption(note)
    _stop_rule(iterations_only=engine.own_stop_rule)
    low, high = PAGE_RANGES["seed"]
    st.number_input(
        "Seed",
        low,
        high,
        key=setting_key("seed"),
        help="Equal seeds give equal results, here and elsewhere.",
    )
    low, high = PAGE_RANGES["width"]
    st.number_input(
        "Width in pixels",
        low,
        high,
        step=10,
        key=setting_key("width"),
        help="The picture is resized to this width before it is clustered; 0 keeps its size.",
    )
    st.button("Reset all settings", on_click=partial(session.set_settings, Settings()))


def _stop_rule(iterations_only: bool) -> None:
    stop = st.selectbox(
        "Stop at",
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
        help="The largest move of a centroid that counts as rest, in units of the colour space.",
    )
    low, high = PAGE_RANGES["max_iter"]
    st.number_input(
        "Iterations at most",
        low,
        high,
        key=setting_key("max_iter"),
        disabled=stop == "epsilon" and not iterations_only,
        help="Steps over all colours. The exact engine first improves its starts on a summary of "
        "the colours, which is not counted; starts from your colours are counted from the first.",
    )
