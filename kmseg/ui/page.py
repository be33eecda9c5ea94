"""The page around the pictures: regions, progress, summary, notes and errors of a run."""

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
from kmseg.kmeans.engines import DEFAULT_ENGINE, ENGINES
from kmseg.output import captions
from kmseg.parallel.gate import Waiting
from kmseg.samples import SAMPLES
from kmseg.segmentation import Segmentation
from kmseg.settings import Settings
from kmseg.ui import failures, handout, link, panes, store, text
from kmseg.ui.components.assets import asset
from kmseg.ui.components.lesson.lesson import lesson
from kmseg.ui.components.navigation.navigation import navigation
from kmseg.ui.components.share.share import share
from kmseg.ui.controls import card, pictures
from kmseg.ui.lessons import Position
from kmseg.ui.server import qr
from kmseg.ui.server.gates import stop_if_cancelled
from kmseg.ui.session import session
from kmseg.ui.shortening import shortened
from kmseg.ui.views import pins

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from kmseg.ui.views import View

# Seconds of work before a progress bar is shown beside the spinner.
PATIENCE: Final = 1.0
# Seconds between updates of the progress.
UPDATE_INTERVAL: Final = 0.1

HEAD: Final = """
<header class="kmseg-head">
<h1>kmseg</h1>
<p>k-means sorts pixels into K groups of similar colours<span>, and paints each group in its mean
colour</span>.</p>
</header>
"""

SUMMARY_HELP: Final = """
**Attempts**: k-means can end with different clusters, depending on where its centroids start. It
is run several times, and the best result is kept. The exact engine also combines the attempts.

**Iteration**: each pixel is assigned to its nearest centroid, then each centroid moves to the mean
of its pixels. *Not converged*: a centroid still moved further than epsilon (with *Maximum
iterations only*, at all).

**Inertia** (OpenCV: compactness): the sum, over all pixels, of the squared distance to the nearest
centroid. Lower means tighter clusters. Compare it only for one picture, size, colour space and
channels.

**RMS**: the root mean square of these distances, in units of the colour space.

**Global optimum**: proven; no other clustering into K clusters has a lower inertia.
"""


class Frame:
    """The regions of the page, which can be drawn in a different order from their positions.

    Attributes
    ----------
    wanted : Settings or None
        The settings of the controls; None while they are unknown. Without them there is no link.
    find : Find
        Finds other pictures of the session; set by ``picture``.
    pictures : DeltaGenerator
        Region of the pictures, their summary and notes, and the choice of a view.
    """

    wanted: Settings | None = None
    find: pictures.Find

    def __init__(self) -> None:
        self._head = st.container(key="head")
        _lesson(st.container(key="lesson"))
        self._album = st.container(key="strip")
        stage = st.container(key="stage")  # on wide windows, its two regions are side by side
        self.pictures = stage.container(key="pictures")
        with self.pictures:
            _hidden_heading("Pictures")
        self._section = stage.container(key="section")
        self._card: DeltaGenerator | None = None
        self._picture: store.Picture | None = None
        self._drawn = False

    def picture(self) -> store.Picture | None:
        """Draw the choice of picture; returns the chosen picture, or None if it is missing."""
        with self._album:
            self._picture, self.find = pictures.choose()
        self._card = st.sidebar.container()
        return self._picture

    def draw(self) -> None:
        """Draw the settings, the heading and earlier errors; the second call does nothing."""
        if self._drawn:
            return
        self._drawn = True
        with self._card or st.sidebar:
            _hidden_heading("Settings")
            card.draw(self._picture)
        with self._head:
            _heading(self._picture, self.wanted)
            failures.show_earlier()

    @contextmanager
    def section(self, view: View) -> Iterator[None]:
        """Draw a view in its region; a ``KmsegError`` in the block is shown there."""
        # No container keyed by the view: the browser would mount shared components again in it.
        with self._section, failures.shown(view.key):
            _hidden_heading(view.title, f"kmseg-view-{view.key}")
            yield

    def report(self, error: KmsegError) -> None:
        """Show below the heading why there is no segmentation, with "Try again" if it may help."""
        with self._head:
            failures.report(error, "segmentation")


@contextmanager
def frame() -> Iterator[Frame]:
    """The frame of a run; a ``KmsegError`` in the block is shown in it and ends the run."""
    drawn = Frame()
    try:
        yield drawn
    except KmsegError as error:
        with drawn.pictures:
            panes.show_again()
        drawn.draw()
        drawn.report(error)
        st.stop()


def _lesson(region: DeltaGenerator) -> None:
    """Draw the lesson of the link, if it is one, and hide what it hides."""
    shown, position = session.handout, Position.parse(session.lesson)
    with region:
        if shown.hide:
            st.html(f"<style>{handout.style(shown.hide)}</style>")
        if position is not None or shown.has_text:
            lesson(shown, position)


def _hidden_heading(title: str, css_class: str = "") -> None:
    """A heading for screen readers only."""
    st.html(f'<h2 class="kmseg-hidden {css_class}">{title}</h2>')


def _heading(picture: store.Picture | None, wanted: Settings | None) -> None:
    """The page's title and description, and the buttons that pin and share what is on it."""
    st.html(f"<style>{asset('shared/layout.css')}</style>")
    query = None if wanted is None else link.query_of(wanted)
    with st.container(key="title", horizontal=True, vertical_alignment="center", wrap=False):
        st.html(HEAD)
        if picture is not None and wanted is not None:
            pins.button(picture, wanted)
        if query is not None:
            share(shortened(query), session.picture not in SAMPLES, session.handout, qr.ADDRESS)
    navigation(session.view, session.picture, session.lesson)
    if query is not None:
        _corrections(query)


def _corrections(query: dict[str, str]) -> None:
    """List the corrections of the address until the visitor changes something."""
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
    """Show progress, and a stop button, while the segmentation is computed or queued.

    Yields
    ------
    progress : callable
        ``progress(done, attempts)``, called after each attempt.
    waiting : callable
        ``waiting(ahead)``, called repeatedly while the run waits in the queue.

    In these calls, Streamlit ends the run if the visitor has changed a control meanwhile.
    """
    over_pictures = st.container(key="work")
    place, started, updated = over_pictures.empty(), time.monotonic(), 0.0
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
        others = f"{text.count(ahead, 'request')} ahead" if ahead else "next in the queue"
        show(0.0, f"Waiting: {others}.")

    with over_pictures, st.spinner("Segmenting…", show_time=True):
        yield progress, waiting
    if bar is not None:
        place.empty()


def merged(seg: Segmentation) -> Segmentation:
    """The segmentation with the session's merges; warns of clusters that do not exist."""
    if missing := link.leave_out_missing(seg.n_clusters):
        st.warning(
            f"The link names clusters {', '.join(map(str, missing[:8]))}, but there are only "
            f"{text.count(seg.n_clusters, 'cluster')}. These numbers are ignored."
        )
    return seg.merged(session.merges)


def summary(
    picture: store.Picture, seg: Segmentation, merged: Segmentation, wanted: Settings
) -> None:
    """One line about the clustering, and a note for each deviation from the wanted settings."""
    width, height = store.size(picture, seg)
    hidden = width * height - seg.histogram.n_pixels
    if any(note.endswith("left out") for note in picture.notes):
        hidden = 0  # the note has their number
    engine = ENGINES[seg.settings.engine]
    attempts = _attempts_made(seg)
    tried = "1 attempt" if attempts == 1 else f"best of {attempts} attempts"
    parts = [
        f"{width} × {height}",
        f"{width * height / 1e6:.3g} MP" if width * height >= 10_000 else "",
        *map(text.plain, picture.notes),
        text.count(seg.histogram.n_colors, "colour"),
        f"{text.count(hidden, 'transparent pixel')} left out" if hidden else "",
        "" if engine.name == DEFAULT_ENGINE else engine.title,
        "global optimum" if seg.global_optimum else tried,
        "" if seg.converged is not False else "not converged",
        ", ".join(captions.tidying(merged.settings)),
        f"{_before(merged)}inertia {text.power(seg.inertia)}",
    ]
    more = [
        engine.title,
        text.count(seg.n_iter, "iteration") if seg.n_iter else "",
        f"RMS {math.sqrt(seg.inertia / seg.histogram.n_pixels):.3g}",
        f"fitted in {1000 * seg.seconds['fit']:,.0f} ms",
    ]
    details = " · ".join(filter(None, more))
    with st.container(key="summary"):
        st.caption(" · ".join(filter(None, parts)), help=f"{details}\n{SUMMARY_HELP}")
    for note in _notes(picture, seg, wanted):
        st.info(note)


def _before(merged: Segmentation) -> str:
    """The steps that were made after the clustering, such as "before merging: "."""
    steps = [
        "merging" if (merged.untidied or merged).merges else "",
        "tidying" if merged.untidied is not None else "",
    ]
    made = " and ".join(filter(None, steps))
    return f"before {made}: " if made else ""


def _attempts_made(seg: Segmentation) -> int:
    """The number of attempts made; some engines report only the best one."""
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
            f"{text.count(seg.n_clusters, 'distinct value')} in these channels."
        )
    if seg.constant_channels:
        notes.append(
            f"Constant in this picture, so without effect on the clusters: "
            f"{text.names(', '.join(seg.constant_channels))} of {space.title}."
        )
    if seg.settings.width != wanted.width:
        notes.append(
            f"{engine} processes every pixel in every attempt, so here it works on a smaller copy: "
            f"{seg.settings.width} pixels wide instead of {wanted.width or picture.width}. The "
            "exact engine uses every pixel."
        )
    if seg.settings.attempts != wanted.attempts:
        notes.append(
            f"{engine} makes at most {seg.settings.attempts} attempts on this page instead of "
            f"{wanted.attempts}."
        )
    return notes
