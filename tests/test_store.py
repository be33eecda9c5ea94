"""What is kept: the last used things, up to so many bytes, each made once."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kmseg
from kmseg.ui.store.store import Store, n_bytes


def made(size: int) -> bytes:
    return bytes(size)


def test_a_thing_is_made_once() -> None:
    store: Store[bytes] = Store(100)
    calls = []
    for _ in range(3):
        store.get(("a",), lambda: calls.append(1) or made(10))  # type: ignore[func-returns-value]
    assert calls == [1]
    assert store.n_bytes == 10


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60)), max_size=60))
def test_never_more_than_the_limit_but_for_the_last_one(uses: list[tuple[int, int]]) -> None:
    store: Store[bytes] = Store(100)
    sizes: dict[int, int] = {}
    order: list[int] = []
    for key, size in uses:
        value = store.get((key,), lambda size=size: made(size))  # type: ignore[misc]
        if key in order:
            order.remove(key)
        else:
            sizes[key] = size
        assert len(value) == sizes[key]
        order.append(key)
        while sum(sizes[k] for k in order) > 100:  # the oldest go
            sizes.pop(order.pop(0))
        assert store.n_bytes == sum(sizes[k] for k in order) <= 100


def test_the_last_one_stays_however_large_it_is() -> None:
    store: Store[bytes] = Store(100)
    large = store.get(("a",), lambda: made(1000))
    assert store.get(("a",), lambda: pytest.fail("it was there")) is large


def test_all_are_made_smaller_before_one_is_dropped() -> None:
    store: Store[list[bytes]] = Store(100, shrink=lambda parts: parts.__delitem__(slice(1, None)))
    for key in "ab":
        store.get((key,), lambda: [made(10), made(30)])
    store.get(("c",), lambda: [made(70)])
    assert store.n_bytes == 10 + 10 + 70
    assert [len(store.get((key,), lambda: pytest.fail("it is gone"))) for key in "abc"] == [1, 1, 1]


def test_what_was_dropped_is_made_again_and_not_kept() -> None:
    """Whoever left may have a run of the page that has not heard of it yet."""
    store: Store[bytes] = Store(100)
    store.get(("gone", 1), lambda: made(10))
    store.get(("here", 1), lambda: made(10))
    store.drop("gone")
    assert store.n_bytes == 10
    assert len(store.get(("gone", 1), lambda: made(20))) == 20
    assert store.n_bytes == 10


def test_dropped_while_it_is_made_it_is_not_kept() -> None:
    store: Store[bytes] = Store(100)

    def make() -> bytes:
        store.drop("gone")
        return made(10)

    assert len(store.get(("gone", 1), make)) == 10
    assert store.n_bytes == 0


def test_what_nobody_asked_for_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 0.0, 50.0, 61.0, 61.0])
    monkeypatch.setattr("kmseg.ui.store.store.time.monotonic", lambda: next(now))
    store: Store[bytes] = Store(100)
    for key in "aba":
        store.get((key,), lambda: made(10))
    store.drop_idle(60)
    assert store.n_bytes == 10
    store.get(("a",), lambda: pytest.fail("it was used since"))


def test_one_makes_it_while_others_wait_and_an_error_is_not_kept() -> None:
    store: Store[bytes] = Store(100)
    started, go = threading.Event(), threading.Event()

    def fail() -> bytes:
        started.set()
        go.wait(20)
        raise ZeroDivisionError

    def first() -> None:
        with pytest.raises(ZeroDivisionError):
            store.get(("a",), fail)

    thread = threading.Thread(target=first)
    thread.start()
    assert started.wait(20)
    value = store.get(("a",), lambda: made(7), waiting=go.set)
    thread.join(20)
    assert len(value) == 7


def test_who_no_longer_wants_to_wait_does_not() -> None:
    store: Store[bytes] = Store(100)
    started, go = threading.Event(), threading.Event()

    def slow() -> bytes:
        started.set()
        go.wait(20)
        return made(1)

    thread = threading.Thread(target=lambda: store.get(("a",), slow))
    thread.start()
    assert started.wait(20)

    def overtaken() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        store.get(("a",), slow, overtaken)
    go.set()
    thread.join(20)


def test_a_segmentation_is_counted_without_what_it_shares() -> None:
    image = kmseg.sample_image("china")
    seg = kmseg.segment(image, kmseg.Settings(n_clusters=3))
    own = seg.color_labels.nbytes + seg.centroids.nbytes + seg.palette.nbytes
    assert own <= n_bytes(seg) < own + 1000
    assert n_bytes([b"123", (np.zeros(5), "text", None)]) == 43
    assert n_bytes(seg.histogram) == seg.histogram.colors.nbytes + seg.histogram.counts.nbytes
