"""Small segmentations to choose from, and the curves that help to choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from kmseg.explore import Tile
from kmseg.output import encode
from kmseg.settings import Settings
from kmseg.ui.components.assets import asset, data_url
from kmseg.ui.session import session

_mount = st.components.v2.component(
    "kmseg_gallery",
    html=asset("gallery/gallery.html"),
    css=asset("gallery/gallery.css"),
    js=asset("gallery/gallery.js"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A tile with what is written under it: a title, lines, and a mark that sets it apart."""

    tile: Tile
    title: str
    lines: tuple[str, ...] = ()
    mark: str = ""


def gallery(
    entries: Sequence[Entry],
    current: Settings,
    on_pick: Callable[[Settings], None],
    label: str,
    key: str,
    side: float = 7,
) -> None:
    """Show tiles; a click calls ``on_pick`` with the settings of one.

    Parameters
    ----------
    entries : sequence of Entry
        At least one, all of one picture.
    current : Settings
        The entry with these settings is marked as chosen.
    on_pick : callable
    label : str
        What is read out before the tiles.
    key : str
    side : float
        Least width of a tile, in rem, where the page is wide enough.
    """

    def picked() -> None:
        number = session.event(key, "picked")
        if isinstance(number, int) and 0 <= number < len(entries):
            on_pick(entries[number].tile.settings)

    height, width = entries[0].tile.labels.shape
    _mount(
        key=key,
        data={
            "label": label,
            "aspect": width / height,
            "side": side,
            "tiles": [
                {
                    "image": data_url(
                        encode.indexed_png(entry.tile.labels, entry.tile.palette), encode.PNG
                    ),
                    "title": entry.title,
                    "lines": list(entry.lines),
                    "mark": entry.mark,
                    "current": entry.tile.settings == current,
                }
                for entry in entries
            ],
        },
        on_picked_change=picked,
    )


_mount_curves = st.components.v2.component(
    "kmseg_curves",
    html='<div class="curves"></div>',
    css=asset("curves/curves.css"),
    js=asset("curves/curves.js"),
)


@dataclass(frozen=True, slots=True)
class Curve:
    """A score over K: what it is called, its values (None where there is none), and as text.

    ``marked``: whether it is the one that suggests a K.
    """

    title: str
    values: Sequence[float | None]
    texts: Sequence[str]
    marked: bool = False


def curves(
    charts: Sequence[Curve], clusters: Sequence[int], suggested: int | None, current: int, key: str
) -> None:
    """Draw scores over the numbers of clusters, one chart each."""
    _mount_curves(
        key=key,
        data={
            "charts": [asdict(chart) for chart in charts],
            "clusters": list(clusters),
            "suggested": suggested,
            "current": current,
        },
    )
