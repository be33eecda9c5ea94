"""The view "Attempts": plain Lloyd from different seeds, and where each attempt ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median
from typing import Final

import streamlit as st

from kmseg import explore
from kmseg.explore import Attempt, Comparison
from kmseg.settings import Settings
from kmseg.ui import failures, store, text
from kmseg.ui.components.attempts.attempts import Entry, attempts
from kmseg.ui.components.distribution.distribution import Strip, distribution
from kmseg.ui.session import Key, session
from kmseg.ui.store import Growth
from kmseg.ui.views import steps
from kmseg.ui.views.view import Option, Place, View, ViewContext, choose

# Attempts in each strip, and the number after which the other strip goes on.
N_STRIP: Final = 30
N_TURN: Final = 10
# Most attempts among which a bad start is looked for.
N_SEARCHED: Final = 100
# Seconds for which a run makes attempts before it shows them, and seconds between these runs.
RUN_SECONDS: Final = 0.5
POLL_SECONDS: Final = 1.0
# Above this excess, attempts that ended at another optimum show it in tenths of a percent.
LEAST_SHOWN: Final = 0.0005

SEEDS: Final = {"random": "random seeds", "k-means++": "k-means++ seeds"}
TILES: Final = Option("attempts_shown", {n: f"{n} attempts" for n in ("12", "24", "48")})

HELP: Final = """
K-means comes to rest where neither half-step lowers the inertia: at a local optimum. Which one
depends on the seeds. So it is run from several starts, and the attempt with the lowest inertia is
kept.

**Same optimum**: the inertia is the same to 0.01% and at most 2% of the pixels are in other
clusters.
"""


def show(context: ViewContext) -> None:
    """Draw attempts as they are made."""
    settings = store.drawn_starts(replace(context.wanted, width=context.seg.settings.width))
    picture = context.picture
    n = int(session.option(TILES.name) or next(iter(TILES.titles)))
    made = store.attempts(picture, settings, n, RUN_SECONDS)
    # The browser asks for each of these parts again until it is complete.
    complete = len(made) == n
    st.fragment(_tiles, run_every=None if complete else POLL_SECONDS)(
        picture, settings, n, complete
    )
    _choices(settings)
    growing = bool(_growths(picture, settings))
    st.fragment(_made_when_idle, run_every=POLL_SECONDS if growing else None)(
        picture, settings, growing
    )
    width, height = store.size(picture, context.seg)
    st.caption(
        f"Every attempt uses all pixels of the picture at {width} × {height}, as *Steps* does. The "
        "exact engine's search, behind the segmentation above, makes a bad result unlikely."
    )


def _choices(settings: Settings) -> None:
    """Draw the choice of how many attempts there are, and of how their seeds are drawn."""
    other = next(init for init in SEEDS if init != settings.init)

    def draw_otherwise() -> None:
        session.init = other

    st.caption(
        f"Plain Lloyd with {SEEDS[settings.init]}, each attempt run to its end. Click a picture to "
        "compare it with the best."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        choose("Number of attempts", TILES.titles, TILES.name)
        st.button(f"Try {SEEDS[other]}", key="attempts seeds", on_click=draw_otherwise)


def _tiles(picture: store.Picture, settings: Settings, n: int, complete: bool) -> None:
    """Make tiles and draw them; ``complete`` is whether the page expects all."""
    _leave_if_stepping()
    with failures.shown("attempts"):
        made = store.attempts(picture, settings, n, RUN_SECONDS)
        compared = store.compared(picture, settings, made)
        st.markdown(sentence(compared, n), help=HELP)
        attempts(
            _entries(made, compared),
            f"Attempts with {SEEDS[settings.init]}",
            _stepper(Key.ATTEMPTS, settings),
            key=Key.ATTEMPTS,
        )
        if (len(made) == n) != complete:
            st.rerun()


def _leave_if_stepping() -> None:
    """Run the whole page if this part of it was run because a visitor opens the steps."""
    if session.view != VIEW.key:
        st.rerun()


def sentence(compared: Sequence[Comparison], n: int) -> str:
    """How many of n attempts reached the optimum of the best; compared are those made so far."""
    if len(compared) < n:
        return f"{len(compared)} of {n} attempts made…"
    same = sum(comparison.same_optimum for comparison in compared)
    if same == n:
        return f"**All {n} attempts ended at the same local optimum.**"
    reached = f"{same} of {n} attempts ended at the same local optimum"
    if same == 1:
        reached = f"Only 1 of {n} attempts ended at the best local optimum"
    worst = max(comparison.excess for comparison in compared)
    return f"**{reached}; the worst is {_above(worst)} above the best.**"


def _above(excess: float) -> str:
    return text.percent(excess) if excess >= LEAST_SHOWN else "less than 0.1%"


def _entries(made: list[Attempt], compared: list[Comparison]) -> list[Entry]:
    best = min(made, key=lambda attempt: attempt.inertia)

    def entry(attempt: Attempt, comparison: Comparison) -> Entry:
        n_pixels = int(attempt.pixel_counts.sum())
        share = text.percent(comparison.differing / n_pixels)
        differing = (
            f"{comparison.differing:,} pixels ({share}) are in other clusters than in the best."
        )
        if attempt is best:
            mark, line = "★ best", f"inertia {text.power(attempt.inertia)}"
        else:
            mark = "same optimum" if comparison.same_optimum else ""
            line = f"inertia {_above(comparison.excess)} above"
            if not comparison.excess:
                line = "the same inertia"
        lines = line, text.count(attempt.n_iter, "iteration")
        return Entry(attempt, comparison, mark, lines, differing if comparison.differing else "")

    return [entry(*each) for each in zip(made, compared, strict=True)]


def _stepper(key: Key, settings: Settings) -> Callable[[], None]:
    """A callback that opens the steps of the attempt that a component names."""

    def step() -> None:
        match session.event(key, "step"):
            case int(number) if 1 <= number <= N_SEARCHED:
                steps.open_at(number, settings.init)

    return step


# -- made when the server is idle ------------------------------------------------------------------


def _growths(picture: store.Picture, settings: Settings) -> list[Growth]:
    """The attempts that are still to be made, in this order."""
    if session.attempts_paused:
        return []
    wanted = [
        Growth(replace(settings, init=init), turn)
        for turn in range(N_TURN, N_STRIP + 1, N_TURN)
        for init in SEEDS
    ]
    if session.bad_start_of == (picture.key, settings):
        wanted.insert(0, Growth(settings, N_SEARCHED, until_bad=True))
    return [
        growth
        for growth in wanted
        if not growth.is_reached(store.attempts_made(picture, growth.settings))
    ]


def _made_when_idle(picture: store.Picture, settings: Settings, growing: bool) -> None:
    """Draw what is made, and request the rest; ``growing`` is whether the page expects more."""
    _leave_if_stepping()
    with failures.shown("attempts made when idle"):
        _bad_start(picture, settings)
        _strips(picture, settings)
        growths = _growths(picture, settings)
        store.request_attempts(picture, growths)
        if bool(growths) != growing:
            st.rerun()


def _strips(picture: store.Picture, settings: Settings) -> None:
    made = {
        init: store.attempts_made(picture, replace(settings, init=init))[:N_STRIP] for init in SEEDS
    }
    least = min(attempt.inertia for found in made.values() for attempt in found)
    excesses = {
        init: [attempt.inertia / least - 1 if least else 0.0 for attempt in found]
        for init, found in made.items()
    }
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Random against k-means++**, {N_STRIP} attempts each")
        if any(len(found) < N_STRIP for found in made.values()):
            label = "Continue" if session.attempts_paused else "Stop"
            st.button(label, key="attempts pause", on_click=_pause_or_continue)
    distribution(
        [
            Strip(SEEDS[init], _told(found), [100 * excess for excess in found])
            for init, found in excesses.items()
        ],
        "inertia above the best of these attempts",
        key="distribution",
    )


def _told(excesses: list[float]) -> str:
    if not excesses:
        return f"0 of {N_STRIP} made"
    made = f"{len(excesses)} of {N_STRIP} made, " if len(excesses) < N_STRIP else ""
    half, worst = _above(median(excesses)), _above(max(excesses))
    return f"{made}median {half} above the best, worst {worst}"


def _pause_or_continue() -> None:
    session.attempts_paused = not session.attempts_paused
    store.withdraw_attempts()


def _bad_start(picture: store.Picture, settings: Settings) -> None:
    """A button that looks for a bad start; what it found, beside the best."""
    made = store.attempts_made(picture, settings)[:N_SEARCHED]
    wanted = session.bad_start_of == (picture.key, settings)
    bad = explore.bad_start(made) if wanted else None
    if bad is not None:
        best = min(made, key=lambda attempt: attempt.inertia)
        pair = [best, bad]
        compared = store.compared(picture, settings, pair)
        st.markdown(
            f"**A bad start**: attempt {bad.number + 1} ends {_above(compared[1].excess)} above "
            f"attempt {best.number + 1}, at a local optimum, which no half-step can leave."
        )
        attempts(
            _entries(pair, compared),
            "The best attempt and a bad start",
            _stepper(Key.BAD_START, settings),
            key=Key.BAD_START,
            chosen=bad.number + 1,
        )
    elif wanted and len(made) == N_SEARCHED:
        hint = " Try random seeds." if settings.init == "k-means++" else ""
        st.info(
            f"None of {N_SEARCHED} attempts with {SEEDS[settings.init]} ends "
            f"{explore.BAD_START:.0%} above the best.{hint}"
        )
    elif wanted and not session.attempts_paused:
        st.caption(f"Looking for a bad start: {len(made)} of {N_SEARCHED} attempts made…")
    else:

        def find() -> None:
            session.bad_start_of = (picture.key, settings)
            session.attempts_paused = False
            store.withdraw_attempts()

        st.button(
            "Find a bad start",
            key="attempts bad start",
            on_click=find,
            help=f"Looks for one of {N_SEARCHED} attempts that ends at least "
            f"{explore.BAD_START:.0%} above the best.",
        )


VIEW: Final = View(key="attempts", title="Attempts", place=Place.WATCH, show=show, options=(TILES,))
