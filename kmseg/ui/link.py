"""The address bar: sets the widgets from the link, and writes the link from the widgets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from kmseg import saved
from kmseg.errors import KmsegError
from kmseg.picture.reading import Reading
from kmseg.samples import SAMPLES
from kmseg.settings import PAGE_RANGES, TIDYING, Settings, shown
from kmseg.settings.scale import SPELLING
from kmseg.ui import presets
from kmseg.ui.groups import parse_groups, spelled
from kmseg.ui.handout import Handout
from kmseg.ui.lessons import LESSONS, Position
from kmseg.ui.picture_names import UPLOAD, is_upload, is_upload_name, picture_name
from kmseg.ui.pins import parse_pins, spelled_pins
from kmseg.ui.records import ClusterState, Start
from kmseg.ui.server import incidents
from kmseg.ui.session import session
from kmseg.ui.shortening import MAX_CODEBOOK, completed
from kmseg.ui.views import FORMER_VIEWS, VIEWS

DEFAULT_PICTURE: Final = "china"

# The page's choices that are not settings: name in the link -> allowed values, default first.
CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "picture": (DEFAULT_PICTURE, *(key for key in SAMPLES if key != DEFAULT_PICTURE)),
    "view": tuple(VIEWS),
    **{option.name: tuple(option.titles) for view in VIEWS.values() for option in view.options},
    "layout": ("side", "swipe", "blend"),
    "paint": ("colors", "gray", "boundaries"),
}
# Number of segmentations whose merges and focus a session remembers.
MAX_REMEMBERED: Final = 64
# Parameters that only the browser changes and writes into the address.
IN_BROWSER: Final = ("layout", "paint", "focus", "step", "scale")


@dataclass(frozen=True, slots=True)
class Link:
    """A parsed link.

    Attributes
    ----------
    settings : Settings
    reading : Reading
    choices : dict of str to str
        A value for each of :data:`CHOICES`, "merge", "focus", "start", "step",
        "scale", "lesson", "pins" and "codebook".
    handout : Handout
    corrections : list of str
        A sentence, without its full stop, for each invalid value that was replaced.
    """

    settings: Settings
    reading: Reading
    choices: dict[str, str]
    handout: Handout
    corrections: list[str]

    def to_query(self) -> dict[str, str]:
        """The link's parameters, without those that the browser adds."""
        given = {
            name: value for name, value in self.choices.items() if value and name not in IN_BROWSER
        }
        return self.settings.to_query() | self.reading.to_query() | given | self.handout.to_query()


def restore() -> None:
    """Set the widgets from the address, on the first run and after Back or Forward.

    Call it before the first widget is drawn. Invalid values in the address are corrected and listed
    in ``session.corrections``.
    """
    if session.restored and not _went_back_or_forward() and not _opened_another_stop():
        if not session.drawn:
            _set_choices_again()
        return
    _complete_short_link()
    link = parse(st.query_params)
    choices = link.choices
    session.restored, session.drawn = True, False
    session.set_settings(link.settings)
    for name in CHOICES:
        if name not in IN_BROWSER:
            session.set_option(name, choices[name])
    _leave()
    session.merges = parse_groups(choices["merge"])
    session.focus = sum(parse_groups(choices["focus"]), ())
    session.start, session.scale = choices["start"], choices["scale"]
    position = Position.parse(choices["lesson"])
    session.lesson, session.handout = "" if position is None else position.name, link.handout
    session.pins, session.kept = parse_pins(choices["pins"]), choices["codebook"]
    session.segmentation = ""
    session.linked_reading = None
    if choices["picture"].startswith(UPLOAD):
        _restore_upload(choices["picture"], link.reading)
    else:
        session.set_reading(choices["picture"], link.reading)
    session.previous_picture = session.picture  # its settings are those of the address
    session.corrections = tuple(link.corrections)
    session.corrected_query = session.written = None
    if link.corrections:
        incidents.note("link_corrected", f"values={len(link.corrections)}")


def _complete_short_link() -> None:
    """Complete a link to a lesson that names only the lesson: "?lesson=start"."""
    position = Position.parse(st.query_params.get("lesson", ""))
    if position is not None and "v" not in st.query_params:
        st.query_params.from_dict(position.query)


def _set_choices_again() -> None:
    """Set the widgets of the choices to their values until a run has drawn them.

    Otherwise the browser would show their defaults and send those.
    """
    for name, allowed in CHOICES.items():
        if name != "picture" and name not in IN_BROWSER:
            session.set_option(name, session.option(name) or allowed[0])


def _opened_another_stop() -> bool:
    """Whether the address names another stop of the lessons, which only the browser changes.

    Streamlit may join the request for it with a later one, which does not count as navigation.
    """
    position = Position.parse(st.query_params.get("lesson", ""))
    return position is not None and position.name != session.lesson


def open_query(query: Mapping[str, str]) -> None:
    """Open a link in the next run; call it in a widget's callback."""
    st.query_params.from_dict({name: value for name, value in query.items() if value})
    session.restored = False


def _went_back_or_forward() -> bool:
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def _restore_upload(name: str, reading: Reading) -> None:
    """Choose the session's upload of this name; if there is none, wait until it is uploaded."""
    own = [key for key in session.own_files.values() if is_upload(name, key)]
    session.picture = own[-1] if own else name
    if own:
        session.set_reading(own[-1], reading)
    else:
        session.linked_reading = reading


def parse(query: Mapping[str, str]) -> Link:
    """Parse a link; missing values take their defaults.

    An address without a version is treated as empty: it opens the default picture with that
    picture's settings.
    """
    query = {**query, **FORMER_VIEWS.get(query.get("view", ""), {})}
    if "v" not in query:
        query = presets.of(DEFAULT_PICTURE).to_query()
    query = completed(query)
    settings, sentences = Settings.from_query(query, PAGE_RANGES)
    reading, more = Reading.from_query(query)
    handout, others = Handout.from_query(query)
    corrections = [*sentences, *more, *others]
    choices = {}
    for name, allowed in CHOICES.items():
        choices[name] = query.get(name, allowed[0])
        known = name == "picture" and is_upload_name(choices[name])
        if choices[name] not in allowed and not known:
            corrections.append(
                f"{name}: must be one of {', '.join(allowed)}, not {shown(choices[name])}; "
                f"{allowed[0]} is used"
            )
            choices[name] = allowed[0]
    for name, form in (("focus", "1.3"), ("merge", "1.3_2.5")):
        choices[name] = query.get(name, "")
        if spelled(parse_groups(choices[name])) != choices[name]:
            corrections.append(
                f"{name}: must be cluster numbers such as {form}, not {shown(choices[name])}; "
                "it is ignored"
            )
            choices[name] = ""
    for name, is_valid, form in (
        ("start", Start.parse, "the number of an attempt, such as 2, or centroids"),
        ("step", re.compile(r"(-?\d{1,4})?").fullmatch, "a whole number such as 3"),
        ("scale", _is_scale, "a number of pixels per mm such as 12.5"),
        ("lesson", _is_lesson, f"one of {', '.join(LESSONS)} and the number of a stop"),
    ):
        choices[name] = query.get(name, "")
        if not is_valid(choices[name]):
            corrections.append(f"{name}: must be {form}, not {shown(choices[name])}; it is ignored")
            choices[name] = ""
    choices["pins"] = spelled_pins(parse_pins(query.get("pins", "")))
    if choices["pins"] != query.get("pins", ""):
        corrections.append("pins: some are not valid, or too many; they are left out")
    choices["codebook"] = query.get("codebook", "")
    if wrong := _wrong_codebook(choices["codebook"]):
        corrections.append(f"codebook: {wrong}; it is ignored")
        choices["codebook"] = ""
    return Link(settings, reading, choices, handout, corrections)


def _wrong_codebook(text: str) -> str:
    """What is wrong with a codebook of a link; empty if nothing is."""
    if len(text) > MAX_CODEBOOK:
        return f"must have at most {MAX_CODEBOOK:,} characters, not {len(text):,}"
    try:
        if text:
            saved.unpacked(text)
    except KmsegError as error:
        return str(error)
    return ""


def _is_scale(text: str) -> bool:
    return not text or SPELLING.fullmatch(text) is not None


def _is_lesson(text: str) -> bool:
    return not text or Position.parse(text) is not None


def leave_out_missing(n_clusters: int) -> list[int]:
    """Remove clusters that do not exist from merges and focus.

    Returns
    -------
    list of int
        Numbers, from 1, of the clusters that were removed.
    """
    named = {*session.focus, *(cluster for group in session.merges for cluster in group)}
    missing = sorted(cluster + 1 for cluster in named if cluster >= n_clusters)
    if missing:
        session.focus = tuple(cluster for cluster in session.focus if cluster < n_clusters)
        groups = [tuple(c for c in group if c < n_clusters) for group in session.merges]
        session.merges = tuple(group for group in groups if len(group) > 1)
    return missing


def enter(segmentation: str) -> None:
    """Switch to a segmentation, given by its address, and restore its merges and focus.

    Merges and focus from an address that was just read are kept.
    """
    if session.segmentation not in ("", segmentation):
        state = session.left.get(segmentation, ClusterState())
        _leave()
        session.merges, session.focus = state.merges, state.focus
        session.start = session.next_start
    session.next_start = ""
    session.segmentation = segmentation


def _leave() -> None:
    """Remember merges and focus of the current segmentation, if there is one."""
    if not session.segmentation:
        return
    left = {name: state for name, state in session.left.items() if name != session.segmentation}
    left[session.segmentation] = ClusterState(session.merges, session.focus)
    session.left = dict(list(left.items())[-MAX_REMEMBERED:])


def query_of(settings: Settings) -> dict[str, str]:
    """The link's parameters, including defaults, without those that the browser adds."""
    choices = {
        name: session.option(name) or allowed[0]
        for name, allowed in CHOICES.items()
        if name not in IN_BROWSER
    }
    choices["picture"] = picture_name(choices["picture"])
    choices["merge"] = spelled(session.merges)
    choices["start"], choices["lesson"] = session.start, session.lesson
    choices["pins"] = spelled_pins(session.pins)
    choices["codebook"] = session.kept if len(session.kept) <= MAX_CODEBOOK else ""
    return Link(settings, session.reading(session.picture), choices, session.handout, []).to_query()


def address(picture: str, reading: Reading, settings: Settings) -> str:
    """The part of a link that identifies a segmentation, to which merges and focus belong.

    Tidying keeps the numbers of clusters, so it is not part of it.
    """
    name = {"picture": picture_name(picture)}
    clustering = {key: text for key, text in settings.to_query().items() if key not in TIDYING}
    return urlencode(name | reading.to_query() | clustering)


def write(query: dict[str, str]) -> None:
    """Write the link into the address bar, unless the address is equivalent already.

    After Back or Forward the link is always written, because an aborted run may have replaced the
    address. It is also written if it differs from the last link of this session: the browser may
    have requested this run before it received that link.
    """
    link = parse(st.query_params)
    same = not link.corrections and link.to_query() == query and session.written in (None, query)
    session.written, session.drawn = query, True
    if not same or (_went_back_or_forward() and st.query_params):
        st.query_params.from_dict(query)
