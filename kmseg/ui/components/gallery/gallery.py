"""A gallery of small segmentations to choose from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kmseg.explore import Tile
from kmseg.output import encode
from kmseg.settings import Settings
from kmseg.ui.components.assets import data_url
from kmseg.ui.components.component import register
from kmseg.ui.session import session

_mount = register("gallery")


@dataclass(frozen=True, slots=True)
class Entry:
    """A tile and the text under it.

    Attributes
    ----------
    tile : Tile
    title : str
    lines : tuple of str
        Further lines.
    mark : str
        Highlighted last line, such as the note on a suggestion.
    """

    tile: Tile
    title: str
    lines: tuple[str, ...] = ()
    mark: str = ""


@dataclass(frozen=True, slots=True)
class GalleryTile:
    """One tile, as sent to the gallery.

    Attributes
    ----------
    image : str
        Address of the segmentation.
    title, mark : str
    lines : tuple of str
    current : bool
        Whether the tile has the settings in use.
    """

    image: str
    title: str
    lines: tuple[str, ...]
    mark: str
    current: bool


@dataclass(frozen=True, slots=True)
class GalleryData:
    """Data sent to the gallery.

    Attributes
    ----------
    label : str
        Accessible name of the gallery.
    aspect : float
        Width of the picture divided by its height.
    side : float
        Minimum width of a tile, in rem, if the page is wide enough.
    tiles : list of GalleryTile
    """

    label: str
    aspect: float
    side: float
    tiles: list[GalleryTile]


def gallery(
    entries: Sequence[Entry],
    current: Settings,
    on_pick: Callable[[Settings], None],
    label: str,
    key: str,
    side: float = 7,
) -> None:
    """Show tiles; a click on one calls ``on_pick`` with its settings.

    Parameters
    ----------
    entries : sequence of Entry
        At least one; all show the same picture.
    current : Settings
        The entry with these settings is marked as chosen.
    on_pick : callable
    label : str
        Accessible name of the gallery.
    key : str
    side : float
        Minimum width of a tile, in rem, if the page is wide enough.
    """

    def picked() -> None:
        number = session.event(key, "picked")
        if isinstance(number, int) and 0 <= number < len(entries):
            on_pick(entries[number].tile.settings)

    height, width = entries[0].tile.labels.shape
    tiles = [
        GalleryTile(
            image=data_url(encode.indexed_png(entry.tile.labels, entry.tile.palette), encode.PNG),
            title=entry.title,
            lines=entry.lines,
            mark=entry.mark,
            current=entry.tile.settings == current,
        )
        for entry in entries
    ]
    _mount(GalleryData(label, width / height, side, tiles), key=key, on_picked_change=picked)
