"""The content of a file as text or JSON, within limits."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from kmseg.errors import SavedFileError, SettingsError, shown

MAX_BYTES: Final = 256 * 1024
"""The largest file in bytes: about ten times the settings of 255 clusters."""

# Lists and objects within each other; those of saved settings are 4 deep.
_MAX_DEPTH: Final = 16
# A string, or the rest of a text after a quote that is never closed: linear time for any text.
_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


@contextmanager
def named(source: str | os.PathLike[str] | bytes) -> Iterator[None]:
    """Put the file's name in front of the message of an error, and what to do after it."""
    try:
        yield
    except (SavedFileError, SettingsError) as error:
        name = "this file" if isinstance(source, bytes) else shown(os.fspath(source))
        raise SavedFileError(f"{name}: {error}; save the file again, or choose another") from error


def read(source: str | os.PathLike[str] | bytes) -> str:
    """The text of a file, given by its path or its bytes; raises ``SavedFileError``."""
    data = source if isinstance(source, bytes) else _read_file(source)
    if len(data) > MAX_BYTES:
        raise SavedFileError(f"must have at most {MAX_BYTES:,} bytes, not {len(data):,}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SavedFileError(f"must be text in UTF-8, not {shown(data[:16])}") from None


def _read_file(path: str | os.PathLike[str]) -> bytes:
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device may never end
            raise SavedFileError("must be a file, not a folder or a device")
        if status.st_size > MAX_BYTES:
            raise SavedFileError(f"must have at most {MAX_BYTES:,} bytes, not {status.st_size:,}")
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the path is not valid"
        raise SavedFileError(f"cannot be read ({reason})") from error


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises
    ------
    SavedFileError
        It is no JSON (RFC 8259), nested too deeply, or an object has a name twice.
    """
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", _STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    if deepest > _MAX_DEPTH:
        raise SavedFileError(
            f"must have at most {_MAX_DEPTH} lists within each other, not {deepest}"
        )
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except ValueError as error:  # also a number of more digits than Python converts
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "a number is too long"
        raise SavedFileError(f"must be JSON, not {shown(text[:40])} ({reason})") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise SavedFileError(f"must have each name once, not {shown(name)} twice")
        values[name] = value
    return values


def _constant(name: str) -> NoReturn:
    raise SavedFileError(f"must have finite numbers, not {name}")
