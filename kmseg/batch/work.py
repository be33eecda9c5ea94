"""What a worker does with one picture: read it, segment it, and save its files."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kmseg.batch.sources import Source
from kmseg.errors import ImageError, KmsegError, ReadTimeoutError
from kmseg.histogram import color_histogram
from kmseg.output import export, files
from kmseg.output.tables import cluster_rows
from kmseg.picture.apart import read_image_apart
from kmseg.picture.image import OUT_OF_MEMORY, Image, read_image
from kmseg.picture.limits import DEFAULT_LIMITS, Limits
from kmseg.picture.probe import DEFAULT_READING
from kmseg.picture.reading import Levels, Reading
from kmseg.segmentation import Codebook, Segmentation, segment
from kmseg.settings import Settings
from kmseg.version import __version__

if TYPE_CHECKING:
    from kmseg.histogram import ColorHistogram

Downloads = Callable[[Segmentation], Iterable[export.Download]]

# What a full disk, a quota or a limit on the size of files raises: the next picture fails as well.
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class NoRoomError(KmsegError):
    """Results cannot be written because the disk is full: the run should stop."""


@dataclass(frozen=True, slots=True)
class How:
    """How all pictures of a series are read and segmented.

    Attributes
    ----------
    settings : Settings
    codebook : Codebook or None
        Clusters that are carried over, instead of a fit of each picture; only the width of the
        settings then counts.
    reading : Reading
    limits : Limits
    trusted : bool
        Whether files are decoded in the worker itself, not in a process with limits.
    """

    settings: Settings
    codebook: Codebook | None = None
    reading: Reading = DEFAULT_READING
    limits: Limits = DEFAULT_LIMITS
    trusted: bool = False

    @property
    def values(self) -> dict[str, Any]:
        """What results depend on, as JSON values."""
        return {
            "version": __version__,
            "settings": self.settings.to_dict(),
            "codebook": None if self.codebook is None else self.codebook.to_dict(),
            "reading": self.reading.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Saving:
    """What is saved of each picture, and where.

    Attributes
    ----------
    out : str
        Absolute path of the folder of all results.
    downloads : callable
        ``downloads(seg)`` gives the files of a segmentation. Picklable, with a ``repr`` that says
        which files these are.
    newer_than : int
        Files that were changed since this time, in ns, may be replaced. In a new run these are
        files of a worker that died; its pictures are done again.
    """

    out: str
    downloads: Downloads
    newer_than: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """A picture to segment.

    Attributes
    ----------
    source : Source
    digest : str
        Of what its results depend on: see :func:`digest_of`.
    levels : Levels or None
        Those of its series if it has more than 8 bits.
    """

    source: Source
    digest: str = ""
    levels: Levels | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger keeps of a picture.

    Attributes
    ----------
    picture : str
        ``Source.name``.
    size, modified : int
        Bytes of the file, and the time of its last change in ns.
    digest : str
        Of how it was segmented and what was saved: see :func:`digest_of`.
    files : list of [str, int]
        Path below the folder of all results, and bytes, of each saved file.
    rows : list of dict
        Its rows of the table of counts.
    pixels : int
        Those that count.
    inertia : float
    """

    picture: str
    size: int
    modified: int
    digest: str
    files: list[tuple[str, int]]
    rows: list[dict[str, Any]]
    pixels: int
    inertia: float

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"), allow_nan=False)


def digest_of(how: How, saving: Saving, levels: Levels | None) -> str:
    """Digits that differ where the same file may have other results."""
    values = json.dumps([how.values, repr(saving.downloads), levels], sort_keys=True)
    return hashlib.sha256(values.encode()).hexdigest()[:16]


def save(how: How, saving: Saving, task: Task) -> Entry:
    """Segment a picture and save its files, each under a temporary name until it is whole.

    Raises
    ------
    NoRoomError
        The disk is full.
    KmsegError
        The picture cannot be read or segmented, or a file cannot be written.
    """
    source = task.source
    status = _status(source.path)
    seg = segmented(how, source.path, task.levels)
    context = export.Context(source.picture)
    saved: list[tuple[str, int]] = []
    for download in saving.downloads(seg):
        name = export.file_name(seg, source.picture, download)
        relative = f"{source.folder}/{name}".lstrip("/")
        content = download.make(seg, context)
        _write(Path(saving.out, relative), content, saving.newer_than)
        saved.append((relative, len(content)))
    return Entry(
        picture=source.name,
        size=status.st_size,
        modified=status.st_mtime_ns,
        digest=task.digest,
        files=saved,
        rows=cluster_rows(seg),
        pixels=seg.histogram.n_pixels,
        inertia=seg.inertia,
    )


def segmented(how: How, path: str, levels: Levels | None = None) -> Segmentation:
    """The segmentation of a file; raises ``KmsegError``, whatever went wrong."""
    try:
        image = read(how, path, levels)
        if how.codebook is not None:
            seg = how.codebook.predict(image, width=how.settings.width)
            return seg.tidied(how.settings.smallest_region, how.settings.fill_holes)
        return segment(image, how.settings)
    except MemoryError as error:
        raise ImageError(OUT_OF_MEMORY) from error


def histogram(how: How, path: str, levels: Levels | None = None) -> ColorHistogram:
    """The colours of a file at the width of the settings; raises ``KmsegError``."""
    try:
        return color_histogram(read(how, path, levels).resized(how.settings.width))
    except MemoryError as error:
        raise ImageError(OUT_OF_MEMORY) from error


def read(how: How, path: str, levels: Levels | None = None) -> Image:
    """A file's picture, decoded in a process with limits unless files are trusted.

    If it takes too long or its process dies, it is tried once more.
    """
    reading = how.reading if levels is None else replace(how.reading, levels=levels)
    content = content_of(path, how.limits)
    if how.trusted:
        return read_image(content, limits=how.limits, reading=reading)
    try:
        return read_image_apart(content, limits=how.limits, reading=reading)
    except ReadTimeoutError:
        return read_image_apart(content, limits=how.limits, reading=reading)


def content_of(path: str, limits: Limits) -> bytes:
    """The bytes of a regular file; raises ``ImageError``."""
    try:
        limits.check_file_size(_status(path).st_size)
        with Path(path).open("rb") as file:
            return file.read(limits.max_bytes + 1)
    except OSError as error:
        raise ImageError(f"The file cannot be read ({error.strerror or error}).") from error


def _status(path: str) -> os.stat_result:
    try:
        found = Path(path).stat()
    except OSError as error:
        raise ImageError(f"The file cannot be read ({error.strerror or error}).") from error
    if not stat.S_ISREG(found.st_mode):  # reading a pipe or a device may never end
        raise ImageError("This is no ordinary file.")
    return found


def as_kmseg_error(error: Exception) -> KmsegError:
    """An exception that ended the work on a picture, with a message for its user."""
    if isinstance(error, KmsegError):
        return error
    return KmsegError(f"Unexpected error, please report it: {type(error).__name__}: {error}")


def _write(path: Path, content: bytes, newer_than: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replaced = path.exists() and path.stat().st_mtime_ns >= newer_than
        files.write(path, content, overwrite=replaced)
    except FileExistsError:
        raise KmsegError(f"{path.name!r} exists; add --force to replace it") from None
    except OSError as error:
        refused = NoRoomError if error.errno in _NO_ROOM else KmsegError
        raise refused(f"{path.name!r} cannot be written ({error.strerror or error})") from error
