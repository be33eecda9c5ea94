"""Runs of plain Lloyd, step by step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kmseg.kmeans.engines.lloyd import ENGINE
from kmseg.settings import Settings
from kmseg.tracing import Trace, trace
from kmseg.ui.records import Start
from kmseg.ui.server.gates import slot, stop_if_cancelled
from kmseg.ui.store import caches
from kmseg.ui.store.pictures import Picture, key_of
from kmseg.ui.store.results import data


def run(picture: Picture, settings: Settings, start: Start) -> Trace:
    """A run from a start, computed once; raises ``KmsegError``."""
    made = data(picture, settings.width)
    plain = replace(settings.untidied(), engine=ENGINE.name, attempts=Settings().attempts)

    def make() -> Trace:
        with slot() as pause:

            def progress() -> None:
                stop_if_cancelled()
                pause()

            dragged = start.centroids
            centroids = None if dragged is None else np.array(dragged, np.float64)
            return trace(
                made.histogram,
                plain,
                attempt=start.attempt - 1,
                start=centroids,
                progress=progress,
            )

    found: Trace = caches.results().get(
        key_of(picture, settings.width), make, stop_if_cancelled, part=("run", plain, start)
    )
    return found
