"""Compiled code in as many threads as there are cores: it runs without the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final, TypeVar

T = TypeVar("T")

N_CORES: Final = os.cpu_count() or 1


def in_threads(
    function: Callable[[int], T], items: Iterable[int], n_threads: int = N_CORES
) -> list[T]:
    """``function`` of each item, in order."""
    run = map if n_threads == 1 else _pool(n_threads).map
    return list(run(function, items))


@cache
def _pool(n_threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads, "kmseg")
