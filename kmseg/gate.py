"""Work in turns, so that a crowd shares the machine and nobody's long work keeps others waiting.

As many are at work as there are places. Who has been at work least since he came is let in next,
and who comes begins where the least busy of the others is (start-time fair queueing: P. Goyal,
H. M. Vin, H. Cheng, SIGCOMM 1996); long work gives its place up between its steps while others
wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from kmseg.errors import BusyError

Pause = Callable[[], None]
Waiting = Callable[[int], None]

# How long one is at work before others get his place, in seconds.
TURN: Final = 0.2
# How often who waits is asked whether he still wants to.
LOOK: Final = 0.1


@dataclass(eq=False, slots=True)
class _Ticket:
    places: int
    used: float  # seconds
    since: float | None = None  # at work; None while he waits


class Gate:
    """A number of places, and who waits for one.

    Parameters
    ----------
    places : int
        How many are at work at once.
    most_waiting : int
        More are turned away.
    """

    def __init__(self, places: int, most_waiting: int) -> None:
        self.places = places
        self.most_waiting = most_waiting
        self._changed = threading.Condition()
        self._tickets: list[_Ticket] = []  # in the order in which they came

    @property
    def n_waiting(self) -> int:
        """How many wait for a place."""
        return sum(ticket.since is None for ticket in self._tickets)

    @contextmanager
    def admitted(self, waiting: Waiting = lambda ahead: None, places: int = 1) -> Iterator[Pause]:
        """Wait for a place, work in it.

        Parameters
        ----------
        waiting : callable
            ``waiting(ahead)`` is called again and again while there is no place, with the number of
            others who wait; what it raises ends the wait and comes out here.
        places : int
            How many are needed at once; more than there are counts as all.

        Yields
        ------
        callable
            To be called between the steps of long work: it gives the place to others and comes back
            when there is one again.

        Raises
        ------
        BusyError
            Too many wait already.
        """
        with self._changed:
            if self.n_waiting >= self.most_waiting:
                raise BusyError(
                    f"This server is busy: {self.n_waiting} others wait already. Try again in a "
                    "moment."
                )
            used = min((other.used for other in self._tickets), default=0.0)
            ticket = _Ticket(min(places, self.places), used)
            self._tickets.append(ticket)

        def pause() -> None:
            at_work = time.monotonic() - (ticket.since or 0.0)
            if at_work >= TURN and self.n_waiting:
                with self._changed:
                    ticket.used += at_work * ticket.places
                    ticket.since = None
                    self._changed.notify_all()
                self._enter(ticket, waiting)

        try:
            self._enter(ticket, waiting)
            yield pause
        finally:
            with self._changed:
                self._tickets.remove(ticket)
                self._changed.notify_all()

    def _enter(self, ticket: _Ticket, waiting: Waiting) -> None:
        while not self._let_in(ticket):
            waiting(self.n_waiting - 1)

    def _let_in(self, ticket: _Ticket) -> bool:
        """Whether he got in; if not, a moment has passed."""
        with self._changed:
            if not self._is_next(ticket):
                self._changed.wait(LOOK)
            if not self._is_next(ticket):
                return False
            ticket.since = time.monotonic()
            self._changed.notify_all()  # there may be a place for the next one too
            return True

    def _is_next(self, ticket: _Ticket) -> bool:
        waiting = [other for other in self._tickets if other.since is None]
        taken = sum(other.places for other in self._tickets if other.since is not None)
        first = min(waiting, key=lambda other: other.used)  # the first who came among equals
        return first is ticket and taken + ticket.places <= self.places
