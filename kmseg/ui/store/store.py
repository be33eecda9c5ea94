"""Things that take time to make and memory to keep: as many as fit, the last used ones."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Final, Generic, TypeVar

import numpy as np

from kmseg.histogram import ColorHistogram
from kmseg.picture.image import Image

T = TypeVar("T")

# How often who waits for what another makes is asked whether he still wants to, in seconds.
LOOK: Final = 0.1


@dataclass(eq=False, slots=True)
class _Entry(Generic[T]):
    lock: threading.Lock = field(default_factory=threading.Lock)
    value: T | None = None
    n_bytes: int = 0
    used: float = 0.0


class Store(Generic[T]):
    """The last used things, by key, up to a number of bytes; safe to use from several threads.

    Parameters
    ----------
    most_bytes : int
        What was used longest ago is dropped to keep within them; the last one used stays, however
        large it is.
    size : callable
        The bytes that a thing takes; asked again whenever the thing is.
    shrink : callable, optional
        Makes a thing smaller, if it can do without a part of it. All others are made smaller before
        the first is dropped.
    """

    def __init__(
        self,
        most_bytes: int,
        size: Callable[[T], int] | None = None,
        shrink: Callable[[T], None] | None = None,
    ) -> None:
        self.most_bytes = most_bytes
        self._size = size or n_bytes
        self._shrink = shrink
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[Hashable, ...], _Entry[T]] = OrderedDict()
        self._gone: deque[Hashable] = deque(maxlen=1000)

    @property
    def n_bytes(self) -> int:
        """Of all that is kept."""
        with self._lock:
            return sum(entry.n_bytes for entry in self._entries.values())

    def get(
        self,
        key: tuple[Hashable, ...],
        make: Callable[[], T],
        waiting: Callable[[], None] = lambda: None,
    ) -> T:
        """The thing of this key, made if it is not there.

        Each is made by one thread; others that want it wait, and call ``waiting`` again and again.
        What ``make`` or ``waiting`` raises comes out here.
        """
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            entry.used = time.monotonic()
        while not entry.lock.acquire(timeout=LOOK):
            waiting()
        try:
            if entry.value is None:
                entry.value = make()
            value = entry.value
        finally:
            entry.lock.release()
        with self._lock:
            if self._entries.get(key) is not entry:  # dropped meanwhile
                return value
            if key[0] in self._gone:
                del self._entries[key]
                return value
            entry.n_bytes = self._size(value)
            others = [of for of in self._entries if of != key]
            if self._shrink is not None:
                for of in others:
                    other = self._entries[of]
                    if self._is_full() and other.value is not None:
                        self._shrink(other.value)
                        other.n_bytes = self._size(other.value)
            for of in others:
                if self._is_full():
                    del self._entries[of]
        return value

    def _is_full(self) -> bool:
        return sum(entry.n_bytes for entry in self._entries.values()) > self.most_bytes

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._entries.clear()

    def drop(self, owner: Hashable) -> None:
        """Forget all whose keys begin with this, and keep nothing for it from now on."""
        with self._lock:
            self._gone.append(owner)
            for key in [key for key in self._entries if key[0] == owner]:
                del self._entries[key]

    def drop_idle(self, seconds: float) -> None:
        """Forget what nobody asked for so long."""
        oldest = time.monotonic() - seconds
        with self._lock:
            for key in [key for key, entry in self._entries.items() if entry.used < oldest]:
                del self._entries[key]


def n_bytes(value: Any) -> int:
    """The memory that a thing takes for itself: its arrays, bytes and what its fields take.

    Pictures and histograms inside of others are shared, and counted where they are kept.
    """
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, (list, tuple)):
        return sum(map(n_bytes, value))
    if is_dataclass(value):
        inner = (getattr(value, f.name) for f in fields(value))
        return sum(n_bytes(part) for part in inner if not isinstance(part, Image | ColorHistogram))
    return 0
