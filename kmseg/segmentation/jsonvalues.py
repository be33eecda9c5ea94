"""Values of a codebook as JSON has them, written by anybody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kmseg.errors import SettingsError, shown
from kmseg.settings import RANGES
from kmseg.settings.kinds import Colors

Groups = tuple[tuple[int, ...], ...]

MAX_CLUSTERS: Final = RANGES["n_clusters"][1]


def parse_colours(name: str, value: object) -> NDArray[np.uint8]:
    """A list of colours, such as ``"#ff0010"``, as an array (n, 3); raises ``SettingsError``."""
    try:
        if isinstance(value, list):
            return np.array(Colors().parse(value), np.uint8).reshape(-1, 3)
    except (TypeError, ValueError, OverflowError):
        pass
    raise SettingsError(f"{name}: must be a list of {Colors.allowed}, not {shown(value)}")


def parse_groups(name: str, value: object) -> Groups:
    """Groups of numbers from 1, as JSON has them, as groups of numbers from 0.

    Raises
    ------
    SettingsError
        They are not lists of different whole numbers from 1 to 255.
    """
    groups: list[Any] = value if isinstance(value, list) else [value]
    flat = [n for one in groups for n in (one if isinstance(one, list) and one else [None])]
    if all(type(n) is int and 1 <= n <= MAX_CLUSTERS for n in flat) and len(set(flat)) == len(flat):
        return tuple(tuple(n - 1 for n in one) for one in groups)
    raise SettingsError(
        f"{name}: must be lists of different whole numbers from 1 to {MAX_CLUSTERS}, not "
        f"{shown(value)}"
    )


def parse_numbers(name: str, value: Any, depth: int) -> NDArray[np.float64]:
    """Lists of numbers as an array; raises ``SettingsError``."""
    rows: Iterable[Any] = value if depth == 2 and isinstance(value, list) else [value]
    flat = [n for row in rows for n in (row if isinstance(row, list) else [None])]
    try:
        if all(type(n) in (int, float) for n in flat):
            return np.array(value, np.float64)
    except (ValueError, OverflowError):  # lists of different lengths, or a huge whole number
        pass
    what = "lists of as many numbers each" if depth == 2 else "a list of numbers"
    raise SettingsError(f"{name}: must be {what}, not {shown(value)}")
