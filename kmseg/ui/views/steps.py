"""The view "Steps": plain Lloyd, half-step by half-step, on the picture above."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import streamlit as st

from kmseg.settings import INITS
from kmseg.ui import store
from kmseg.ui.components.steps.steps import Preview, steps
from kmseg.ui.records import Start
from kmseg.ui.session import Key, session
from kmseg.ui.views.view import Place, View, ViewContext

HELP: Final = """
**Assign**: each pixel joins the cluster whose centroid is nearest.

**Move**: each centroid goes to the mean of its pixels.

Each half-step can only lower the inertia, so the run comes to rest. Where it rests depends on the
start: this is one run of Lloyd's algorithm over all colours, without the search that makes the
segmentation in *Explore* nearly independent of it.

Step s is the state after s moves; the last iteration, which only confirms convergence, has no step.
"""


def show(context: ViewContext) -> None:
    """Draw the controls, what happens in the current half-step, inertia, and the colours."""
    settings = replace(context.wanted, width=context.seg.settings.width)
    start = Start.parse(session.start) or Start()
    if not start.fits(context.seg.n_clusters, len(settings.coordinate_names)):
        start, session.start = Start(), ""
    run = store.run(context.picture, settings, start)
    pixels, width, height = store.preview_pixels(context.picture, settings.width)
    steps(
        run,
        session.start,
        start.centroids is not None,
        Preview(pixels, store.N_STRIPES, width, height),
        context.address,
        context.seg.inertia,
        _start_again,
        key=Key.STEPS,
    )
    hint = ""
    if settings.init == "manual":
        hint = f"At step 0, a click on the picture sets colour {session.start_slot}. "
    sample = "Numbers count all pixels; the picture and the plot show a sample."
    st.caption(hint + sample, help=HELP)


def open_at(attempt: int, init: str) -> None:
    """Open the steps of an attempt, numbered from 1, with seeds drawn in this way."""
    session.view = VIEW.key
    session.start = session.next_start = str(attempt)
    session.init = init


def _start_again() -> None:
    """Begin another run, as the browser asked."""
    match session.event(Key.STEPS, "asked"):
        case {"start": str(start), **rest} if Start.parse(start) is not None:
            session.start = start
            if (init := rest.get("init")) in INITS:
                session.init = init


VIEW: Final = View(key="steps", title="Steps", place=Place.WATCH, show=show)
