"""``Reading``: how a picture file becomes pixels, as one frozen value, and its spellings.

A Python value counts frames from 0, as sequences do. Everything that is written (link, command
line, JSON, messages) counts them from 1, as the page does: "frame 2 of 3" is ``--frame 2``.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal

from kmseg.errors import SettingsError, shown
from kmseg.picture.roi import Region, format_region, parse_mask, parse_region

Levels = Literal["auto", "stored"] | tuple[float, float]

#: The highest frame number that can be asked for, counted from 1.
MAX_FRAME: Final = 10_000

_NUMBER: Final = r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?"
_RANGE: Final = re.compile(rf"({_NUMBER})\s*\.\.\s*({_NUMBER})")
_LEVELS_ALLOWED: Final = (
    "levels: must be 'auto', 'stored' or two numbers low..high, the smaller one first, such as "
    "150..420"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a picture file is read.

    Parameters
    ----------
    frame : int
        Which frame of an animation or page of a document, from 0 to 9999.
    levels : {"auto", "stored"} or pair of float
        How samples of more than 8 bits become 8: by the rule of :mod:`kmseg.picture.levels`, by
        the full range of their type, or with the two values (low, high) as black and white. A
        string such as ``"150..420"`` is accepted as well. Samples of 8 bits are never changed.
    region : tuple of (int, int)
        The region of interest: two opposite corners (x, y) of a rectangle or 3 to 64 of a polygon,
        in pixels from the upper left corner of the upright picture; a string such as
        ``"10.20_300.150"`` is accepted as well. Pixels whose centre is outside do not count; the
        levels are those of the whole picture all the same. Empty for the whole picture.
    mask : str
        Names the mask of :meth:`kmseg.Image.masked` that was applied to the picture that was read,
        by 16 hexadecimal digits; empty for none. The mask itself is not part of a reading.

    Raises
    ------
    SettingsError
        Names the field, what is allowed and what was given.
    """

    frame: int = 0
    levels: Levels = "auto"
    region: Region = ()
    mask: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", _frame(self.frame, first=0))
        object.__setattr__(self, "levels", parse_levels(self.levels))
        object.__setattr__(self, "region", parse_region(self.region))
        object.__setattr__(self, "mask", parse_mask(self.mask))

    @property
    def whole(self) -> Reading:
        """The same without a region and a mask."""
        return replace(self, region=(), mask="")

    def to_dict(self) -> dict[str, Any]:
        """A JSON object; frames count from 1.

        ``{"frame": 1, "levels": "auto", "region": [], "mask": ""}``.
        """
        levels = self.levels if isinstance(self.levels, str) else list(self.levels)
        region = [list(corner) for corner in self.region]
        return {"frame": self.frame + 1, "levels": levels, "region": region, "mask": self.mask}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Reading:
        """The inverse of :meth:`to_dict`; unknown names raise :class:`SettingsError`."""
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise SettingsError(f"{shown(name)} is not a way of reading: {', '.join(known)}")
        frame = _frame(values.get("frame", 1), first=1) - 1
        return cls(**dict(values) | {"frame": frame})

    def to_query(self) -> dict[str, str]:
        """The part of a link's query; frames count from 1. Region and mask are there if set."""
        query = {"frame": str(self.frame + 1), "levels": format_levels(self.levels)}
        part = {"region": format_region(self.region), "mask": self.mask}
        return query | {name: text for name, text in part.items() if text}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[Reading, tuple[str, ...]]:
        """How a link says that a file is read, with what cannot be used corrected.

        Parameters
        ----------
        query : mapping of str to str
            Missing fields take their defaults; other names are the caller's.

        Returns
        -------
        Reading
        tuple of str
            One sentence for each correction: a frame number out of range becomes the nearest one,
            anything else its default.
        """
        frame, levels, region, mask = 1, parse_levels("auto"), parse_region(()), ""
        corrections = []
        try:
            frame = _frame(query.get("frame", "1"), first=1)
        except SettingsError as error:
            frame = _nearest_frame(query["frame"])
            corrections.append(f"{error}; {frame} is used")
        try:
            levels = parse_levels(query.get("levels", "auto"))
        except SettingsError as error:
            corrections.append(f"{error}; auto is used")
        try:
            region = parse_region(query.get("region", ""))
        except SettingsError as error:
            corrections.append(f"{error}; the whole picture is used")
        try:
            mask = parse_mask(query.get("mask", ""))
        except SettingsError as error:
            corrections.append(f"{error}; none is used")
        return cls(frame - 1, levels, region, mask), tuple(corrections)

    def to_options(self) -> list[str]:
        """The command-line options that differ from the defaults; frames count from 1.

        Each is one word, since argparse takes a separate ``-5..30`` for another option. The mask's
        file is named MASK.
        """
        default = Reading().to_query()
        written = self.to_query() | ({"mask": "MASK"} if self.mask else {})
        return [f"--{name}={text}" for name, text in written.items() if text != default.get(name)]


def parse_frame(value: object) -> int:
    """A written frame number, counted from 1, as ``Reading.frame``, counted from 0.

    Raises
    ------
    SettingsError
    """
    return _frame(value, first=1) - 1


def parse_levels(value: object) -> Levels:
    """``"auto"``, ``"stored"``, ``"150..420"`` or a pair of numbers, as ``Reading.levels``.

    Raises
    ------
    SettingsError
    """
    parts: Iterable[Any] = ()
    if isinstance(value, str):
        text = value.strip().lower()
        if text == "auto" or text == "stored":
            return "auto" if text == "auto" else "stored"
        found = _RANGE.fullmatch(text)
        parts = found.groups() if found else ()
    elif isinstance(value, Iterable):
        parts = value
    try:
        numbers = [math.nan if isinstance(part, bool) else float(part) for part in parts]
    except (TypeError, ValueError, OverflowError):
        numbers = []
    if len(numbers) != 2 or not 0 < numbers[1] - numbers[0] < math.inf:
        raise SettingsError(f"{_LEVELS_ALLOWED}, not {shown(value)}")
    return numbers[0] + 0.0, numbers[1] + 0.0  # -0.0 becomes 0.0


def format_levels(levels: Levels) -> str:
    """The inverse of :func:`parse_levels`: ``(150.0, 420.5)`` -> ``"150..420.5"``."""
    if isinstance(levels, str):
        return levels
    return "..".join(repr(level).removesuffix(".0") for level in levels)


def _frame(value: object, first: int) -> int:
    try:
        number = int(value) if isinstance(value, str) else operator.index(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = first - 1
    last = MAX_FRAME - 1 + first
    if isinstance(value, bool) or not first <= number <= last:
        raise SettingsError(
            f"frame: must be a whole number from {first} to {last}, not {shown(value)}"
        )
    return number


def _nearest_frame(given: str) -> int:
    try:
        return min(max(int(given), 1), MAX_FRAME)
    except ValueError:
        return 1
