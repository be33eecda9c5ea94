"""Comparison of settings: which colour space, channels and K separate a picture's areas.

The sheet has a tile for each colour space and channel set, the ladder a rung for each K. Tiles and
rungs are exact: each shows what choosing its settings gives, at fewer pixels. Attempts of plain
Lloyd stand side by side with the best of them.
"""

from __future__ import annotations

from kmseg.explore.attempts import (
    BAD_START,
    SAME_INERTIA,
    SAME_PIXELS,
    Attempt,
    Comparison,
    attempts,
    bad_start,
    compared,
)
from kmseg.explore.differences import residual
from kmseg.explore.partitions import agreement, coherence
from kmseg.explore.ranking import Proposal, ranked, separation
from kmseg.explore.rungs import SILHOUETTE_PIXELS, Rung, ladder, suggested
from kmseg.explore.tiles import TILE_SIDE, Tile, automatic, sheet, tile_grid, views

__all__ = [
    "BAD_START",
    "SAME_INERTIA",
    "SAME_PIXELS",
    "SILHOUETTE_PIXELS",
    "TILE_SIDE",
    "Attempt",
    "Comparison",
    "Proposal",
    "Rung",
    "Tile",
    "agreement",
    "attempts",
    "automatic",
    "bad_start",
    "coherence",
    "compared",
    "ladder",
    "ranked",
    "residual",
    "separation",
    "sheet",
    "suggested",
    "tile_grid",
    "views",
]
