"""An in-memory LRU cache with a limit in bytes."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final

from kmseg.ui.store.sizes import Buffers, Tally, buffers
from kmseg.ui.store.work import Jobs

Key = tuple[Hashable, ...]

# Number of dropped owners that are remembered.
_MAX_DROPPED: Final = 1000


@dataclass(eq=False, slots=True)
class _Part:
    value: Any
    buffers: Buffers


@dataclass(eq=False, slots=True)
class _Entry:
    value: Any
    buffers: Buffers
    used: float
    tally: Tally = field(default_factory=Tally)  # of the value and its parts
    parts: OrderedDict[Hashable, _Part] = field(default_factory=OrderedDict)


class Store:
    """Values by key; each value has any number of parts, which were computed from it.

    Every method may be called from any thread. ``n_bytes`` is the memory that the store keeps
    alive, as :func:`kmseg.ui.store.sizes.buffers` counts it. Stored values must not change, and
    lists may grow only by :meth:`append`.

    When the store is full it evicts, in this order and no more than needed: spare parts, which have
    not been requested yet; parts of other entries; other entries; and parts of the entry in use.
    In each of these, the least recently used are evicted first. The entry in use and its part in
    use are kept at any size.

    Parameters
    ----------
    max_bytes : int
        Memory for all values and parts.
    max_part_bytes : int, optional
        Memory for the parts of one entry, in addition to its value.
    """

    def __init__(self, max_bytes: int, max_part_bytes: int | None = None) -> None:
        self.max_bytes = max_bytes
        self.max_part_bytes = max_bytes if max_part_bytes is None else max_part_bytes
        self._lock = threading.Lock()
        self._jobs = Jobs()
        self._tally = Tally()
        # Least recently used first; the second has the entries with parts.
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._with_parts: OrderedDict[Key, _Entry] = OrderedDict()
        self._spare: OrderedDict[tuple[Key, Hashable], None] = OrderedDict()  # oldest first
        self._dropped: deque[Hashable] = deque(maxlen=_MAX_DROPPED)

    @property
    def n_bytes(self) -> int:
        """Bytes held by the cached values."""
        return self._tally.n_bytes

    def reachable_bytes(self) -> int:
        """``n_bytes`` recounted from the stored values, as a check."""
        with self._lock:
            values = [entry.value for entry in self._entries.values()]
            for entry in self._with_parts.values():
                values += [
                    list(p.value) if type(p.value) is list else p.value
                    for p in entry.parts.values()
                ]
        return sum(n_bytes for _, n_bytes in buffers(*values).values())

    def get(
        self,
        key: Key,
        make: Callable[[], Any],
        waiting: Callable[[], None] = lambda: None,
        part: Hashable = None,
    ) -> Any:
        """The value of a key, or one of its parts; made by ``make`` if it is not stored.

        One thread makes it. Others that need it meanwhile wait, and call ``waiting`` about ten
        times a second. An exception from ``make`` or ``waiting`` propagates; nothing is stored.
        """
        value = self.find(key, part)
        if value is not None:
            return value
        with self._jobs.exclusive((key, part), lambda _: waiting()):
            value = self.find(key, part)
            if value is None:
                value = make()
                self.put(key, value, part)
        return value

    def find(self, key: Key, part: Hashable = None) -> Any | None:
        """The value of a key, or one of its parts, or None; this counts as a use."""
        with self._lock:
            entry = self._use(key)
            if entry is None or part is None:
                return entry and entry.value
            found = entry.parts.get(part)
            if found is None:
                return None
            entry.parts.move_to_end(part)
            self._spare.pop((key, part), None)
            return found.value

    def has(self, key: Key, part: Hashable) -> bool:
        """Whether a part of a key's value is stored; this does not count as a use."""
        with self._lock:
            entry = self._entries.get(key)
            return entry is not None and part in entry.parts

    def put(self, key: Key, value: Any, part: Hashable = None, *, spare: bool = False) -> None:
        """Store a value, or a part of one.

        Nothing is stored for a dropped owner, and no part without its value. A spare part evicts
        only other spare parts; if that is not enough, it is not stored.
        """
        held = buffers(value)
        with self._lock:
            if part is None:
                if key[0] in self._dropped:
                    return
                self._remove(key)
                entry = self._entries[key] = _Entry(value, held, time.monotonic())
            else:
                found = self._use(key)
                if found is None:
                    return
                entry = found
                self._remove_part(key, part)
                entry.parts[part] = _Part(value, held)
                self._with_parts[key] = entry
                self._with_parts.move_to_end(key)
                if spare:
                    self._spare[key, part] = None
            self._count(entry, held)
            self._evict(key, entry)

    def append(self, key: Key, part: Hashable, items: list[Any], item: Any) -> None:
        """Append to a list, and count the item if the list is stored as this part."""
        held = buffers(item)
        with self._lock:
            items.append(item)
            entry = self._use(key)
            found = entry and entry.parts.get(part)
            if entry is None or found is None or found.value is not items:
                return  # evicted meanwhile
            entry.parts.move_to_end(part)
            new = {at: buffer for at, buffer in held.items() if at not in found.buffers}
            found.buffers.update(new)
            self._count(entry, new)
            self._evict(key, entry)

    def drop(self, owner: Hashable) -> None:
        """Drop every value whose key begins with the owner, and store no more for it."""
        with self._lock:
            self._dropped.append(owner)
        self.remove(owner)

    def remove(self, *prefix: Hashable) -> None:
        """Drop every value whose key begins with these elements."""
        with self._lock:
            for key in [key for key in self._entries if key[: len(prefix)] == prefix]:
                self._remove(key)

    def drop_idle(self, seconds: float) -> None:
        """Drop values, with their parts, that were not used for ``seconds``."""
        oldest = time.monotonic() - seconds
        with self._lock:
            for key, entry in list(self._entries.items()):
                if entry.used >= oldest:
                    break
                self._remove(key)

    # The methods below are called with the lock held.

    def _use(self, key: Key) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is not None:
            entry.used = time.monotonic()
            self._entries.move_to_end(key)
            if key in self._with_parts:
                self._with_parts.move_to_end(key)
        return entry

    def _count(self, entry: _Entry, more: Buffers) -> None:
        entry.tally.add(more)
        self._tally.add(more)

    def _evict(self, key: Key, entry: _Entry) -> None:
        """Evict values until the store is within its limits; keep ``entry`` and its last part."""
        own = sum(n_bytes for _, n_bytes in entry.buffers.values())
        while entry.tally.n_bytes - own > self.max_part_bytes and len(entry.parts) > 1:
            spare = (part for part in entry.parts if (key, part) in self._spare)
            self._remove_part(key, next(spare, next(iter(entry.parts))))
        while self._is_full() and self._spare:
            self._remove_part(*next(iter(self._spare)))
        while self._is_full() and (oldest := next(iter(self._with_parts), key)) != key:
            self._remove_part(oldest, next(iter(self._with_parts[oldest].parts)))
        while self._is_full() and (oldest := next(iter(self._entries))) != key:
            self._remove(oldest)
        while self._is_full() and len(entry.parts) > 1:
            self._remove_part(key, next(iter(entry.parts)))

    def _is_full(self) -> bool:
        return self._tally.n_bytes > self.max_bytes

    def _remove(self, key: Key) -> None:
        entry = self._entries.get(key)
        if entry is None:
            return
        for part in list(entry.parts):
            self._remove_part(key, part)
        del self._entries[key]
        self._tally.remove(entry.buffers)

    def _remove_part(self, key: Key, part: Hashable) -> None:
        entry = self._entries[key]
        removed = entry.parts.pop(part, None)
        if removed is None:
            return
        self._spare.pop((key, part), None)
        if not entry.parts:
            del self._with_parts[key]
        entry.tally.remove(removed.buffers)
        self._tally.remove(removed.buffers)
