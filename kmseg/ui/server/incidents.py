"""What visitors can make go wrong: counted, and one line in the log each, without their content."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from typing import Final

from streamlit.runtime.scriptrunner import get_script_run_ctx

# What is counted, by name, and what it means.
KINDS: Final = {
    "upload_refused": "uploads that were no picture within the limits",
    "upload_over_quota": "uploads that were not kept, for one session's or all sessions' quota",
    "busy": "requests turned away because too many waited",
    "link_corrected": "links with values that had to be corrected",
    "error": "page runs that ended in an error of the program",
}

log: Final = logging.getLogger("kmseg")
_lock: Final = threading.Lock()
_counts: Final[Counter[str]] = Counter()


def note(kind: str, detail: str, session: str | None = None) -> None:
    """Count one of ``KINDS`` and log it; the detail must hold nothing that a visitor wrote."""
    context = get_script_run_ctx(suppress_warning=True)
    if session is None:
        session = context.session_id if context is not None else "-"
    with _lock:
        _counts[kind] += 1
    log.info("%s session=%s %s", kind, session[:8], detail)


def counts() -> dict[str, int]:
    """How often each happened since the server started."""
    with _lock:
        return {kind: _counts[kind] for kind in KINDS}
