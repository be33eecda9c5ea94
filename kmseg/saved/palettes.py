"""Palettes in the formats of :mod:`kmseg.output.tables`: GPL, CSS and JSON."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kmseg.errors import SavedFileError, shown
from kmseg.saved.content import parse_json
from kmseg.segmentation.jsonvalues import MAX_CLUSTERS, parse_colours

_GPL: Final = "GIMP Palette"
_GPL_COLOUR: Final = re.compile(r"\s*(\d{1,3})\s+(\d{1,3})\s+(\d{1,3})(?:\s.*)?", re.ASCII)
_GPL_OTHER: Final = re.compile(r"\s*(?:#.*|(?:Name|Columns):.*|)", re.ASCII)
_CSS: Final = re.compile(r"\s*:root\s*\{([^{}]*)\}\s*", re.ASCII)
_CSS_COLOUR: Final = re.compile(r"\s*--[\w-]+\s*:\s*(#[0-9a-fA-F]{6})\s*", re.ASCII)


def colours_in(text: str) -> NDArray[np.uint8] | None:
    """The colours of a palette, shape (K, 3), in the order of the file; None for a JSON object.

    Raises
    ------
    SavedFileError, SettingsError
        It is no palette, or has no colours or more than 255.
    """
    start = text.lstrip()
    if start.startswith("{"):
        return None
    if start.startswith("["):
        found = _json(parse_json(text))
    elif start.startswith(_GPL):
        found = _gpl(start.splitlines()[1:])
    else:
        found = _css(text)
    if not 1 <= len(found) <= MAX_CLUSTERS:
        raise SavedFileError(f"must have 1 to {MAX_CLUSTERS} colours, not {len(found):,}")
    return parse_colours("colours", found)


def _gpl(lines: list[str]) -> list[Any]:
    colours = []
    for line in lines:
        if colour := _GPL_COLOUR.fullmatch(line):
            colours.append([int(level) for level in colour.groups()])
        elif not _GPL_OTHER.fullmatch(line):
            raise SavedFileError(f"must have lines such as '255 128 0 name', not {shown(line)}")
    return colours


def _css(text: str) -> list[Any]:
    rule = _CSS.fullmatch(text)
    if rule is None:
        raise SavedFileError(
            "must be settings.json, or a palette as GPL, CSS or JSON as kmseg saves them, not "
            f"{shown(text[:40])}"
        )
    *declarations, rest = rule[1].split(";")
    colours = []
    for declaration in declarations if not rest.strip() else [*declarations, rest]:
        colour = _CSS_COLOUR.fullmatch(declaration)
        if colour is None:
            raise SavedFileError(
                f"must have declarations such as '--cluster-1: #ff8000', not {shown(declaration)}"
            )
        colours.append(colour[1])
    return colours


def _json(rows: list[Any]) -> list[Any]:
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("hex"), str):
            raise SavedFileError(
                f'must have objects such as {{"hex": "#ff8000"}} in its list, not {shown(row)}'
            )
    return [row["hex"] for row in rows]
