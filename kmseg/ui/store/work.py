"""Work in flight: a result that several runs want at the same time is computed by one of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Final

# Seconds between checks that a waiter still wants the result.
POLL: Final = 0.1


class Job:
    """One computation.

    Attributes
    ----------
    progress : tuple of int
        Steps done and total steps, as last reported by the thread that computes.
    """

    def __init__(self) -> None:
        self.progress = (0, 1)
        self.lock = threading.Lock()
        self.n_users = 0  # computing or waiting

    @property
    def is_awaited(self) -> bool:
        """Whether other threads wait for the one that computes."""
        return self.n_users > 1


class Jobs:
    """Computations in flight, by key; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[Hashable, Job] = {}

    @contextmanager
    def exclusive(self, key: Hashable, waiting: Callable[[Job], None]) -> Iterator[Job]:
        """Be the only one to compute what this key stands for.

        Look first whether the result is there already: another thread may just have stored it. If
        the computation fails or is cancelled, the next waiter takes over.

        Parameters
        ----------
        key : hashable
        waiting : callable
            ``waiting(job)`` is called every ``POLL`` seconds while another thread computes; what it
            raises ends the wait and comes out here.
        """
        with self._lock:
            job = self._jobs.setdefault(key, Job())
            job.n_users += 1
        try:
            while not job.lock.acquire(timeout=POLL):
                waiting(job)
            try:
                yield job
            finally:
                job.lock.release()
        finally:
            with self._lock:
                job.n_users -= 1
                if not job.n_users:
                    del self._jobs[key]
