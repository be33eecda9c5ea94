"""Where attempts end, as one strip of dots for each way of drawing seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kmseg.ui.components.component import register

_mount = register("distribution")


@dataclass(frozen=True, slots=True)
class Strip:
    """The attempts of one way of drawing seeds.

    Attributes
    ----------
    title : str
    told : str
        Its legend: how many there are, and what they show.
    values : sequence of float
        Inertia of each attempt above the best of all strips, in percent.
    """

    title: str
    told: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class DistributionData:
    """Data sent to the browser.

    Attributes
    ----------
    strips : sequence of Strip
        The first has filled dots, the second open ones.
    axis : str
        What the axis shows.
    """

    strips: Sequence[Strip]
    axis: str


def distribution(strips: Sequence[Strip], axis: str, key: str) -> None:
    """Draw strips of dots over one axis."""
    _mount(DistributionData(strips, axis), key=key)
