"""Compiled code in as many threads as there are cores: it runs without the interpreter's lock."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Final, TypeVar

S = TypeVar("S")
T = TypeVar("T")

N_CORES: Final = os.cpu_count() or 1


def in_threads(function: Callable[[S], T], items: Iterable[S], n_threads: int = N_CORES) -> list[T]:
    """``function`` of each item, in order; in this thread alone if it is one of several at work."""
    alone = n_threads == 1 or getattr(_here, "at_work", False)
    run = map if alone else _pool(n_threads).map
    return list(run(function, items))


def as_made(
    function: Callable[[S], T], items: Iterable[S], n_threads: int = N_CORES
) -> Iterator[T]:
    """``function`` of each item, in order, as soon as it is there.

    Only a few items are taken ahead of what is asked for.
    """
    with ThreadPoolExecutor(n_threads, "kmseg view", _set_to_work) as pool:
        ahead: deque[Future[T]] = deque()
        for item in items:
            ahead.append(pool.submit(function, item))
            if len(ahead) > n_threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


_here = threading.local()


def _set_to_work() -> None:
    _here.at_work = True


@cache
def _pool(n_threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads, "kmseg")
