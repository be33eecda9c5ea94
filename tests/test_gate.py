"""Fair queueing: the order of jobs, rejection of jobs, and preemption of long ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kmseg
from kmseg.parallel import gate
from kmseg.parallel.gate import Gate, PreemptedError


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "QUANTUM", 0.1)
    monkeypatch.setattr(gate, "IDLE_AFTER", 0.02)


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


# -- idle work -------------------------------------------------------------------------------------


class IdleWork:
    """Work in idle time whose steps a test can count, and stop in the middle of one."""

    def __init__(self, queue: Gate) -> None:
        self.queue = queue
        self.adopted = False
        self.n_steps = 0
        self.go_on, self.end = threading.Event(), threading.Event()
        self.go_on.set()
        self.outcome = ""
        until(lambda: queue.quiet_seconds > gate.IDLE_AFTER)
        self.thread = in_thread(self._work)
        until(lambda: self.n_steps > 0)

    def _work(self) -> None:
        try:
            with self.queue.idle(lambda: self.adopted) as pause:
                while not self.end.is_set():
                    self.n_steps += 1
                    time.sleep(0.001)
                    self.go_on.wait(20)
                    pause()
            self.outcome = "done"
        except PreemptedError:
            self.outcome = "preempted"

    def stop_within_a_step(self) -> None:
        self.go_on.clear()

    def joined(self) -> str:
        self.thread.join(20)
        assert not self.thread.is_alive()
        return self.outcome


@pytest.fixture
def work() -> Iterator[IdleWork]:
    work = IdleWork(Gate(1, 10))
    yield work
    work.go_on.set()
    work.end.set()
    work.joined()


def test_idle_work_does_not_begin_while_others_work_or_just_have() -> None:
    queue = Gate(2, 10)
    with queue.admitted(), pytest.raises(PreemptedError), queue.idle(lambda: False):
        pass
    with pytest.raises(PreemptedError), queue.idle(lambda: False):
        pass
    until(lambda: queue.quiet_seconds > gate.IDLE_AFTER)
    with queue.idle(lambda: False) as pause:
        pause()


def test_a_job_waits_for_no_idle_work_and_ends_it_at_its_next_step(work: IdleWork) -> None:
    def never(ahead: int) -> None:
        pytest.fail("the job had to wait")

    work.stop_within_a_step()
    with work.queue.admitted(never):  # the only slot
        before = work.n_steps
        work.go_on.set()
        assert work.joined() == "preempted"
        assert work.n_steps <= before + 1
    assert work.queue.n_waiting == 0


@settings(max_examples=20)
@given(st.lists(st.floats(0, 0.02), min_size=1, max_size=6))
def test_no_step_of_idle_work_begins_while_jobs_work(gaps: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "IDLE_AFTER", 0.0)
        queue = Gate(2, 10)
        for gap in gaps:
            work = IdleWork(queue)
            time.sleep(gap)
            with queue.admitted():
                before = work.n_steps
                assert work.joined() == "preempted"
                assert work.n_steps <= before + 1


def test_adopted_work_is_not_abandoned_and_takes_its_turn(work: IdleWork) -> None:
    """Once a visitor waits for its result, it is queued like any other job."""
    work.stop_within_a_step()
    free = threading.Event()
    holder = in_thread(lambda: hold(work.queue, free))
    until(lambda: len(work.queue._tickets) == 1)
    work.adopted = True
    work.go_on.set()
    until(lambda: work.queue.n_waiting == 1)
    before = work.n_steps
    free.set()
    holder.join(20)
    until(lambda: work.n_steps > before)
    work.end.set()
    assert work.joined() == "done"
    assert not work.queue._tickets


def test_work_whose_adopter_leaves_is_idle_work_again(work: IdleWork) -> None:
    work.adopted = True
    until(lambda: len(work.queue._tickets) == 1)
    work.adopted = False
    until(lambda: not work.queue._tickets)
    with work.queue.admitted():
        assert work.joined() == "preempted"


def test_work_whose_adopter_leaves_while_it_waits_leaves_the_queue(work: IdleWork) -> None:
    free = threading.Event()
    work.stop_within_a_step()
    holder = in_thread(lambda: hold(work.queue, free))
    until(lambda: len(work.queue._tickets) == 1)
    work.adopted = True
    work.go_on.set()
    until(lambda: work.queue.n_waiting == 1)
    work.adopted = False
    assert work.joined() == "preempted"
    assert work.queue.n_waiting == 0
    free.set()
    holder.join(20)


def test_a_foreground_section_suspends_idle_work(work: IdleWork) -> None:
    work.stop_within_a_step()
    with work.queue.foreground():
        before = work.n_steps
        work.go_on.set()
        assert work.queue.quiet_seconds == 0
        with pytest.raises(PreemptedError), work.queue.idle(lambda: False):
            pass
        assert work.n_steps <= before + 1
    until(lambda: work.n_steps > before + 1)
    work.end.set()
    assert work.joined() == "done"


def test_a_foreground_section_that_adopts_the_work_lets_it_go_on(work: IdleWork) -> None:
    with work.queue.foreground():
        work.adopted = True
        before = work.n_steps
        until(lambda: work.n_steps > before + 1)
        work.end.set()
        assert work.joined() == "done"


def test_a_long_foreground_section_ends_idle_work(
    work: IdleWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "MAX_SUSPENDED", 0.02)
    with work.queue.foreground():
        assert work.joined() == "preempted"
