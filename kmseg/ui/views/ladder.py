"""The view "Choosing K": one segmentation for each K, with scores that suggest one."""

from __future__ import annotations

import math
from typing import Final

import streamlit as st

from kmseg import explore
from kmseg.explore import Rung
from kmseg.ui import store, text
from kmseg.ui.components.curves.curves import Curve, curves
from kmseg.ui.components.gallery.gallery import Entry, gallery
from kmseg.ui.session import session
from kmseg.ui.views.view import Place, View, ViewContext, say_automatic

# The largest K, unless a larger one is set.
TOP: Final = 10

HELP: Final = """
**Inertia** at its best never rises with K. Look for the elbow: the K after which it falls only
slowly.

**Silhouette**, from -1 to 1: the mean of (b − a) / max(a, b), where a and b are a pixel's mean
distances to its own and to the nearest other cluster (Rousseeuw 1987). The K with the highest
silhouette is suggested.

**Caliński-Harabasz** (1974): the variance between clusters over the variance within them, with
K − 1 and N − K degrees of freedom. Higher is better.
"""


def show(context: ViewContext) -> None:
    """Draw charts of the scores over K, and a tile for each K."""
    settings = context.wanted
    st.markdown("**How many clusters?** Click a picture to use its K.", help=HELP)
    say_automatic(settings)
    with st.spinner("Trying each K…"):
        rungs = list(store.ladder(context.picture, settings, max(TOP, settings.n_clusters)))
    if not rungs:
        st.info("Every pixel has the same value in these channels, so there is nothing to cluster.")
        return
    best = explore.suggested(rungs)
    _curves(rungs, best, settings.n_clusters)
    gallery(
        [_entry(rung, suggested=rung is best) for rung in rungs],
        explore.automatic(settings),
        session.set_settings,
        "Segmentations by K",
        "ladder",
        side=9.5,
    )
    st.caption(
        f"Inertia and Caliński-Harabasz are computed over all pixels, the silhouette over "
        f"{explore.SILHOUETTE_PIXELS:,} random ones. "
        + ("The filled dot marks the highest silhouette. " if best else "")
        + "The K in use is underlined. "
        + (
            "The suggestion is only a guide: compare the pictures."
            if best
            else "No K is suggested, because the silhouette is not defined for these pixels."
        )
    )


def _entry(rung: Rung, suggested: bool) -> Entry:
    return Entry(
        rung.tile,
        f"K = {rung.tile.settings.n_clusters}",
        (
            f"inertia {text.power(rung.tile.inertia)}",
            f"silhouette {_number(rung.silhouette)}",
            f"Caliński-Harabasz {text.power(rung.calinski_harabasz)}",
        ),
        "suggested: highest silhouette" if suggested else "",
    )


def _curves(rungs: list[Rung], best: Rung | None, current: int) -> None:
    inertias = [rung.tile.inertia for rung in rungs]
    silhouettes = [rung.silhouette for rung in rungs]
    charts = [
        Curve("Inertia", inertias, [text.power(value) for value in inertias]),
        Curve(
            f"Silhouette of {explore.SILHOUETTE_PIXELS:,} pixels",
            [None if math.isnan(value) else value for value in silhouettes],
            [_number(value) for value in silhouettes],
            marked=True,
        ),
    ]
    clusters = [rung.tile.settings.n_clusters for rung in rungs]
    suggested = best.tile.settings.n_clusters if best else None
    curves(charts, clusters, suggested, current, "ladder curves")


def _number(value: float) -> str:
    return "not defined" if math.isnan(value) else f"{value:.2f}"


VIEW: Final = View(key="ladder", title="Choosing K", place=Place.EXPLORE, show=show)
