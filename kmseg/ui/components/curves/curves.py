"""Charts of scores over the number of clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kmseg.ui.components.component import register

_mount = register("curves")


@dataclass(frozen=True, slots=True)
class Curve:
    """A score at each K.

    Attributes
    ----------
    title : str
    values : sequence of float or None
        One for each K; None where the score is not defined.
    texts : sequence of str
        The values as displayed.
    marked : bool
        Whether this score suggests a K.
    """

    title: str
    values: Sequence[float | None]
    texts: Sequence[str]
    marked: bool = False


@dataclass(frozen=True, slots=True)
class CurvesData:
    """Data sent to the charts.

    Attributes
    ----------
    charts : sequence of Curve
    clusters : sequence of int
        The Ks, in ascending order.
    suggested : int or None
        The K that is suggested; None if none is.
    current : int
        The K in use.
    """

    charts: Sequence[Curve]
    clusters: Sequence[int]
    suggested: int | None
    current: int


def curves(
    charts: Sequence[Curve], clusters: Sequence[int], suggested: int | None, current: int, key: str
) -> None:
    """Draw scores over the number of clusters, one chart each."""
    _mount(CurvesData(charts, clusters, suggested, current), key=key)
