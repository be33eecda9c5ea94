"""The memory that a value keeps alive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A block of memory: its owner, a reference to which prevents reuse of the address, and its bytes.
Buffer = tuple[object, int]
Buffers = dict[int, Buffer]


def buffers(*values: object) -> Buffers:
    """Blocks of memory that are reachable from values, each counted once, by address.

    Arrays, bytes and strings count; numbers and the objects themselves do not. A view counts as its
    whole base array. Lists, tuples, sets, dictionaries and dataclasses are traversed, including
    cached properties.
    """
    found: Buffers = {}
    seen: set[int] = set()
    pending: list[object] = list(values)
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, np.ndarray):
            address, buffer = _owner_of(value)
            found[address] = buffer
        elif isinstance(value, bytes | bytearray):
            found[id(value)] = value, len(value)
        elif isinstance(value, str):
            found[id(value)] = value, len(value.encode())
        else:
            pending.extend(_parts(value))
    return found


def _owner_of(array: NDArray[Any]) -> tuple[int, Buffer]:
    """Address of an array's memory, the object that owns it, and its bytes."""
    root: Any = array
    while isinstance(root, np.ndarray) and root.base is not None:
        root = root.base
    if isinstance(root, bytes | bytearray):
        return id(root), (root, len(root))
    if not isinstance(root, np.ndarray):  # such as the allocations of Numba
        try:
            root = np.frombuffer(root, np.uint8)
        except (TypeError, ValueError):  # its size is unknown
            root = array
    return root.__array_interface__["data"][0], (root, root.nbytes)


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(value)
    if isinstance(value, dict):
        return (*value, *value.values())
    if is_dataclass(value) and not isinstance(value, type):
        stored = [getattr(value, field.name) for field in fields(value)]
        return (*stored, *getattr(value, "__dict__", {}).values())
    return ()


class Tally:
    """Bytes of the buffers of many values, each buffer counted once."""

    def __init__(self) -> None:
        self.n_bytes = 0
        self._users: dict[int, int] = {}  # reference count of each buffer, by address
        self._held: Buffers = {}

    def add(self, more: Buffers) -> None:
        """Count the buffers of one value."""
        for address, buffer in more.items():
            users = self._users.get(address, 0)
            self._users[address] = users + 1
            if not users:
                self._held[address] = buffer
                self.n_bytes += buffer[1]

    def remove(self, fewer: Buffers) -> None:
        """Stop counting the buffers of a value that was added."""
        for address in fewer:
            self._users[address] -= 1
            if not self._users[address]:
                del self._users[address]
                self.n_bytes -= self._held.pop(address)[1]
