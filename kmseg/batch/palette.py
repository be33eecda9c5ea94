"""A palette that all pictures share: one fit on their colours taken together.

Counts of colours are added up: in each worker over a few pictures, then in the main process. There
are only 2**24 colours, so a table of counters holds those of any number of pictures, exactly.

A fit takes about 100 bytes for each distinct colour. Beyond `MOST_COLOURS` of them, colours are
pooled into cells of 2 levels a channel. A cell stands for its pixels by its mean colour, rounded.
Each pixel is then off by at most one level in each channel during the fit. The colours of the
palette are those of the cells' exact sums, and the pictures themselves are never changed.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kmseg.batch.scheduling import Pool
from kmseg.batch.work import How, NoRoomError, Task, as_kmseg_error, histogram
from kmseg.errors import KmsegError
from kmseg.histogram import ColorHistogram
from kmseg.kmeans.engines import ENGINES
from kmseg.output import files
from kmseg.segmentation import Codebook, segment
from kmseg.segmentation.result import mean_colors
from kmseg.settings import Settings
from kmseg.tally import Tally, pooled

MOST_COLOURS: Final = 1 << 22
# Pictures that a worker adds up before it hands its counts over.
_TOGETHER: Final = 16
_SHIFTS: Final = np.array([16, 8, 0])


@dataclass(frozen=True, slots=True)
class Counted:
    """The colours of some pictures.

    Attributes
    ----------
    names : tuple of str
        Of all of them.
    histogram : ColorHistogram or None
        None if all failed.
    failures : dict of str to str
        What was wrong with a picture, by its name.
    """

    names: tuple[str, ...]
    histogram: ColorHistogram | None
    failures: dict[str, str]


class Counts:
    """Pixels of each colour of the pictures added so far."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.names: set[str] = set()
        self.failures: dict[str, str] = {}

    def add(self, counted: Counted) -> None:
        self.names.update(counted.names)
        self.failures |= counted.failures
        if counted.histogram is not None:
            self.tally.add(counted.histogram)

    def save(self, path: Path, stamp: str) -> None:
        """Save the counts, so that :meth:`loaded` can go on; `stamp` is that of the pictures."""
        head = np.array(json.dumps([stamp, sorted(self.names), self.failures]))
        counted: dict[str, NDArray[Any]] = {}
        if not self.tally.is_empty:
            histogram = self.tally.histogram()
            counted = {"colors": histogram.colors, "counts": histogram.counts}
        try:
            with files.writing(path, overwrite=True) as file:
                np.savez(file, allow_pickle=False, head=head, **counted)
        except OSError as error:
            reason = error.strerror or error
            raise NoRoomError(f"{path.name!r} cannot be written ({reason})") from error

    @classmethod
    def loaded(cls, path: Path, stamp: str) -> Counts | None:
        """The saved counts of the same pictures; None if there are none."""
        try:
            with np.load(path, allow_pickle=False) as saved:
                own, known, failures = json.loads(str(saved["head"]))
                counts = cls()
                if "counts" in saved:
                    counts.tally.add(ColorHistogram(saved["colors"], saved["counts"]))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, KmsegError):
            return None
        counts.names, counts.failures = set(known), failures
        return counts if own == stamp else None


def counted(pool: Pool, how: How, tasks: Sequence[Task]) -> Iterator[Counted]:
    """Count the colours of pictures, a few at a time, as they are done."""
    groups = iter(tasks)
    chunks = iter(lambda: tuple(islice(groups, _TOGETHER)), ())
    for chunk, found in pool.results(partial(_count, how), chunks):
        if isinstance(found, Counted):
            yield found
        elif len(chunk) == 1:
            name = chunk[0].source.name
            yield Counted((name,), None, {name: str(as_kmseg_error(found))})
        else:  # a worker died with one of them
            for task in chunk:
                yield from counted(pool, how, [task])


def _count(how: How, tasks: Sequence[Task]) -> Counted:
    """In a worker: it holds one picture at a time, and the counts."""
    tally, failures = Tally(), {}
    for task in tasks:
        try:
            tally.add(histogram(how, task.source.path, task.levels))
        except KmsegError as error:
            failures[task.source.name] = str(error)
    together = None if tally.is_empty else tally.histogram()
    return Counted(tuple(task.source.name for task in tasks), together, failures)


@dataclass(frozen=True, slots=True)
class Shared:
    """A palette for all pictures.

    Attributes
    ----------
    codebook : Codebook
    n_colours : int
        Distinct colours of all pictures.
    n_cells : int
        Cells that stood for them in the fit; 0 if the fit was on the colours themselves.
    """

    codebook: Codebook
    n_colours: int
    n_cells: int = 0


def check(settings: Settings) -> None:
    """Raise ``KmsegError`` for an engine that visits each pixel, of which there are too many."""
    if ENGINES[settings.engine].visits_pixels:
        raise KmsegError(
            f"engine: must be exact or lloyd for a shared palette, not {settings.engine}, which "
            "would need the pixels of all pictures at once"
        )


def fit(colours: ColorHistogram, settings: Settings) -> Shared:
    """Fit one palette on the colours of all pictures; ``settings.width`` is ignored."""
    wanted = replace(settings.untidied(), width=0)
    if colours.n_colors <= MOST_COLOURS:
        return Shared(segment(colours, wanted).codebook, colours.n_colors)
    cells, sums = _cells(colours)
    seg = segment(cells, wanted)
    number = np.broadcast_to(seg.color_labels[:, None], sums.shape)
    exact = np.zeros((seg.n_clusters, 3))
    np.add.at(exact, (number, np.arange(3)), sums)
    palette = mean_colors(seg.pixel_counts, exact)
    return Shared(replace(seg.codebook, colours=palette), colours.n_colors, cells.n_colors)


def _cells(colours: ColorHistogram) -> tuple[ColorHistogram, NDArray[np.float64]]:
    """Cells of 2 levels a channel: mean colours with counts, and exact sums of colours (n, 3)."""
    codes = _cell_codes(colours)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    counts = np.add.reduceat(colours.counts[order], starts)
    weighted = colours.colors[order].astype(np.float64) * colours.counts[order, None]
    sums = np.add.reduceat(weighted, starts, axis=0)
    means = np.rint(sums / counts[:, None]).astype(np.uint8)
    cells = pooled([ColorHistogram(means, counts)])
    return cells, sums[np.searchsorted(codes[order[starts]], _cell_codes(cells))]


def _cell_codes(colours: ColorHistogram) -> NDArray[np.int64]:
    codes: NDArray[np.int64] = ((colours.colors.astype(np.int64) >> 1) << _SHIFTS).sum(axis=1)
    return codes
