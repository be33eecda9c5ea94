"""The settings of the controls, and the settings that the page runs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from kmseg.kmeans.engines import ENGINES
from kmseg.settings import Settings
from kmseg.ui import store
from kmseg.ui.controls import starts
from kmseg.ui.session import session

# Limits for engines that visit every pixel: at these, they take seconds.
MAX_VISITED_PIXELS: Final = 100_000
MAX_VISITING_ATTEMPTS: Final = 10


def settings(picture: store.Picture) -> Settings:
    """The settings of the controls, even before this run has drawn them.

    Raises
    ------
    KmsegError
        The initial starting colours of a manual start cannot be computed.
    """
    starts.fill(picture)
    return session.settings()


def within_reach(picture: store.Picture, wanted: Settings) -> Settings:
    """The settings that the page runs: width and attempts are limited for slow engines."""
    if not ENGINES[wanted.engine].visits_pixels:
        return wanted
    width = wanted.width or picture.width
    most = max(1, math.isqrt(MAX_VISITED_PIXELS * picture.width // picture.height))
    return replace(
        wanted,
        width=most if width > most else wanted.width,
        attempts=min(wanted.attempts, MAX_VISITING_ATTEMPTS),
    )
