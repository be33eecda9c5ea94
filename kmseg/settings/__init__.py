"""``Settings``: one frozen value with everything that a segmentation depends on.

A new setting is one field of :class:`Settings` here. Its validation and its spellings in Python,
JSON, links and on the command line follow from the field's description.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from kmseg.color import ALIASES, COLOR_SPACES
from kmseg.errors import SettingsError, shown
from kmseg.kmeans.engines import DEFAULT_ENGINE, ENGINES
from kmseg.kmeans.problem import INITS, STOPS
from kmseg.picture.reading import Reading
from kmseg.settings.channels import parse_channels
from kmseg.settings.fields import fields_of, setting
from kmseg.settings.kinds import (
    Channels,
    Choice,
    Color,
    Colors,
    NonNegative,
    Numbers,
    Size,
    Whole,
    to_hex,
)
from kmseg.settings.scripts import SAMPLE_PREFIX, Language, notebook, script
from kmseg.settings.shells import Shell, command

__all__ = [
    "FIELDS",
    "INITS",
    "LINK_VERSION",
    "PAGE_RANGES",
    "RANGES",
    "SAMPLE_PREFIX",
    "STOPS",
    "TIDYING",
    "Language",
    "Settings",
    "Shell",
    "shown",
    "to_hex",
]

LINK_VERSION: Final = "1"
TIDYING: Final = ("smallest_region", "fill_holes")  # they change labels after the clustering

_DEFAULT_READING: Final = Reading()
_ENGINE_ALIASES: Final = {alias: e.name for e in ENGINES.values() for alias in e.aliases}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a segmentation depends on, apart from the picture.

    Every value may also be given as text; names are accepted in any case.
    """

    color_space: str = setting(
        "bgr", Choice(tuple(COLOR_SPACES), ALIASES), "-s", "--color-space", help="colour space"
    )
    channels: str = setting(
        "all", Channels(), "-c", "--channels", help="channels of the colour space to cluster"
    )
    n_clusters: int = setting(
        4, Whole(2, 255), "-n", "--num-clusters", help="number of clusters, K", page=(2, 32)
    )
    init: str = setting(
        "k-means++", Choice(INITS), "--init", help="how starting centroids are chosen"
    )
    centroids: tuple[Color, ...] = setting(
        (), Colors(), "--centroids", help="starting colours of a manual start, one for each cluster"
    )
    attempts: int = setting(
        10,
        Whole(1, 100),
        "--attempts",
        help="number of starts, of which the best is kept",
        note="a manual start has one",
    )
    max_iter: int = setting(300, Whole(1, 1000), "--max-iter", help="maximum number of iterations")
    epsilon: float = setting(
        0.01,
        NonNegative(),
        "--epsilon",
        help="largest move of a centroid that counts as converged, in units of the colour space",
    )
    stop: str = setting(
        "both",
        Choice(STOPS),
        "--stop",
        help="what ends the iteration",
        note="both means whichever comes first",
    )
    seed: int = setting(
        0,
        Whole(0, 2**31 - 1),
        "--seed",
        help="seed of the random numbers",
        note="equal seeds give equal results",
    )
    engine: str = setting(
        DEFAULT_ENGINE,
        Choice(tuple(ENGINES), _ENGINE_ALIASES),
        "--engine",
        help="implementation of k-means",
    )
    width: int = setting(
        0,
        Whole(0, 30_000),
        "-w",
        "--width",
        help="width in pixels to which the picture is resized first",
        note="0 keeps its size",
        page=(0, 8000),
    )
    smallest_region: int | str = setting(
        0,
        Size(),
        "--smallest-region",
        help="smallest region that is kept; smaller ones go to neighbours",
        note="0 keeps all",
    )
    fill_holes: tuple[int, ...] = setting(
        (), Numbers(), "--fill-holes", help="clusters whose holes are filled"
    )

    def __post_init__(self) -> None:
        for name, field in FIELDS.items():
            object.__setattr__(self, name, field.parse(getattr(self, name)))
        object.__setattr__(self, "channels", parse_channels(self.channels, self.color_space))
        if self.init == "manual":
            object.__setattr__(self, "attempts", 1)
            if len(self.centroids) != self.n_clusters:
                raise SettingsError(
                    f"centroids: a manual start needs one colour for each of the "
                    f"{self.n_clusters} clusters, not {len(self.centroids)}"
                )
        elif self.centroids:
            raise SettingsError(
                f"centroids: starting colours need init='manual', not {self.init!r}; "
                "change it, or leave the colours out"
            )

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels that are clustered."""
        channels = COLOR_SPACES[self.color_space].channels
        if self.channels == "all":
            return channels
        return tuple(channels[int(digit)] for digit in self.channels)

    @property
    def coordinate_names(self) -> tuple[str, ...]:
        """Names of the D coordinates that are clustered."""
        space = COLOR_SPACES[self.color_space]
        return tuple(space.coordinates[column] for column in space.selected(self.channels))

    @property
    def tidies(self) -> bool:
        """Whether labels are tidied after the clustering."""
        return bool(self.smallest_region or self.fill_holes)

    def untidied(self) -> Settings:
        """The settings of the clustering alone: without ``smallest_region`` and ``fill_holes``."""
        return replace(self, smallest_region=0, fill_holes=()) if self.tidies else self

    def to_dict(self) -> dict[str, Any]:
        """The settings as a JSON object, by field name; colours as ``"#rrggbb"``."""
        return {name: field.kind.to_json(getattr(self, name)) for name, field in FIELDS.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """The inverse of :meth:`to_dict`; missing fields take their defaults.

        Raises
        ------
        SettingsError
            A name is not that of a field, or a value is not allowed.
        """
        for name in values:
            if name not in FIELDS:
                raise SettingsError(
                    f"{shown(name)} is not a setting; choose from {', '.join(FIELDS)}"
                )
        return cls(**values)

    def to_query(self) -> dict[str, str]:
        """The query of a link: every value, defaults included, and the link's version."""
        query = {name: field.kind.to_link(getattr(self, name)) for name, field in FIELDS.items()}
        return {"v": LINK_VERSION} | query

    @classmethod
    def from_query(
        cls, query: Mapping[str, str], ranges: Mapping[str, tuple[int, int]] | None = None
    ) -> tuple[Settings, tuple[str, ...]]:
        """Settings of a link, with values corrected that are not allowed.

        Parameters
        ----------
        query : mapping of str to str
            Missing fields take their defaults; names that are not settings are ignored.
        ranges : mapping of str to (int, int), optional
            Ranges of whole numbers, by field, where the caller's are narrower than :data:`RANGES`.

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
            corrections.append(
                f"v: must be {LINK_VERSION}, not {shown(version)}; the link is read as version "
                f"{LINK_VERSION}"
            )
        for name, field in FIELDS.items():
            if name not in query:
                continue
            field = field.within((ranges or {}).get(name))
            try:
                values[name] = field.parse(query[name])
            except SettingsError as error:
                values[name] = field.kind.nearest(query[name], field.default)
                corrections.append(f"{error}; {values[name]} is used")
        while True:  # each pass repairs one rule that joins two fields
            try:
                return cls(**values), tuple(corrections)
            except SettingsError as error:
                repair = _REPAIRS[str(error).partition(":")[0]]
                values |= repair
                corrections.append(f"{error}; {next(iter(repair.values()))!r} is used instead")

    def to_command_line(
        self, picture: str, shell: Shell = "posix", reading: Reading = _DEFAULT_READING
    ) -> str:
        """The command that repeats this segmentation, run in a clone of the repository.

        Parameters
        ----------
        picture : str
            Path of the picture, or a sample as in ``"sample:china"``.
        shell : {"posix", "cmd"}
            Whose quotes: those of ``sh``, or of ``cmd.exe``.
        reading : Reading
            How the picture is read.
        """
        options = {
            field.flags[0]: field.kind.to_argument(getattr(self, name))
            for name, field in FIELDS.items()
        }
        words = [word for flag, text in options.items() if text for word in (flag, text)]
        safe = f"./{picture}" if picture.startswith("-") else picture
        words = ["-m", "kmseg", "-i", safe, *reading.to_options(), *words, "--json"]
        return command(words, shell)

    def to_script(
        self,
        language: Language,
        picture: str,
        reading: Reading = _DEFAULT_READING,
        *,
        notes: Sequence[str] = (),
        opaque: bool = False,
    ) -> str:
        """A Python program that makes this segmentation.

        It prints the pixels and colour of each cluster, and saves ``segmented.png``. Its first
        lines say what to install, and why its counts may differ from those of :func:`segment`. The
        programs for OpenCV and scikit-learn do not clip K to the number of distinct values.

        Parameters
        ----------
        language : {"opencv", "scikit-learn", "numpy", "kmseg"}
            All but the last need no kmseg.
        picture : str
            Path of the picture, or a sample as in ``"sample:china"``, which all but "kmseg" read
            from ``china.png``.
        reading : Reading
            How kmseg reads the picture.
        notes : sequence of str
            ``Image.notes``: what kmseg did to the file's values.
        opaque : bool
            Whether the picture has no transparent pixels, so that the program need not look for
            them; JPEG and BMP never have any.

        Raises
        ------
        SettingsError
            If the language is not one of these.
        """
        return script(self, language, picture, reading, notes, opaque)

    def to_notebook(
        self,
        language: Language,
        picture: str,
        reading: Reading = _DEFAULT_READING,
        *,
        notes: Sequence[str] = (),
        opaque: bool = False,
    ) -> str:
        """The program of :meth:`to_script` as a Jupyter notebook, which also shows both pictures.

        Parameters and errors as in :meth:`to_script`.

        Returns
        -------
        str
            The content of an ``.ipynb`` file, nbformat 4.5.
        """
        return notebook(self, language, picture, reading, notes, opaque)


FIELDS: Final = fields_of(Settings)
RANGES: Final = {
    name: (field.kind.low, field.kind.high)
    for name, field in FIELDS.items()
    if isinstance(field.kind, Whole)
}
# Ranges of the page's controls.
PAGE_RANGES: Final = {name: FIELDS[name].page or whole for name, whole in RANGES.items()}
# Repairs of links that break a rule about two fields: the field that the error names -> new values.
_REPAIRS: Final[dict[str, dict[str, Any]]] = {
    "channels": {"channels": "all"},
    "centroids": {"init": "k-means++", "centroids": ()},
}

Settings.__doc__ = "\n".join(
    [
        inspect.cleandoc(Settings.__doc__ or ""),
        "\nParameters\n----------",
        *(field.parameter() for field in FIELDS.values()),
        "\nRaises\n------\nSettingsError",
        "    Names the field, what is allowed and what was given.",
    ]
)
