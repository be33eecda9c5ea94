"""Gates: limits on how many runs of the page do each kind of work at once.

Lock order: a run acquires slots in the order of this list, and never waits for an earlier entry
while it holds a later one. This prevents deadlocks, and no run blocks others while it waits for a
scarcer slot.

1. FILES
2. a computation in flight (:mod:`kmseg.ui.store.work`) of a result
3. REGIONS
4. a computation in flight of pixels
5. LARGE, until a large picture is decoded
6. PIXELS, as long as pixels are used
7. WORK
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final

from kmseg.parallel.gate import Gate, Pause, Waiting
from kmseg.parallel.threads import N_CORES
from kmseg.ui import session
from kmseg.ui.server import platform

# Further runs are refused with BusyError.
MAX_WAITING: Final = 100

# Export of files: an archive of a large picture takes seconds and cannot yield its slot.
FILES: Final = Gate(1, MAX_WAITING)
# Counting and measuring regions, which takes 10 bytes for each pixel of a picture.
REGIONS: Final = Gate(1, MAX_WAITING)
# Decoding of large pictures, which takes the most memory and time. Small pictures need no slot of
# this gate.
LARGE: Final = Gate(1, MAX_WAITING)
# Use of pixels, including decoding: limits the pictures in memory in addition to cached ones.
PIXELS: Final = Gate(N_CORES, MAX_WAITING)
# Computation on all cores.
WORK: Final = Gate(N_CORES, MAX_WAITING)


def stop_if_cancelled(ahead: int = 0) -> None:
    """End this run if a newer one has replaced it or its session has ended."""
    if platform.session_id() is not None:
        session.end_if_superseded()


def slot(waiting: Waiting = stop_if_cancelled) -> AbstractContextManager[Pause]:
    """A slot of ``WORK`` for as long as the context lasts; raises ``BusyError``."""
    return WORK.admitted(waiting)
