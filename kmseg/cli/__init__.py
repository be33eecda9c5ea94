"""The command line: a superset of the article's ``color_segmentation.py``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kmseg.cli import files, many, streams
from kmseg.cli import options as _options
from kmseg.cli.files import FORMATS
from kmseg.cli.reading import masked, read
from kmseg.cli.saving import Plan
from kmseg.cli.table import table
from kmseg.config import Config
from kmseg.errors import ImageError, KmsegError
from kmseg.kmeans.engines import ENGINES
from kmseg.picture.limits import Limits
from kmseg.picture.reading import Reading
from kmseg.settings import Settings

if TYPE_CHECKING:
    from kmseg.cli.large import PlanInParts
    from kmseg.segmentation import Codebook, Segmentation

__all__ = ["FORMATS", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    int
        The exit status: 0; 1 if some of many pictures failed, or the run over them had to stop; 2
        after one line on standard error that says what was wrong; 141 if standard output is a pipe
        that was closed.
    """
    streams.accept_all_text()
    try:
        given = sys.argv[1:] if arguments is None else arguments
        try:
            return _run(_options.parser().parse_args(_options.with_levels_joined(given)))
        finally:
            streams.flush_output()
    except KmsegError as error:
        return _refuse(str(error))
    except BrokenPipeError:
        streams.abandon_output()
        return streams.CLOSED_PIPE
    except OSError as error:
        streams.abandon_output()
        return _refuse(f"standard output cannot be written ({error.strerror or error})")
    except MemoryError:
        return _refuse("not enough memory for this picture; make it smaller with -w WIDTH")


def _refuse(message: str) -> int:
    streams.note(message)
    return 2


def _run(options: argparse.Namespace) -> int:
    limits = Config.from_environment().limits
    codebook = _options.codebook(options)
    settings, reading = _options.settings(options, codebook), _options.reading(options, codebook)
    if many.is_meant(options):
        kinds = files.kinds_to_save(options, default="labels")
        return many.segment_all(options, kinds, settings, codebook, reading, limits)
    (source,) = options.image
    plan = _plan(options, source, settings, codebook)
    in_parts = _in_parts(plan, limits, reading, options.mask) if options.trusted else None
    if in_parts is None:
        many.refuse_workers(options)
        plan.check(settings)
        seg, seconds = _segment(source, settings, limits, reading, codebook, options.mask)
        _save_and_print(options, plan, seg, seconds)
        return 0
    in_parts.check(settings)
    with many.workers(options) as run:
        with _progress(settings) as progress:
            plan, seg = in_parts.segmented(settings, run, progress)
        _note_missing(seg)
        _save_and_print(options, plan, seg, seg.seconds)
    return 0


def _save_and_print(
    options: argparse.Namespace, plan: Plan, seg: Segmentation, seconds: dict[str, float]
) -> None:
    stated = seg.origin is not None and seg.origin.pixels_per_mm
    if plan.kinds.pixels_per_mm is None and not stated:
        streams.note("--pixels-per-mm: the file states no scale; objects get no size in mm²")
    for path in plan.save(seg):
        print(path, file=sys.stderr if options.json else sys.stdout)
    if options.json:
        from kmseg.output.report import report

        print(json.dumps(report(seg) | {"seconds": seconds}, allow_nan=False))
    elif not (options.output_file or options.labels or options.save):
        print(table(seg))


def _in_parts(plan: Plan, limits: Limits, reading: Reading, mask: str | None) -> PlanInParts | None:
    """The plan of a picture that is read part by part; None for one that is read into memory."""
    from kmseg.cli.large import PlanInParts, opened  # slow to import

    picture = opened(plan.source, limits, reading)
    if picture is None:
        return None
    for flag, given in (("--region", reading.region), ("--mask", mask)):
        if given:
            raise KmsegError(f"{flag}: is not for a picture that is read part by part")
    return PlanInParts.of(plan, picture)


def _plan(
    options: argparse.Namespace, source: str, settings: Settings, codebook: Codebook | None
) -> Plan:
    """What the options say to save, not yet checked against what exists."""
    if options.labels is not None and not options.labels.lower().endswith(".png"):
        raise KmsegError(f"--labels: must be a name that ends in .png, not {options.labels!r}")
    if options.out is not None and not options.save:
        raise KmsegError("--out: needs --save, which says what to save there")
    if options.out == "":
        raise KmsegError("--out: must be the name of a folder, not ''")
    name = files.side_by_side_name(options, settings)
    return Plan(
        source=source,
        labels=options.labels or "",
        kinds=files.kinds_to_save(options, source),
        folder=Path(options.out or ""),
        force=options.force,
        side_by_side=name if options.output_file else "",
        codebook=codebook,
    )


def _segment(
    source: str,
    settings: Settings,
    limits: Limits,
    reading: Reading,
    codebook: Codebook | None,
    mask: str | None,
) -> tuple[Segmentation, dict[str, float]]:
    """The segmentation of a picture, and the seconds that each step took."""
    started = time.perf_counter()
    image = read(source, limits, reading)
    if mask is not None:
        image = masked(image, mask, limits)
    seconds = {"read": time.perf_counter() - started}
    for note in image.notes:
        streams.note(note)
    from kmseg.segmentation import segment  # slow to import: a bad picture is refused before

    try:
        if codebook is not None:
            seg = codebook.predict(image, width=settings.width)
            seg = seg.tidied(settings.smallest_region, settings.fill_holes)
        else:
            with _progress(settings) as progress:
                seg = segment(image, settings, progress=progress)
    except ImageError as error:
        raise KmsegError(f"-w: {error}") from error
    _note_missing(seg)
    return seg, seconds | seg.seconds


def _note_missing(seg: Segmentation) -> None:
    """Tell of clusters that were asked for and do not exist."""
    settings, found = seg.settings, (seg.untidied or seg).n_clusters
    if found < settings.n_clusters and not seg.carried:
        streams.note(
            f"-n: the picture has only {found} different values in these channels: "
            f"{found} clusters, not {settings.n_clusters}"
        )
    if missing := [n for n in settings.fill_holes if not seg.rows_of([n - 1])]:
        streams.note(
            f"--fill-holes: there are only {found} clusters: {', '.join(map(str, missing))} ignored"
        )


@contextmanager
def _progress(settings: Settings) -> Iterator[Callable[[int, int], None] | None]:
    """Show the progress of a slow engine as a line on a terminal; clear it at the end."""
    on_terminal = sys.stderr is not None and sys.stderr.isatty()
    if not ENGINES[settings.engine].slow or not on_terminal:
        yield None
        return

    def show(text: str) -> None:
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    latest = ""

    def progress(done: int, attempts: int) -> None:
        nonlocal latest
        line = f"kmseg: {settings.engine}, attempt {min(done + 1, attempts)} of {attempts}"
        if line != latest:  # some engines report every iteration
            latest = line
            show(line)

    progress(0, settings.attempts)
    try:
        yield progress
    finally:
        show("")
