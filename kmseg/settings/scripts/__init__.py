"""Programs and notebooks that repeat a segmentation, most of them without kmseg.

A program is a sequence of cells, and each cell is a template beside this module: Python with
``$values``, in blocks. A line such as ``--- manual width`` begins a block that is left out unless
all of these conditions hold; the block after a bare ``---`` is always there.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path, PurePath
from string import Template
from typing import TYPE_CHECKING, Any, Final, Literal

from kmseg.color import COLOR_SPACES
from kmseg.errors import SettingsError, shown
from kmseg.kmeans.problem import StopRule
from kmseg.picture.reading import Reading

if TYPE_CHECKING:
    from kmseg.settings import Settings

Language = Literal["opencv", "scikit-learn", "numpy", "kmseg"]

SAMPLE_PREFIX: Final = "sample:"
"""What precedes the key of a sample where a command or a script names a picture."""

_TEMPLATES: Final = Path(__file__).parent
_ALWAYS_OPAQUE: Final = frozenset({".jpg", ".jpeg", ".bmp"})
_INJECTIVE: Final = frozenset({"bgr", "rgb", "hsv-circular", "cielab", "oklab"})
_SHOW: Final = ("original-shown", "segmented-shown")
_CRITERIA: Final = {
    "both": "cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER",
    "epsilon": "cv2.TERM_CRITERIA_EPS",
    "iterations": "cv2.TERM_CRITERIA_MAX_ITER",
}


@dataclass(frozen=True, slots=True)
class Program:
    """One kind of program.

    Attributes
    ----------
    title : str
        Its name on the page.
    summary : str
        The first line of the program.
    install : str
        How to install what it needs.
    cells : tuple of str
        Names of its templates.
    engines : tuple of str
        The engines whose pixel counts it repeats; empty if it is kmseg itself.
    manual_engines : tuple of str
        Those whose counts it repeats only with a manual start.
    difference : str
        In what it differs from other engines, apart from the seeds, as a clause after "because".
    """

    title: str
    summary: str
    install: str
    cells: tuple[str, ...]
    engines: tuple[str, ...]
    manual_engines: tuple[str, ...] = ()
    difference: str = ""


PROGRAMS: Final[dict[Language, Program]] = {
    "opencv": Program(
        "OpenCV",
        "K-means on the colours of a picture, with OpenCV's cv2.kmeans.",
        "pip install opencv-python-headless numpy",
        ("imports", "picture", "coordinates", "nearest", "opencv", "result"),
        engines=("opencv",),
        difference="cv2.kmeans works in 32-bit floats and makes 2 to 100 iterations",
    ),
    "scikit-learn": Program(
        "scikit-learn",
        "K-means on the colours of a picture, with scikit-learn's KMeans.",
        "pip install scikit-learn opencv-python-headless numpy",
        ("imports", "picture", "coordinates", "scikit-learn", "result"),
        engines=("scikit-learn",),
        difference="KMeans has a stop rule of its own",
    ),
    "numpy": Program(
        "NumPy",
        "K-means on the colours of a picture: Lloyd's algorithm in plain NumPy. OpenCV only reads, "
        "converts and saves pictures.",
        "pip install numpy opencv-python-headless",
        ("imports", "picture", "coordinates", "nearest", "numpy", "result"),
        engines=("lloyd",),
        manual_engines=("exact",),
        difference="kmseg used another engine",
    ),
    "kmseg": Program(
        "kmseg",
        "K-means on the colours of a picture, with kmseg.",
        "clone the repository of kmseg, run pip install -r requirements.txt in it, and run this "
        "there",
        ("kmseg",),
        engines=(),
    ),
}


def script(
    settings: Settings,
    language: str,
    picture: str,
    reading: Reading,
    notes: Sequence[str],
    opaque: bool,
) -> str:
    """The program as text; see :meth:`kmseg.settings.Settings.to_script`."""
    program = _program(language)
    head = _head(settings, program, picture, reading, notes)
    comment = [
        textwrap.fill(line, 88, initial_indent="# ", subsequent_indent="# ") for line in head
    ]
    cells = list(_cells(program.cells, *_facts(settings, language, picture, reading, opaque)))
    return "\n".join([*comment, "", *_spaced(cells)])


def notebook(
    settings: Settings,
    language: str,
    picture: str,
    reading: Reading,
    notes: Sequence[str],
    opaque: bool,
) -> str:
    """The program as a notebook; see :meth:`kmseg.settings.Settings.to_notebook`."""
    program = _program(language)
    title, *head = map(_without_markup, _head(settings, program, picture, reading, notes))
    head.append("The last two cells show the pictures: they need Pillow, pip install pillow.")
    facts = _facts(settings, language, picture, reading, opaque)
    cells = [_notebook_cell("text", "markdown", "\n\n".join([f"# {title}", *head]))]
    for number, code in enumerate(_cells((*program.cells, *_SHOW), *facts), 1):
        cell = _notebook_cell(f"code-{number}", "code", code)
        cells.append(cell | {"execution_count": None, "outputs": []})
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
        "cells": cells,
    }
    return json.dumps(document, indent=1) + "\n"


def _program(language: str) -> Program:
    for name, program in PROGRAMS.items():
        if name == language:
            return program
    raise SettingsError(f"language: must be one of {', '.join(PROGRAMS)}, not {shown(language)}")


# -- text before the program -----------------------------------------------------------------------


def _head(
    settings: Settings, program: Program, picture: str, reading: Reading, notes: Sequence[str]
) -> list[str]:
    """Lines that say what the program does, what to install, and whether its counts are kmseg's."""
    lines = [
        program.summary,
        f"Install: {program.install}",
        "It prints the pixels and the mean colour of each cluster and saves segmented.png.",
    ]
    if not program.engines:
        return lines
    if picture.startswith(SAMPLE_PREFIX):
        lines.append("The picture is a sample of kmseg: save it as PNG in the same folder.")
    reasons = [
        *_engine_reasons(settings, program),
        *_tidy_reasons(settings),
        *_reading_reasons(reading, notes),
    ]
    if reasons:
        lines.append(f"Its counts may differ from kmseg's, because {', and '.join(reasons)}.")
    elif program.manual_engines and not _separates_colors(settings):
        lines.append(
            "Its counts are those of kmseg, unless a cluster becomes empty: it then takes the "
            "furthest pixels here, and those of one colour only in kmseg."
        )
    else:
        lines.append("Its counts are those of kmseg.")
    return lines


def _separates_colors(settings: Settings) -> bool:
    """Whether different colours have different coordinates."""
    return settings.channels == "all" and settings.color_space in _INJECTIVE


def _engine_reasons(settings: Settings, program: Program) -> list[str]:
    if settings.engine in program.engines:
        return []
    if settings.init != "manual":
        return ["it draws other starting centroids", program.difference]
    return [] if settings.engine in program.manual_engines else [program.difference]


def _tidy_reasons(settings: Settings) -> list[str]:
    if not settings.tidies:
        return []
    return [
        "it does not tidy the clusters: kmseg moves small regions to their neighbours one by one "
        "and fills holes, for which there is no function in these libraries"
    ]


def _reading_reasons(reading: Reading, notes: Sequence[str]) -> list[str]:
    parts = list(notes) or reading.whole.to_options()
    if reading.region or reading.mask:
        parts.append("only a part of the picture, which the picture of the ZIP has")
    done = ", ".join(parts)
    printable = "".join(c if c.isprintable() else " " for c in done)
    return [f"kmseg reads the file in another way ({printable})"] if printable else []


def _without_markup(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#!|~$&" else c for c in text)


# -- cells -----------------------------------------------------------------------------------------


def _spelled(reading: Reading) -> str:
    """The argument for a reading, without fields that have their defaults; empty if all have."""
    values = {field: getattr(reading, field.name) for field in fields(reading)}
    given = [f"{field.name}={value!r}" for field, value in values.items() if value != field.default]
    return f", reading=kmseg.Reading({', '.join(given)})" if given else ""


def _facts(
    settings: Settings, language: str, picture: str, reading: Reading, opaque: bool
) -> tuple[set[str], dict[str, object]]:
    """The conditions that hold, and the values of the templates."""
    space, is_sample = COLOR_SPACES[settings.color_space], picture.startswith(SAMPLE_PREFIX)
    sample = picture.removeprefix(SAMPLE_PREFIX)
    opaque = opaque or is_sample or PurePath(picture).suffix.lower() in _ALWAYS_OPAQUE
    # The picture in the ZIP is transparent outside.
    opaque = opaque and not (reading.region or reading.mask)
    rule = StopRule(settings.max_iter, settings.epsilon, settings.stop)
    max_iter, tolerance = rule.iterations, rule.tolerance
    facts = {language, settings.color_space, settings.init}
    facts.add("opaque" if opaque else "transparent")
    facts.add("sample" if is_sample else "file")
    facts.add("repeated" if settings.attempts > 1 else "once")
    if settings.width:
        facts.add("width")
    if settings.init != "manual":
        facts.add("drawn")
    if settings.color_space in ("cielab", "oklab"):
        facts.add("linear")
    if language != "kmseg":
        facts.add("standalone")
    if language == "opencv":
        max_iter, tolerance = settings.max_iter, settings.epsilon
    if language == "scikit-learn" and settings.engine == "scikit-learn":
        max_iter = settings.max_iter  # and its own tolerance
    else:
        facts.add("tolerance" if tolerance > 0 else "exhaustive")
    columns = space.selected(settings.channels)
    every = len(columns) == len(space.coordinates)
    return facts, {
        "picture": repr(f"{sample}.png" if is_sample and language != "kmseg" else picture),
        "sample": repr(sample),
        "within": f".within({reading.region})" if reading.region else "",
        "masked": '.masked(kmseg.read_mask("MASK"))' if reading.mask else "",
        "reading": _spelled(replace(reading, mask="")),
        "arguments": "\n".join(f"    {name}={v!r}," for name, v in settings.to_dict().items()),
        "n_clusters": settings.n_clusters,
        "width": settings.width,
        "title": space.title,
        "channels": ", ".join(settings.channel_names),
        "columns": "" if every else f"[:, {list(columns)}]",
        "start": "\n".join(f"    {color}," for color in settings.centroids),
        "criteria": _CRITERIA[settings.stop],
        "max_iter": max_iter,
        "epsilon": tolerance,
        "init": settings.init,
        "attempts": settings.attempts,
        "seed": settings.seed,
    }


def _cells(names: Sequence[str], facts: set[str], values: dict[str, object]) -> Iterator[str]:
    """The code of each template, without those of which nothing is needed."""
    for name in names:
        if name == "nearest" and not facts & {"numpy", "manual"}:
            continue
        lines, wanted = [], True
        for line in (_TEMPLATES / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            if line.startswith("---"):
                wanted = facts.issuperset(line.split()[1:])
            elif wanted:
                lines.append(line)
        yield Template("\n".join(lines)).substitute(values)


def _spaced(cells: Sequence[str]) -> Iterator[str]:
    """Cells with one blank line between them, or two around functions."""
    yield cells[0]
    for before, cell in pairwise(cells):
        function = cell.startswith("def ") or before.splitlines()[-1].startswith(" ")
        yield "\n" if function else ""
        yield cell
    yield ""


def _notebook_cell(key: str, kind: str, source: str) -> dict[str, Any]:
    lines = source.strip("\n").split("\n")
    ended = [f"{line}\n" for line in lines[:-1]] + lines[-1:]
    return {"cell_type": kind, "id": key, "metadata": {}, "source": ended}
