"""Turns: who is let in when, who is turned away, and what long work gives up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import pairwise

import pytest

import kmseg
from kmseg.parallel import gate
from kmseg.parallel.gate import Gate


@pytest.fixture(autouse=True)
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "TURN", 0.1)


def in_thread(function: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


@pytest.mark.parametrize("places", [1, 2, 3])
def test_no_more_are_at_work_than_there_are_places(places: int) -> None:
    door, lock = Gate(places, 100), threading.Lock()
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with door.admitted():
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.01)
            with lock:
                inside -= 1

    threads = [in_thread(work) for _ in range(12)]
    for thread in threads:
        thread.join(20)
    assert most == places
    assert door.n_waiting == 0


def test_nobody_is_kept_out_by_those_that_keep_coming() -> None:
    door, done = Gate(1, 100), threading.Event()

    def short() -> None:
        while not done.is_set():
            with door.admitted():
                time.sleep(0.03)

    def other() -> None:
        with door.admitted():
            done.set()

    threads = [in_thread(short) for _ in range(3)]
    until(lambda: door.n_waiting == 2)
    threads.append(in_thread(other))
    assert done.wait(20), "it never had its turn"
    for thread in threads:
        thread.join(20)


def test_who_comes_when_too_many_wait_is_told_so() -> None:
    door, free = Gate(1, 2), threading.Event()

    def work() -> None:
        with door.admitted():
            free.wait(20)

    threads = [in_thread(work) for _ in range(3)]
    until(lambda: door.n_waiting == 2)
    with pytest.raises(kmseg.errors.BusyError, match="2 others wait"), door.admitted():
        pass
    free.set()
    for thread in threads:
        thread.join(20)
    with door.admitted():
        pass


def test_who_no_longer_wants_to_wait_leaves_the_queue() -> None:
    door, free = Gate(1, 10), threading.Event()
    holder = in_thread(lambda: hold(door, free))
    until(lambda: len(door._tickets) == 1)

    def overtaken(ahead: int) -> None:
        assert ahead == 0
        raise InterruptedError

    with pytest.raises(InterruptedError), door.admitted(overtaken):
        pytest.fail("there was no place")
    assert door.n_waiting == 0
    free.set()
    holder.join(20)


def hold(door: Gate, free: threading.Event) -> None:
    with door.admitted():
        free.wait(20)


def test_an_error_at_work_frees_the_place() -> None:
    door = Gate(1, 10)
    with pytest.raises(ZeroDivisionError), door.admitted():
        raise ZeroDivisionError
    with door.admitted():
        pass


def test_long_work_lets_others_in_between_its_steps() -> None:
    door, done = Gate(1, 10), []

    def long() -> None:
        with door.admitted() as pause:
            for _ in range(40):
                time.sleep(0.05)
                pause()
        done.append("long")

    def short(number: int) -> None:
        with door.admitted():
            time.sleep(0.01)
        done.append(str(number))

    thread = in_thread(long)
    until(lambda: len(door._tickets) == 1)
    shorts = [in_thread(lambda number=number: short(number)) for number in range(3)]  # type: ignore[misc]
    for waiting in (*shorts, thread):
        waiting.join(20)
    assert done[-1] == "long"
    assert len(done) == 4


def test_two_long_works_share_one_place() -> None:
    door, turns = Gate(1, 10), []

    def long(name: str) -> None:
        with door.admitted() as pause:
            for _ in range(12):
                turns.append(name)
                time.sleep(0.06)
                pause()

    threads = [in_thread(lambda name=name: long(name)) for name in "ab"]  # type: ignore[misc]
    for thread in threads:
        thread.join(20)
    changes = sum(one != other for one, other in pairwise(turns))
    assert changes >= 4  # by turns, not one after the other


def test_only_so_many_pause_at_once() -> None:
    door, most = Gate(1, 100), [0]

    def long() -> None:
        with door.admitted() as pause:
            for _ in range(8):
                time.sleep(0.05)
                most[0] = max(most[0], sum(ticket.paused for ticket in list(door._tickets)))
                pause()

    threads = [in_thread(long) for _ in range(8)]
    for thread in threads:
        thread.join(30)
    assert 0 < most[0] <= 2


def test_work_without_others_is_never_interrupted() -> None:
    door = Gate(1, 10)

    def never(ahead: int) -> None:
        pytest.fail("nobody else wants the place")

    with door.admitted(never) as pause:
        for _ in range(5):
            time.sleep(gate.TURN / 2)
            pause()
