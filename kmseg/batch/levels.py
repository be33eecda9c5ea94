"""One pair of levels for a series of files of more than 8 bits.

By itself, each file would be read with the levels that suit it, and the same value would get
another colour in each. So before a run the levels of all such files are found, and all are read
with the range that holds every one of them: grey with the least and greatest value of any file's
levels, colour with the greatest bit depth that any file uses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from kmseg.batch.scheduling import Pool
from kmseg.batch.work import How, Task, content_of, read
from kmseg.errors import KmsegError
from kmseg.picture.levels import common_levels, used_depth
from kmseg.picture.probe import open_file

Kind = Literal["grey", "colour"]
Range = tuple[float, float]

# How the files begin that may have more than 8 bits and are not read with 8.
_DEEP: Final = (b"\x89PNG", b"II", b"MM")


@dataclass(frozen=True, slots=True)
class Found:
    """The levels that suit a file of more than 8 bits."""

    picture: str
    kind: Kind
    range: Range


def found(pool: Pool, how: How, tasks: Sequence[Task]) -> Iterator[Found | None]:
    """Each picture's own levels, as they are found; None for 8 bits and files that fail."""
    for _, own in pool.results(partial(_own, how), tasks):
        yield own if isinstance(own, Found) else None


def together(own: Iterable[Found]) -> dict[Kind, Range]:
    """One pair of levels for all grey and one for all colour."""
    by_kind: dict[Kind, list[Range]] = defaultdict(list)
    for each in own:
        by_kind[each.kind].append(each.range)
    pairs = {kind: common_levels(ranges) for kind, ranges in sorted(by_kind.items())}
    return {kind: pair for kind, pair in pairs.items() if pair is not None}


def _own(how: How, task: Task) -> Found | None:
    content = content_of(task.source.path, how.limits)
    if not content.startswith(_DEEP):
        return None
    try:
        if open_file(content, how.limits, how.reading).header.bits <= 8:
            return None
        image = read(how, task.source.path)
    except KmsegError:
        return None  # the run itself says why
    if image.scale is not None:
        return Found(task.source.name, "grey", (image.scale.low, image.scale.high))
    depth = used_depth(image.notes)
    return None if depth is None else Found(task.source.name, "colour", (0.0, 2.0**depth - 1))
