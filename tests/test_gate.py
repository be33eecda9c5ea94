"""Fair queueing: the order of jobs, rejection of jobs, and preemption of long ones."""

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
def short_quantum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "QUANTUM", 0.1)


def in_thread(function: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_no_more_jobs_run_than_there_are_slots(slots: int) -> None:
    queue, lock = Gate(slots, 100), threading.Lock()
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with queue.admitted():
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.01)
            with lock:
                inside -= 1

    threads = [in_thread(work) for _ in range(12)]
    for thread in threads:
        thread.join(20)
    assert most == slots
    assert queue.n_waiting == 0


def test_a_job_is_not_starved_by_those_that_keep_coming() -> None:
    queue, done = Gate(1, 100), threading.Event()

    def short() -> None:
        while not done.is_set():
            with queue.admitted():
                time.sleep(0.03)

    def other() -> None:
        with queue.admitted():
            done.set()

    threads = [in_thread(short) for _ in range(3)]
    until(lambda: queue.n_waiting == 2)
    threads.append(in_thread(other))
    assert done.wait(20), "the job starved"
    for thread in threads:
        thread.join(20)


def test_a_job_is_rejected_while_the_queue_is_full() -> None:
    queue, free = Gate(1, 2), threading.Event()

    def work() -> None:
        with queue.admitted():
            free.wait(20)

    threads = [in_thread(work) for _ in range(3)]
    until(lambda: queue.n_waiting == 2)
    with pytest.raises(kmseg.errors.BusyError, match="2 others are"), queue.admitted():
        pass
    free.set()
    for thread in threads:
        thread.join(20)
    with queue.admitted():
        pass


def test_a_job_that_is_no_longer_wanted_leaves_the_queue() -> None:
    queue, free = Gate(1, 10), threading.Event()
    holder = in_thread(lambda: hold(queue, free))
    until(lambda: len(queue._tickets) == 1)

    def overtaken(ahead: int) -> None:
        assert ahead == 0
        raise InterruptedError

    with pytest.raises(InterruptedError), queue.admitted(overtaken):
        pytest.fail("there was no slot")
    assert queue.n_waiting == 0
    free.set()
    holder.join(20)


def hold(queue: Gate, free: threading.Event) -> None:
    with queue.admitted():
        free.wait(20)


def test_an_exception_in_a_job_frees_its_slot() -> None:
    queue = Gate(1, 10)
    with pytest.raises(ZeroDivisionError), queue.admitted():
        raise ZeroDivisionError
    with queue.admitted():
        pass


def test_a_long_job_yields_to_others_between_its_steps() -> None:
    queue, done = Gate(1, 10), []

    def long() -> None:
        with queue.admitted() as pause:
            for _ in range(40):
                time.sleep(0.05)
                pause()
        done.append("long")

    def short(number: int) -> None:
        with queue.admitted():
            time.sleep(0.01)
        done.append(str(number))

    thread = in_thread(long)
    until(lambda: len(queue._tickets) == 1)
    shorts = [in_thread(lambda number=number: short(number)) for number in range(3)]  # type: ignore[misc]
    for waiting in (*shorts, thread):
        waiting.join(20)
    assert done[-1] == "long"
    assert len(done) == 4


def test_two_long_jobs_share_one_slot() -> None:
    queue, order = Gate(1, 10), []

    def long(name: str) -> None:
        with queue.admitted() as pause:
            for _ in range(12):
                order.append(name)
                time.sleep(0.06)
                pause()

    threads = [in_thread(lambda name=name: long(name)) for name in "ab"]  # type: ignore[misc]
    for thread in threads:
        thread.join(20)
    changes = sum(one != other for one, other in pairwise(order))
    assert changes >= 4  # alternating, not one after the other


def test_few_jobs_are_paused_at_once() -> None:
    queue, most = Gate(1, 100), [0]

    def long() -> None:
        with queue.admitted() as pause:
            for _ in range(8):
                time.sleep(0.05)
                most[0] = max(most[0], sum(ticket.paused for ticket in list(queue._tickets)))
                pause()

    threads = [in_thread(long) for _ in range(8)]
    for thread in threads:
        thread.join(30)
    assert 0 < most[0] <= 2


def test_a_job_without_competitors_is_not_preempted() -> None:
    queue = Gate(1, 10)

    def never(ahead: int) -> None:
        pytest.fail("no other job wants the slot")

    with queue.admitted(never) as pause:
        for _ in range(5):
            time.sleep(gate.QUANTUM / 2)
            pause()
