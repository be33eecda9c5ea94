"""The page's caches: counted bytes, runs that wait for each other, and refused files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import kmseg
from inprocess import open_page, pictures, refused, rerun
from kmseg.errors import ReadTimeoutError
from kmseg.output import encode, export
from kmseg.parallel.threads import N_CORES
from kmseg.ui import store as page_store
from kmseg.ui.server import gates
from kmseg.ui.store import caches, opening, results
from kmseg.ui.store.pictures import Picture
from test_store import in_thread, reachable_bytes


def many_colors(key: str) -> Picture:
    """A picture with a colour of its own for nearly each of its 90,000 pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    image = kmseg.Image(pixels)
    return Picture(key, key, 300, 300, caches.EVERYBODY, lambda: image)


@pytest.fixture
def noise(request: pytest.FixtureRequest) -> Iterator[Picture]:
    for cache in (caches.results(), caches.pixels()):
        cache.drop_idle(
            -1
        )  # entries of other tests, such as a picture and its region, share arrays
    yield many_colors(request.node.name)
    caches.results().drop_idle(-1)
    caches.pixels().drop_idle(-1)


def assert_counted() -> None:
    """Arrays, encoded pictures and the few strings of the settings are counted."""
    for cache in (caches.results(), caches.pixels()):
        assert cache.n_bytes == cache.reachable_bytes()
        held = sum(
            reachable_bytes([entry.value, *(part.value for part in entry.parts.values())])
            for entry in cache._entries.values()
        )
        assert held <= cache.n_bytes <= held + 20_000


def test_segmentations_were_sized_before_they_were_computed(noise: Picture) -> None:
    """Forty segmentations of a picture with many colours counted as nothing."""
    before = page_store.segmentation(noise, kmseg.Settings(n_clusters=2, attempts=1))
    one = before.color_labels.nbytes
    base = caches.results().n_bytes
    for seed in range(1, 41):
        page_store.segmentation(noise, kmseg.Settings(n_clusters=2, attempts=1, seed=seed))
        assert_counted()
    assert base + 35 * one < caches.results().n_bytes <= base + caches.MAX_PART_BYTES


def test_series_grew_after_they_were_sized(noise: Picture) -> None:
    before = caches.results().n_bytes
    for n_rungs, _ in enumerate(page_store.ladder(noise, kmseg.Settings(attempts=1), 6), 1):
        assert_counted()
        assert caches.results().n_bytes - before > n_rungs * 200 * 200 * 2
    next(page_store.sheet(noise, kmseg.Settings(attempts=1)))
    page_store.tile(noise, kmseg.Settings(attempts=1, n_clusters=3))
    assert_counted()


def test_all_that_the_page_asks_for_is_counted(noise: Picture) -> None:
    chosen = kmseg.Settings(engine="opencv", width=60, attempts=1)
    for wanted in (chosen, kmseg.Settings(n_clusters=3, attempts=1)):
        seg = page_store.segmentation(noise, wanted)
        page_store.previews(noise, seg)
        page_store.region(noise, seg, (10, 10, 50, 50), 20)
        page_store.color_cloud(noise, seg, "lab", 500)
        page_store.residual(noise, seg)
        assert_counted()


def test_what_a_caller_computed_from_a_stored_segmentation_was_kept_uncounted(
    noise: Picture,
) -> None:
    wanted = kmseg.Settings(engine="opencv", width=60, attempts=1, n_clusters=3)
    before = page_store.segmentation(noise, wanted)
    assert before.palette.shape == (3, 3)
    assert_counted()
    assert "palette" not in vars(page_store.segmentation(noise, wanted))


# -- runs that are cancelled while they wait -------------------------------------------------------


class Cancelled(BaseException):
    """What ends a cancelled run of the page."""


def cancelled(*_: object) -> None:
    raise Cancelled


def outcome_of_cancelled(work: Callable[[], object], timeout: float = 20) -> str:
    """The outcome of work that has to wait in a cancelled run."""
    outcome = ["it still waits"]

    def run() -> None:
        try:
            work()
            outcome[0] = "it did not wait"
        except Cancelled:
            outcome[0] = "cancelled"

    in_thread(run).join(timeout)
    return outcome[0]


def cancel_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kmseg.ui.server.platform.session_id", lambda: "any")
    monkeypatch.setattr("kmseg.ui.session.end_if_superseded", cancelled)


def test_a_cancelled_run_waited_for_the_whole_series_of_another(
    noise: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = kmseg.Settings(attempts=1)
    growing = page_store.ladder(noise, wanted, 6)
    next(growing)
    cancel_all(monkeypatch)
    assert outcome_of_cancelled(lambda: list(page_store.ladder(noise, wanted, 6))) == "cancelled"
    monkeypatch.undo()
    growing.close()
    assert len(list(page_store.ladder(noise, wanted, 6))) == 5


def test_a_cancelled_run_waited_for_the_segmentation_of_another(
    noise: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a progress of its own, as for the colours to start from."""
    results.data(noise)
    started, go = threading.Event(), threading.Event()

    def segment(*arguments: Any, **options: Any) -> kmseg.Segmentation:
        started.set()
        go.wait(20)
        return kmseg.segment(*arguments, **options)

    monkeypatch.setattr(results, "segment", segment)
    wanted = kmseg.Settings(n_clusters=2)
    thread = in_thread(lambda: page_store.segmentation(noise, wanted))
    assert started.wait(20)
    cancel_all(monkeypatch)
    assert outcome_of_cancelled(lambda: page_store.segmentation(noise, wanted)) == "cancelled"
    go.set()
    thread.join(20)


def test_a_cancelled_run_waited_for_the_file_of_another(
    noise: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    seg = page_store.segmentation(noise, kmseg.Settings(n_clusters=2, attempts=1))
    download, context = export.DOWNLOADS[0], export.Context(noise.name)
    with gates.FILES.admitted():
        cancel_all(monkeypatch)
        outcome = outcome_of_cancelled(lambda: page_store.file(noise, seg, download, context))
    assert outcome == "cancelled"


# -- pixels ----------------------------------------------------------------------------------------


class Reading:
    """Pictures that block while they are read, until they are released."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.started, self.go = threading.Event(), threading.Event()
        self.count = 0
        self.threads: list[threading.Thread] = []

    def read(self) -> kmseg.Image:
        self.count += 1
        self.started.set()
        self.go.wait(60)
        return kmseg.Image(np.zeros((9, 9, 3), np.uint8))

    def begin(self, key: str, *, large: bool) -> None:
        picture = Picture(f"{self.name} {key}", key, 9, 9, caches.EVERYBODY, self.read, large)
        self.threads.append(in_thread(lambda: page_store.pixels(picture)))

    def end(self) -> None:
        self.go.set()
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture
def reading(request: pytest.FixtureRequest) -> Iterator[Reading]:
    reading = Reading(request.node.name)
    yield reading
    reading.end()
    caches.pixels().drop_idle(-1)


def assert_that_small_pictures_are_read(reading: Reading) -> None:
    small = Reading(f"{reading.name} small")
    small.go.set()
    small.begin("small", large=False)
    small.threads[0].join(20)
    assert not small.threads[0].is_alive(), "a small picture waits behind large ones"


def wait_until(condition: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(2000):
        if condition():
            return
        tick.wait(0.01)
    pytest.fail("it did not come to that")


def test_large_pictures_that_waited_for_their_turn_held_the_slots_of_small_ones(
    reading: Reading,
) -> None:
    for number in range(N_CORES + 1):
        reading.begin(str(number), large=True)
    assert reading.started.wait(20)
    wait_until(lambda: gates.LARGE.n_waiting == N_CORES)
    if N_CORES > 1:  # the one that is read holds a slot
        assert_that_small_pictures_are_read(reading)
    assert reading.count == 1


def test_runs_that_waited_for_the_same_picture_held_the_slots_of_others(reading: Reading) -> None:
    for _ in range(N_CORES + 1):
        reading.begin("the same", large=False)
    assert reading.started.wait(20)
    if N_CORES > 1:
        assert_that_small_pictures_are_read(reading)
    assert reading.count == 1


# -- refusals --------------------------------------------------------------------------------------


def test_more_than_a_hundred_bad_files_were_read_again_in_each_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = open_page(picture="plate-5")
    read: list[int] = []
    check = opening.uploads.check

    def counting(content: bytes) -> None:
        read.append(len(content))
        check(content)

    monkeypatch.setattr(opening.uploads, "check", counting)
    for number in range(150):
        app.file_uploader(key="uploads").upload(f"{number}.png", b"no picture %d" % number)
    rerun(app)
    assert len(read) == 150
    rerun(app)
    assert len(read) == 150


def test_a_file_that_cannot_be_read_was_opened_again_in_every_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = open_page(picture="plate-5")
    original, raised = page_store.upload, []

    def recording(*arguments: Any, **options: Any) -> Picture:
        try:
            return original(*arguments, **options)
        except kmseg.KmsegError as error:
            raised.append(error)
            raise

    monkeypatch.setattr(page_store, "upload", recording)
    app.file_uploader(key="uploads").upload("bad.png", b"no picture")
    for _ in range(3):
        rerun(app)
        assert refused(app) == [f"bad.png: {raised[0]}"]
    assert len(raised) == 1


def test_a_good_file_that_timed_out_once_was_refused_for_the_whole_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = open_page(picture="plate-5")
    read, errors = opening.read_image_apart, [ReadTimeoutError("The server was too busy.")]

    def busy(*arguments: object, **options: object) -> kmseg.Image:
        if errors:
            raise errors.pop()
        return read(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "read_image_apart", busy)
    app.file_uploader(key="uploads").upload("good.png", encode.png(np.eye(9, dtype=np.uint8)))
    rerun(app)
    assert "too busy" in refused(app)[0]
    rerun(app)
    assert not refused(app)
    assert list(pictures(app).values()) == ["good.png"]
