"""Reads the bytes of a picture's file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from kmseg.errors import ImageError
from kmseg.picture.limits import Limits


def read_file(path: str | os.PathLike[str], limits: Limits) -> bytes:
    text = os.fsdecode(path)
    name = repr(text if len(text) <= 80 else f"{text[:40]}...{text[-37:]}")
    try:
        status = Path(text).stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{name} is a folder; give the path of a picture in it.")
        if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device may never end
            raise ImageError(f"{name} is not a file; give the path of a picture.")
        limits.check_file_size(status.st_size)
        with Path(text).open("rb") as file:
            return file.read(min(status.st_size, limits.max_bytes) + 1)
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {name}; check the path.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the path is not valid"
        raise ImageError(f"{name} cannot be read ({reason}); check the path.") from error
