"""Series of small segmentations, which the page shows as they are computed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, Final

from kmseg import explore
from kmseg.settings import TIDYING, Settings
from kmseg.ui.server.gates import slot, stop_if_cancelled
from kmseg.ui.store import caches
from kmseg.ui.store.pictures import Picture, key_of
from kmseg.ui.store.results import data
from kmseg.ui.store.store import Key
from kmseg.ui.store.work import Jobs

# Series that are being extended, by the key and the part of their list.
growing: Final = Jobs()


def sheet(picture: Picture, settings: Settings) -> Generator[explore.Tile]:
    """Yield a tile for every colour space and set of channels, as they are computed."""
    made = data(picture, settings.width)
    wanted = explore.views(settings.untidied())
    tiles = series(
        key_of(picture, settings.width),
        ("tiles", wanted[0]),
        lambda done: explore.sheet(made.histogram, made.tile, wanted[done:]),
    )
    with closing(tiles):
        for each in tiles:
            yield _with_tidying(each, settings)


def tile(picture: Picture, settings: Settings) -> explore.Tile:
    """The tile of these settings."""
    made, plain = data(picture, settings.width), settings.untidied()

    def make() -> explore.Tile:
        with slot():
            (found,) = explore.sheet(made.histogram, made.tile, [plain])
            return found

    found: explore.Tile = caches.results().get(
        key_of(picture, settings.width), make, stop_if_cancelled, part=("tile", plain)
    )
    return _with_tidying(found, settings)


def _with_tidying(tile: explore.Tile, settings: Settings) -> explore.Tile:
    """A tile, which is not tidied itself, whose choice keeps the tidying of these settings."""
    how = {name: getattr(settings, name) for name in TIDYING}
    return replace(tile, settings=replace(tile.settings, **how))


def ladder(picture: Picture, settings: Settings, most: int) -> Generator[explore.Rung]:
    """Yield a rung for each K from 2 to ``most``, as they are computed."""
    made = data(picture, settings.width)
    plain = replace(explore.automatic(settings.untidied()), n_clusters=most)
    rungs = series(
        key_of(picture, settings.width),
        ("rungs", plain),
        lambda done: explore.ladder(made.histogram, made.tile, plain, range(2 + done, most + 1)),
    )
    with closing(rungs):
        for each in rungs:
            yield replace(each, tile=_with_tidying(each.tile, settings))


def series(key: Key, part: Hashable, more: Callable[[int], Iterator[Any]]) -> Generator[Any]:
    """Yield the cached items, then those of ``more(number of cached items)``, caching each.

    One run computes at a time. The next run continues an interrupted series.
    """
    items: list[Any] = caches.results().get(key, list, part=part)
    yield from (known := list(items))
    with growing.exclusive((key, part), lambda _: stop_if_cancelled()):
        yield from items[len(known) :]
        with slot() as pause:
            for item in more(len(items)):
                caches.results().append(key, part, items, item)
                pause()
                yield item
