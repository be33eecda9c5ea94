"""Attempts as tiles; the chosen one shows where it differs from the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from kmseg.explore import Attempt, Comparison
from kmseg.output import encode
from kmseg.ui.components.assets import data_url
from kmseg.ui.components.component import register

_mount = register("attempts")

# Colour of pixels that differ, over the darkened picture.
LIT: Final = np.array([[255, 230, 0]], np.uint8)


@dataclass(frozen=True, slots=True)
class Entry:
    """An attempt and the text under its picture.

    Attributes
    ----------
    attempt : Attempt
    comparison : Comparison
        With the best of the entries.
    mark : str
        Highlighted line, such as that of the best.
    lines : tuple of str
        Further lines.
    differing : str
        How many of its pixels differ from the best; empty if none do.
    """

    attempt: Attempt
    comparison: Comparison
    mark: str
    lines: tuple[str, ...]
    differing: str


@dataclass(frozen=True, slots=True)
class AttemptTile:
    """One tile, as sent to the browser.

    Attributes
    ----------
    number : int
        Number of the attempt, from 1.
    image : str
        Address of the segmentation.
    differences : str
        Address of the pixels that differ from the best, transparent elsewhere; empty if none do.
    mark, lines, differing
        As in :class:`Entry`.
    best : bool
        Whether the mark is that of the best.
    """

    number: int
    image: str
    differences: str
    mark: str
    lines: tuple[str, ...]
    differing: str
    best: bool


@dataclass(frozen=True, slots=True)
class AttemptsData:
    """Data sent to the browser.

    Attributes
    ----------
    label : str
        Accessible name of the group of tiles.
    aspect : float
        Width of the picture divided by its height.
    tiles : list of AttemptTile
    chosen : int
        Number of the attempt that is chosen at first; 0 if none is.
    """

    label: str
    aspect: float
    tiles: list[AttemptTile]
    chosen: int


def attempts(
    entries: Sequence[Entry],
    label: str,
    on_step: Callable[[], None],
    key: str,
    chosen: int = 0,
) -> None:
    """Show attempts as tiles.

    Parameters
    ----------
    entries : sequence of Entry
        At least one; all of the same picture.
    label : str
        Accessible name of the group.
    on_step : callable
        Called when a visitor wants to step through one; ``st.session_state[key].step`` is its
        number, from 1.
    key : str
    chosen : int, optional
        Number, from 1, of the attempt that is chosen at first.
    """
    height, width = entries[0].attempt.labels.shape
    best = min((entry.attempt for entry in entries), key=lambda attempt: attempt.inertia)
    tiles = [_tile(entry, entry.attempt is best) for entry in entries]
    _mount(AttemptsData(label, width / height, tiles, chosen), key=key, on_step_change=on_step)


def _tile(entry: Entry, best: bool) -> AttemptTile:
    attempt, differs = entry.attempt, entry.comparison.differs
    lit = encode.indexed_png(np.where(differs, 0, -1).astype(np.int16), LIT)
    return AttemptTile(
        number=attempt.number + 1,
        image=data_url(encode.indexed_png(attempt.labels, attempt.palette), encode.PNG),
        differences=data_url(lit, encode.PNG) if differs.any() else "",
        mark=entry.mark,
        lines=entry.lines,
        differing=entry.differing,
        best=best,
    )
