"""What is left to do when Ctrl-C ends the process at once: see :mod:`kmseg.__main__`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_last_acts: list[Callable[[], None]] = []


@contextmanager
def at_stop(act: Callable[[], None]) -> Iterator[None]:
    """Have a function called if the process ends by Ctrl-C meanwhile, the last one first."""
    _last_acts.append(act)
    try:
        yield
    finally:
        _last_acts.remove(act)


def stop() -> None:
    """End workers and delete what they left unfinished; the process must exit after this call."""
    for act in reversed(_last_acts):
        with suppress(Exception):
            act()
