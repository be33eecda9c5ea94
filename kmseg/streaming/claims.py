"""What a TIFF on disk claims to be, checked as it is in memory, without reading all of it."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from kmseg.errors import ImageError
from kmseg.picture.formats.base import Header
from kmseg.picture.formats.directories import is_tiff
from kmseg.picture.limits import DEFAULT_LIMITS, Limits
from kmseg.picture.probe import open_file
from kmseg.picture.reading import Reading

_SIGNATURE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Claims:
    """A page of a TIFF that passed the checks; it can be sent to other processes.

    Parameters
    ----------
    path : str
        Absolute.
    n_bytes, changed : int
        Size of the file, and when it was last changed, in nanoseconds.
    header : Header
        Of the page.
    number : int
        The number of the page's directory.
    note : str
        Which page of how many is read; empty if there is one.
    reading : Reading
    """

    path: str
    n_bytes: int
    changed: int
    header: Header
    number: int
    note: str
    reading: Reading

    @property
    def is_large(self) -> bool:
        """Whether the picture is larger than those that are read into memory by default."""
        sides = self.header.width, self.header.height
        return max(sides) > DEFAULT_LIMITS.max_side or (
            sides[0] * sides[1] > DEFAULT_LIMITS.max_pixels
        )


class _Mapped(mmap.mmap):
    """A file that is read where it is looked at, for functions that take the bytes of a file."""

    def startswith(self, prefixes: bytes | tuple[bytes, ...], start: int = 0) -> bool:
        return self[start : start + _SIGNATURE_BYTES].startswith(prefixes)


def find_claims(path: str | os.PathLike[str], limits: Limits, reading: Reading) -> Claims | None:
    """The claims of the page of a TIFF that is read; None if the file is no TIFF.

    Raises
    ------
    ImageError
        The file is larger than ``limits``, damaged, or has no such page.
    OSError
        The file cannot be read.
    """
    with Path(path).open("rb") as file:
        if not is_tiff(file.read(_SIGNATURE_BYTES)):
            return None
        status = os.fstat(file.fileno())
        limits.check_file_size(status.st_size)
        with _Mapped(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            found = open_file(cast(bytes, mapped), limits, reading)
    if found.header.format != "TIFF":
        raise ImageError("The file is not what its first bytes say; save it again as TIFF.")
    return Claims(
        path=str(Path(path).resolve()),
        n_bytes=status.st_size,
        changed=status.st_mtime_ns,
        header=found.header,
        number=found.index,
        note=found.note,
        reading=reading,
    )
