"""Atomic file writes: a file appears complete or not at all."""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_lock = threading.Lock()
_unfinished: set[Path] = set()
_number = 0


def write(path: str | os.PathLike[str], content: bytes, *, overwrite: bool = False) -> None:
    """Write a whole file; parameters and errors as in :func:`writing`."""
    with writing(path, overwrite=overwrite) as file:
        file.write(content)


@contextmanager
def writing(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Write a file under a temporary name in its folder, and rename it at the end of the context.

    Parameters
    ----------
    path : str or os.PathLike
    overwrite : bool
        Whether to replace an existing file, keeping its permissions. If ``path`` is a symbolic
        link, its target is replaced.

    Raises
    ------
    FileExistsError
        A file of this name exists and ``overwrite`` is false.
    OSError
        The file cannot be written; no partial file is left.
    """
    target = Path(path).resolve() if overwrite else Path(path)
    with _temporary(target.parent) as temporary:
        with temporary.open("wb") as file:
            yield file
        if overwrite:
            with suppress(OSError):
                temporary.chmod(target.stat().st_mode & 0o7777)
            temporary.replace(target)
        else:
            _rename_to_new(temporary, target)


def discard_left_over(folder: str | os.PathLike[str]) -> None:
    """Delete temporary files in a folder that processes left which were killed.

    No process may be writing to the folder.
    """
    for path in Path(folder).glob(".kmseg-*.part"):
        with suppress(OSError):
            path.unlink()


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Raise ``OSError`` if no file can be created in a folder."""
    with _temporary(Path(folder)):
        pass


def discard_unfinished() -> None:
    """Delete all temporary files and block new ones; the process must exit after this call."""
    _lock.acquire()
    for temporary in _unfinished:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """A new, empty file, which is deleted at the end if it still exists."""
    global _number
    with _lock:
        while True:
            _number += 1
            path = folder / f".kmseg-{os.getpid()}-{_number}.part"
            try:
                path.touch(exist_ok=False)
            except FileExistsError:  # left over from a process that was killed
                continue
            _unfinished.add(path)
            break
    try:
        yield path
    finally:
        with suppress(OSError):
            path.unlink()
        _unfinished.discard(path)


def _rename_to_new(temporary: Path, target: Path) -> None:
    """Rename a file; raises ``FileExistsError`` if the new name exists."""
    if sys.platform == "win32":
        temporary.rename(target)  # raises FileExistsError if the name exists
        return
    try:
        target.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "File exists", str(target)) from None
        temporary.rename(target)
