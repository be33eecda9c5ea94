"""Channels of a colour space by index or by name."""

from __future__ import annotations

from collections.abc import Iterable

from kmseg.color import COLOR_SPACES
from kmseg.errors import SettingsError, shown


def parse_channels(value: object, color_space: str) -> str:
    """Channels by index or name -> ``"all"`` or sorted distinct digits.

    Parameters
    ----------
    value : object
        ``"all"``, digits (``"02"``), names with or without commas or spaces between them
        (``"HV"``, ``"L*, b*"``), or an iterable of digits and names.
    color_space : str
        A key of :data:`kmseg.color.COLOR_SPACES`.

    Raises
    ------
    SettingsError
        Lists the channels of the colour space.
    """
    channels = COLOR_SPACES[color_space].channels
    if isinstance(value, str):
        text = value.strip().lower()
        if text == "all":
            return "all"
        parts = text.replace(",", " ").split()
    else:
        parts = [str(part).strip().lower() for part in value] if isinstance(value, Iterable) else []
    names = [name.lower() for name in channels]
    indices = [index for part in parts for index in _indices(part, names)]
    if not indices or -1 in indices or len(set(indices)) < len(indices):
        listed = ", ".join(f"{index} = {name}" for index, name in enumerate(channels))
        raise SettingsError(
            f"channels: must be 'all' or different channels of {color_space} ({listed}), "
            f"not {shown(value)}"
        )
    return "".join(map(str, sorted(indices)))


def _indices(part: str, names: list[str]) -> list[int]:
    """Indices of a name, of digits, or of names run together; -1 stands for an unknown channel."""
    if part in names:
        return [names.index(part)]
    if part.isascii() and part.isdigit():
        return [int(digit) if int(digit) < len(names) else -1 for digit in part]
    indices = []
    while part:
        name = max((name for name in names if part.startswith(name)), key=len, default=part)
        indices.append(names.index(name) if name in names else -1)
        part = part.removeprefix(name)
    return indices
