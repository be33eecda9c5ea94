"""Many pictures: the options that are only for them, and the run."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from kmseg.cli.progress import Progress
from kmseg.cli.saving import Kinds
from kmseg.cli.streams import note
from kmseg.errors import KmsegError, shown
from kmseg.parallel.threads import as_made
from kmseg.picture.limits import Limits
from kmseg.picture.reading import Reading
from kmseg.settings import SAMPLE_PREFIX, Settings

if TYPE_CHECKING:
    from kmseg.batch.scheduling import Pool
    from kmseg.batch.series import Result
    from kmseg.segmentation import Codebook
    from kmseg.streaming.segment import Run
    from kmseg.streaming.tiff import Region

S = TypeVar("S")
T = TypeVar("T")

# Values of --palette other than a file.
EACH: Final = "each"
SHARED: Final = "shared"

# Exit status if some pictures failed, or if the run had to stop.
SOME_FAILED: Final = 1


def add_options(to: argparse.ArgumentParser) -> None:
    """Add the options that are for many pictures, or for one that is read part by part."""
    group = to.add_argument_group("many pictures, and one that is larger than memory")
    add = group.add_argument
    add(
        "--scheduler",
        metavar="WHERE",
        help="threads, processes, or the address of a running Dask scheduler such as "
        "tcp://10.0.0.5:8786 (default: threads)",
    )
    add("--workers", metavar="N", help="how many threads or processes (default: one for each core)")
    add(
        "--resume",
        action="store_true",
        help="go on with a run in --out: pictures that are whole are left as they are",
    )
    add(
        "--trusted",
        action="store_true",
        help="decode files in the workers themselves, not in processes with limits on memory and "
        "time: a little faster, for files of your own; for one TIFF of more than 50 megapixels or "
        "30,000 pixels a side, which the environment must allow: read it part by part, in little "
        "memory (needs tifffile and imagecodecs)",
    )


def is_meant(options: argparse.Namespace) -> bool:
    """Whether ``-i`` names many pictures.

    Raises
    ------
    KmsegError
        It names one, and an option is for many.
    """
    from kmseg.batch.sources import is_many

    if is_many(options.image):
        return True
    given = {"--palette shared": options.codebook == SHARED, "--resume": options.resume}
    for flag in (flag for flag, is_given in given.items() if is_given):
        raise KmsegError(f"{flag}: is for many pictures, and -i names one; leave it out")
    return False


def refuse_workers(options: argparse.Namespace) -> None:
    """Refuse options of workers for one picture that is read into memory: ``KmsegError``."""
    given = {"--scheduler": options.scheduler, "--workers": options.workers}
    for flag in (flag for flag, value in given.items() if value is not None):
        raise KmsegError(
            f"{flag}: is for many pictures or one that is read part by part, and -i names another; "
            "leave it out"
        )


@contextmanager
def workers(options: argparse.Namespace) -> Iterator[Run]:
    """What applies a function to the parts of a picture: threads, or the workers of the options."""
    scheduler, n_workers = options.scheduler or "threads", _n_workers(options)
    if options.scheduler is None and n_workers is None:
        yield partial(_shown, as_made)
        return
    from kmseg.batch import scheduling

    with _naming("--"):
        scheduling.check(scheduler, n_workers)
    with scheduling.opened(scheduler, n_workers) as pool:
        yield partial(_shown, partial(_in_order, pool))


def _shown(run: Run, function: Callable[[Region], T], items: Sequence[Region]) -> Iterator[T]:
    """Run, and show how far it is."""
    with Progress() as progress:
        for n_done, result in enumerate(run(function, items), 1):
            progress("parts", n_done, len(items), 0)
            yield result


def _in_order(pool: Pool, function: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
    """The result of each item, in their order; raises the exception in place of a result."""
    early: dict[int, T] = {}
    number = 0
    for (place, _), result in pool.results(partial(_of_numbered, function), enumerate(items)):
        if isinstance(result, Exception):
            raise result
        early[place] = result
        while number in early:
            yield early.pop(number)
            number += 1


def _of_numbered(function: Callable[[S], T], item: tuple[int, S]) -> T:
    return function(item[1])


def segment_all(
    options: argparse.Namespace,
    kinds: Kinds,
    settings: Settings,
    codebook: Codebook | None,
    reading: Reading,
    limits: Limits,
) -> int:
    """Segment many pictures; returns the exit status.

    Raises
    ------
    KmsegError
        Nothing could begin; the message names the option.
    """
    _refuse_those_for_one(options)
    workers = _n_workers(options)
    scheduler = options.scheduler or "threads"
    kinds.note_picture_format()
    from kmseg.batch import palette, scheduling, sources
    from kmseg.batch.series import Series, StoppedError
    from kmseg.batch.work import How, Saving

    is_shared = options.codebook == SHARED
    with _naming("--"):
        scheduling.check(scheduler, workers)
        if is_shared:
            palette.check(settings)
    with _naming("-i: "):
        found = sources.found(options.image, options.out or None)
    if not options.out:
        raise KmsegError(
            f"--out: must name a folder for the results of many pictures; -i names {len(found)}"
        )
    progress = Progress()
    series = Series(
        sources=found,
        how=How(settings, codebook, reading, limits, options.trusted),
        saving=Saving(os.path.realpath(options.out), kinds.downloads),
        shared=is_shared,
        resume=options.resume,
        force=options.force,
        progress=progress,
        note=progress.note,
    )
    try:
        with progress:
            result = series.run(partial(scheduling.opened, scheduler, workers))
    except StoppedError as error:
        note(str(error))
        return SOME_FAILED
    return _told(result, Path(options.out), len(found))


def _told(result: Result, out: Path, n_pictures: int) -> int:
    """Print where the tables are; returns the exit status."""
    for path in result.tables:
        print(out / path.name)
    if not result.failures:
        return 0
    note(f"{len(result.failures)} of {n_pictures} pictures failed: see {out / 'errors.csv'}")
    return SOME_FAILED


def _refuse_those_for_one(options: argparse.Namespace) -> None:
    given = {
        "-o": options.output_file,
        "--labels": options.labels,
        "--json": options.json,
        "--mask": options.mask,
    }
    for flag in (flag for flag, is_given in given.items() if is_given):
        raise KmsegError(f"{flag}: is for one picture; use --save and --out for many")
    for each in options.image:
        if each == "-" or each.startswith(SAMPLE_PREFIX):
            raise KmsegError(f"-i: {shown(each)} goes alone; many pictures are files")


def _n_workers(options: argparse.Namespace) -> int | None:
    given = options.workers
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 9):
        raise KmsegError(f"--workers: must be a whole number of at least 1, not {shown(given)}")
    return int(given)


@contextmanager
def _naming(before: str) -> Iterator[None]:
    """Put an option in front of the message of a ``KmsegError``."""
    try:
        yield
    except KmsegError as error:
        raise KmsegError(f"{before}{error}") from error
