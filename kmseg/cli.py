"""The command line: a superset of the article's ``color_segmentation.py``.

The options of the settings are derived from the fields of :class:`kmseg.settings.Settings`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from kmseg.config import Config
from kmseg.errors import KmsegError, SettingsError
from kmseg.kmeans.engines import ENGINES
from kmseg.picture import formats
from kmseg.picture.limits import Limits
from kmseg.picture.reading import Reading, parse_frame, parse_levels
from kmseg.settings import FIELDS, Settings, shown, to_hex

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation

FORMATS: Final = ("jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff")

# Defaults that differ from those of Settings. K is the article's; see _settings for init.
_DEFAULTS: Final[dict[str, Any]] = {"n_clusters": 3, "init": None}
_DEFAULT_INIT: Final = f"{FIELDS['init'].default}, or manual with --centroids"


class _Parser(argparse.ArgumentParser):
    """A parser that raises mistakes instead of printing its usage and exiting."""

    def error(self, message: str) -> NoReturn:
        raise KmsegError(f"{message}; see python -m kmseg --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    int
        The exit status: 0, or 2 after one line on standard error that says what was wrong.
    """
    try:
        _run(
            _parser().parse_args(
                _with_levels_joined(sys.argv[1:] if arguments is None else arguments)
            )
        )
    except KmsegError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.strerror or error}: choose a folder and a name that can be written")
    except MemoryError:
        return _refuse("not enough memory for this picture; make it smaller with -w WIDTH")
    return 0


def _refuse(message: str) -> int:
    print("kmseg:", " ".join(message.split()), file=sys.stderr)
    return 2


# -- options ---------------------------------------------------------------------------------------


def _with_levels_joined(arguments: Sequence[str]) -> list[str]:
    """``--levels -5..30`` as one word: argparse takes a word with a minus sign for an option."""
    joined: list[str] = []
    for word in arguments:
        if joined and joined[-1] == "--levels" and re.match(r"-[\d.]", word):
            joined[-1] = f"--levels={word}"
        else:
            joined.append(word)
    return joined


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m kmseg",
        description="Segment a picture by k-means on its colours. Without -o, --labels or --json "
        "the clusters are printed as a table.",
    )
    add = parser.add_argument
    add(
        "-i",
        "--image",
        required=True,
        metavar="FILE",
        help=f"the picture: {formats.listed()}",
    )
    add("--frame", default="1", help="frame of an animation or page of a document (default: 1)")
    add(
        "--levels",
        default="auto",
        help="which values of a file of more than 8 bits become black and white: auto, stored (the "
        "range of their type) or LOW..HIGH, such as 150..420 (default: auto)",
    )
    _add_settings(parser)
    add(
        "-o",
        "--output-file",
        action="store_true",
        help="save original and gray ranks side by side under a timestamped name in this folder",
    )
    add("-f", "--output-format", default="png", help=f"format of -o: {', '.join(FORMATS)}")
    add("--labels", metavar="FILE.png", help="save an indexed PNG: pixel value = cluster")
    add("--json", action="store_true", help="print everything as one JSON object")
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """Add one option for each setting; its value is checked by :class:`Settings`."""
    for name, field in FIELDS.items():
        default = _DEFAULTS.get(name, field.default)
        said = _DEFAULT_INIT if name == "init" else field.kind.to_argument(default)
        parser.add_argument(
            *field.flags,
            dest=name,
            default=default,
            metavar=field.flags[-1].lstrip("-").replace("-", "_").upper(),
            help=field.described(field.kind.usage) + (f" (default: {said})" if said else ""),
        )


def _settings(options: argparse.Namespace) -> Settings:
    """The settings of the options.

    As in the article, fewer than 2 clusters become 2, with a warning. Starting colours mean a
    manual start unless ``--init`` says otherwise.
    """
    values = {name: getattr(options, name) for name in FIELDS}
    if values["init"] is None:
        values["init"] = "manual" if values["centroids"] else FIELDS["init"].default
    try:
        too_few = int(values["n_clusters"]) < 2
    except ValueError:
        too_few = False  # not a number: Settings refuses it
    if too_few:
        given = shown(values["n_clusters"])
        print(f"kmseg: -n: 2 clusters at least, not {given}; 2 are used", file=sys.stderr)
        values["n_clusters"] = 2
    return Settings(**values)


def _reading(options: argparse.Namespace) -> Reading:
    """How the options say that the file is read."""
    try:
        return Reading(parse_frame(options.frame), parse_levels(options.levels))
    except SettingsError as error:
        raise SettingsError(f"--{error}") from None  # the flags are named as the fields


def _extension(options: argparse.Namespace) -> str:
    """The format of ``-o`` as the extension of a file."""
    extension: str = options.output_format.lower().removeprefix(".")
    if extension not in FORMATS:
        raise KmsegError(f"-f: one of {', '.join(FORMATS)}, not {options.output_format!r}")
    return extension


# -- work ------------------------------------------------------------------------------------------


def _run(options: argparse.Namespace) -> None:
    limits = Config.from_environment().limits
    settings, extension = _settings(options), _extension(options)
    if options.labels and not options.labels.lower().endswith(".png"):
        raise KmsegError(f"--labels: a name that ends in .png, not {options.labels!r}")
    seg, seconds = _segment(options.image, settings, limits, _reading(options))
    if options.output_file:
        tail = f"{options.color_space}_c{options.channels}n{settings.n_clusters}.{extension}"
        saved = _save_side_by_side(seg, tail, extension)
        print(saved, file=sys.stderr if options.json else sys.stdout)
    if options.labels:
        from kmseg.output.encode import indexed_png

        Path(options.labels).write_bytes(indexed_png(seg.labels, seg.palette))
    if options.json:
        from kmseg.output.report import report

        print(json.dumps(report(seg) | {"seconds": seconds}, allow_nan=False))
    elif not (options.output_file or options.labels):
        print(_table(seg))


def _segment(
    path: str, settings: Settings, limits: Limits, reading: Reading
) -> tuple[Segmentation, dict[str, float]]:
    """The segmentation of a file, and the seconds that each step took."""
    from kmseg.picture.image import read_image

    started = time.perf_counter()
    image = read_image(path, limits=limits, reading=reading)
    seconds = {"read": time.perf_counter() - started}
    for note in image.notes:
        print("kmseg:", note, file=sys.stderr)
    from kmseg.segmentation import segment  # slow to import: a bad picture is refused before

    with _progress(settings) as progress:
        seg = segment(image, settings, progress=progress)
    return seg, seconds | seg.seconds


@contextmanager
def _progress(settings: Settings) -> Iterator[Callable[[int, int], None] | None]:
    """Show the progress of a reference engine as a line on a terminal; clear it at the end."""
    if not ENGINES[settings.engine].visits_pixels or not sys.stderr.isatty():
        yield None
        return

    def show(text: str) -> None:
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def progress(done: int, attempts: int) -> None:
        show(f"kmseg: {settings.engine}, attempt {min(done + 1, attempts)} of {attempts}")

    progress(0, settings.attempts)
    try:
        yield progress
    finally:
        show("")


def _save_side_by_side(seg: Segmentation, tail: str, extension: str) -> Path:
    """Save the article's picture under a timestamped name, without overwriting a file."""
    from kmseg.output.encode import encode
    from kmseg.output.render import side_by_side

    content = encode(side_by_side(seg), extension)
    tail = tail.replace("/", "-").replace("\\", "-")
    while True:
        path = Path(f"{datetime.now():%Y%m%d%H%M%S}{tail}")
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            time.sleep(0.1)  # the name of this second is taken
        else:
            return path


def _table(seg: Segmentation) -> str:
    """The clusters as a table: number, colour, pixels, share, centroid, and the file's units."""
    from kmseg.output.units import HEADER, cluster_units

    names, units = seg.settings.coordinate_names, cluster_units(seg)
    lines = [
        f"{'':>4} {'colour':7} {'pixels':>10} {'share':>6}  {'  '.join(f'{n:>7}' for n in names)}"
        + ("" if units is None else f"   {HEADER}")
    ]
    for number in range(seg.n_clusters):
        centroid = "  ".join(f"{value:7.2f}" for value in seg.centroids[number])
        lines.append(
            f"{number + 1:4d} {to_hex(seg.palette[number])} {seg.pixel_counts[number]:10d}"
            f" {seg.shares[number]:6.1%}  {centroid}"
            + ("" if units is None else f"   {units.row(number)}")
        )
    return "\n".join(lines)
