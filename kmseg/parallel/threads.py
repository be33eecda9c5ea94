"""Daemon threads for compiled code, which runs without the GIL.

A ``concurrent.futures`` executor joins its threads when the interpreter exits, so one busy thread
would keep an interrupted process alive. The threads here are daemons, and every wait for them is
made of short waits, so that Ctrl-C takes effect at once.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, wait
from contextlib import contextmanager
from functools import cache, partial
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

S = TypeVar("S")
T = TypeVar("T")

N_CORES: Final = os.cpu_count() or 1
# Seconds of one wait: on some systems a signal is handled only between two of them.
_POLL_SECONDS: Final = 0.1
# At exit, calls of C++ libraries have this many seconds to return: see `_await_calls`.
_EXIT_SECONDS: Final = 0.5


def in_threads(function: Callable[[S], T], items: Iterable[S], n_threads: int = N_CORES) -> list[T]:
    """Apply ``function`` to each item in a shared pool of threads.

    Calls may be nested: in a thread of this module the items are processed in that thread, as a
    worker that waits for other workers could wait for ever.

    Parameters
    ----------
    function : callable
    items : iterable
    n_threads : int
        1 runs everything in the calling thread.

    Returns
    -------
    list
        The results, in the order of the items. The first exception in that order is raised, and
        calls that have not started are cancelled.
    """
    if n_threads == 1 or _in_worker():
        return list(map(function, items))
    pool = _shared_pool(n_threads)
    futures = [pool.submit(partial(function, item)) for item in items]
    try:
        return [_result(future) for future in futures]
    finally:
        _cancel(futures)
        futures.clear()


def as_made(
    function: Callable[[S], T], items: Iterable[S], n_threads: int = N_CORES
) -> Iterator[T]:
    """Apply ``function`` to each item in threads; yields results in order, each once it is ready.

    Nested calls run in the calling thread, as those of :func:`in_threads` do. At most
    ``n_threads`` items are taken ahead of the results consumed so far. If the caller stops early,
    running calls are awaited and no others are started.
    """
    if _in_worker():
        yield from map(function, items)
        return
    pool = _Pool(n_threads)
    ahead: deque[Future[T]] = deque()
    try:
        for item in items:
            ahead.append(pool.submit(partial(function, item)))
            if len(ahead) > n_threads:
                yield _result(ahead.popleft())
        while ahead:
            yield _result(ahead.popleft())
    except GeneratorExit:
        for running in _cancel(ahead):
            _wait(running)
        raise
    finally:
        _cancel(ahead)
        pool.close()


def interruptible(
    function: Callable[[Callable[..., None]], T],
    callback: Callable[..., None] = lambda *arguments: None,
    *,
    calls_cpp: bool = False,
) -> T:
    """Run ``function(call_back)`` in a daemon thread of its own, and wait for its result.

    Signal handlers, such as that of Ctrl-C, run in the main thread between two instructions of
    Python, so a library call that takes long must not be made there.

    Parameters
    ----------
    function : callable
        Reports by ``call_back(...)``, which calls ``callback(...)`` in the calling thread and
        returns when that has.
    callback : callable
        If it raises, or a signal handler does, that exception is raised here at once. The work is
        abandoned: ``call_back`` raises ``CancelledError`` in the daemon thread, now or when it is
        next called.
    calls_cpp : bool
        Whether ``function`` calls a C++ library, so that exit should wait for it a little.
    """
    if _in_worker():  # not the main thread, so no signal is held up
        return function(callback)
    messages: SimpleQueue[tuple[object, ...] | None] = SimpleQueue()  # None: the call has returned
    go_on: SimpleQueue[bool] = SimpleQueue()

    def call_back(*arguments: object) -> None:
        messages.put(arguments)
        if not go_on.get():
            raise CancelledError

    future: Future[T] = Future()
    if calls_cpp:
        _cpp_calls.add(future)
        future.add_done_callback(_cpp_calls.discard)
    future.add_done_callback(lambda done: messages.put(None))
    call = partial(_run, future, partial(function, call_back))
    try:
        threading.Thread(target=call, daemon=True, name="kmseg call").start()
        while (arguments := _get(messages)) is not None:
            callback(*arguments)
            go_on.put(True)
        return future.result()
    finally:
        go_on.put(False)
        del future, call


@contextmanager
def in_this_thread() -> Iterator[None]:
    """Run what this module is asked for in the calling thread, which is one of many."""
    before = _in_worker()
    _thread.is_worker = True
    try:
        yield
    finally:
        _thread.is_worker = before


class _Pool:
    """Daemon threads that run submitted calls, first come first served."""

    def __init__(self, n_threads: int) -> None:
        self._n_threads = n_threads
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        for _ in range(n_threads):
            threading.Thread(target=self._work, daemon=True, name="kmseg pool").start()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        self._calls.put(partial(_run, future, call))
        return future

    def close(self) -> None:
        """End the threads once all submitted calls are done or cancelled."""
        for _ in range(self._n_threads):
            self._calls.put(None)

    def _work(self) -> None:
        _thread.is_worker = True
        while (run := self._calls.get()) is not None:
            run()
            del run  # it refers to arrays, which an idle thread must not keep


_thread = threading.local()
_cpp_calls: Final[set[Future[Any]]] = set()  # those of `interruptible` that have not returned


def _in_worker() -> bool:
    return getattr(_thread, "is_worker", False)


@cache
def _shared_pool(n_threads: int) -> _Pool:
    return _Pool(n_threads)


def _run(future: Future[T], call: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:
        future.set_exception(error)
        del future, call  # otherwise they and the traceback form a reference cycle
    else:
        future.set_result(result)


def _result(future: Future[T]) -> T:
    try:
        _wait(future)
        return future.result()
    finally:
        del future  # as in `_run`


def _wait(future: Future[T]) -> None:
    while not future.done():
        try:
            future.exception(_POLL_SECONDS)
        except TimeoutError:
            continue


def _get(queue: SimpleQueue[T]) -> T:
    while True:
        try:
            return queue.get(timeout=_POLL_SECONDS)
        except Empty:
            continue


def _cancel(futures: Iterable[Future[T]]) -> list[Future[T]]:
    """Cancel calls that have not started; returns the others."""
    return [future for future in futures if not future.cancel()]


@atexit.register
def _await_calls() -> None:
    """Give abandoned calls of C++ libraries a moment to return.

    Before Python 3.14, a daemon thread that asks for the GIL during shutdown is
    ended there, and if C++ destructors such as OpenCV's ask for it, that aborts the process.
    """
    wait(list(_cpp_calls), _EXIT_SECONDS)
