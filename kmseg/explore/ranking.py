"""Ranking: the best tiles first, near-duplicates folded together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kmseg.explore.partitions import agreement
from kmseg.explore.tiles import Tile

# Agreement from which two tiles count as near-duplicates.
_NEARLY_EQUAL: Final = 0.93


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """The best of several tiles with nearly equal partitions, and the others."""

    tile: Tile
    alike: tuple[Tile, ...]


def separation(tile: Tile) -> float:
    """What tiles are ranked by: coherence times the square root of ``explained``, 0 to 1."""
    return max(tile.coherence, 0.0) * math.sqrt(max(tile.explained, 0.0))


def ranked(tiles: Sequence[Tile]) -> list[Proposal]:
    """Sort tiles by separation, best first, and group near-duplicates under the best of them.

    Tiles without any separation are left out.
    """
    leaders: list[tuple[Tile, list[Tile]]] = []
    promising = [tile for tile in tiles if separation(tile) > 0]
    for tile in sorted(promising, key=separation, reverse=True):
        for leader, others in leaders:
            # Every other row and column is enough to compare.
            if agreement(leader.labels[::2, ::2], tile.labels[::2, ::2]) >= _NEARLY_EQUAL:
                others.append(tile)
                break
        else:
            leaders.append((tile, []))
    return [Proposal(leader, tuple(others)) for leader, others in leaders]
