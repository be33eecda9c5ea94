"""K - 1 and K + 1 are made in idle time: for whom, when, within what memory, and given up when."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kmseg
from conftest import served_page
from kmseg.kmeans.engines import ENGINES
from kmseg.parallel import gate
from kmseg.parallel.warm import warm_up
from kmseg.ui import store as page_store
from kmseg.ui.server import gates
from kmseg.ui.store import caches, prefetch, results
from kmseg.ui.store.pictures import Picture, key_of
from kmseg.ui.store.prefetch import Prefetcher
from kmseg.ui.store.store import Store
from protocol import Visitor, visit
from test_page_store import many_colors, wait_until
from test_store import in_thread

SETTINGS = kmseg.Settings(n_clusters=5, attempts=3)
NEIGHBOURS = [kmseg.Settings(n_clusters=k, attempts=3) for k in (6, 4)]
KS = (2, 32)


@pytest.fixture(autouse=True, scope="module")
def compiled() -> None:
    """Compiling takes longer than the tests wait."""
    warm_up()


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Iterator[Picture]:
    """A picture of 90,000 colours whose data is cached."""
    picture = many_colors(request.node.name)
    results.data(picture)
    yield picture
    caches.results().drop_idle(-1)
    caches.pixels().drop_idle(-1)


@pytest.fixture
def prefetcher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Prefetcher]:
    """The page's prefetcher, for which every session is connected; at the end it has ended."""
    monkeypatch.setattr(gate, "IDLE_AFTER", 0.05)
    prefetcher = Prefetcher(results.segment_when_idle, lambda session: True)
    monkeypatch.setattr(prefetch, "_prefetcher", prefetcher)
    monkeypatch.setattr("kmseg.ui.server.platform.session_id", lambda: "session")
    monkeypatch.setattr("kmseg.ui.session.end_if_superseded", lambda: None)
    yield prefetcher
    wait_until(lambda: not prefetching())


def prefetching() -> bool:
    return any(thread.name == "kmseg prefetch" for thread in threading.enumerate())


def stored(picture: Picture) -> list[kmseg.Settings]:
    """The settings of which segmentations are stored, fewest clusters first."""
    entry = caches.results()._entries.get(key_of(picture))
    parts = [] if entry is None else [p for p in entry.parts if isinstance(p, kmseg.Settings)]
    return sorted(parts, key=lambda settings: settings.n_clusters)


class Fits:
    """Fits of the page, each of which a test can hold between two of its steps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[int] = []
        self.held = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        monkeypatch.setattr(results, "segment", self._segment)

    def _segment(self, source: Any, settings: kmseg.Settings, **options: Any) -> Any:
        self.begun.append(settings.n_clusters)
        progress = options.pop("progress")

        def step(done: int, attempts: int) -> None:
            self.held.set()
            assert self.go_on.wait(60)
            progress(done, attempts)

        return kmseg.segment(source, settings, progress=step, **options)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fits]:
    fits = Fits(monkeypatch)
    yield fits
    fits.go_on.set()


# -- what is made ----------------------------------------------------------------------------------


def test_neighbours_are_made_and_equal_what_a_run_would_make(
    picture: Picture, prefetcher: Prefetcher
) -> None:
    page_store.prefetch_neighbours(picture, SETTINGS, KS)
    wait_until(lambda: stored(picture) == NEIGHBOURS[::-1])
    for settings in NEIGHBOURS:
        made = page_store.segmentation(picture, settings)
        expected = kmseg.segment(picture.read(), settings)
        assert made.image is None
        np.testing.assert_array_equal(made.color_labels, expected.color_labels)
        np.testing.assert_array_equal(made.centroids, expected.centroids)
        assert made.attempts == expected.attempts


@pytest.mark.parametrize(("k", "made"), [(2, [3]), (32, [31])])
def test_neighbours_lie_within_the_pages_range(
    picture: Picture, prefetcher: Prefetcher, k: int, made: list[int]
) -> None:
    page_store.prefetch_neighbours(picture, kmseg.Settings(n_clusters=k, attempts=1), KS)
    wait_until(lambda: not prefetching())
    assert [settings.n_clusters for settings in stored(picture)] == made


@pytest.mark.parametrize(
    "settings",
    [
        *(kmseg.Settings(engine=name) for name, engine in ENGINES.items() if engine.slow),
        kmseg.Settings(init="manual", n_clusters=2, centroids=((0, 0, 0), (255, 255, 255))),
    ],
    ids=lambda settings: f"{settings.engine} {settings.init}",
)
def test_slow_engines_and_manual_starts_have_no_neighbours(
    picture: Picture, prefetcher: Prefetcher, settings: kmseg.Settings
) -> None:
    page_store.prefetch_neighbours(picture, settings, KS)
    assert not prefetching()


def test_a_picture_that_is_not_cached_is_not_decoded_for_it(
    picture: Picture, prefetcher: Prefetcher
) -> None:
    caches.results().drop_idle(-1)
    page_store.prefetch_neighbours(picture, SETTINGS, KS)
    wait_until(lambda: not prefetching())
    assert not caches.results()._entries


def test_what_is_used_is_not_evicted_for_it(
    picture: Picture, prefetcher: Prefetcher, fits: Fits, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Store(1)  # of which only what is in use stays
    monkeypatch.setattr(caches, "results", lambda: full)
    page_store.segmentation(picture, SETTINGS)
    held = full.n_bytes
    page_store.prefetch_neighbours(picture, SETTINGS, KS)
    wait_until(lambda: not prefetching())
    assert fits.begun == [5, 6, 4]
    assert stored(picture) == [SETTINGS]
    assert full.n_bytes == held


# -- for whom --------------------------------------------------------------------------------------


def test_only_the_newest_request_of_a_session_is_fulfilled(
    picture: Picture, prefetcher: Prefetcher
) -> None:
    with gates.slot():
        page_store.prefetch_neighbours(picture, kmseg.Settings(n_clusters=20, attempts=1), KS)
        page_store.prefetch_neighbours(picture, SETTINGS, KS)
    wait_until(lambda: not prefetching())
    assert stored(picture) == NEIGHBOURS[::-1]


def test_nothing_is_made_for_a_session_that_has_gone(
    picture: Picture, prefetcher: Prefetcher
) -> None:
    gone = Prefetcher(results.segment_when_idle, lambda session: session != "gone")
    with gates.slot():
        gone.request("gone", key_of(picture), [NEIGHBOURS[0]])
        gone.request("here", key_of(picture), [NEIGHBOURS[1]])
    wait_until(lambda: not prefetching())
    assert stored(picture) == [NEIGHBOURS[1]]


def test_nothing_is_made_without_a_server(picture: Picture) -> None:
    assert not prefetch._is_connected("any")


def test_a_run_withdraws_its_sessions_request(picture: Picture, prefetcher: Prefetcher) -> None:
    """The picture may have been removed."""
    with gates.slot():
        page_store.prefetch_neighbours(picture, SETTINGS, KS)
        with page_store.in_foreground():
            pass
    wait_until(lambda: not prefetching())
    assert not stored(picture)


def test_requests_are_bounded(prefetcher: Prefetcher) -> None:
    with gates.slot():
        for number in range(3 * prefetch.MAX_SESSIONS):
            prefetcher.request(str(number), ("nobody",), [SETTINGS])
        assert len(prefetcher._requests) == prefetch.MAX_SESSIONS
        assert str(3 * prefetch.MAX_SESSIONS - 1) in prefetcher._requests


# -- when ------------------------------------------------------------------------------------------


def test_a_visitor_does_not_wait_for_it_and_it_is_made_afterwards(
    picture: Picture, prefetcher: Prefetcher, fits: Fits
) -> None:
    fits.go_on.clear()
    page_store.prefetch_neighbours(picture, SETTINGS, KS)
    assert fits.held.wait(20)
    with gates.WORK.admitted(lambda ahead: pytest.fail("the visitor had to wait")):
        fits.go_on.set()
        wait_until(lambda: not results._segmenting._jobs)  # it was abandoned
    wait_until(lambda: stored(picture) == NEIGHBOURS[::-1])
    assert fits.begun == [6, 6, 4]


def test_it_is_given_up_after_some_tries(
    picture: Picture, prefetcher: Prefetcher, fits: Fits
) -> None:
    fits.go_on.clear()
    page_store.prefetch_neighbours(picture, SETTINGS, KS)
    for _ in range(prefetch.MAX_TRIES):
        assert fits.held.wait(20)
        with gates.slot():
            fits.held.clear()
            fits.go_on.set()
            wait_until(lambda: not results._segmenting._jobs)  # it was abandoned
            fits.go_on.clear()
    wait_until(lambda: not prefetching())
    assert fits.begun == [6] * prefetch.MAX_TRIES
    assert not stored(picture)


def test_a_run_that_wants_what_is_being_made_takes_it_over(
    picture: Picture, prefetcher: Prefetcher, fits: Fits
) -> None:
    """It is not abandoned for others, whom the visitor would then have to wait for."""
    fits.go_on.clear()
    page_store.prefetch_neighbours(picture, SETTINGS, KS)
    assert fits.held.wait(20)
    found: list[kmseg.Segmentation] = []
    seen: list[tuple[int, int]] = []

    def run() -> None:
        def progress(done: int, attempts: int) -> None:
            seen.append((done, attempts))

        with page_store.in_foreground():
            found.append(page_store.segmentation(picture, NEIGHBOURS[0], progress))

    thread = in_thread(run)
    wait_until(lambda: len(seen) > 0)
    with gates.slot():  # another visitor
        fits.go_on.set()
        thread.join(60)
        assert fits.begun[:1] == [6] and 6 not in fits.begun[1:]
    assert seen[0][1] == SETTINGS.attempts
    expected = kmseg.segment(picture.read(), NEIGHBOURS[0])
    np.testing.assert_array_equal(found[0].color_labels, expected.color_labels)


def test_a_run_that_wants_something_else_ends_it(
    picture: Picture, prefetcher: Prefetcher, fits: Fits
) -> None:
    fits.go_on.clear()
    page_store.prefetch_neighbours(picture, SETTINGS, KS)
    assert fits.held.wait(20)
    with page_store.in_foreground():
        fits.go_on.set()
        page_store.segmentation(picture, kmseg.Settings(n_clusters=9, attempts=1))
    wait_until(lambda: not prefetching())
    assert fits.begun == [6, 9]
    assert [settings.n_clusters for settings in stored(picture)] == [9]


def test_an_error_does_not_end_it_for_good(picture: Picture, prefetcher: Prefetcher) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    failing = Prefetcher(fail, lambda session: True)
    for _ in range(2):
        failing.request("any", key_of(picture), [SETTINGS])
        wait_until(lambda: not prefetching())
        assert not failing._requests


# -- on the page -----------------------------------------------------------------------------------


def test_a_visitor_finds_the_next_k_made(tmp_path: Path) -> None:
    def gauge(name: str, visitor: Visitor) -> int:
        answer = visitor.http.get(f"{visitor.url}/kmseg/metrics", timeout=30)
        lines = [line for line in answer.text.splitlines() if line.startswith(f"kmseg_{name} ")]
        return int(lines[0].split()[1])

    async def story(url: str) -> None:
        async with Visitor(url, "seed=7001&n_clusters=31&attempts=80") as visitor:
            before = gauge("result_bytes", visitor)
            wait_until(lambda: gauge("result_bytes", visitor) > before)

    with served_page(tmp_path) as server:  # no other visitor's work goes before
        visit(story(server.url))
