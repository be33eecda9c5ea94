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

# Limits for engines that visit every pixel, and for slow engines. At these, the reference engines
# take seconds.
MAX_VISITED_PIXELS: Final = 100_000
MAX_SLOW_ATTEMPTS: Final = 10


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
    """The settings that the page runs: some engines have a limit of width or attempts."""
    engine = ENGINES[wanted.engine]
    if engine.slow:
        wanted = replace(wanted, attempts=min(wanted.attempts, MAX_SLOW_ATTEMPTS))
    if engine.visits_pixels:
        width = wanted.width or picture.width
        most = max(1, math.isqrt(MAX_VISITED_PIXELS * picture.width // picture.height))
        wanted = replace(wanted, width=most if width > most else wanted.width)
    return wanted
