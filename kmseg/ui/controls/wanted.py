"""The settings that the controls have, and those that the page runs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from kmseg.kmeans.engines import ENGINES
from kmseg.settings import Settings
from kmseg.ui import store
from kmseg.ui.controls import starts
from kmseg.ui.session import session

# Engines that visit every pixel take seconds for this many pixels and attempts.
MAX_VISITED_PIXELS: Final = 100_000
MAX_VISITING_ATTEMPTS: Final = 10


def settings(picture: store.Picture) -> Settings:
    """The settings of the controls, whether this run has drawn them yet or not.

    Raises
    ------
    KmsegError
        The starting colours that a manual start begins with cannot be computed.
    """
    starts.fill(picture)
    return session.settings()


def within_reach(picture: store.Picture, wanted: Settings) -> Settings:
    """The settings that the page runs: less work for engines that visit every pixel."""
    if not ENGINES[wanted.engine].visits_pixels:
        return wanted
    width = wanted.width or picture.width
    most = max(1, math.isqrt(MAX_VISITED_PIXELS * picture.width // picture.height))
    return replace(
        wanted,
        width=most if width > most else wanted.width,
        attempts=min(wanted.attempts, MAX_VISITING_ATTEMPTS),
    )
