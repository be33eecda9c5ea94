"""The memory that the page may take for visitors' pictures, as the operator has set it."""

from __future__ import annotations

import os
from typing import Final

from kmseg.errors import KmsegError

MEGABYTE: Final = 1_000_000
_MOST: Final = 1_000_000  # megabytes


def megabytes(variable: str, default: int) -> int:
    """The bytes that an environment variable, a number of megabytes, allows.

    Raises
    ------
    KmsegError
        The variable is set, but is not a whole number from 1 to 1,000,000.
    """
    text = os.environ.get(variable, "").strip() or str(default)
    if not text.isdecimal() or not 1 <= int(text[:20]) <= _MOST:
        raise KmsegError(
            f"{variable} must be a whole number of megabytes from 1 to {_MOST:,}, not "
            f"{text[:40]!r}; correct or unset it."
        )
    return int(text) * MEGABYTE


# Uploads: of one session, and of all sessions.
SESSION_UPLOADS: Final = megabytes("KMSEG_SESSION_UPLOADS_MB", 100)
ALL_UPLOADS: Final = megabytes("KMSEG_ALL_UPLOADS_MB", 400)
# What is kept of all visitors' pictures: decoded pixels, and what was made of them.
PIXELS: Final = megabytes("KMSEG_PIXELS_MB", 160)
MADE: Final = megabytes("KMSEG_CACHE_MB", 640)
# Of one picture: segmentations, tiles, previews of labels.
MADE_OF_ONE: Final = 24 * MEGABYTE
