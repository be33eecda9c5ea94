"""The sidebar: which picture, and the settings, by names that people use."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Final

import streamlit as st

from kmseg.color import COLOR_SPACES
from kmseg.errors import BusyError, KmsegError
from kmseg.kmeans.engines import ENGINES
from kmseg.picture import formats
from kmseg.samples import SAMPLES
from kmseg.settings import INITS, STOPS, Settings, to_hex
from kmseg.ui import link
from kmseg.ui.server import incidents
from kmseg.ui.store import cache

# The reference engines visit every pixel, attempt by attempt: this many of them take seconds.
REFERENCE_PIXELS: Final = 100_000
REFERENCE_ATTEMPTS: Final = 10
# More sentences about files that could not be opened are folded.
MOST_SENTENCES: Final = 3

INIT_TITLES: Final = {"k-means++": "k-means++", "random": "Random", "manual": "My colours"}
STOP_TITLES: Final = {
    "both": "Either, whichever comes first",
    "epsilon": "Centroids at rest (epsilon)",
    "iterations": "Number of iterations",
}


def picture() -> cache.Picture:
    """Which picture: a sample, or one of the visitor's own; a new one is shown at once."""
    chooser = st.container()
    own = _own_pictures()
    new = [key for key in own if key not in st.session_state.get("own_pictures", ())]
    st.session_state["own_pictures"] = list(own)
    if new:
        st.session_state["picture"] = new[-1]
    elif st.session_state["picture"] not in {*SAMPLES, *own}:  # it was taken off the list
        st.session_state["picture"] = next(reversed(own), link.DEFAULT_PICTURE)
    with chooser:
        chosen = st.selectbox(
            "Picture",
            [*own, *SAMPLES],
            key="picture",
            format_func=lambda key: own[key].name if key in own else SAMPLES[key].title,
        )
        if chosen in own:
            return own[chosen]
        sample = SAMPLES[chosen]
        st.caption(sample.description)
        st.button(
            "Try that",
            on_click=link.set_widgets,
            args=(Settings(**sample.settings),),  # type: ignore[arg-type]
            help="Sets colour space, channels and K as described; the rest to its defaults.",
        )
    return cache.sample(chosen)


def _own_pictures() -> dict[str, cache.Picture]:
    """The visitor's pictures that can be read, by key; the others get a sentence each."""
    uploads = st.file_uploader(
        "Your own pictures",
        type="image",  # by names, Streamlit would end the run of who sends another one
        accept_multiple_files=True,
        key="uploads",
        help=f"{formats.listed()}. They stay in your session and are forgotten when you leave.",
    )
    photos = []
    if st.toggle("Take a photo", key="camera_on"):
        photos = [st.camera_input("Camera", key="camera", label_visibility="collapsed")]
    own: dict[str, cache.Picture] = {}
    refused: list[tuple[str, KmsegError]] = []
    for file in (*uploads, *photos):
        if file is None:
            continue
        name = _plain_name(file.name)
        try:
            picture = cache.upload(file, name)
        except KmsegError as error:
            refused.append((name, error))
        else:
            same_name = sum(other.name.startswith(name) for other in own.values())
            if picture.key not in own and same_name:
                picture = replace(picture, name=f"{name} ({same_name + 1})")
            own.setdefault(picture.key, picture)
    _refusals(refused)
    return own


def _refusals(refused: list[tuple[str, KmsegError]]) -> None:
    """A sentence for each; many are folded, for the controls are below."""
    if not refused:
        return
    several = len(refused) > MOST_SENTENCES
    folded = f":material/error: {len(refused)} files could not be opened"
    with st.expander(folded) if several else st.container():
        for name, error in refused:
            st.error(f"{name}: {error}")
    if any(isinstance(error, BusyError) for _, error in refused):
        incidents.note("busy", "decode")
        st.button("Try again", key="try again to open")


def _plain_name(name: str) -> str:
    """A file's name as text that no markup can hide in, at most 40 characters."""
    kept = re.sub(r"[^\w .,()’'-]|__+", " ", name).strip() or "picture"
    return kept if len(kept) <= 40 else f"{kept[:24]}…{kept[-15:]}"


def chosen(picture: cache.Picture) -> Settings:
    """The settings as the card has them, whether this run has drawn it yet or not.

    Starting colours that nobody chose yet are those of the present clusters.
    """
    state = st.session_state
    space = state["color_space"]
    state.setdefault(link.channels_key(space), list(COLOR_SPACES[space].channels))
    slots = [link.start_key(i) for i in range(state["n_clusters"])]
    if state.get("start_slot", 0) not in range(1, len(slots) + 1):
        state["start_slot"] = 1
    if state["init"] == "manual" and any(slot not in state for slot in slots):
        automatic = link.get_widgets(space, init="k-means++", engine="exact")
        palette = cache.segmentation(picture, automatic).palette
        for index, slot in enumerate(slots):
            state.setdefault(slot, to_hex(palette[index % len(palette)]))
    return link.get_widgets(space)


def settings(picture: cache.Picture) -> None:
    """The card: every setting, in the order people decide on them."""
    space = st.selectbox(
        "Colour space",
        list(COLOR_SPACES),
        key="color_space",
        format_func=lambda key: COLOR_SPACES[key].title,
        help=_escaped(
            "\n\n".join(f"**{space.title}**: {space.source}" for space in COLOR_SPACES.values())
        ),
    )
    _channels(space)
    low, high = link.PAGE_RANGES["n_clusters"]
    st.slider("K, number of clusters", low, high, key="n_clusters")
    init = st.segmented_control(
        "Initialisation",
        INITS,
        key="init",
        required=True,
        format_func=INIT_TITLES.__getitem__,
        help="Where the K centroids start: spread out by chance (k-means++), at random pixels, or "
        "at colours that you choose.",
    )
    if init == "manual":
        _start_colors()
    st.slider(
        "Attempts",
        *link.PAGE_RANGES["attempts"],
        key="attempts",
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
        key=link.channels_key(color_space),
        persist_state="session",
        help="Only these are clustered. On the command line they go by index: "
        f"{_escaped(indices)}.",
    )
    if not chosen:
        st.caption("None is chosen, so all are clustered.")
    if color_space in ("hsv", "hsv-circular"):
        st.button(
            "Hue is an angle: compare",
            type="tertiary",
            icon=":material/compare:",
            on_click=_show,
            args=("hue",),
            help="Red lies at both ends of H from 0 to 179, so raw hue cuts it in two. See what "
            "that does to this picture, beside hue as an angle.",
        )


def _show(view: str) -> None:
    st.session_state["view"] = view


def _escaped(text: str) -> str:
    """Names such as L* in Markdown."""
    return re.sub(r"(?<=\w)\*(?!\*)", r"\\*", text)


def _start_colors() -> None:
    """One colour picker a cluster."""
    count = st.session_state["n_clusters"]
    with st.container(horizontal=True, gap="small"):
        for index in range(count):
            st.color_picker(
                str(index + 1), key=link.start_key(index), persist_state="session", width="content"
            )
    st.number_input(
        "A click on the original sets colour",
        min_value=1,
        max_value=count,
        key="start_slot",
        help="The next click sets the next colour.",
    )


def pick_start_color(picture: cache.Picture) -> None:
    """Take the colour under a click on the original as the next starting colour."""
    point = st.session_state["viewer"].picked
    x = min(max(int(point["x"] * picture.width), 0), picture.width - 1)
    y = min(max(int(point["y"] * picture.height), 0), picture.height - 1)
    slot, count = st.session_state["start_slot"], st.session_state["n_clusters"]
    st.session_state[link.start_key(slot - 1)] = to_hex(cache.pixels(picture).pixels[y, x])
    st.session_state["start_slot"] = slot % count + 1


def _advanced() -> None:
    engine = st.selectbox(
        "Engine",
        ENGINES,
        key="engine",
        format_func=lambda name: ENGINES[name].title,
        help="The exact engine clusters each distinct colour once, by its number of pixels. The "
        "others are the well-known calls, to compare with.",
    )
    if engine == "opencv":
        st.caption(
            "cv2.kmeans takes 2 to 100 iterations and does not tell how many it took. It works on "
            "a reduced picture here."
        )
    if engine == "scikit-learn":
        st.caption(
            "KMeans stops by its own tolerance, so the stop rule is its number of iterations. It "
            "works on a reduced picture here."
        )
    own_rule = engine != "scikit-learn"
    stop = st.selectbox(
        "Stop at", STOPS, key="stop", format_func=STOP_TITLES.__getitem__, disabled=not own_rule
    )
    st.number_input(
        "Epsilon",
        min_value=0.0,
        step=0.01,
        format="%g",
        key="epsilon",
        disabled=stop == "iterations" or not own_rule,
        help="The largest move of a centroid that counts as rest, in units of the colour space.",
    )
    low, high = link.PAGE_RANGES["max_iter"]
    st.number_input(
        "Iterations at most",
        low,
        high,
        key="max_iter",
        disabled=stop == "epsilon" and own_rule,
        help="Steps over all colours. The exact engine first improves its starts on a summary of "
        "the colours, which is not counted; starts from your colours are counted from the first.",
    )
    low, high = link.PAGE_RANGES["seed"]
    st.number_input(
        "Seed", low, high, key="seed", help="Equal seeds give equal results, here and elsewhere."
    )
    low, high = link.PAGE_RANGES["width"]
    st.number_input(
        "Width in pixels",
        low,
        high,
        step=10,
        key="width",
        help="The picture is resized to this width before it is clustered; 0 keeps its size.",
    )
    st.button("Reset all settings", on_click=link.set_widgets, args=(Settings(),))


def use_exact_engine() -> None:
    """Choose the engine that keeps nobody waiting."""
    st.session_state["engine"] = "exact"


def within_reach(picture: cache.Picture, wanted: Settings) -> Settings:
    """The settings that the page runs: reference engines get no more than they can manage."""
    if wanted.engine == "exact":
        return wanted
    width = wanted.width or picture.width
    most = max(1, math.isqrt(REFERENCE_PIXELS * picture.width // picture.height))
    return replace(
        wanted,
        width=most if width > most else wanted.width,
        attempts=min(wanted.attempts, REFERENCE_ATTEMPTS),
    )
