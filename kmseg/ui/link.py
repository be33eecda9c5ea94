"""The address bar: a link's values become widget values, and widget values become the link.

Widgets keep their values in ``st.session_state`` under the names of ``Settings``' fields, but for
channels, which each colour space has its own of, and starting colours, which are one picker each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from kmseg.color import COLOR_SPACES
from kmseg.samples import SAMPLES
from kmseg.settings import RANGES, Settings, shown, to_hex
from kmseg.ui.server import incidents

# What the page's controls allow, where it is less than what Settings do.
PAGE_RANGES: Final = RANGES | {"n_clusters": (2, 32), "width": (0, 8000)}

UPLOAD: Final = "upload"
DEFAULT_PICTURE: Final = "china"

# The page's choices that are not Settings: name in the link -> allowed values, default first.
CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "picture": (DEFAULT_PICTURE, *(key for key in SAMPLES if key != DEFAULT_PICTURE)),
    "view": ("clusters", "cloud", "sheet", "ladder", "residual", "hue", "take-away"),
    "cloud_space": ("rgb", "clustered"),
    "cloud_paint": ("color", "cluster"),
    "sheet_k": ("same", "2", "3", "4"),
    "layout": ("side", "swipe", "blend"),
    "paint": ("colors", "gray", "boundaries"),
}
# These the browser changes, and puts into the address, by itself.
IN_BROWSER: Final = ("layout", "paint", "focus")

Groups = tuple[tuple[int, ...], ...]


def restore() -> None:
    """Set the widgets to the address: on the first run, and when a visitor goes back or forward.

    Must come before the first widget. What the address has wrong is corrected, and said by
    :func:`show_corrections`.
    """
    if "n_clusters" in st.session_state and not _went_back_or_forward():
        return
    settings, choices, corrections = parse(st.query_params)
    set_widgets(settings)
    for name, value in choices.items():
        if name not in IN_BROWSER:
            st.session_state[name] = value
    st.session_state["merge"] = _groups(choices["merge"])
    st.session_state["focus"] = sum(_groups(choices["focus"]), ())
    st.session_state.pop("viewed", None)
    if choices["picture"].startswith(UPLOAD):
        _restore_upload(choices["picture"], corrections)
    st.session_state["corrections"] = corrections
    if corrections:
        incidents.note("link_corrected", f"values={len(corrections)}")


def _went_back_or_forward() -> bool:
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def upload_name(key: str) -> str:
    """What a link calls an uploaded picture: enough to find it again in its session."""
    return f"{UPLOAD}-{key[:8]}"


def _restore_upload(name: str, corrections: list[str]) -> None:
    """An uploaded picture stays in its session; a link to one can only bring the settings."""
    own = {upload_name(key): key for key in st.session_state.get("own_pictures", ())}
    st.session_state["picture"] = own.get(name, next(reversed(own.values()), DEFAULT_PICTURE))
    if not own:
        corrections.append(
            "This link was made with an uploaded picture, which a link cannot carry. Its settings "
            "are in place: upload that picture, or any other, to see them applied"
        )


def parse(query: Mapping[str, str]) -> tuple[Settings, dict[str, str], list[str]]:
    """Settings, choices and corrections of a query."""
    settings, sentences = Settings.from_query(query, PAGE_RANGES)
    corrections = list(sentences)
    choices = {}
    for name, allowed in CHOICES.items():
        choices[name] = query.get(name, allowed[0])
        known = name == "picture" and re.fullmatch(rf"{UPLOAD}(-[0-9a-f]{{8}})?", choices[name])
        if choices[name] not in allowed and not known:
            corrections.append(
                f"{name}: one of {', '.join(allowed)}, not {shown(choices[name])}; "
                f"{allowed[0]} is used"
            )
            choices[name] = allowed[0]
    for name, form in (("focus", "1.3"), ("merge", "1.3_2.5")):
        choices[name] = query.get(name, "")
        if spelled(_groups(choices[name])) != choices[name]:
            corrections.append(
                f"{name}: numbers of clusters such as {form}, not {shown(choices[name])}; "
                "it is left out"
            )
            choices[name] = ""
    return settings, choices, corrections


def _groups(text: str) -> Groups:
    """Disjoint groups of clusters, numbered from 0, of their spelling "1.3_2.5"; or none."""
    if not re.fullmatch(r"\d{1,3}(?:[._]\d{1,3}){0,254}", text, re.ASCII):
        return ()
    groups = tuple(
        tuple(int(number) - 1 for number in group.split(".")) for group in text.split("_")
    )
    every = [cluster for group in groups for cluster in group]
    return groups if len(every) == len(set(every)) and min(every) >= 0 else ()


def spelled(groups: Groups) -> str:
    return "_".join(".".join(str(cluster + 1) for cluster in group) for group in groups)


def merges(n_clusters: int) -> Groups:
    """The clusters that are taken together, numbered from 0.

    Clusters that a link names and that there are none of are left out, there and of the focus, and
    that is said.
    """
    state = st.session_state
    named = {*state["focus"], *(cluster for group in state["merge"] for cluster in group)}
    if missing := sorted(cluster + 1 for cluster in named if cluster >= n_clusters):
        state["focus"] = tuple(cluster for cluster in state["focus"] if cluster < n_clusters)
        groups = [tuple(c for c in group if c < n_clusters) for group in state["merge"]]
        state["merge"] = tuple(group for group in groups if len(group) > 1)
        st.warning(
            f"The link names {', '.join(map(str, missing[:8]))} among its clusters, and there are "
            f"only 1 to {n_clusters}: left out."
        )
    known: Groups = state["merge"]
    return known


def focus() -> tuple[int, ...]:
    """The clusters in focus, numbered from 0, as far as the server was told."""
    chosen: tuple[int, ...] = st.session_state["focus"]
    return chosen


def enter(segmentation: str) -> None:
    """Forget what was merged or in focus in another segmentation, unless a link says so."""
    state = st.session_state
    if state.get("viewed", segmentation) != segmentation:
        state["merge"] = state["focus"] = ()
    state["viewed"] = segmentation


def set_widgets(settings: Settings) -> None:
    """Set every control of the card to these settings."""
    for name, value in settings.to_dict().items():
        if name not in ("channels", "centroids"):
            st.session_state[name] = value
    st.session_state[channels_key(settings.color_space)] = list(settings.channel_names)
    for index, color in enumerate(settings.centroids):
        st.session_state[start_key(index)] = to_hex(color)


def get_widgets(color_space: str, **instead: Any) -> Settings:
    """Settings as the controls of the card have them, but for values given instead."""
    state = st.session_state
    values = {name: state[name] for name in _NAMES} | instead
    names = COLOR_SPACES[color_space].channels
    chosen = [name for name in names if name in state[channels_key(color_space)]]
    if 0 < len(chosen) < len(names):
        values["channels"] = "".join(str(names.index(name)) for name in chosen)
    if values["init"] == "manual":
        values["centroids"] = tuple(state[start_key(i)] for i in range(values["n_clusters"]))
    return Settings(**values)


_NAMES: Final = [name for name in Settings().to_dict() if name not in ("channels", "centroids")]


def channels_key(color_space: str) -> str:
    """Where the channels of a space are kept: each space has its own."""
    return f"channels_{color_space}"


def start_key(index: int) -> str:
    """Where a starting colour is kept, ``"#rrggbb"``."""
    return f"start_{index}"


def query_of(settings: Settings) -> dict[str, str]:
    """The whole link but for what the browser adds: settings and choices, defaults too."""
    choices = {
        name: st.session_state.get(name) or allowed[0]
        for name, allowed in CHOICES.items()
        if name not in IN_BROWSER
    }
    if choices["picture"] not in SAMPLES:
        choices["picture"] = upload_name(choices["picture"])
    choices["merge"] = spelled(st.session_state["merge"])
    return settings.to_query() | {name: value for name, value in choices.items() if value}


def address(picture: str, settings: Settings) -> str:
    """A segmentation's part of the address: clusters in focus or merged belong to it."""
    name = picture if picture in SAMPLES else upload_name(picture)
    return urlencode({"picture": name} | settings.to_query())


def write(query: dict[str, str]) -> None:
    """Put the link into the address bar, unless the address means the same already.

    After Back or Forward it is put there in any case: a run that they cut short may have written
    its own address over the one that they went to.
    """
    settings, choices, corrections = parse(st.query_params)
    own = {name: value for name, value in choices.items() if value and name not in IN_BROWSER}
    given = settings.to_query() | own
    same = not corrections and given == query
    if not same or (_went_back_or_forward() and st.query_params):
        st.query_params.from_dict(query)


def show_corrections(query: dict[str, str]) -> None:
    """Say what was corrected in the address, until a visitor changes something."""
    corrections = st.session_state["corrections"]
    if not corrections:
        return
    if st.session_state.setdefault("corrected", query) != query:
        st.session_state["corrections"] = []
        del st.session_state["corrected"]
        return
    st.warning("\n".join(["The link was adjusted:", ""] + [f"- {_plain(c)}." for c in corrections]))


def _plain(text: str) -> str:
    """Text from an address, with nothing that Markdown would take for markup."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+-.!|~$:" else c for c in text)
