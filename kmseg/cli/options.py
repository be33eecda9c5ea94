"""The options. Those of the settings follow from the fields of :class:`kmseg.settings.Settings`."""

from __future__ import annotations

import argparse
import dataclasses
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

from kmseg.cli import many
from kmseg.cli.files import FILE_SCALE, FORMATS, MAX_SMOOTHING
from kmseg.cli.saving import PICTURE_FORMATS, kinds
from kmseg.cli.streams import note
from kmseg.errors import KmsegError, SettingsError
from kmseg.output import export
from kmseg.picture import formats
from kmseg.picture.reading import Reading, format_levels, parse_frame, parse_levels
from kmseg.picture.roi import parse_region
from kmseg.settings import FIELDS, SAMPLE_PREFIX, Settings, shown
from kmseg.ui import offline
from kmseg.version import __version__

if TYPE_CHECKING:
    from kmseg.segmentation import Codebook

# Defaults that differ from those of Settings. K is the article's; see settings() for init.
_DEFAULTS: Final[dict[str, Any]] = {"n_clusters": 3}
_DEFAULT_INIT: Final = f"{FIELDS['init'].default}, or manual with --centroids"
# A field and its value within a message of Settings.
_ASSIGNMENT: Final = re.compile(rf"\b({'|'.join(FIELDS)})='([^']*)'")
# Settings that --codebook leaves open; -s and -c are for palettes.
_BESIDE_CODEBOOK: Final = ("color_space", "channels", "width", "smallest_region", "fill_holes")


class _Parser(argparse.ArgumentParser):
    """A parser that raises mistakes instead of printing its usage and exiting."""

    def error(self, message: str) -> NoReturn:
        raise KmsegError(f"{message}; see python -m kmseg --help")


def parser() -> argparse.ArgumentParser:
    """The parser of the command line; its mistakes are raised as ``KmsegError``."""
    made = _Parser(
        prog="python -m kmseg",
        description="Segment a picture by k-means on its colours, or many. Unless a file is saved "
        "or --json is given, the clusters are printed as a table.",
    )
    made.add_argument("--version", action="version", version=f"kmseg {__version__}")
    made.add_argument(
        "-i",
        "--image",
        action="extend",
        nargs="+",
        required=True,
        metavar="FILE",
        help=f"the picture: {formats.listed()}; - is standard input; "
        f"{SAMPLE_PREFIX}china and the like are the page's samples. Several files, a folder (with "
        "all below it) or a glob such as 'scans/**/*.tif' are many pictures, which need --out",
    )
    _add_reading(made)
    _add_settings(made)
    _add_outputs(made)
    many.add_options(made)
    return made


def with_levels_joined(arguments: Sequence[str]) -> list[str]:
    """``--levels -5..30`` as one word: argparse takes a word with a minus sign for an option."""
    joined: list[str] = []
    for word in arguments:
        if joined and joined[-1] == "--levels" and re.match(r"-[\d.]", word):
            joined[-1] = f"--levels={word}"
        else:
            joined.append(word)
    return joined


def _add_reading(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--frame", default="1", help="frame of an animation or page of a document (default: 1)"
    )
    to.add_argument(
        "--levels",
        help="which values of a file of more than 8 bits become black and white: auto, stored (the "
        "range of their type) or LOW..HIGH, such as 150..420 (default: auto)",
    )
    to.add_argument(
        "--region",
        default="",
        metavar="X.Y_X.Y",
        help="cluster only what is inside a rectangle, by two corners in pixels from the upper "
        "left of the picture, such as 10.20_300.150, or inside a polygon, by three to 64 corners "
        "(default: the whole picture)",
    )

    to.add_argument(
        "--mask",
        metavar="FILE",
        help="cluster only where this picture of the same size is at least half as bright as white",
    )
    to.add_argument(
        "--pixels-per-mm",
        default="",
        metavar="X",
        help="scale of the clustered picture for objects and objects-report, such as 12.5, or "
        f"{FILE_SCALE} for what the picture's file states (default: none)",
    )


def reading(options: argparse.Namespace, codebook: Codebook | None) -> Reading:
    """How the file is read; raises ``SettingsError``, which names the option."""
    levels = "auto" if options.levels is None else options.levels
    if codebook is not None and codebook.levels is not None:
        if options.levels is not None:
            raise SettingsError(
                f"--levels: must be those of --codebook, {format_levels(codebook.levels)}, not "
                f"{shown(options.levels)}; leave the option out"
            )
        levels = codebook.levels
    try:
        return Reading(
            parse_frame(options.frame), parse_levels(levels), parse_region(options.region)
        )
    except SettingsError as error:
        raise SettingsError(f"--{error}") from None  # the options are named as the fields


def _add_settings(to: argparse.ArgumentParser) -> None:
    """Add one option for each setting; its value is checked by :class:`Settings`."""
    for name, field in FIELDS.items():
        default = _DEFAULTS.get(name, field.default)
        said = _DEFAULT_INIT if name == "init" else field.kind.to_argument(default)
        to.add_argument(
            *field.flags,
            dest=name,
            default=argparse.SUPPRESS,
            metavar=field.flags[-1].lstrip("-").replace("-", "_").upper(),
            help=field.described(field.kind.usage).replace("%", "%%")
            + (f" (default: {said})" if said else ""),
        )
    to.add_argument(
        "--codebook",
        "--palette",
        metavar="FILE",
        default=many.EACH,
        help="carry clusters over instead of fitting some: a settings.json that was saved, what "
        "--json printed, or a palette (GPL, CSS or JSON), whose colours are centroids in the space "
        "of -s and -c (default: cielab, all). For many pictures also each, a fit of each picture "
        "(default), or shared, one fit on the colours of all; both names are the same option",
    )


def _add_outputs(to: argparse.ArgumentParser) -> None:
    add = to.add_argument
    add(
        "-o",
        "--output-file",
        action="store_true",
        help="save original and grey ranks side by side under a timestamped name in this folder",
    )
    add("-f", "--output-format", default="png", help=f"format of -o: {', '.join(FORMATS)}")
    add(
        "--labels",
        metavar="FILE.png",
        help="save an indexed PNG: pixel value = cluster, from 1; 0 = transparent",
    )
    add(
        "--save",
        action="append",
        default=[],
        metavar="KIND",
        help=f"save a download of the page under its name there: {', '.join(kinds())} or all; "
        "several with commas between them or by several --save",
    )
    add(
        "--out",
        metavar="DIR",
        help="folder for --save, made if missing (default: this folder; many pictures need one)",
    )
    add(
        "--picture-format",
        default="png",
        metavar="FORMAT",
        help=f"format of pictures to look at that --save saves: {', '.join(PICTURE_FORMATS)}; "
        "pictures whose exact colours count are always png (default: png)",
    )
    add(
        "--page-side",
        default=str(offline.SIDE),
        metavar="PIXELS",
        help="longest side of the picture in a saved page, "
        f"{offline.SIDES[0]} to {offline.SIDES[1]} (default: {offline.SIDE})",
    )
    add(
        "--smoothing",
        default=str(export.SMOOTHING),
        metavar="PIXELS",
        help=f"smoothing of svg and geojson, 0 to {MAX_SMOOTHING}: borders move by at most this "
        f"and 0.86 pixels; 0 keeps the edges of pixels (default: {export.SMOOTHING})",
    )
    add("--force", action="store_true", help="let --labels and --save replace existing files")
    add("--json", action="store_true", help="print everything as one JSON object")


def codebook(options: argparse.Namespace) -> Codebook | None:
    """The clusters of ``--codebook``, or None without it.

    Raises
    ------
    KmsegError
        The file cannot be used, or an option contradicts it; the message names the option.
    """
    if options.codebook in (many.EACH, many.SHARED):
        return None
    for name, field in FIELDS.items():
        if name not in _BESIDE_CODEBOOK and hasattr(options, name):
            raise KmsegError(
                f"{field.flags[0]}: is for fitting clusters, and --codebook has them already; "
                "leave one of the two options out"
            )
    from kmseg.saved import read_codebook  # slow to import

    space, channels = (getattr(options, name, None) for name in ("color_space", "channels"))
    try:
        return read_codebook(options.codebook, space=space, channels=channels)
    except SettingsError as error:
        name, _, rest = str(error).partition(":")
        raise KmsegError(f"{'-s' if name == 'space' else '-c'}:{rest}") from error
    except KmsegError as error:
        raise KmsegError(f"--codebook: {error}") from error


def settings(options: argparse.Namespace, codebook: Codebook | None) -> Settings:
    """The settings of the options, or those of a codebook with the options that may be beside it.

    As in the article, fewer than 2 clusters become 2. Starting colours mean a manual start unless
    ``--init`` says otherwise. What is corrected is noted on standard error.

    Raises
    ------
    KmsegError
        A value is not allowed; the message names its option.
    """
    given = {name: getattr(options, name) for name in FIELDS if hasattr(options, name)}
    if codebook is not None:
        try:
            others = {name: given[name] for name in _BESIDE_CODEBOOK[2:] if name in given}
            return dataclasses.replace(codebook.settings(), **others)
        except SettingsError as error:
            raise KmsegError(by_option(str(error))) from error
    values = _DEFAULTS | given
    if values.get("centroids"):
        values.setdefault("init", "manual")
    try:
        too_few = int(values["n_clusters"]) < 2
    except ValueError:
        too_few = False  # not a number: Settings refuses it
    if too_few:
        note(f"-n: 2 clusters at least, not {shown(values['n_clusters'])}; 2 are used")
        values["n_clusters"] = 2
    try:
        made = Settings(**values)
    except SettingsError as error:
        raise KmsegError(by_option(str(error))) from error
    if "attempts" in given and FIELDS["attempts"].parse(given["attempts"]) != made.attempts:
        note(f"--attempts: a manual start has {made.attempts}, not {shown(given['attempts'])}")
    return made


def by_option(message: str) -> str:
    """A message of ``Settings`` with options in place of the names of fields."""
    name, colon, rest = message.partition(":")
    flag = FIELDS[name].flags[0] if name in FIELDS else name
    return flag + colon + _ASSIGNMENT.sub(lambda m: f"{FIELDS[m[1]].flags[0]} {m[2]}", rest)
