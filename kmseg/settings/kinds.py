"""Kinds of values of settings: which are allowed, and how they are spelt."""

from __future__ import annotations

import dataclasses
import math
import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

Color = tuple[int, int, int]

_MAX_PIXELS: Final = 1_000_000_000


def to_hex(color: Iterable[int]) -> str:
    """``(255, 0, 16)`` -> ``"#ff0010"``."""
    return "#" + "".join(f"{int(level):02x}" for level in color)


class Kind:
    """A kind of values: which are allowed, and how they are spelt.

    Values are written as they are, and as ``str(value)`` in text, unless a subclass says otherwise.
    """

    __slots__ = ()

    @property
    def type_name(self) -> str:
        """The type, as in a docstring."""
        raise NotImplementedError

    @property
    def allowed(self) -> str:
        """What is allowed, as in an error message."""
        raise NotImplementedError

    @property
    def usage(self) -> str:
        """What is allowed, as in the help of the command line."""
        raise NotImplementedError

    @property
    def documentation(self) -> str:
        """What is allowed, as in a docstring."""
        return self.usage

    def parse(self, value: Any) -> Any:
        """The canonical form of a value or of its text.

        Raises
        ------
        TypeError, ValueError, OverflowError
            The value is not allowed.
        """
        raise NotImplementedError

    def nearest(self, text: str, default: Any) -> Any:
        """What replaces a text in a link that is not allowed."""
        return default

    def to_json(self, value: Any) -> Any:
        """A value in JSON and in Python."""
        return value

    def to_link(self, value: Any) -> str:
        """A value in a link."""
        return str(value)

    def to_argument(self, value: Any) -> str:
        """A value on a command line; an empty one leaves its option out."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Whole(Kind):
    """Whole numbers from ``low`` to ``high``."""

    low: int
    high: int

    @property
    def type_name(self) -> str:
        return "int"

    @property
    def allowed(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    @property
    def usage(self) -> str:
        return f"{self.low}-{self.high}"

    def parse(self, value: Any) -> int:
        number = int(value) if isinstance(value, str) else operator.index(value)
        if isinstance(value, bool) or not self.low <= number <= self.high:
            raise ValueError
        return number

    def nearest(self, text: str, default: Any) -> Any:
        """The number in ``text``, clamped to the range; ``default`` if not a whole number."""
        try:
            return min(max(int(text), self.low), self.high)
        except ValueError:
            return default


class NonNegative(Kind):
    """Finite numbers of at least 0."""

    __slots__ = ()
    type_name = "float"
    allowed = "a number of at least 0"
    usage = "at least 0"

    def parse(self, value: Any) -> float:
        number = float(value)
        if isinstance(value, bool) or not 0 <= number < math.inf:
            raise ValueError
        return number


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One of ``names``, in any case; ``aliases`` maps further spellings to names."""

    names: tuple[str, ...]
    aliases: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def type_name(self) -> str:
        return "str"

    @property
    def allowed(self) -> str:
        return f"one of {', '.join(self.names)}"

    @property
    def usage(self) -> str:
        *others, last = (self._with_aliases(name) for name in self.names)
        return f"{', '.join(others)} or {last}"

    def parse(self, value: Any) -> str:
        key = value.strip().lower() if isinstance(value, str) else ""
        key = self.aliases.get(key, key)
        if key not in self.names:
            raise ValueError
        return key

    def _with_aliases(self, name: str) -> str:
        aliases = [alias for alias, meant in self.aliases.items() if meant == name]
        return f"{name} ({', '.join(aliases)})" if aliases else name


class Channels(Kind):
    """Channels; which ones are allowed depends on the colour space, so ``Settings`` checks them."""

    __slots__ = ()
    type_name = "str"
    allowed = "'all' or different channels of the colour space"
    usage = "all, indices (02) or names (HV)"
    documentation = '"all", or different indices ("02") or names ("HV", "L*,b*")'

    def parse(self, value: Any) -> Any:
        return value


class Colors(Kind):
    """sRGB colours, from an iterable, or from text with commas, dashes or spaces between them."""

    __slots__ = ()
    type_name = "sequence of colours"
    allowed = "sRGB colours as (r, g, b) of 0-255 or '#rrggbb'"
    usage = "#rrggbb,#rrggbb,..."
    documentation = allowed

    def parse(self, value: Any) -> tuple[Color, ...]:
        if isinstance(value, str):
            value = value.replace(",", " ").replace("-", " ").split()
        return tuple(_color(part) for part in value)

    def to_json(self, value: Any) -> list[str]:
        return [to_hex(color) for color in value]

    def to_link(self, value: Any) -> str:
        return "-".join(to_hex(color)[1:] for color in value)

    def to_argument(self, value: Any) -> str:
        return ",".join(map(to_hex, value))


def _color(value: Any) -> Color:
    if isinstance(value, str):
        digits = value.strip().removeprefix("#")
        levels = list(bytes.fromhex(digits)) if len(digits) == 6 else []
    else:
        levels = [operator.index(level) for level in value]
    if len(levels) != 3 or not all(0 <= level <= 255 for level in levels):
        raise ValueError
    return levels[0], levels[1], levels[2]


class Size(Kind):
    """A number of pixels, or text with a share of the picture in per cent, such as "0.05%"."""

    __slots__ = ()
    type_name = "int or str"
    allowed = f"a number of pixels up to {_MAX_PIXELS:,}, or per cent as in '0.05%'"
    usage = "pixels, or per cent of the clustered pixels as in 0.05%"
    documentation = 'pixels, or per cent of the clustered pixels as in "0.05%"'

    def parse(self, value: Any) -> int | str:
        if isinstance(value, str) and value.rstrip().endswith("%"):
            text = value.strip()[:-1].strip()
            if not re.fullmatch(r"\d{1,3}(\.\d{1,9})?", text, re.ASCII) or float(text) > 100:
                raise ValueError
            percent = f"{Decimal(text).normalize():f}"
            return 0 if percent == "0" else f"{percent}%"
        return Whole(0, _MAX_PIXELS).parse(value)

    def nearest(self, text: str, default: Any) -> Any:
        """The number of pixels in ``text``, clamped to the range; else ``default``."""
        return Whole(0, _MAX_PIXELS).nearest(text, default)

    def to_argument(self, value: Any) -> str:
        return str(value) if value else ""


class Numbers(Kind):
    """Numbers of clusters, from 1, in any order; in text with commas, dots or spaces between."""

    __slots__ = ()
    type_name = "sequence of int"
    allowed = "numbers of clusters from 1 to 255"
    usage = "numbers as in 1,3, those before tidying"
    documentation = "numbers from 1, those before tidying"

    def parse(self, value: Any) -> tuple[int, ...]:
        if isinstance(value, str):
            value = value.replace(",", " ").replace(".", " ").split()
        return tuple(sorted({Whole(1, 255).parse(number) for number in value}))

    def to_json(self, value: Any) -> list[int]:
        return list(value)

    def to_link(self, value: Any) -> str:
        return ".".join(map(str, value))

    def to_argument(self, value: Any) -> str:
        return ",".join(map(str, value))
