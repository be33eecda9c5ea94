"""Views that set settings side by side: choose one by a click."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from typing import Final

import numpy as np
import streamlit as st

from kmseg import explore
from kmseg.color import COLOR_SPACES
from kmseg.explore import Rung, Tile
from kmseg.output import export, render
from kmseg.segmentation import Segmentation
from kmseg.settings import Settings
from kmseg.ui import link
from kmseg.ui import store as cache
from kmseg.ui.components.gallery.gallery import Curve, Entry, curves, gallery
from kmseg.ui.views.views import choose

PROPOSALS: Final = 6
# The ladder's last K, or the one that is chosen if that is more.
LADDER_TOP: Final = 10

_SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

SHEET_HELP: Final = """
Proposals come first where pixels of one cluster lie together in the picture rather than as
speckle (*coherence*, 0 to 1) and where the clusters explain much of the picture's colours
(*explained*). Tiles that show nearly the same are folded into the best of them.
"""
LADDER_HELP: Final = """
**Inertia** always falls as K grows; look for the K after which it falls slowly.

**Silhouette**, -1 to 1: how much nearer pixels are to their own cluster than to the next. The K
where it is greatest is suggested.

**Calinski-Harabasz**: variance between the clusters over variance within them; more is better.
"""


def sheet(picture: cache.Picture, settings: Settings) -> None:
    """Every colour space and channel set, the most promising first."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with right:
        others = {k: k for k in ("2", "3", "4") if k != str(settings.n_clusters)}
        titles = {"same": f"K = {settings.n_clusters}"} | others
        if st.session_state["sheet_k"] not in titles:
            st.session_state["sheet_k"] = "same"
        k = choose("Number of clusters on this sheet", titles, "sheet_k", labelled=True)
    left.markdown("**Which colours pull this picture apart?** Click a tile to use it.")
    shown = settings if k == "same" else replace(explore.automatic(settings), n_clusters=int(k))
    current = explore.automatic(settings)
    _say_automatic(settings)
    proposals = st.container()
    tiles: list[Tile] = []
    with closing(cache.sheet(picture, shown)) as made:
        for key, row in groupby(made, lambda tile: tile.settings.color_space):
            st.markdown(f"**{COLOR_SPACES[key].title}**")
            found = list(row)
            entries = [Entry(tile, _channels(tile.settings)) for tile in found]
            gallery(entries, current, link.set_widgets, COLOR_SPACES[key].title, f"sheet {key}")
            tiles += found
    with proposals:
        st.markdown("**Proposals**", help=SHEET_HELP)
        best = [found for found in explore.ranked(tiles) if found.tile.separation > 0][:PROPOSALS]
        if not best:
            st.info(
                "No colours of this picture form areas of their own: there is nothing to propose."
            )
            return
        gallery(
            [
                Entry(
                    proposal.tile,
                    f"{number}. {_title(proposal.tile.settings)}",
                    (
                        f"coherence {proposal.tile.coherence:.2f}",
                        f"explained {proposal.tile.explained:.0%}",
                        f"and {len(proposal.alike)} much like it" if proposal.alike else "",
                    ),
                )
                for number, proposal in enumerate(best, start=1)
            ],
            current,
            link.set_widgets,
            "Proposals, best first",
            "sheet proposals",
            side=8,
        )


def ladder(picture: cache.Picture, settings: Settings) -> None:
    """K from 2 up: segmentations, inertia, and scores that suggest one."""
    st.markdown("**How many clusters?** Click a rung to use its K.", help=LADDER_HELP)
    _say_automatic(settings)
    top = max(LADDER_TOP, settings.n_clusters)
    with st.spinner("Climbing…"):
        rungs = list(cache.ladder(picture, settings, top))
    if not rungs:
        st.info("The picture has one colour in these channels: there is nothing to choose.")
        return
    best = explore.suggested(rungs)
    _curves(rungs, best, settings.n_clusters)
    gallery(
        [
            Entry(
                rung.tile,
                f"K = {rung.tile.settings.n_clusters}",
                (
                    f"inertia {_power(rung.tile.inertia)}",
                    f"silhouette {_number(rung.silhouette)}",
                    f"Calinski-Harabasz {_power(rung.calinski_harabasz)}",
                ),
                "suggested: greatest silhouette" if rung is best else "",
            )
            for rung in rungs
        ],
        explore.automatic(settings),
        link.set_widgets,
        "Segmentations by K",
        "ladder",
        side=9.5,
    )
    st.caption(
        f"Inertia and Calinski-Harabasz are exact, over every pixel; the silhouette is that of "
        f"{explore.SILHOUETTE_PIXELS:,} pixels drawn at random. Filled: its greatest; underlined: "
        "the K in use. A suggestion is no more than that: look at the pictures."
    )


def _curves(rungs: list[Rung], best: Rung, current: int) -> None:
    inertias = [rung.tile.inertia for rung in rungs]
    silhouettes = [rung.silhouette for rung in rungs]
    charts = [
        Curve("Inertia", inertias, [_power(value) for value in inertias]),
        Curve(
            f"Silhouette of {explore.SILHOUETTE_PIXELS:,} pixels",
            [None if math.isnan(value) else value for value in silhouettes],
            [_number(value) for value in silhouettes],
            marked=True,
        ),
    ]
    clusters = [rung.tile.settings.n_clusters for rung in rungs]
    curves(charts, clusters, best.tile.settings.n_clusters, current, "ladder curves")


def residual(picture: cache.Picture, seg: Segmentation) -> None:
    """Where the segmentation lies far from the original."""
    distances = cache.residual(picture, seg)
    known = distances[~np.isnan(distances)]
    top = max(float(np.percentile(known, 99.5)), 1.0)  # a few odd pixels would darken the rest
    pixels = render.heat(distances, top)
    st.markdown("**Where is the segmentation far from the original?** Brighter is further.")
    picture_at, text = st.columns([3, 2], gap="medium")
    with picture_at:
        st.image(
            export.png(pixels),
            width="stretch",
            alt=f"Residual: colour differences, {known.mean():.1f} on average",
        )
        st.html(_scale(top))
    with text:
        st.metric("Average difference", f"{known.mean():.1f} ΔE")
        st.metric("Worst 1 % of pixels begin at", f"{np.percentile(known, 99):.1f} ΔE")
        st.caption(
            "ΔE is the CIE 1976 colour difference between a pixel and its cluster's colour: about "
            "2.3 is just noticeable, 10 is plain to see. More clusters, or channels that were left "
            "out, bring it down."
        )


def _scale(top: float) -> str:
    """The colours of the residual with their values under them."""
    ramp = render.heat(np.linspace(0, top, 9)[None], top)[0]
    stops = ", ".join(f"rgb({r},{g},{b})" for r, g, b in ramp[:, :3].tolist())
    digits = 0 if top >= 8 else 2
    ticks = "".join(f"<span>{top * part:.{digits}f}</span>" for part in (0, 0.25, 0.5, 0.75))
    ticks += f"<span>{top:.{digits}f} and more</span>"
    return (
        f'<div aria-hidden="true" style="height:.8rem;border-radius:3px;'
        f'background:linear-gradient(to right,{stops})"></div>'
        '<div style="display:flex;justify-content:space-between;font-size:.8rem">'
        f"{ticks}</div><div style='font-size:.8rem;text-align:center'>ΔE</div>"
    )


def hue(picture: cache.Picture, settings: Settings) -> None:
    """Raw hue beside hue as an angle."""
    st.markdown("**Hue, raw and as an angle.** Click one to use it.")
    plain = explore.automatic(settings)
    pair = [
        (replace(plain, color_space="hsv", channels="0"), "Raw H, 0 to 179"),
        (replace(plain, color_space="hsv-circular", channels="0"), "H as an angle"),
    ]
    lines = (
        "Red lies at both ends, so it may fall into two clusters that look alike.",
        "Red is one: 0 and 180 are the same direction. Pale colours weigh less.",
    )
    tiles = [cache.tile(picture, chosen) for chosen, _ in pair]
    gallery(
        [
            Entry(tile, title, (line,))
            for tile, (_, title), line in zip(tiles, pair, lines, strict=True)
        ],
        plain,
        link.set_widgets,
        "Hue, raw and as an angle",
        "hue",
        side=22,
    )
    reds = [_n_red(tile) for tile in tiles]
    st.caption(
        f"Clusters whose mean colour is red: {reds[0]} with raw hue, {reds[1]} with hue as an "
        f"angle. The two agree on {explore.agreement(tiles[0].labels, tiles[1].labels):.0%} of the "
        "pixels."
    )


def _n_red(tile: Tile) -> int:
    """Clusters within 20 degrees of red, grays left out."""
    x, y, _ = COLOR_SPACES["hsv-circular"].convert(tile.palette).T
    return int(((np.hypot(x, y) > 40) & (np.abs(np.arctan2(y, x)) < math.radians(20))).sum())


def _say_automatic(settings: Settings) -> None:
    if explore.automatic(settings) != settings:
        st.caption("Made by the exact engine, from starts of its own: choosing one sets that too.")


def _title(settings: Settings) -> str:
    return f"{COLOR_SPACES[settings.color_space].title}: {_channels(settings)}"


def _channels(settings: Settings) -> str:
    return ", ".join(settings.channel_names)


def _number(value: float) -> str:
    return "not defined" if math.isnan(value) else f"{value:.2f}"


def _power(value: float) -> str:
    """Three digits, and powers of ten as people write them."""
    digits, _, exponent = f"{value:.3g}".partition("e")
    if not exponent:
        return digits
    return f"{digits} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
