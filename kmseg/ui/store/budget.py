"""The memory that the page may take for visitors' pictures, as the operator has set it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Final

from kmseg.errors import KmsegError

MEGABYTE: Final = 1_000_000
_MOST: Final = 1_000_000  # megabytes


@dataclass(frozen=True, slots=True)
class Budget:
    """All in bytes.

    Attributes
    ----------
    session_uploads, all_uploads : int
        Files that visitors have sent: in one session, and in all.
    pixels : int
        Decoded pictures that are kept, of all sessions.
    made : int
        What was made of pictures and is kept, of all sessions.
    """

    session_uploads: int
    all_uploads: int
    pixels: int
    made: int


@cache
def budget() -> Budget:
    """As the environment says when it is first asked, which must be after the server has started.

    By then Streamlit has put its secrets into the environment.

    Raises
    ------
    KmsegError
        A variable is set, but is not a whole number from 1 to 1,000,000.
    """
    return Budget(
        session_uploads=_megabytes("KMSEG_SESSION_UPLOADS_MB", 100),
        all_uploads=_megabytes("KMSEG_ALL_UPLOADS_MB", 400),
        pixels=_megabytes("KMSEG_PIXELS_MB", 160),
        made=_megabytes("KMSEG_CACHE_MB", 640),
    )


def _megabytes(variable: str, default: int) -> int:
    text = os.environ.get(variable, "").strip() or str(default)
    if not text.isdecimal() or not 1 <= int(text[:20]) <= _MOST:
        raise KmsegError(
            f"{variable} must be a whole number of megabytes from 1 to {_MOST:,}, not "
            f"{text[:40]!r}; correct or unset it."
        )
    return int(text) * MEGABYTE
