"""Events for the operator: each is counted and logged in one line, without user content."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from typing import Final

from kmseg.ui.server import platform

# Kinds of events: name and meaning.
KINDS: Final = {
    "upload_refused": "uploads that are not a readable picture within the limits",
    "upload_over_quota": "uploads that were discarded because they exceed a quota",
    "upload_ended": "uploads that were ended because they stalled or had a wrong length",
    "busy": "requests refused because too many were waiting",
    "link_corrected": "links with values that had to be corrected",
    "error": "page runs that ended in an unexpected error",
}

log: Final = logging.getLogger("kmseg")
_lock: Final = threading.Lock()
_counts: Final[Counter[str]] = Counter()


def note(kind: str, detail: str, session: str | None = None) -> None:
    """Count and log an event of one of ``KINDS``; the detail must not contain user input."""
    session = session or platform.session_id() or "-"
    with _lock:
        _counts[kind] += 1
    log.info("%s session=%s %s", kind, session[:8], detail)


def counts() -> dict[str, int]:
    """How often each of ``KINDS`` happened since the server started."""
    with _lock:
        return {kind: _counts[kind] for kind in KINDS}
