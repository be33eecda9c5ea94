"""Deduplication of work: a result that several runs need at the same time is computed once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Final

# Seconds between checks that a waiting thread still needs the result.
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
        self.n_users = 0  # threads that compute or wait

    @property
    def is_awaited(self) -> bool:
        """Whether other threads wait for the result."""
        return self.n_users > 1


class Jobs:
    """Computations in flight, by key; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[Hashable, Job] = {}

    @contextmanager
    def exclusive(self, key: Hashable, waiting: Callable[[Job], None]) -> Iterator[Job]:
        """Hold the exclusive right to compute the result of this key.

        In the context, check first whether the result exists: another thread may just have stored
        it. If the computation fails or is cancelled, the next waiting thread takes over.

        Parameters
        ----------
        key : hashable
        waiting : callable
            ``waiting(job)`` is called every ``POLL`` seconds while another thread computes. An
            exception ends the wait and is raised here.
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
