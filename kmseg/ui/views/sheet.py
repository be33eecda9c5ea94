"""The view "Colour spaces": a segmentation for each colour space and set of channels."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from itertools import groupby
from typing import Final

import streamlit as st

from kmseg import explore
from kmseg.color import COLOR_SPACES
from kmseg.explore import Proposal, Tile
from kmseg.settings import Settings
from kmseg.ui import store, text
from kmseg.ui.components.gallery.gallery import Entry, gallery
from kmseg.ui.session import session
from kmseg.ui.views import hue, vision
from kmseg.ui.views.view import Option, Place, View, ViewContext, choose, say_automatic

# Most suggestions that are shown.
N_PROPOSALS: Final = 6

# Minimum width of a colour space, in pixels; wide windows show several side by side.
SPACE_WIDTH: Final = 600

HELP: Final = """
Ranked by coherence × √explained. *Coherence* (Cohen's kappa): how much more often than by chance
nearby pixels share a cluster; 1 is solid areas, 0 is scattered dots. *Explained*: the clusters'
share of the variance of the colours in Oklab. Of segmentations that look nearly the same, only the
best is listed.
"""

SHOWN: Final = Option(
    "sheet_shown",
    {"all": "All colour spaces", "hue": "Hue as an angle", "vision": "Colour vision"},
)
_PARTS: Final = {"hue": hue.show, "vision": vision.show}
K: Final = Option("sheet_k", {"same": "As set"} | {k: k for k in ("2", "3", "4")})


def show(context: ViewContext) -> None:
    """Draw the sheet as its tiles are made, then the suggestions above it; or another part."""
    choices = st.container(key="sheet_choices", horizontal=True)
    with choices:
        shown = choose("Colour spaces that are shown", SHOWN.titles, SHOWN.name)
    if shown in _PARTS:
        _PARTS[shown](context)
        return
    with choices:
        settings = _with_chosen_k(context.wanted)
    say_automatic(context.wanted)
    current = explore.automatic(context.wanted)
    proposals = st.container(key="sheet_proposals")
    spaces = st.grid("auto", min_column_width=SPACE_WIDTH)
    tiles: list[Tile] = []
    with closing(store.sheet(context.picture, settings)) as made:
        for key, row in groupby(made, lambda tile: tile.settings.color_space):
            title = COLOR_SPACES[key].title
            found = list(row)
            entries = [Entry(tile, _channels(tile.settings)) for tile in found]
            with spaces.cell():
                st.markdown(f"**{title}**")
                gallery(entries, current, session.set_settings, title, f"sheet {key}")
            tiles += found
    with proposals:
        _proposals(tiles, current)


def open_hue() -> None:
    """Open the comparison of hue as a number with hue as an angle."""
    session.view = VIEW.key
    session.set_option(SHOWN.name, "hue")


def _with_chosen_k(settings: Settings) -> Settings:
    """Draw the sheet's choice of K; returns the settings with that K."""
    titles = {"same": f"K = {settings.n_clusters}"}
    others = (k for k in K.titles if k not in ("same", str(settings.n_clusters)))
    titles |= {k: f"K = {k}" for k in others}
    if session.option(K.name) not in titles:
        session.set_option(K.name, "same")
    k = choose("Number of clusters on this sheet", titles, K.name)
    return settings if k == "same" else replace(explore.automatic(settings), n_clusters=int(k))


def _proposals(tiles: list[Tile], current: Settings) -> None:
    st.markdown("**Suggestions**: click a picture to use its settings.", help=HELP)
    best = explore.ranked(tiles)[:N_PROPOSALS]
    if not best:
        st.info(
            "No colour space separates this picture into areas, so there is nothing to suggest."
        )
        return
    gallery(
        [_entry(proposal, number) for number, proposal in enumerate(best, start=1)],
        current,
        session.set_settings,
        "Suggestions, best first",
        "sheet proposals",
        side=8,
    )


def _entry(proposal: Proposal, number: int) -> Entry:
    tile = proposal.tile
    title = f"{COLOR_SPACES[tile.settings.color_space].title}: {_channels(tile.settings)}"
    return Entry(
        tile,
        f"{number}. {title}",
        (
            f"coherence {tile.coherence:.2f}",
            f"explained {text.percent(tile.explained)}",
            f"and {len(proposal.alike)} similar" if proposal.alike else "",
        ),
    )


def _channels(settings: Settings) -> str:
    return ", ".join(settings.channel_names)


VIEW: Final = View(
    key="sheet",
    title="Colour spaces",
    place=Place.EXPLORE,
    show=show,
    options=(SHOWN, K),
)
