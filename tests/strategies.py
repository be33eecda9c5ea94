"""Hypothesis strategies for settings, derived from the description of their fields."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from kmseg.color import COLOR_SPACES
from kmseg.settings import FIELDS, Settings
from kmseg.settings.kinds import Choice, NonNegative, Numbers, Size, Whole


def values_of(name: str, small: bool) -> st.SearchStrategy[Any]:
    """Any value that a field allows, or only values that need little work on a small picture."""
    kind = FIELDS[name].kind
    if isinstance(kind, Choice):
        return st.sampled_from(kind.names)
    if isinstance(kind, NonNegative):
        return st.floats(0, 1e300, allow_nan=False)
    if isinstance(kind, Size):
        percent = st.decimals(0, 100, places=4).map(lambda share: f"{share}%")
        return st.integers(0, 50 if small else 10**9) | percent
    if isinstance(kind, Numbers):
        return st.sets(st.integers(1, 6 if small else 255), max_size=6).map(tuple)
    assert isinstance(kind, Whole), f"{name}: add its kind here"
    if small:
        little = {"n_clusters": (2, 6), "attempts": (1, 3), "max_iter": (1, 30), "width": (9, 20)}
        return st.integers(*little.get(name, (kind.low, kind.high)))
    return st.integers(kind.low, kind.high)


@st.composite
def valid_settings(draw: st.DrawFn, small: bool = False) -> Settings:
    """Any settings, or only settings that need little work on a small picture."""
    joined = {"channels", "centroids"}  # these depend on other fields
    values = {name: draw(values_of(name, small)) for name in FIELDS if name not in joined}
    n_channels = len(COLOR_SPACES[values["color_space"]].channels)
    chosen = draw(st.sets(st.integers(0, n_channels - 1), min_size=1))
    values["channels"] = draw(st.sampled_from(["all", "".join(map(str, sorted(chosen)))]))
    if values["init"] == "manual":
        K = values["n_clusters"] = min(values["n_clusters"], 20)
        level = st.integers(0, 255)
        colors = st.lists(st.tuples(level, level, level), min_size=K, max_size=K)
        values["centroids"] = tuple(draw(colors))
    return Settings(**values)
