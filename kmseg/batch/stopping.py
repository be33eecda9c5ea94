"""What is left to do when Ctrl-C ends the process at once: see :mod:`kmseg.__main__`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

_last_acts: list[Callable[[], None]] = []


def on_stop(act: Callable[[], None]) -> None:
    """Have a function called before the process ends by Ctrl-C, the last one first."""
    _last_acts.append(act)


def forget(act: Callable[[], None]) -> None:
    """Undo :func:`on_stop`."""
    _last_acts.remove(act)


def stop() -> None:
    """End workers and delete what they left unfinished; the process must exit after this call."""
    for act in reversed(_last_acts):
        with suppress(Exception):
            act()
