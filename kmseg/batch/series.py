"""A run over many pictures: levels, a shared palette, each picture, and the tables."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from kmseg.batch import levels, palette, stopping
from kmseg.batch.inflight import SchedulerLostError
from kmseg.batch.ledger import Ledger
from kmseg.batch.scheduling import Pool
from kmseg.batch.sources import Source
from kmseg.batch.work import Entry, How, NoRoomError, Saving, Task, as_kmseg_error, digest_of, save
from kmseg.errors import KmsegError
from kmseg.output import files
from kmseg.segmentation import Codebook
from kmseg.settings import LINK_VERSION
from kmseg.version import __version__

Stage = Literal["levels", "colours", "pictures"]
# progress(stage, done, total, failed)
Progress = Callable[[Stage, int, int, int], None]

# Keys of what the ledger notes of a whole run.
_LEVELS: Final = "levels"
_PALETTE: Final = "palette"
# Where the colours are kept that are counted so far. Saving them takes one part in so many of the
# time.
_COLOURS: Final = ".kmseg-colours"
_SAVING_SHARE: Final = 50


class StoppedError(KmsegError):
    """A run cannot go on; what is finished is kept."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run made.

    Attributes
    ----------
    tables : list of Path
    failures : dict of str to str
        What was wrong with a picture, by its name.
    """

    tables: list[Path]
    failures: dict[str, str]


@dataclass(slots=True)
class Series:
    """A run over many pictures.

    Parameters
    ----------
    sources : sequence of Source
    how : How
        With the codebook that is carried over, if there is one.
    saving : Saving
    shared : bool
        Whether to fit one palette on the colours of all pictures.
    resume, force : bool
        Go on with an earlier run in the folder; replace its results.
    progress : callable
        ``progress(stage, done, total, failed)`` is called after each picture.
    note : callable
        Called with one line about the whole series.
    """

    sources: Sequence[Source]
    how: How
    saving: Saving
    shared: bool = False
    resume: bool = False
    force: bool = False
    progress: Progress = lambda stage, done, total, failed: None
    note: Callable[[str], None] = lambda line: None
    failures: dict[str, str] = field(default_factory=dict, init=False)

    @property
    def out(self) -> Path:
        """The folder of all results."""
        return Path(self.saving.out)

    def run(self, workers: Callable[[], Any]) -> Result:
        """Segment all pictures that are not whole yet, and write the tables.

        Parameters
        ----------
        workers : callable
            Gives a context manager of a ``Pool``; called once the folder is found to be usable.

        Raises
        ------
        StoppedError
            The disk is full or the scheduler lost after work has begun.
        KmsegError
            Nothing could begin.
        """
        started = time.perf_counter()
        with (
            Ledger(self.out, self._options, resume=self.resume, force=self.force) as ledger,
            stopping.at_stop(self._discard_left_over),
            workers() as pool,
        ):
            self._discard_left_over()
            try:
                tasks = self._tasks(pool, ledger)
                self._save_all(pool, ledger, tasks)
                self._discard_left_over()
                return self._finished(ledger, tasks, started)
            except NoRoomError as error:
                raise StoppedError(f"{error}; make room, then go on with --resume") from error
            except SchedulerLostError as error:
                remedy = "start it again, then go on with --resume"
                raise StoppedError(f"{error}; {remedy}") from error

    # -- before the pictures -----------------------------------------------------------------------

    @property
    def _options(self) -> str:
        """Digits that differ for other options of the user."""
        values = json.dumps([self.how.values, repr(self.saving.downloads), self.shared])
        return hashlib.sha256(values.encode()).hexdigest()[:16]

    def _tasks(self, pool: Pool, ledger: Ledger) -> list[Task]:
        """The pictures with their levels, once the clusters of a shared palette are known."""
        tasks = [Task(source) for source in self.sources]
        stamp = _stamp(self.sources)
        if self.how.reading.levels == "auto":
            tasks = self._with_levels(pool, ledger, tasks, stamp)
        if self.shared:
            self.how = replace(self.how, codebook=self._palette(pool, ledger, tasks, stamp))
        # Most pictures have the same levels, and so the same digest.
        digests = {
            pair: digest_of(self.how, self.saving, pair) for pair in {t.levels for t in tasks}
        }
        return [replace(task, digest=digests[task.levels]) for task in tasks]

    def _with_levels(self, pool: Pool, ledger: Ledger, tasks: list[Task], stamp: str) -> list[Task]:
        known = ledger.noted(_LEVELS)
        if known is None or known["stamp"] != stamp:
            own: dict[str, levels.Found] = {}
            for done, found in enumerate(levels.found(pool, self.how, tasks), start=1):
                if found is not None:
                    own[found.picture] = found
                self.progress("levels", done, len(tasks), 0)
            pairs = levels.together(own.values())
            by_picture = {name: pairs[each.kind] for name, each in own.items()}
            known = {"stamp": stamp, "pairs": pairs, "pictures": by_picture}
            ledger.note(_LEVELS, known)
        for kind, (low, high) in known["pairs"].items():
            self.note(f"{kind} of more than 8 bits is read with the levels {low:g}..{high:g}")
        pictures: dict[str, Sequence[float]] = known["pictures"]
        return [replace(task, levels=_pair(pictures.get(task.source.name))) for task in tasks]

    def _palette(self, pool: Pool, ledger: Ledger, tasks: Sequence[Task], stamp: str) -> Codebook:
        known = ledger.noted(_PALETTE)
        if known is None or known["stamp"] != stamp:
            counts = self._colours(pool, tasks, stamp)
            if len(counts.failures) == len(tasks):
                name, error = min(counts.failures.items())
                raise KmsegError(f"no picture can be read; {name!r}: {error}")
            shared = palette.fit(counts.tally.histogram(), self.how.settings)
            known = {
                "stamp": stamp,
                "codebook": shared.codebook.to_dict(),
                "colours": shared.n_colours,
                "cells": shared.n_cells,
                "failures": counts.failures,
            }
            ledger.note(_PALETTE, known)
            (self.out / _COLOURS).unlink(missing_ok=True)
        self.failures = dict(known["failures"])
        if known["cells"]:
            self.note(
                f"the shared palette was fitted on {known['cells']:,} cells of 2 levels a channel, "
                f"not on the {known['colours']:,} colours themselves"
            )
        pairs = list((ledger.noted(_LEVELS) or {"pairs": {}})["pairs"].values())
        own = _pair(pairs[0]) if len(pairs) == 1 else None
        return replace(Codebook.from_dict(known["codebook"]), levels=own)

    def _colours(self, pool: Pool, tasks: Sequence[Task], stamp: str) -> palette.Counts:
        """The colours of all pictures; an interrupted count is resumed from what it saved."""
        place = self.out / _COLOURS
        counts = (self.resume and palette.Counts.loaded(place, stamp)) or palette.Counts()
        left = [task for task in tasks if task.source.name not in counts.names]
        saved = time.monotonic()
        cost = 0.0
        for found in palette.counted(pool, self.how, left):
            counts.add(found)
            self.progress("colours", len(counts.names), len(tasks), len(counts.failures))
            if time.monotonic() - saved >= _SAVING_SHARE * cost:
                started = time.monotonic()
                counts.save(place, stamp)
                saved = time.monotonic()
                cost = saved - started
        return counts

    # -- the pictures ------------------------------------------------------------------------------

    def _save_all(self, pool: Pool, ledger: Ledger, tasks: Sequence[Task]) -> None:
        """Segment and save each picture that is not whole and has not failed yet."""
        left = [
            task
            for task in tasks
            if task.source.name not in self.failures and not (self.resume and ledger.is_whole(task))
        ]
        done = len(tasks) - len(left)
        self.progress("pictures", done, len(tasks), len(self.failures))
        since = 0 if self.force or self.resume else ledger.begun
        saving = replace(self.saving, newer_than=since)
        for task, found in pool.results(partial(save, self.how, saving), left):
            done += 1
            if isinstance(found, Entry):
                ledger.add(found)
            elif isinstance(found, NoRoomError):
                raise found
            else:
                self.failures[task.source.name] = str(as_kmseg_error(found))
            self.progress("pictures", done, len(tasks), len(self.failures))

    def _finished(self, ledger: Ledger, tasks: Sequence[Task], started: float) -> Result:
        whole = [t.source.name for t in tasks if t.source.name not in self.failures]
        seconds = round(time.perf_counter() - started, 3)
        summary = self._summary(ledger)
        tables = ledger.write_tables(whole, self.failures, summary, {"seconds": seconds})
        return Result(tables, self.failures)

    def _summary(self, ledger: Ledger) -> dict[str, Any]:
        """What :func:`kmseg.read_codebook` needs to carry the palette over, and what was done."""
        levels_ = ledger.noted(_LEVELS) or {"pairs": {}}
        summary: dict[str, Any] = {"v": LINK_VERSION, "kmseg": __version__}
        summary |= {"settings": self.how.settings.to_dict(), "reading": self.how.reading.to_dict()}
        summary["levels"] = levels_["pairs"]
        summary["failed"] = len(self.failures)
        if self.how.codebook is not None:
            summary["codebook"] = self.how.codebook.to_dict()
        if self.shared:
            known = ledger.noted(_PALETTE)
            summary["colours"] = {"distinct": known["colours"], "cells": known["cells"]}
        return summary

    def _discard_left_over(self) -> None:
        """Delete the temporary files of workers that were killed."""
        for folder in {self.out, *(self.out / source.folder for source in self.sources)}:
            files.discard_left_over(folder)


def _pair(values: Sequence[float] | None) -> tuple[float, float] | None:
    return None if values is None else (values[0], values[1])


def _stamp(sources: Iterable[Source]) -> str:
    """Digits that differ if a picture was added, removed or changed."""
    stamp = hashlib.sha256()
    for source in sources:
        try:
            status = Path(source.path).stat()
            size, modified = status.st_size, status.st_mtime_ns
        except OSError:
            size = modified = -1
        stamp.update(f"{source.name}\0{size}\0{modified}\0".encode(errors="surrogatepass"))
    return stamp.hexdigest()[:16]
