"""Whose turn it is on the page, and who has given his up."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final

from streamlit.runtime.scriptrunner import get_script_run_ctx

from kmseg.parallel.gate import Gate, Pause, Waiting
from kmseg.parallel.threads import N_CORES
from kmseg.ui.session import end_if_superseded

# Who comes when so many wait is turned away.
MOST_WAITING: Final = 100

WORK: Final = Gate(N_CORES, MOST_WAITING)
# Who holds pixels: so many pictures are in memory at once beside those that are kept. Its place is
# taken before one in WORK.
PIXELS: Final = Gate(N_CORES, MOST_WAITING)
FILES: Final = Gate(1, MOST_WAITING)  # archives of large pictures take seconds without a pause


def still_wanted(ahead: int = 0) -> None:
    """Ends a run of the page that its visitor has overtaken by a change, or left."""
    if get_script_run_ctx(suppress_warning=True) is not None:
        end_if_superseded()


def turn(waiting: Waiting = still_wanted) -> AbstractContextManager[Pause]:
    """A place at work, for as long as the context lasts; raises ``BusyError``."""
    return WORK.admitted(waiting)
