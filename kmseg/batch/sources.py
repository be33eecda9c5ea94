"""Files, folders and globs as a sorted list of pictures, each with names for its results."""

from __future__ import annotations

import glob
import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from kmseg.errors import ImageError, KmsegError, shown
from kmseg.output import names
from kmseg.picture import formats


@dataclass(frozen=True, slots=True)
class Source:
    """A picture, and how its results are called.

    Attributes
    ----------
    path : str
        The absolute path of the file.
    name : str
        The path below the deepest folder that holds all pictures, with "/" between folders. It is
        unique, and names the picture in tables.
    folder : str
        The folder of its results, below that of all results; "" for that itself.
    picture : str
        The file name from which those of the results are made. No two pictures of a folder have
        names that give the same files, also where upper and lower case are the same.
    """

    path: str
    name: str
    folder: str
    picture: str


def is_many(given: Sequence[str]) -> bool:
    """Whether these arguments mean a series: several, a folder, or a glob."""
    return len(given) > 1 or any((each and Path(each).is_dir()) or _is_glob(each) for each in given)


def found(given: Iterable[str], out: str | os.PathLike[str] | None = None) -> list[Source]:
    """The pictures that files, folders and globs name, sorted by name.

    Parameters
    ----------
    given : iterable of str
        A folder stands for all files in it and below it that have the extension of a picture;
        hidden files and folders, and links to folders, are left out.
    out : str or os.PathLike, optional
        The folder of results, which may lie within a given folder and is left out of it.

    Raises
    ------
    KmsegError
        There is no picture, a file does not exist, or results would lie among the pictures.
    """
    results = None if out is None else os.path.realpath(out)
    roots: list[str] = []
    paths: dict[str, None] = {}
    for each in given:
        root, own = _expanded(each, results)
        paths.update(dict.fromkeys(own))
        if not own:
            raise ImageError(f"There is no picture in {shown(each)}; check the path.")
        roots.append(root)
    return _named(sorted(paths), _common(roots))


def _expanded(given: str, results: str | None) -> tuple[str, list[str]]:
    """The folder that a name stands for or lies in, and the absolute paths of its files."""
    path = os.path.normpath(Path(given).absolute())
    if Path(path).is_dir():
        _check_apart(given, path, results)
        return path, list(_walked(path, results))
    if Path(path).exists():
        _check_apart(given, path, results)
        return str(Path(path).parent), [path]
    if not _is_glob(given):
        raise ImageError(f"There is no file {shown(given)}; check the path.")
    root = _fixed_part(path)
    _check_apart(given, root, results)
    files: list[str] = []
    for match in sorted(glob.iglob(path, recursive=True)):  # noqa: PTH207  # the path is absolute
        if _within(match, results):
            continue
        if Path(match).is_dir():
            files += _walked(match, results) if not path.endswith("**") else ()
        else:
            files.append(os.path.normpath(match))
    return root, files


def _walked(folder: str, results: str | None) -> Iterator[str]:
    suffixes = tuple(f".{extension}" for extension in formats.extensions())
    for parent, folders, files in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and not _within(str(Path(parent, name)), results)
        ]
        for name in files:
            if not name.startswith(".") and name.lower().endswith(suffixes):
                yield str(Path(parent, name))


def _check_apart(given: str, root: str, results: str | None) -> None:
    """Refuse results that would lie among the pictures."""
    if results is not None and _within(root, results):
        raise KmsegError(
            f"{shown(given)} lies in the folder of results, {shown(results)}, so results would lie "
            "among the pictures; choose another folder for them"
        )


def _within(path: str, folder: str | None) -> bool:
    return folder is not None and Path(os.path.realpath(path)).is_relative_to(folder)


def _is_glob(given: str) -> bool:
    return glob.has_magic(given) and not os.path.lexists(given)


def _fixed_part(path: str) -> str:
    """The folder above the first part of a path that has wildcards."""
    parts = Path(path).parts
    fixed = next(n for n, part in enumerate(parts) if glob.has_magic(part))
    return str(Path(*parts[:fixed]))


def _common(roots: Iterable[str]) -> str:
    try:
        return os.path.commonpath(list(roots))
    except ValueError:  # different drives of Windows
        return ""


def _named(paths: Sequence[str], root: str) -> list[Source]:
    relative = [
        PurePosixPath(*Path(path).relative_to(root).parts)
        if root
        else PurePosixPath(*(part.strip(":\\/") for part in Path(path).parts))
        for path in paths
    ]
    folders = [_folder(path.parent) for path in relative]
    called = _distinct(relative, folders)
    return sorted(
        (
            Source(path, str(name), folder, picture)
            for path, name, folder, picture in zip(paths, relative, folders, called, strict=True)
        ),
        key=lambda source: source.name,
    )


@cache
def _folder(path: PurePosixPath) -> str:
    """The folder of the results of pictures in a folder: its name, as safe on other systems."""
    return "/".join(names.safe(f"{part}.d", names.MAX_BYTES) for part in path.parts)


def _distinct(relative: Sequence[PurePosixPath], folders: Sequence[str]) -> list[str]:
    """A name for the files of each picture: its own, or with its extension or a hash in it."""
    called = [path.name for path in relative]
    for distinguish in (lambda path: path.suffix[1:], lambda path: _digest(str(path))):
        keys = [_key(*pair) for pair in zip(folders, called, strict=True)]
        taken = Counter(keys)
        if len(taken) == len(keys):
            break
        called = [
            f"{path.stem}-{distinguish(path)}{path.suffix}" if taken[key] > 1 else own
            for path, key, own in zip(relative, keys, called, strict=True)
        ]
    return called


def _key(folder: str, picture: str) -> str:
    """Two pictures with the same key would have results of the same names."""
    stem = names.safe(picture, names.MAX_BYTES)
    return unicodedata.normalize("NFC", f"{folder}/{stem}").casefold()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
