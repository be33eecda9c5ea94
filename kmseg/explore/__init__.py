"""Comparison of settings: which colour space, channels and K separate a picture's areas.

The sheet has a tile for each colour space and channel set, the ladder a rung for each K. Tiles and
rungs are exact: each shows what choosing its settings gives, at fewer pixels.
"""

from __future__ import annotations

from kmseg.explore.differences import residual
from kmseg.explore.partitions import agreement, coherence
from kmseg.explore.ranking import Proposal, ranked, separation
from kmseg.explore.rungs import SILHOUETTE_PIXELS, Rung, ladder, suggested
from kmseg.explore.tiles import TILE_SIDE, Tile, automatic, sheet, tile_grid, views

__all__ = [
    "SILHOUETTE_PIXELS",
    "TILE_SIDE",
    "Proposal",
    "Rung",
    "Tile",
    "agreement",
    "automatic",
    "coherence",
    "ladder",
    "ranked",
    "residual",
    "separation",
    "sheet",
    "suggested",
    "tile_grid",
    "views",
]
