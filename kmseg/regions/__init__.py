"""From clusters to things: connected components of a segmentation, tidied and measured."""

from __future__ import annotations

from kmseg.regions.measure import Regions

__all__ = ["Regions"]
