"""The page around the pictures: heading, summary, notes, progress, and how a run fails."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import streamlit as st

from kmseg.color import COLOR_SPACES
from kmseg.errors import KmsegError
from kmseg.kmeans import Progress
from kmseg.kmeans.engines import ENGINES
from kmseg.parallel.gate import Waiting
from kmseg.segmentation import Segmentation
from kmseg.settings import Settings
from kmseg.ui import failures, link, store, text
from kmseg.ui.components.assets import asset
from kmseg.ui.components.copy_link.copy_link import copy_link
from kmseg.ui.controls import card, pictures
from kmseg.ui.server.gates import stop_if_cancelled
from kmseg.ui.session import Key, session
from kmseg.ui.views import VIEWS, View
from kmseg.ui.views.view import choose

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

# Seconds of work before its progress is shown beside the spinner.
PATIENCE: Final = 1.0
# Seconds between updates of the progress.
UPDATE_INTERVAL: Final = 0.1

SUMMARY_HELP: Final = """
**Attempts**: k-means can end in different places, so it is started several times; the start that
ends with the lowest inertia is shown.

**Iteration**: each colour goes to its nearest centroid, then each centroid to the mean of its
colours. *Not yet at rest*: more iterations would still move them.

**Inertia**, or compactness: the sum, over all pixels, of the squared distance to the nearest
centroid. Lower is tighter. It can only be compared for the same picture, size and channels.

**RMS**: the same per pixel, the root of the mean squared distance, in units of the colour space.

**Global optimum**: proven; no other clustering into K has a lower inertia.
"""


class Frame:
    """Sidebar and heading, which can be drawn after the pictures below them.

    Attributes
    ----------
    wanted : Settings or None
        As the controls have them; None while they are unknown. Without them there is no link.
    """

    wanted: Settings | None = None

    def __init__(self) -> None:
        self._head = st.container()
        self._album = st.container()
        self._card: DeltaGenerator | None = None
        self._drawn = False

    def picture(self) -> store.Picture | None:
        """Draw the picture chooser; returns the chosen picture, None if it is not there."""
        with self._album:
            picture = pictures.choose()
        self._card = st.sidebar.container()
        return picture

    def draw(self) -> None:
        """Draw the settings, the heading and what failed before this run, unless it is done."""
        if self._drawn:
            return
        self._drawn = True
        with self._card or st.sidebar:
            card.draw()
        with self._head:
            _heading(None if self.wanted is None else link.query_of(self.wanted))
            failures.show_earlier()


@contextmanager
def frame() -> Iterator[Frame]:
    """The frame of a run; a ``KmsegError`` in the block ends the run with a sentence in it."""
    drawn = Frame()
    try:
        yield drawn
    except KmsegError as error:
        drawn.draw()
        failures.report(error, "segmentation")
        st.stop()


def _heading(query: dict[str, str] | None) -> None:
    """What this page is, where its controls are, and the link."""
    title, copy = st.columns([4, 1], vertical_alignment="center")
    with title:
        st.html(f"<style>{asset('shared/page.css')}</style>")
        st.markdown(
            "**kmseg** shows what k-means makes of a picture's colours. Open yours in the sidebar."
        )
    if query is not None:
        with copy:
            copy_link(query)
        _corrections(query)


def _corrections(query: dict[str, str]) -> None:
    """Say what was corrected in the address, until the visitor changes something."""
    if not session.corrections:
        return
    if session.corrected_query is None:
        session.corrected_query = query
    if session.corrected_query != query:
        session.corrections = ()
        return
    lines = [f"- {text.plain(correction)}." for correction in session.corrections]
    st.warning("\n".join(["The link was adjusted:", "", *lines]))


@contextmanager
def at_work(settings: Settings) -> Iterator[tuple[Progress, Waiting]]:
    """Show progress while the segmentation is made or waits for its turn, and a way to stop it.

    Yields
    ------
    progress : callable
        ``progress(done, attempts)``, called after each attempt.
    waiting : callable
        ``waiting(ahead)``, called again and again while others are at work.

    Within these calls Streamlit ends the run if the visitor has changed a control meanwhile.
    """
    place, started, updated = st.empty(), time.monotonic(), 0.0
    bar: DeltaGenerator | None = None
    engine = ENGINES[settings.engine]

    def show(part: float, label: str) -> None:
        nonlocal bar, updated
        now = time.monotonic()
        if now - updated < UPDATE_INTERVAL:
            return
        updated = now
        stop_if_cancelled()
        if now - started < PATIENCE:
            return
        if bar is None:
            with place.container(horizontal=True, vertical_alignment="bottom"):
                bar = st.progress(0.0)
                if engine.slow:
                    st.button("Stop and use the exact engine", on_click=session.use_default_engine)
        bar.progress(part, label)

    def progress(done: int, attempts: int) -> None:
        name = engine.title.partition(",")[0]
        step = f"attempt {done + 1} of {attempts}" if done < attempts else "last steps"
        show(done / attempts, f"{name}: {step}")

    def waiting(ahead: int) -> None:
        others = text.count(ahead, "other") if ahead else "next"
        show(0.0, f"Waiting for a turn: {others}.")

    with st.spinner("Segmenting…", show_time=True):
        yield progress, waiting
    if bar is not None:
        place.empty()


def merged(seg: Segmentation) -> Segmentation:
    """The segmentation with the session's merges; says which clusters of a link do not exist."""
    if missing := link.leave_out_missing(seg.n_clusters):
        st.warning(
            f"The link names {', '.join(map(str, missing[:8]))} among its clusters, and there are "
            f"only 1 to {seg.n_clusters}: left out."
        )
    return seg.merged(session.merges)


def summary(
    picture: store.Picture, seg: Segmentation, merged: Segmentation, wanted: Settings
) -> None:
    """One line on what was clustered, and a note on each deviation from the wanted settings."""
    width, height = store.size(picture, seg)
    hidden = width * height - seg.histogram.n_pixels
    if any(note.endswith("left out") for note in picture.notes):
        hidden = 0  # the note tells their number
    engine = ENGINES[seg.settings.engine]
    attempts = _attempts_made(seg)
    tried = "1 attempt" if attempts == 1 else f"best of {attempts} attempts"
    parts = [
        f"{width} × {height}",
        f"{width * height / 1e6:.3g} MP" if width * height >= 10_000 else "",
        *map(text.plain, picture.notes),
        text.count(seg.histogram.n_colors, "colour"),
        f"{text.count(hidden, 'transparent pixel')} left out" if hidden else "",
        engine.title,
        "" if seg.global_optimum else tried,
        text.count(seg.n_iter, "iteration") if seg.n_iter else "",
        "" if seg.converged is not False else "not yet at rest",
        "global optimum, whatever the seed" if seg.global_optimum else "",
        f"{'before merging: ' * (merged is not seg)}inertia {seg.inertia:.5g}",
        f"RMS {math.sqrt(seg.inertia / seg.histogram.n_pixels):.3g}",
        f"fitted in {1000 * seg.seconds['fit']:,.0f} ms",
    ]
    st.caption(" · ".join(filter(None, parts)), help=SUMMARY_HELP)
    for note in _notes(picture, seg, wanted):
        st.info(note)


def _attempts_made(seg: Segmentation) -> int:
    """The number of attempts, of which some engines report only the best."""
    if ENGINES[seg.settings.engine].reports_attempts:
        return len(seg.attempts)
    return seg.settings.attempts if seg.n_clusters > 1 else 1


def _notes(picture: store.Picture, seg: Segmentation, wanted: Settings) -> list[str]:
    space = COLOR_SPACES[seg.settings.color_space]
    engine = ENGINES[wanted.engine].title
    notes = []
    if seg.n_clusters < wanted.n_clusters:
        notes.append(
            f"K is {seg.n_clusters}, not {wanted.n_clusters}: the picture has only "
            f"{text.count(seg.n_clusters, 'value')} in these channels."
        )
    if seg.constant_channels:
        notes.append(
            f"Constant in this picture, so of no help in telling its pixels apart: "
            f"{text.names(', '.join(seg.constant_channels))} of {space.title}."
        )
    if seg.settings.width != wanted.width:
        notes.append(
            f"{engine} visits every pixel in every attempt, so the page gives it the picture at "
            f"{seg.settings.width} pixels width, not {wanted.width or picture.width}. The exact "
            "engine takes all of it."
        )
    if seg.settings.attempts != wanted.attempts:
        notes.append(
            f"{engine} makes at most {seg.settings.attempts} attempts on this page, not "
            f"{wanted.attempts}."
        )
    return notes


def choose_view() -> View:
    """Draw the view chooser; returns the chosen view."""
    titles = {view.key: view.title for view in VIEWS.values()}
    return VIEWS[choose("View", titles, Key.VIEW)]
