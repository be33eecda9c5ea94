"""``Settings``: one frozen value with all that a segmentation depends on, and its spellings.

The same fields, by the same names, are a Python value, a JSON object, the query of a link, a
command line and a script. Strings become values in one place, :func:`_parsers`, which also knows
what is allowed.
"""

from __future__ import annotations

import math
import operator
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from kmseg.color import ALIASES, COLOR_SPACES
from kmseg.errors import SettingsError
from kmseg.kmeans.engines import DEFAULT_ENGINE, ENGINES

LINK_VERSION: Final = "1"

INITS: Final = ("k-means++", "random", "manual")
STOPS: Final = ("both", "epsilon", "iterations")

RANGES: Final[dict[str, tuple[int, int]]] = {
    "n_clusters": (2, 255),
    "attempts": (1, 100),
    "max_iter": (1, 1000),
    "seed": (0, 2**31 - 1),
    "width": (0, 30_000),
}

Color = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a segmentation depends on, apart from the picture.

    Parameters
    ----------
    color_space : str
        A key of :data:`kmseg.color.COLOR_SPACES`, any case (``"ycc"`` means ``"ycrcb"``).
    channels : str
        ``"all"``, or distinct channels by index (``"02"``) or name (``"HV"``, ``"L*,b*"``); kept as
        sorted digits.
    n_clusters : int
        K, 2-255.
    init : {"k-means++", "random", "manual"}
        How starting centroids are chosen.
    centroids : sequence of colours
        With ``init="manual"``: K sRGB colours, as ``(r, g, b)`` of 0-255 or ``"#rrggbb"``.
    attempts : int
        1-100; a manual start has one.
    max_iter : int
        1-1000.
    epsilon : float
        At least 0: the largest move of a centroid, in the units of the space, that counts as rest.
    stop : {"both", "epsilon", "iterations"}
        Which of the two ends the iteration; "both" means whichever comes first.
    seed : int
        0 to 2**31 - 1.
    engine : {"exact", "opencv", "scikit-learn"}
    width : int
        0 keeps the size; otherwise the picture is resized to this width first, 1-30000.

    Raises
    ------
    SettingsError
        Names the field, what is allowed and what was given.
    """

    color_space: str = "bgr"
    channels: str = "all"
    n_clusters: int = 4
    init: str = "k-means++"
    centroids: tuple[Color, ...] = ()
    attempts: int = 10
    max_iter: int = 300
    epsilon: float = 0.01
    stop: str = "both"
    seed: int = 0
    engine: str = DEFAULT_ENGINE
    width: int = 0

    def __post_init__(self) -> None:
        for name, parse in _FIELDS.items():
            object.__setattr__(self, name, parse(getattr(self, name)))
        object.__setattr__(self, "channels", parse_channels(self.channels, self.color_space))
        if self.init == "manual":
            object.__setattr__(self, "attempts", 1)
            if len(self.centroids) != self.n_clusters:
                raise SettingsError(
                    f"centroids: a manual start takes one colour for each of the "
                    f"{self.n_clusters} clusters, not {len(self.centroids)}"
                )
        elif self.centroids:
            raise SettingsError(
                f"centroids: starting colours go with init='manual', not {self.init!r}; "
                "set that, or leave them out"
            )

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels that are clustered."""
        space = COLOR_SPACES[self.color_space]
        return (
            space.channels
            if self.channels == "all"
            else tuple(space.channels[int(digit)] for digit in self.channels)
        )

    @property
    def coordinate_names(self) -> tuple[str, ...]:
        """Names of the D coordinates that are clustered."""
        space = COLOR_SPACES[self.color_space]
        return tuple(space.coordinates[column] for column in space.selected(self.channels))

    def to_dict(self) -> dict[str, Any]:
        """The settings as a JSON object, by field name; colours as ``"#rrggbb"``."""
        return asdict(self) | {"centroids": [to_hex(color) for color in self.centroids]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """The inverse of :meth:`to_dict`; unknown names raise :class:`SettingsError`."""
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise SettingsError(f"{name!r} is not a setting: {', '.join(known)}")
        return cls(**values)

    def to_query(self) -> dict[str, str]:
        """The query of a link: every value, defaults included, and the link's version."""
        query = {name: str(value) for name, value in self.to_dict().items()}
        query["centroids"] = "-".join(to_hex(color)[1:] for color in self.centroids)
        return {"v": LINK_VERSION} | query

    @classmethod
    def from_query(
        cls, query: Mapping[str, str], ranges: Mapping[str, tuple[int, int]] = RANGES
    ) -> tuple[Settings, tuple[str, ...]]:
        """Settings of a link, with what cannot be used corrected.

        Parameters
        ----------
        query : mapping of str to str
            Missing fields take their defaults; names that are not settings are the caller's.
        ranges : mapping of str to (int, int)
            The ranges of whole numbers, where the caller's are narrower than :data:`RANGES`.

        Returns
        -------
        Settings
        tuple of str
            One sentence for each correction: whole numbers out of range go to the nearest end,
            anything else to its default.
        """
        values: dict[str, Any] = {}
        corrections: list[str] = []
        version = query.get("v", LINK_VERSION)
        if version != LINK_VERSION:
            corrections.append(f"v: links of version {LINK_VERSION} are read, not {shown(version)}")
        for name, parse in _parsers(ranges).items():
            try:
                values[name] = parse(query[name]) if name in query else _DEFAULTS[name]
            except SettingsError as error:
                values[name] = _nearest(query[name], ranges.get(name), _DEFAULTS[name])
                corrections.append(f"{error}; {values[name]} is used")
        while True:  # what is left are rules that join two fields, each mended by one reset
            try:
                return cls(**values), tuple(corrections)
            except SettingsError as error:
                reset = _RESETS[str(error).partition(":")[0]]
                values |= reset
                corrections.append(f"{error}; {next(iter(reset.values()))!r} is used instead")

    def to_command_line(self, picture: str) -> str:
        """The shell command that repeats this segmentation of the file ``picture``."""
        options = {
            "-w": self.width,
            "-s": self.color_space,
            "-c": self.channels,
            "-n": self.n_clusters,
            "--init": self.init,
            "--centroids": ",".join(map(to_hex, self.centroids)),
            "--attempts": self.attempts,
            "--stop": self.stop,
            "--max-iter": self.max_iter,
            "--epsilon": self.epsilon,
            "--seed": self.seed,
            "--engine": self.engine,
        }
        words = [word for name, value in options.items() if value != "" for word in (name, value)]
        safe = f"./{picture}" if picture.startswith("-") else picture
        return shlex.join(["python", "-m", "kmseg", "-i", safe, *map(str, words), "--json"])

    def to_python(self, picture: str) -> str:
        """A script that repeats this segmentation of the file ``picture``."""
        values = self.to_dict()
        arguments = "\n".join(f"    {name}={value!r}," for name, value in values.items())
        return (
            f"import kmseg\n\nsettings = kmseg.Settings(\n{arguments}\n)\n"
            f"seg = kmseg.segment(kmseg.read_image({picture!r}), settings)\n"
            "print(seg.pixel_counts, seg.palette, seg.inertia)\n"
        )


def to_hex(color: Iterable[int]) -> str:
    """``(255, 0, 16)`` -> ``"#ff0010"``."""
    return "#" + "".join(f"{int(level):02x}" for level in color)


def shown(value: object) -> str:
    """A given value as it may stand in a message: one line, at most 40 characters."""
    text = ascii(value)
    return text if len(text) <= 40 else text[:37] + "..."


def parse_channels(value: object, color_space: str) -> str:
    """Channels by index or name -> ``"all"`` or sorted distinct digits.

    Accepts ``"all"``, digits (``"02"``), names one after another (``"HV"``) or with commas or
    spaces between (``"L*, b*"``), and iterables of either.
    """
    names = [name.lower() for name in COLOR_SPACES[color_space].channels]
    if isinstance(value, str):
        text = value.strip().lower()
        if text == "all":
            return "all"
        parts = text.replace(",", " ").split()
    else:
        parts = [str(part).strip().lower() for part in value] if isinstance(value, Iterable) else []
    indices = [index for part in parts for index in _channel_indices(part, names)]
    if not indices or -1 in indices or len(set(indices)) < len(indices):
        listed = ", ".join(
            f"{index} = {name}" for index, name in enumerate(COLOR_SPACES[color_space].channels)
        )
        raise SettingsError(
            f"channels: 'all' or distinct channels of {color_space} ({listed}), not {shown(value)}"
        )
    return "".join(map(str, sorted(indices)))


def _channel_indices(part: str, names: list[str]) -> list[int]:
    """Indices of one word: a name, or digits and names run together; -1 for what is neither."""
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


def _whole(name: str, low: int, high: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        try:
            number = int(value) if isinstance(value, str) else operator.index(value)
        except (TypeError, ValueError):
            number = None
        if number is None or isinstance(value, bool) or not low <= number <= high:
            raise SettingsError(f"{name}: a whole number from {low} to {high}, not {shown(value)}")
        return number

    return parse


def _choice(name: str, allowed: Iterable[str], aliases: Mapping[str, str]) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        key = value.strip().lower() if isinstance(value, str) else ""
        key = aliases.get(key, key)
        if key not in allowed:
            raise SettingsError(f"{name}: one of {', '.join(allowed)}, not {shown(value)}")
        return key

    return parse


def _epsilon(value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise SettingsError(f"epsilon: a number of at least 0, not {shown(value)}")
    return number


def _color(value: Any) -> Color:
    if isinstance(value, str):
        digits = value.strip().removeprefix("#")
        levels = list(bytes.fromhex(digits)) if len(digits) == 6 else []
    else:
        levels = [operator.index(level) for level in value]
    if len(levels) != 3 or not all(0 <= level <= 255 for level in levels):
        raise ValueError
    return levels[0], levels[1], levels[2]


def _centroids(value: Any) -> tuple[Color, ...]:
    """Colours from an iterable, or from one string with commas, dashes or spaces between."""
    try:
        parts = (
            value.replace(",", " ").replace("-", " ").split() if isinstance(value, str) else value
        )
        return tuple(_color(part) for part in parts)
    except (TypeError, ValueError):
        raise SettingsError(
            f"centroids: sRGB colours as (r, g, b) of 0-255 or '#rrggbb', not {shown(value)}"
        ) from None


def _channels(value: Any) -> Any:
    """Passed on as it is: what is allowed depends on the colour space."""
    return value


_ENGINE_ALIASES: Final = {alias: e.name for e in ENGINES.values() for alias in e.aliases}


def _parsers(ranges: Mapping[str, tuple[int, int]]) -> dict[str, Callable[[Any], Any]]:
    """What turns a given value, a string included, into each field's value or raises."""
    return {
        "color_space": _choice("color_space", COLOR_SPACES, ALIASES),
        "channels": _channels,
        "init": _choice("init", INITS, {}),
        "centroids": _centroids,
        "epsilon": _epsilon,
        "stop": _choice("stop", STOPS, {}),
        "engine": _choice("engine", ENGINES, _ENGINE_ALIASES),
    } | {name: _whole(name, *(ranges.get(name, RANGES[name]))) for name in RANGES}


def _nearest(given: str, allowed: tuple[int, int] | None, default: Any) -> Any:
    """The end of the range that a whole number overshot, or the default."""
    try:
        return min(max(int(given), allowed[0]), allowed[1]) if allowed else default
    except ValueError:
        return default


_FIELDS: Final = _parsers(RANGES)
_DEFAULTS: Final = {field.name: field.default for field in fields(Settings)}
_RESETS: Final[dict[str, dict[str, Any]]] = {
    "channels": {"channels": "all"},
    "centroids": {"init": "k-means++", "centroids": ()},
}
