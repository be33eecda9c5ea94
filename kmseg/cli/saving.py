"""The files that a run saves: checked before the work, written after it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from kmseg.cli import reading
from kmseg.cli.streams import note, quoted
from kmseg.errors import KmsegError, RegionsError
from kmseg.output import export, files, names
from kmseg.output.encode import PICTURE_TYPES, encode
from kmseg.settings import Settings
from kmseg.ui import offline

if TYPE_CHECKING:
    from kmseg.segmentation import Codebook, Segmentation

PICTURE_FORMATS: Final = tuple(PICTURE_TYPES)

# Kinds that are a file per cluster.
_EACH: Final = {"masks": "mask", "cutouts": "cutout"}
_ALL: Final = "all"


def kinds() -> tuple[str, ...]:
    """What ``--save`` saves: the downloads of the page by their keys."""
    return tuple(key.replace("_", "-") for key in (*_wholes(offline.page()), *_EACH))


def chosen_kinds(given: Sequence[str]) -> tuple[str, ...]:
    """The kinds of all ``--save`` options, each once.

    Raises
    ------
    KmsegError
        One is unknown.
    """
    words = [word.strip().lower().replace("_", "-") for text in given for word in text.split(",")]
    for word in words:
        if word not in (*kinds(), _ALL):
            every = ", ".join((*kinds(), _ALL))
            raise KmsegError(f"--save: must be one of {every}, not {ascii(word)[:40]}")
    return tuple(kind for kind in kinds() if kind in words or _ALL in words)


@dataclass(frozen=True, slots=True)
class Kinds:
    """What to ``--save`` of a picture.

    Attributes
    ----------
    names : tuple of str
        As :func:`chosen_kinds` gives them.
    picture_format : str
        Extension of pictures to look at.
    page_side : int
        The longest side of the picture in a saved page, in pixels.
    source : str
        What the command in a saved page or report calls the picture.
    smoothing : float
        Of outlines, in pixels.
    pixels_per_mm : float or None
        The scale of the clustered picture; 0 if it is not known, None for that of the file.
    """

    names: tuple[str, ...]
    picture_format: str = "png"
    page_side: int = offline.SIDE
    source: str = "PICTURE"
    smoothing: float = export.SMOOTHING
    pixels_per_mm: float | None = 0.0

    def downloads(self, seg: Segmentation) -> Iterator[export.Download]:
        """All files of a segmentation."""
        for kind in self.names:
            yield from self.of_kind(kind, seg)

    def of_kind(self, kind: str, seg: Segmentation) -> list[export.Download]:
        """The files of one kind."""
        if kind in _EACH:
            make = export.CLUSTER_DOWNLOADS[_EACH[kind]]
            return [make(seg, cluster) for cluster in range(seg.n_clusters)]
        return [self._with_scale(seg).whole(kind).encoded_as(self.picture_format)]

    def suffixes(self, kind: str, members: Sequence[Sequence[int]]) -> list[str]:
        """How the names of the files of one kind end, by the members of each cluster."""
        if kind in _EACH:
            return [names.of_clusters(_EACH[kind], own) for own in members]
        return [self.whole(kind).encoded_as(self.picture_format).suffix]

    def _with_scale(self, seg: Segmentation) -> Kinds:
        """The same with the scale that the file of a segmentation states, if that is wanted."""
        if self.pixels_per_mm is not None:
            return self
        return replace(self, pixels_per_mm=0.0 if seg.origin is None else seg.origin.pixels_per_mm)

    def whole(self, kind: str) -> export.Download:
        """The download of a kind that is one file."""
        made = [offline.page(self.page_side, source=self.source)]
        made += export.outlines(self.smoothing)
        made += export.with_scale(self.pixels_per_mm or 0.0, self.source)
        return _wholes(*made)[kind.replace("-", "_")]

    def note_picture_format(self) -> None:
        """Tell if ``--picture-format`` has no effect."""
        if self.picture_format == "png" or not self.names:
            return
        if not any(self.whole(kind).draw for kind in self.names if kind not in _EACH):
            note(
                f"--picture-format: of {', '.join(self.names)} the exact values count: png is used"
            )


@dataclass(frozen=True, slots=True)
class Plan:
    """What to save, and where.

    Attributes
    ----------
    source : str
        What ``-i`` names: it is never overwritten.
    labels : str
        The file of ``--labels``, or "".
    kinds : Kinds
        What to ``--save``.
    folder : Path
        Where to save it.
    force : bool
        Whether existing files may be replaced.
    side_by_side : str
        What follows the time in the name of the file of ``-o``, or "".
    codebook : Codebook or None
        The clusters that are carried over.
    """

    source: str
    labels: str
    kinds: Kinds
    folder: Path
    force: bool
    side_by_side: str
    codebook: Codebook | None

    def check(self, settings: Settings) -> None:
        """Refuse what could not be saved, as far as it is known before the work.

        Raises
        ------
        KmsegError
            A file exists, is the picture itself or cannot be written; names it and the option.
        """
        if self.side_by_side:
            _check_folder("-o", Path())
        if self.labels:
            _check_folder("--labels", Path(self.labels).parent)
        if self.kinds.names:
            _check_folder("--out", self.folder)
        taken: dict[str, str] = {}
        for flag, path in self._targets(settings):
            self._check_file(flag, path)
            other = taken.setdefault(os.path.realpath(path), flag)
            if other != flag:
                raise KmsegError(f"{flag}: {quoted(path)} is the file of {other} too")
        self.kinds.note_picture_format()

    def save(self, seg: Segmentation) -> Iterator[Path]:
        """Save all files; yields the path of each that has no name of the user's choice.

        Raises
        ------
        KmsegError
            As ``check`` does.
        """
        context = export.Context(reading.name(self.source))
        if self.side_by_side:
            yield _save_side_by_side(seg, self.side_by_side)
        if self.labels:
            content = self.kinds.whole("labels").make(seg, context)
            self._write("--labels", Path(self.labels), content)
        for kind in self.kinds.names:
            flag = f"--save {kind}"
            for download in self.kinds.of_kind(kind, seg):
                path = self.folder / export.file_name(seg, context.picture, download)
                with _naming(flag):
                    try:
                        content = download.make(seg, context)
                    except RegionsError as error:
                        if self.kinds.names != kinds():
                            raise
                        note(f"{flag}: {error}")  # the other kinds are saved
                        continue
                self._write(flag, path, content)
                yield path

    def _targets(self, settings: Settings) -> Iterator[tuple[str, Path]]:
        """The option and the path of each file whose name is known before the work."""
        if self.labels:
            yield "--labels", Path(self.labels)
        name, book = reading.name(self.source), self.codebook
        members: Sequence[Sequence[int]] = [[number] for number in range(settings.n_clusters)]
        stem = names.stem(name, settings, settings.n_clusters)
        if book is not None:
            members = book.members
            stem = names.stem(name, settings, book.n_clusters, book.merges, book.digest)
        for kind in self.kinds.names:
            for suffix in self.kinds.suffixes(kind, members):
                yield f"--save {kind}", self.folder / (stem + suffix)

    def _write(self, flag: str, path: Path, content: bytes) -> None:
        with self._writing(flag, path) as file:
            file.write(content)

    @contextmanager
    def _writing(self, flag: str, path: Path) -> Iterator[BinaryIO]:
        self._check_file(flag, path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with files.writing(path, overwrite=self.force) as file:
                yield file
        except FileExistsError:
            raise KmsegError(_exists(flag, path)) from None
        except OSError as error:
            raise KmsegError(
                f"{flag}: {quoted(path)} cannot be written ({error.strerror or error})"
            ) from error

    def _check_file(self, flag: str, path: Path) -> None:
        """Refuse the picture itself, what is no file, and a file without ``--force``."""
        try:
            found = path.stat()
        except (OSError, ValueError):
            if os.path.lexists(path) and not self.force:  # a link to nothing
                raise KmsegError(_exists(flag, path)) from None
            return
        source = reading.status(self.source)
        if source is not None and os.path.samestat(found, source):
            raise KmsegError(
                f"{flag}: {quoted(path)} is the picture of -i itself; choose another name"
            )
        if not stat.S_ISREG(found.st_mode):
            what = "a folder" if stat.S_ISDIR(found.st_mode) else "no ordinary file"
            raise KmsegError(f"{flag}: {quoted(path)} is {what}; choose another name")
        if not self.force:
            raise KmsegError(_exists(flag, path))


def _wholes(*made: export.Download) -> dict[str, export.Download]:
    """The downloads that are one file, by their keys; some are made with the options."""
    return {download.key: download for download in (*export.DOWNLOADS, *made, export.ARCHIVE)}


@contextmanager
def _naming(flag: str) -> Iterator[None]:
    """Put an option in front of the message of a ``KmsegError``."""
    try:
        yield
    except KmsegError as error:
        raise KmsegError(f"{flag}: {error}") from error


def _exists(flag: str, path: Path) -> str:
    return f"{flag}: {quoted(path)} exists; choose another place, or add --force to replace it"


def _check_folder(flag: str, folder: Path) -> None:
    """Refuse a folder in which no file can be created; for ``--out`` it may be missing."""
    try:
        if flag == "--out":
            while not os.path.lexists(folder) and folder != folder.parent:
                folder = folder.parent
        files.check_folder(folder)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the path is not valid"
        raise KmsegError(
            f"{flag}: no file can be written to the folder {quoted(folder)} ({reason}); "
            "choose another one"
        ) from error


def _save_side_by_side(seg: Segmentation, tail: str) -> Path:
    """Save the article's picture under a timestamped name that is not taken."""
    from kmseg.output.render import side_by_side

    with _naming("-o"):
        content = encode(side_by_side(seg), tail.rpartition(".")[2])
    while True:
        path = Path(f"{datetime.now():%Y%m%d%H%M%S}{tail}")
        try:
            files.write(path, content)
        except FileExistsError:
            time.sleep(0.1)  # the name of this second is taken
        except OSError as error:
            reason = error.strerror or error
            raise KmsegError(f"-o: {quoted(path)} cannot be written ({reason})") from error
        else:
            return path
