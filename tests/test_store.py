"""The store: least recently used values within a number of bytes, each computed once."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from kmseg.ui.store.sizes import buffers
from kmseg.ui.store.store import Store

IDLE = 60.0


@dataclass(eq=False)
class Box:
    content: Any


def reachable_bytes(root: object) -> int:
    """Bytes of arrays, bytes and payload strings that the garbage collector reaches from a root.

    This shares no code with the store: memory that it holds anywhere is found.
    """
    found: dict[int, int] = {}
    seen: set[int] = set()
    pending = [root]
    while pending:
        value = pending.pop()
        if id(value) in seen or isinstance(value, type | ModuleType) or callable(value):
            continue
        seen.add(id(value))
        if isinstance(value, np.ndarray):
            while isinstance(value.base, np.ndarray):
                value = value.base
            if value.base is None:
                found[value.ctypes.data] = value.nbytes
            else:
                pending.append(value.base)
        elif isinstance(value, bytes):
            found[id(value)] = len(value)
        elif isinstance(value, str):
            if value.startswith("payload"):
                found[id(value)] = len(value)
        else:
            pending += gc.get_referents(value)
    return sum(found.values())


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("kmseg.ui.store.store.time", clock)
    return clock


def never() -> Any:
    pytest.fail("it was cached")


# -- what is counted -------------------------------------------------------------------------------

SHARED = [np.zeros(30, np.uint8), bytes(20), np.zeros((4, 10), np.uint8)]
values = st.one_of(
    st.integers(0, 60).map(lambda n: np.zeros(n, np.uint8)),
    st.integers(1, 60).map(lambda n: np.zeros((n, 2), np.uint8)[:1]),  # a view keeps all alive
    st.integers(2, 60).map(bytes),
    st.integers(0, 50).map(lambda n: "payload" + "x" * n),
    st.sampled_from(SHARED),
    st.sampled_from(SHARED).map(lambda value: Box([value, {"payload key": value}])),
    st.integers(0, 9).map(lambda n: Box((np.zeros(n, np.uint8), SHARED[0][n:]))),
)
keys = st.tuples(st.integers(0, 2), st.integers(0, 3))
steps = st.one_of(
    st.tuples(st.just("get"), keys, values),
    st.tuples(st.just("part"), keys, st.integers(0, 3), values),
    st.tuples(st.just("spare"), keys, st.integers(0, 3), values),
    st.tuples(st.just("grow"), keys, st.integers(4, 6), values),
    st.tuples(st.just("drop"), st.integers(0, 2)),
    st.tuples(st.just("wait"), st.floats(0, IDLE)),
    st.tuples(st.just("idle")),
)


def used(store: Store) -> set[tuple[Any, ...]]:
    """Keys of all that is stored and has been asked for."""
    parts = {(key, part) for key, entry in store._entries.items() for part in entry.parts}
    return {*store._entries, *(parts - {*store._spare})}


def take(store: Store, clock: Clock, step: tuple[Any, ...]) -> None:
    match step:
        case "get", key, value:
            store.get(key, lambda: value)
        case "part", key, part, value:
            store.get(key, lambda: Box(bytes(5)))
            store.get(key, lambda: value, part=part)
        case "spare", key, part, value:
            if not store.has(key, part):
                before = used(store)
                store.put(key, value, part, spare=True)
                assert used(store) == before
        case "grow", key, part, value:
            store.get(key, lambda: Box(bytes(5)))
            store.append(key, part, store.get(key, list, part=part), value)
        case "drop", owner:
            store.drop(owner)
        case "wait", seconds:
            clock.now += seconds
        case ("idle",):
            store.drop_idle(IDLE)


@settings(max_examples=300)
@given(st.lists(steps, max_size=40))
def test_counted_bytes_are_those_that_are_held_after_any_sequence(taken: list[Any]) -> None:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kmseg.ui.store.store.time", clock)
        store = Store(150, 80)
        for step in taken:
            take(store, clock, step)
            assert store.n_bytes == reachable_bytes(store) == store.reachable_bytes()
            entries = store._entries
            assert set(store._with_parts) == {key for key, entry in entries.items() if entry.parts}
            assert all(store.has(key, part) for key, part in store._spare)
            if store.n_bytes > 150:  # the entry in use, with its part in use, is too large
                assert len(entries) == 1 and all(len(e.parts) <= 1 for e in entries.values())
            for entry in entries.values():
                own = reachable_bytes(entry.value)
                assert reachable_bytes(entry.value) <= entry.tally.n_bytes
                assert entry.tally.n_bytes - own <= 80 or len(entry.parts) == 1


def test_a_view_counts_as_what_it_keeps_alive() -> None:
    @njit
    def allocated(n: int) -> Any:
        return np.zeros(n)

    whole = np.zeros(1000, np.uint8)
    assert sum(n for _, n in buffers(whole[5:10], whole[::2]).values()) == 1000
    assert sum(n for _, n in buffers(np.frombuffer(bytes(70), np.uint8)[3:]).values()) == 70
    made = allocated(100)
    assert sum(n for _, n in buffers(made[5:], made[:5]).values()) == 800


# -- least recently used ---------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60)), max_size=60))
def test_the_least_recently_used_are_evicted(uses: list[tuple[int, int]]) -> None:
    store = Store(100)
    sizes: dict[int, int] = {}
    order: list[int] = []
    for key, size in uses:
        value = store.get((key,), lambda size=size: bytearray(size))  # type: ignore[misc]
        if key in order:
            order.remove(key)
        else:
            sizes[key] = size
        assert len(value) == sizes[key]
        order.append(key)
        while sum(sizes[k] for k in order) > 100:
            sizes.pop(order.pop(0))
        assert store.n_bytes == sum(sizes[k] for k in order)


def test_the_value_in_use_stays_however_large_it_is() -> None:
    store = Store(100)
    large = store.get(("a",), lambda: bytes(1000))
    assert store.get(("a",), never) is large


def test_parts_of_others_are_evicted_before_values_and_own_parts_last() -> None:
    store = Store(100)
    for key in "ab":
        store.get((key,), lambda: bytearray(10))
        for part in (1, 2):
            store.get((key,), lambda: bytearray(15), part=part)
    store.get(("b",), lambda: bytearray(15), part=3)  # 95
    store.get(("c",), lambda: bytearray(25))  # 120
    assert store.find(("a",), 1) is None and store.find(("a",), 2) is None
    assert store.n_bytes == 90
    store.get(("c",), lambda: bytearray(30), part=1)
    assert [store.find(("b",), part) is not None for part in (1, 2, 3)] == [False, False, True]
    store.get(("c",), lambda: bytearray(40), part=2)
    assert [store.find((key,)) is not None for key in "abc"] == [False, False, True]
    store.get(("c",), lambda: bytearray(50), part=3)
    assert [store.find(("c",), part) is not None for part in (1, 2, 3)] == [False, False, True]


def test_parts_of_one_value_have_a_limit_of_their_own() -> None:
    store = Store(1000, 100)
    shared = bytearray(500)
    store.get(("a",), lambda: shared)
    for part in range(5):
        store.get(("a",), lambda: Box([shared, bytearray(40)]), part=part)
    assert store.n_bytes == 500 + 80
    assert [store.find(("a",), part) is not None for part in range(5)] == 3 * [False] + 2 * [True]


def test_spare_parts_go_before_all_that_was_asked_for() -> None:
    store = Store(100)
    for key in "ab":
        store.get((key,), lambda: bytearray(10))
    store.get(("a",), lambda: bytearray(20), part=1)
    for part in (2, 3):
        store.put(("b",), bytearray(20), part, spare=True)
    assert store.find(("b",), 2) is not None  # from now on it has been asked for
    store.get(("b",), lambda: bytearray(30), part=4)  # 110
    assert [store.has(("b",), part) for part in (2, 3, 4)] == [True, False, True]
    assert store.has(("a",), 1)


def test_a_spare_part_that_has_no_room_is_not_kept() -> None:
    store = Store(100, 50)
    store.get(("a",), lambda: bytearray(10))
    store.get(("a",), lambda: bytearray(40), part=1)
    store.put(("a",), bytearray(20), 2, spare=True)  # more than an entry's parts may take
    store.get(("b",), lambda: bytearray(40))
    store.put(("b",), bytearray(20), 1, spare=True)  # more than all may take
    assert store.n_bytes == 90
    assert not store.has(("a",), 2) and not store.has(("b",), 1)
    store.put(("b",), bytearray(10), 2, spare=True)
    assert store.has(("b",), 2)
    store.put(("b",), bytearray(10), 3, spare=True)  # in place of the older one
    assert [store.has(("b",), part) for part in (2, 3)] == [False, True]
    assert store.find(("a",), 1) is not None


def test_looking_whether_a_part_is_there_is_no_use_of_it() -> None:
    store = Store(100)
    store.get(("a",), lambda: bytearray(10))
    store.put(("a",), bytearray(60), 1, spare=True)
    assert store.has(("a",), 1)
    store.get(("a",), lambda: bytearray(60), part=2)
    assert not store.has(("a",), 1)


def test_values_of_an_owner_that_left_are_dropped_and_not_stored_again() -> None:
    """A run of the page may still be on its way when its session ends."""
    store = Store(100)
    store.get(("gone", 1), lambda: bytes(10))
    store.get(("here", 1), lambda: bytes(10))
    store.drop("gone")
    assert store.n_bytes == 10
    assert len(store.get(("gone", 1), lambda: bytes(20))) == 20
    assert store.n_bytes == 10


def test_a_value_whose_owner_leaves_while_it_is_made_is_not_stored() -> None:
    store = Store(100)

    def make() -> bytes:
        store.drop("gone")
        return bytes(10)

    assert len(store.get(("gone", 1), make)) == 10
    assert store.n_bytes == 0


def test_what_was_evicted_meanwhile_grows_uncounted() -> None:
    store = Store(100)
    store.get(("a",), lambda: bytearray(1))
    items = store.get(("a",), list, part="series")
    store.drop_idle(-1)
    store.append(("a",), "series", items, bytearray(50))
    assert len(items) == 1 and store.n_bytes == 0


def test_idle_values_are_dropped(clock: Clock) -> None:
    store = Store(100)
    for now, key in ((0, "a"), (0, "b"), (50, "a")):
        clock.now = now
        store.get((key,), lambda: bytearray(10))
    clock.now = 61
    store.drop_idle(IDLE)
    assert store.n_bytes == 10
    store.get(("a",), never)


# -- the cost of a hit -----------------------------------------------------------------------------


class Counted:
    """A part of a key that counts how often it is compared or hashed."""

    calls = 0

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        Counted.calls += 1
        return hash(self.number)

    def __eq__(self, other: object) -> bool:
        Counted.calls += 1
        return isinstance(other, Counted) and self.number == other.number


def test_a_hit_went_over_all_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """It took half a second among 2,000 entries, with the lock held."""
    calls = []
    for n_entries in (10, 2000):
        store = Store(10**9)
        for number in range(n_entries):
            store.get((0, Counted(number)), lambda: Box([bytes(5)]))
        key = (0, Counted(5))
        monkeypatch.setattr("kmseg.ui.store.store.buffers", lambda *_: pytest.fail("sized again"))
        Counted.calls = 0
        store.get(key, never)
        calls.append(Counted.calls)
        monkeypatch.undo()
    assert calls[0] == calls[1] < 20


def test_a_new_value_sized_all_entries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sized = []

    def counting(*values: object) -> Any:
        sized.append(values)
        return buffers(*values)

    monkeypatch.setattr("kmseg.ui.store.store.buffers", counting)
    store = Store(1000)
    for number in range(500):  # from the hundredth on, the store is full
        store.get((number,), lambda: bytearray(10))
    assert len(sized) == 500


# -- sharing of work -------------------------------------------------------------------------------


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_one_thread_makes_a_value_and_its_error_is_not_stored() -> None:
    store = Store(100)
    started, go = threading.Event(), threading.Event()

    def fail() -> bytes:
        started.set()
        go.wait(20)
        raise ZeroDivisionError

    def first() -> None:
        with pytest.raises(ZeroDivisionError):
            store.get(("a",), fail)

    thread = in_thread(first)
    assert started.wait(20)
    value = store.get(("a",), lambda: bytes(7), waiting=go.set)
    thread.join(20)
    assert len(value) == 7
    assert store.get(("a",), never) is value


def test_a_cancelled_waiter_stops_waiting() -> None:
    store = Store(100)
    started, go = threading.Event(), threading.Event()

    def slow() -> bytes:
        started.set()
        go.wait(20)
        return bytes(1)

    thread = in_thread(lambda: store.get(("a",), slow))
    assert started.wait(20)

    def cancelled() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        store.get(("a",), slow, cancelled)
    go.set()
    thread.join(20)
