"""Steps through a run of k-means in the browser, on the viewer's picture."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kmseg.color import COLOR_SPACES
from kmseg.output.tracecodec import pack_trace
from kmseg.settings import to_hex
from kmseg.tracing import Trace
from kmseg.ui.components.component import register

_mount = register("steps")

Init = Literal["k-means++", "random", "manual", "dragged"]


@dataclass(frozen=True, slots=True)
class Preview:
    """The exact pixels of the viewer's preview, which the browser paints.

    Attributes
    ----------
    pixels : str
        Base address of the pixels, which are sent in stripes.
    stripes : int
        Number of stripes.
    width, height : int
        In pixels.
    """

    pixels: str
    stripes: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class StepsData:
    """Data sent to the browser for a run of S moves, K clusters and D coordinates.

    Attributes
    ----------
    run : str
        Identifier of the run.
    segmentation : str
        The segmentation's part of the address: the viewer shows the run in its place.
    start : str
        The run's start, as in a link.
    chosen_init : str
        How the settings choose a start: "k-means++", "random" or "manual".
    init : Init
        How this run's start was chosen: as above, or by dragging a centroid.
    seeds : list of K str
        Colour of each cluster's seed, ``"#rrggbb"``.
    drawn : list of K int
        The clusters in the order in which their seeds were drawn. Of equally near centroids, a
        pixel takes the one that was drawn first.
    packed : str
        The run in base64, see :func:`kmseg.output.tracecodec.pack_trace`.
    n_moves : int
        S.
    converged : bool
        Whether the run came to rest before the limit of iterations.
    epsilon : float
        Largest move of a centroid at rest, in units of the colour space.
    best : float
        Inertia of the segmentation that the page shows.
    preview : Preview
    space : str
        Key of the colour space.
    columns : sequence of D int
        Indices of the clustered coordinates of the space.
    coordinates : sequence of D str
        Their names.
    """

    run: str
    segmentation: str
    start: str
    chosen_init: str
    init: Init
    seeds: list[str]
    drawn: list[int]
    packed: str
    n_moves: int
    converged: bool
    epsilon: float
    best: float
    preview: Preview
    space: str
    columns: Sequence[int]
    coordinates: Sequence[str]


def steps(
    trace: Trace,
    start: str,
    dragged: bool,
    preview: Preview,
    segmentation: str,
    best: float,
    on_asked: Callable[[], None],
    key: str,
) -> None:
    """Step through a run.

    Parameters
    ----------
    trace : Trace
    start : str
        Its start, as in a link.
    dragged : bool
        Whether it begins from centroids, of which one was dragged.
    preview : Preview
    segmentation : str
        The segmentation's part of the address.
    best : float
        Inertia of the segmentation that the page shows.
    on_asked : callable
        Called when the browser asks for another run. ``st.session_state[key].asked`` is then a
        dictionary with ``"start"``, in the form of a link, and in some cases ``"init"``, the new
        value of this setting.
    key : str
    """
    settings = trace.settings
    order = np.arange(trace.n_clusters)
    init: str = settings.init
    if dragged:  # clusters keep the numbers that they had meanwhile
        order, init = trace.drawn, "dragged"
    _mount(
        StepsData(
            run=f"{segmentation}&start={start}",
            segmentation=segmentation,
            start=start,
            chosen_init=settings.init,
            init=init,  # type: ignore[arg-type]
            seeds=[to_hex(color) for color in trace.seeds[order]],
            drawn=np.argsort(order)[trace.drawn].tolist(),
            packed=base64.b64encode(pack_trace(trace, order)).decode(),
            n_moves=trace.n_steps,
            converged=trace.converged,
            epsilon=settings.epsilon,
            best=best,
            preview=preview,
            space=settings.color_space,
            columns=COLOR_SPACES[settings.color_space].selected(settings.channels),
            coordinates=settings.coordinate_names,
        ),
        key=key,
        on_asked_change=on_asked,
    )
