"""Applies a function to many items by the workers of a ``distributed.Client``.

Small items are batched, so that the scheduler takes part of a millisecond for each. A bounded
number of batches is in flight. After the death of a worker or a cut connection, its batches are
started again.
"""

from __future__ import annotations

import pickle
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from kmseg.errors import KmsegError, WorkerDiedError
from kmseg.parallel.threads import in_this_thread

if TYPE_CHECKING:
    from distributed import Client, Future

# A batch should take about this many seconds.
_BATCH_SECONDS: Final = 0.25
_MOST_IN_BATCH: Final = 256
# Batches in flight for each thread of the workers: one runs, one waits, one is on its way.
_AHEAD: Final = 3
# How often an item is started if its worker dies each time. The last time, nothing else is in
# flight, so an item that kills workers takes no other with it.
_TRIES: Final = 3
_POLL_SECONDS: Final = 0.2


class SchedulerLostError(KmsegError):
    """The connection to the scheduler is lost and could not be made again."""


@dataclass(slots=True)
class _Batch:
    items: list[Any]
    deaths: int = 0  # how many workers died with it


class Run:
    """One call of :meth:`kmseg.batch.scheduling.Pool.results`."""

    def __init__(
        self, client: Client, function: Callable[[Any], Any], n_workers: Callable[[], int]
    ) -> None:
        self._n_workers = n_workers
        self._client = client
        self._function = function
        self._pending: dict[Future[Any], _Batch] = {}
        self._again: deque[_Batch] = deque()
        self._suspects: deque[_Batch] = deque()  # to be started one at a time, at the end
        self._done: SimpleQueue[Future[Any]] = SimpleQueue()
        self._item_seconds = _BATCH_SECONDS

    def results(self, items: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
        while True:
            self._submit(items)
            if not self._pending:
                return
            future = self._next_done()
            batch = self._pending.pop(future, None)
            if batch is not None:
                yield from self._settled(future, batch)

    def cancel(self) -> None:
        """Forget what is still pending."""
        if self._pending and self._client.status == "running":
            with suppress(Exception):  # the run is over: whatever fails here changes nothing
                self._client.cancel(list(self._pending), force=True)
        self._pending.clear()

    def _submit(self, items: Iterator[Any]) -> None:
        while len(self._pending) < _AHEAD * self._n_workers():
            batch = self._again.popleft() if self._again else _Batch(self._taken(items))
            if not batch.items:
                break
            self._begin(batch)
        if self._suspects and not self._pending:
            self._begin(self._suspects.popleft())

    def _begin(self, batch: _Batch) -> None:
        alone = self._n_workers() == 1
        future = self._client.submit(_apply, self._function, batch.items, alone, pure=False)
        self._pending[future] = batch
        future.add_done_callback(self._done.put)

    def _taken(self, items: Iterator[Any]) -> list[Any]:
        most = max(1, min(_MOST_IN_BATCH, int(_BATCH_SECONDS / self._item_seconds)))
        return list(islice(items, most))

    def _next_done(self) -> Future[Any]:
        while True:
            try:
                return self._done.get(timeout=_POLL_SECONDS)
            except Empty:
                if self._client.status == "closed":
                    raise _lost() from None

    def _settled(self, future: Future[Any], batch: _Batch) -> Iterator[tuple[Any, Any]]:
        """The results of a batch; if it has none, it is started again."""
        from distributed import CancelledError, KilledWorker
        from distributed.comm.core import CommClosedError

        try:
            answers, seconds = future.result()
        except KilledWorker:
            yield from self._after_death(batch)
        except (CancelledError, CommClosedError, TimeoutError):
            self._wait_for_connection()
            self._again.append(batch)
        except Exception as error:  # a result that cannot be sent, or a worker without the module
            yield from ((item, without_frames(error)) for item in batch.items)
        else:
            own = max(1e-6, seconds / len(batch.items))
            self._item_seconds += (own - self._item_seconds) / (2 if own < _BATCH_SECONDS else 1)
            yield from zip(batch.items, answers, strict=True)

    def _after_death(self, batch: _Batch) -> Iterator[tuple[Any, Any]]:
        deaths = batch.deaths + 1
        if len(batch.items) == 1 and deaths >= _TRIES:
            yield (
                batch.items[0],
                WorkerDiedError(
                    f"The worker ended {deaths} times while it processed this picture; leave the "
                    "file out, or give the workers more memory."
                ),
            )
            return
        queue = self._suspects if deaths == _TRIES - 1 else self._again
        queue.extend(_Batch([item], deaths) for item in batch.items)

    def _wait_for_connection(self) -> None:
        """Wait until the client, which reconnects by itself, has done so or given up."""
        while self._client.status == "connecting":
            time.sleep(_POLL_SECONDS)
        if self._client.status != "running":
            raise _lost()


def _lost() -> SchedulerLostError:
    return SchedulerLostError("The connection to the scheduler is lost")


def _apply(
    function: Callable[[Any], Any], items: list[Any], alone: bool
) -> tuple[list[Any], float]:
    """In a worker: the result or exception of each item, and the seconds that they took."""
    started = time.perf_counter()
    with ExitStack() as stack:
        if not alone:
            stack.enter_context(in_this_thread())
        answers = [_answer(function, item) for item in items]
    return answers, time.perf_counter() - started


def _answer(function: Callable[[Any], Any], item: Any) -> Any:
    try:
        return function(item)
    except Exception as error:
        return without_frames(error)


def without_frames(error: Exception) -> Exception:
    """An exception that can be sent and keeps no arrays alive."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # some exceptions of libraries cannot be pickled
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
