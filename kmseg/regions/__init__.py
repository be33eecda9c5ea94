"""From clusters to things: connected components of a segmentation, tidied and measured."""

from __future__ import annotations

from kmseg.regions.measure import Regions, measure
from kmseg.regions.tidy import tidy

__all__ = ["Regions", "measure", "tidy"]
