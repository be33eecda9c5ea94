"""Work in turns, so that a crowd shares the machine and nobody's long work keeps others waiting.

As many are at work as there are places. Next is whose turn would be over first if all who are there
shared the machine evenly from when they came (fair queueing: A. Demers, S. Keshav, S. Shenker,
SIGCOMM 1989): who comes with new work before who has had much already, and who waits moves up. Long
work gives its place up between its steps while others wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from kmseg.errors import BusyError

Pause = Callable[[], None]
Waiting = Callable[[int], None]

# How long one is at work before others get his place, in seconds.
TURN: Final = 0.5
# How often who waits is asked whether he still wants to.
LOOK: Final = 0.2


class _Ticket:
    def __init__(self, done_at: float) -> None:
        self.done_at = done_at  # on the gate's clock
        self.since: float | None = None  # at work; None while he waits
        self.paused = False
        self.called = threading.Event()


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
        self._lock = threading.Lock()
        self._tickets: list[_Ticket] = []  # in the order in which they came
        self._clock = 0.0  # seconds that each of those who were there has had by rights

    @property
    def n_waiting(self) -> int:
        """How many wait for a place."""
        return sum(ticket.since is None for ticket in list(self._tickets))

    @contextmanager
    def admitted(self, waiting: Waiting = lambda ahead: None) -> Iterator[Pause]:
        """Wait for a place, work in it.

        Parameters
        ----------
        waiting : callable
            ``waiting(ahead)`` is called again and again while there is no place, with the number of
            others who wait; what it raises ends the wait and comes out here.

        Yields
        ------
        callable
            To be called between the steps of long work: it gives the place to others and comes back
            when there is one again; but only so many pause at once, as they keep their memory.

        Raises
        ------
        BusyError
            Too many wait already.
        """
        with self._lock:
            if self.n_waiting >= self.most_waiting:
                raise BusyError(
                    f"This server is busy: {self.n_waiting} others wait already. Try again in a "
                    "moment."
                )
            ticket = _Ticket(self._clock + TURN)
            self._tickets.append(ticket)
            self._call_next()

        def pause() -> None:
            if ticket.since is None or time.monotonic() - ticket.since < TURN or not self.n_waiting:
                return
            with self._lock:
                if sum(other.paused for other in self._tickets) >= 2 * self.places:
                    return
                ticket.paused = True
                ticket.done_at += self._leave(ticket)
                self._call_next()
            self._wait(ticket, waiting)
            ticket.paused = False

        try:
            self._wait(ticket, waiting)
            yield pause
        finally:
            with self._lock:
                self._leave(ticket)
                self._tickets.remove(ticket)
                self._call_next()

    def _wait(self, ticket: _Ticket, waiting: Waiting) -> None:
        while not ticket.called.wait(LOOK):
            waiting(self.n_waiting - 1)

    def _call_next(self) -> None:
        """Fill the places that are free."""
        while True:
            waiting = [ticket for ticket in self._tickets if ticket.since is None]
            if not waiting or len(self._tickets) - len(waiting) >= self.places:
                return
            first = min(waiting, key=lambda ticket: ticket.done_at)  # who came first, among equals
            first.since = time.monotonic()
            first.called.set()

    def _leave(self, ticket: _Ticket) -> float:
        """Give a place up; the seconds that it was held."""
        if ticket.since is None:
            return 0.0
        seconds = time.monotonic() - ticket.since
        self._clock += seconds / len(self._tickets)
        ticket.since = None
        ticket.called.clear()
        return seconds
