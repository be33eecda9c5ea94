"""Fair queueing of jobs for a limited number of slots.

The next slot goes to the job that would finish first if all jobs shared the machine evenly from
their arrival (A. Demers, S. Keshav, S. Shenker, "Analysis and simulation of a fair queueing
algorithm", SIGCOMM 1989). So a new job goes ahead of a job that has already run for long, and no
job starves, because new jobs rank behind a job that has waited long enough. Long jobs yield their
slot between steps while others wait.

Idle work bypasses the queue: it runs only while there are no jobs, takes no slot, and is preempted
as soon as a job arrives.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from kmseg.errors import BusyError

Pause = Callable[[], None]
Waiting = Callable[[int], None]

# Time slice: seconds that a job runs before it yields its slot to waiting jobs.
QUANTUM: Final = 0.5
# Seconds between checks that a waiting job is still needed.
POLL_SECONDS: Final = 0.2
# Idle work starts after this many seconds without a job or a foreground section.
IDLE_AFTER: Final = 0.3
# Idle work is preempted after a foreground section has suspended it for this many seconds. The
# section may adopt the work meanwhile, which is checked every _SUSPENDED_POLL seconds.
MAX_SUSPENDED: Final = 0.5
_SUSPENDED_POLL: Final = 0.005


class PreemptedError(Exception):
    """Idle work was preempted by other work, or is no longer needed."""


class _Ticket:
    """A job in the queue or in a slot."""

    def __init__(self, finish: float) -> None:
        self.finish = finish  # virtual finish time, under an even share of the machine
        self.started: float | None = None  # time.monotonic(); None while it waits
        self.paused = False  # waits for a slot after it has run
        self.admitted = threading.Event()


class Gate:
    """Slots for jobs, and a queue of waiting jobs.

    Parameters
    ----------
    slots : int
        Most jobs that run at once.
    max_queued : int
        Most jobs that may wait; further ones are rejected.
    """

    def __init__(self, slots: int, max_queued: int) -> None:
        self.slots = slots
        self.max_queued = max_queued
        self._lock = threading.Lock()
        self._tickets: list[_Ticket] = []  # in order of arrival
        self._clock = 0.0  # virtual time: seconds of work per job under an even share
        self._n_foreground = 0
        self._quiet_since = time.monotonic()

    @property
    def n_waiting(self) -> int:
        """The number of jobs waiting for a slot."""
        return sum(ticket.started is None for ticket in list(self._tickets))

    @contextmanager
    def admitted(self, waiting: Waiting = lambda ahead: None) -> Iterator[Pause]:
        """Wait for a slot and hold it.

        Parameters
        ----------
        waiting : callable
            ``waiting(ahead)`` is called every ``POLL_SECONDS`` while the job waits, with the number
            of other waiting jobs. An exception ends the wait and is raised here.

        Yields
        ------
        callable
            Call it between the steps of a long job. After ``QUANTUM`` seconds, if others wait, it
            yields the slot and returns when the job has a slot again. At most two jobs per slot
            are paused at once, because they keep their memory.

        Raises
        ------
        BusyError
            If ``max_queued`` jobs are already waiting.
        """
        with self._lock:
            if self.n_waiting >= self.max_queued:
                raise BusyError(
                    f"This server is busy: {self.n_waiting} others are already waiting. Try again "
                    "in a moment."
                )
            ticket = _Ticket(self._clock + QUANTUM)
            self._tickets.append(ticket)
            self._fill_slots()
        try:
            self._wait(ticket, waiting)
            yield lambda: self._pause(ticket, waiting)
        finally:
            with self._lock:
                self._release(ticket)
                self._tickets.remove(ticket)
                self._quiet_since = time.monotonic()
                self._fill_slots()

    @property
    def quiet_seconds(self) -> float:
        """Seconds since the last job or foreground section ended; 0 while there is any."""
        if self._tickets or self._n_foreground:
            return 0.0
        return time.monotonic() - self._quiet_since

    @contextmanager
    def foreground(self) -> Iterator[None]:
        """Suspend idle work while the context lasts, even if it contains no job."""
        with self._lock:
            self._n_foreground += 1
        try:
            yield
        finally:
            with self._lock:
                self._n_foreground -= 1
                self._quiet_since = time.monotonic()

    @contextmanager
    def idle(self, adopted: Callable[[], bool]) -> Iterator[Pause]:
        """Run idle work without a slot, so that no job waits for it.

        Parameters
        ----------
        adopted : callable
            ``adopted()`` returns whether another thread now waits for the result. While it is true,
            the work queues for slots like any job and is not preempted; otherwise, the threads that
            wait for it would be served last.

        Yields
        ------
        callable
            Call it between the steps of the work. It raises ``PreemptedError`` if a job has
            arrived. During a foreground section it waits, for at most ``MAX_SUSPENDED`` seconds.

        Raises
        ------
        PreemptedError
            If the last ``IDLE_AFTER`` seconds were not quiet.
        BusyError
            As in :meth:`admitted`, raised by the yielded callable if the work is adopted.
        """
        if self.quiet_seconds < IDLE_AFTER:
            raise PreemptedError

        def waiting(ahead: int) -> None:
            if not adopted():
                raise PreemptedError

        with ExitStack() as slot:
            pause_in_slot: Pause | None = None

            def pause() -> None:
                nonlocal pause_in_slot
                if not adopted():
                    slot.close()
                    pause_in_slot = None
                    self._give_way(adopted)
                if adopted():
                    if pause_in_slot is None:
                        pause_in_slot = slot.enter_context(self.admitted(waiting))
                    pause_in_slot()

            yield pause

    def _give_way(self, adopted: Callable[[], bool]) -> None:
        """Wait until all foreground sections have ended, or the work is adopted."""
        latest = time.monotonic() + MAX_SUSPENDED
        while not adopted():
            if self._tickets or (self._n_foreground and time.monotonic() > latest):
                raise PreemptedError
            if not self._n_foreground:
                return
            time.sleep(_SUSPENDED_POLL)

    def _pause(self, ticket: _Ticket, waiting: Waiting) -> None:
        if ticket.started is None or time.monotonic() - ticket.started < QUANTUM:
            return
        with self._lock:
            n_paused = sum(other.paused for other in self._tickets)
            if not self.n_waiting or n_paused >= 2 * self.slots:
                return
            ticket.paused = True
            ticket.finish += self._release(ticket)
            self._fill_slots()
        self._wait(ticket, waiting)
        ticket.paused = False

    def _wait(self, ticket: _Ticket, waiting: Waiting) -> None:
        while not ticket.admitted.wait(POLL_SECONDS):
            waiting(self.n_waiting - 1)

    def _fill_slots(self) -> None:
        while True:
            queue = [ticket for ticket in self._tickets if ticket.started is None]
            if not queue or len(self._tickets) - len(queue) >= self.slots:
                return
            first = min(queue, key=lambda ticket: ticket.finish)  # ties go to the earliest
            first.started = time.monotonic()
            first.admitted.set()

    def _release(self, ticket: _Ticket) -> float:
        """Release a job's slot; returns the seconds that it was held."""
        if ticket.started is None:
            return 0.0
        seconds = time.monotonic() - ticket.started
        self._clock += seconds / len(self._tickets)
        ticket.started = None
        ticket.admitted.clear()
        return seconds
