"""Threads: results do not depend on their number, and calls may be nested and abandoned."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import kmseg
from kmseg.color import features
from kmseg.kmeans import fit
from kmseg.kmeans.attempts import fit_exact
from kmseg.kmeans.engines import ENGINES
from kmseg.kmeans.problem import Problem, StopRule
from kmseg.parallel.threads import as_made, in_threads, interruptible

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("color_space", "init"),
    [("bgr", "k-means++"), ("cielab", "random"), ("hsv-circular", "manual")],
)
def test_one_two_and_five_threads_give_the_same(color_space: str, init: str) -> None:
    histogram = kmseg.color_histogram(kmseg.sample_image("china"))
    X = features(histogram.colors, color_space)
    weights = histogram.counts.astype(float)
    start = X[:: len(X) // 8][:8] if init == "manual" else None
    rule = StopRule(60, 0.01, "both")
    problem = Problem(X, weights, 8, init, start, 4, rule, 3, lambda done, attempts: None)
    first, *others = [fit_exact(problem, threads) for threads in (1, 2, 5)]
    for other in others:
        np.testing.assert_array_equal(other.centroids, first.centroids)
        np.testing.assert_array_equal(other.labels, first.labels)
        assert other.inertia == first.inertia
        assert other.inertias == first.inertias


@pytest.mark.parametrize("attempts", [1, 3, 10])
def test_the_search_gives_the_same_with_one_two_and_five_threads(attempts: int) -> None:
    histogram = kmseg.color_histogram(kmseg.sample_image("flower"))
    X = histogram.colors.astype(float)
    rule = StopRule(60, 0.01, "both")
    weights = histogram.counts.astype(float)
    problem = Problem(
        X, weights, 32, "k-means++", None, attempts, rule, 3, lambda done, attempts: None
    )
    first, *others = [fit_exact(problem, threads) for threads in (1, 2, 5)]
    for other in others:
        np.testing.assert_array_equal(other.centroids, first.centroids)
        np.testing.assert_array_equal(other.labels, first.labels)
        assert other.inertias == first.inertias


NESTED = """
from kmseg.parallel.threads import as_made, in_threads, interruptible

def total(function, depth):
    def below(i):
        return i + total(function, depth - 1) if depth else i
    return sum(function(below, range(8), 2))

def apart(function, items, n_threads):
    return interruptible(lambda call_back: in_threads(function, items, n_threads))

def mixed(function, items, n_threads):
    return in_threads(lambda i: sum(as_made(function, [i], n_threads)), items, n_threads)

for function in (in_threads, as_made, apart, mixed):
    print(total(function, 3))
"""


def test_nested_calls_do_not_wait_for_each_other_for_ever() -> None:
    """In a process of its own: threads that wait for ever would keep this one from ending."""
    command = [sys.executable, "-c", NESTED]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert output.returncode == 0, output.stderr
    expected = 28  # 0 + ... + 7, at each of four depths
    for _ in range(3):
        expected = 28 + 8 * expected
    assert output.stdout.split() == [str(expected)] * 4


@pytest.mark.parametrize("outer", [in_threads, as_made])
def test_an_exception_of_a_nested_call_is_raised_by_the_outer_one(outer: type) -> None:
    def fail(i: int) -> int:
        if i == 5:
            raise ZeroDivisionError
        return i

    def nested(i: int) -> int:
        return sum(in_threads(fail, [i, i + 1], 2))

    with pytest.raises(ZeroDivisionError):
        list(outer(nested, range(8), 2))
    assert list(outer(nested, range(3), 2)) == [1, 3, 5]


def test_as_made_takes_few_items_ahead_and_stops_with_its_caller() -> None:
    taken, done = [], []

    def items() -> Iterator[int]:
        for i in range(100):
            taken.append(i)
            yield i

    results = as_made(lambda i: done.append(i) or i, items(), 2)  # type: ignore[func-returns-value]
    assert [next(results) for _ in range(4)] == [0, 1, 2, 3]
    assert len(taken) <= 7
    results.close()  # type: ignore[attr-defined]
    assert len(done) <= len(taken) <= 7


def threads_named(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())


@pytest.mark.parametrize("engine", ENGINES)
def test_progress_is_called_in_the_calling_thread(engine: str) -> None:
    X = np.random.default_rng(0).integers(0, 256, (2000, 3)).astype(float)
    threads = set()
    fit(
        X,
        n_clusters=4,
        attempts=3,
        engine=engine,
        progress=lambda done, attempts: threads.add(threading.get_ident()),
    )
    assert threads == {threading.get_ident()}


def test_work_that_was_abandoned_ends_at_its_next_report() -> None:
    reported = []

    def work(report: object) -> None:
        while True:
            reported.append(len(reported))
            report(len(reported))  # type: ignore[operator]

    def stop(n: int) -> None:
        if n == 3:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        interruptible(work, stop)
    deadline = time.monotonic() + 20
    while threads_named("kmseg call"):
        assert time.monotonic() < deadline, "the thread goes on"
        time.sleep(0.005)
    assert reported == [0, 1, 2]
