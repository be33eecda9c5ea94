"""Progress of a run over many pictures, or over the parts of one, as lines on standard error."""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import Final

from kmseg.cli.streams import note

# Seconds between two updates: on a terminal one line is overwritten, elsewhere lines are added.
_ON_TERMINAL: Final = 0.2
_ELSEWHERE: Final = 30.0
# The rate is that of the last seconds.
_WINDOW: Final = 20.0

_STAGES: Final = {
    "levels": "levels: {} of {} pictures",
    "colours": "colours: {} of {} pictures",
    "pictures": "{} of {} pictures",
    "parts": "{} of {} parts of the picture",
}


class Progress:
    """Shows how far a run is: count, rate, remaining time and failures."""

    def __init__(self) -> None:
        self._on_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._stage = ""
        self._shown = time.monotonic()
        self._past: deque[tuple[float, int]] = deque()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def __call__(self, stage: str, done: int, total: int, failed: int) -> None:
        """Take note of the state, and show it if it is time."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage = stage
            self._past.clear()
        self._past.append((now, done))
        while now - self._past[0][0] > _WINDOW:
            self._past.popleft()
        if now - self._shown >= (_ON_TERMINAL if self._on_terminal else _ELSEWHERE):
            self._shown = now
            self._show(self._line(done, total, failed))

    def note(self, line: str) -> None:
        """Print a line that stays."""
        self._clear()
        note(line)

    def _line(self, done: int, total: int, failed: int) -> str:
        line = _STAGES[self._stage].format(f"{done:,}", f"{total:,}")
        (then, before), (now, _) = self._past[0], self._past[-1]
        if done > before and now > then:
            rate = (done - before) / (now - then)
            line += f", {rate:.3g}/s, {_clock((total - done) / rate)} left"
        return line + (f", {failed:,} failed" if failed else "")

    def _show(self, line: str) -> None:
        if self._on_terminal:
            print(f"\r\x1b[Kkmseg: {line}", end="", file=sys.stderr, flush=True)
        else:
            note(line)

    def _clear(self) -> None:
        if self._on_terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _clock(seconds: float) -> str:
    """Seconds as 0:07, 12:30 or 5:01:00."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
