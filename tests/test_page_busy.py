"""The page on a server that is busy: one sentence, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.testing.v1 import AppTest

import kmseg
from inprocess import (
    act,
    act_on_clusters,
    choose_picture,
    component,
    counts,
    expected_counts,
    open_page,
    open_view,
    pictures,
    png,
    rerun,
    send,
    set_k,
    texts,
)
from kmseg.errors import BusyError
from kmseg.parallel.gate import Gate
from kmseg.ui.server import gates, incidents
from kmseg.ui.views import VIEWS


class Crowd:
    """Others who use every slot of the server, so that each request is refused."""

    def __init__(self) -> None:
        self.gates = {
            gate: gate.max_queued for gate in (gates.WORK, gates.LARGE, gates.PIXELS, gates.FILES)
        }
        self.leaving = threading.Event()
        self.threads: list[threading.Thread] = []

    def come(self) -> None:
        for gate in self.gates:
            for _ in range(gate.slots):
                working = threading.Event()
                self.threads.append(threading.Thread(target=self._work, args=(gate, working)))
                self.threads[-1].start()
                assert working.wait(60)
            gate.max_queued = 0

    def _work(self, gate: Gate, working: threading.Event) -> None:
        with gate.admitted():
            working.set()
            self.leaving.wait(60)

    def leave(self) -> None:
        for gate, max_queued in self.gates.items():
            gate.max_queued = max_queued
        self.leaving.set()
        for thread in self.threads:
            thread.join(60)


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    crowd = Crowd()
    yield crowd
    crowd.leave()


def refused() -> int:
    return incidents.counts()["busy"]


def is_busy(app: AppTest, *retries: str) -> bool:
    """Whether the page says so in one sentence, with these buttons to try again."""
    said = [error.value for error in app.error]
    keys = [button.key for button in app.button if button.label == "Try again"]
    return len(said) == 1 and "server is busy" in said[0] and keys == list(retries)


# Views that compute something when they are opened.
BUSY_VIEWS = ["cloud", "sheet", "ladder", "residual", "steps", "attempts", "pictures", "regions"]


@pytest.mark.parametrize("view", BUSY_VIEWS)
def test_a_view_that_finds_the_server_busy_does_not_end_the_page(crowd: Crowd, view: str) -> None:
    seed = str(5000 + BUSY_VIEWS.index(view))  # nothing of it is cached
    app = open_page(picture="flower", width="90", seed=seed)
    crowd.come()
    before = refused()
    open_view(app, view)
    assert is_busy(app, f"try again: {view}")
    assert refused() > before  # a place opens its first part, and then this one
    assert component(app, "kmseg_viewer")["k"] == 4  # the rest of the page is there
    assert "best of 10 attempts" in texts(app)
    assert app.query_params["view"] == view
    crowd.leave()
    app.button(key=f"try again: {view}").click()
    rerun(app)
    assert not app.error


def test_views_that_compute_nothing_open_on_a_busy_server(crowd: Crowd) -> None:
    app = open_page(picture="flower", width="90", seed="5010")
    crowd.come()
    for view in set(VIEWS) - set(BUSY_VIEWS):
        open_view(app, view)
        assert not app.error


@pytest.mark.parametrize("first", [False, True], ids=["later", "first run"])
def test_a_segmentation_that_finds_the_server_busy_leaves_the_controls(
    crowd: Crowd, first: bool
) -> None:
    if not first:
        app = open_page(picture="flower", width="90", seed="5020")
    crowd.come()
    before = refused()
    if first:
        app = open_page(picture="flower", width="91", seed="5021", n_clusters="6")
    else:
        set_k(app, 6)
    assert is_busy(app, "try again: segmentation")
    assert refused() == before + 1
    crowd.leave()
    app.button(key="try again: segmentation").click()
    rerun(app)
    assert not app.error
    assert counts(app) == expected_counts(
        "flower", width=90 + first, seed=5020 + first, n_clusters=6
    )


def test_another_k_was_out_of_reach_while_the_server_was_busy(crowd: Crowd) -> None:
    app = open_page(picture="flower", width="90", seed="5025")
    before = component(app, "kmseg_viewer")
    crowd.come()
    set_k(app, 7)
    stays = component(app, "kmseg_viewer")
    assert not before["stale"] and stays["stale"]
    assert (stays["k"], stays["answers"]) == (7, 1)
    for name in ("labels", "palette", "segmentation"):
        assert stays[name] == before[name]
    crowd.leave()
    set_k(app, 8)
    assert not component(app, "kmseg_viewer")["stale"]
    assert counts(app) == expected_counts("flower", width=90, seed=5025, n_clusters=8)


def test_a_busy_server_shows_no_other_picture_than_the_chosen_one(crowd: Crowd) -> None:
    app = open_page(picture="flower", width="90", seed="5026")
    crowd.come()
    choose_picture(app, "china")
    assert is_busy(app, "try again: segmentation")
    mounted = [element.proto.component_name for element in app.get("bidi_component")]
    assert "kmseg_viewer" not in mounted


def test_a_manual_start_that_finds_the_server_busy_gets_its_colours_later(
    crowd: Crowd,
) -> None:
    app = open_page(picture="flower", width="90", seed="5030", engine="opencv", attempts="1")
    crowd.come()
    before = refused()
    app.segmented_control(key="init").set_value("manual")
    rerun(app)
    assert is_busy(app, "try again: segmentation")
    assert refused() == before + 1
    assert app.segmented_control(key="init").value == "manual"
    assert not app.color_picker
    crowd.leave()
    app.button(key="try again: segmentation").click()
    rerun(app)
    assert not app.error
    found = kmseg.segment(
        kmseg.sample_image("flower"), kmseg.Settings(width=90, seed=5030, attempts=1)
    )
    assert [picker.value for picker in app.color_picker] == [
        kmseg.settings.to_hex(color) for color in found.palette
    ]


def test_an_upload_that_finds_the_server_busy_is_opened_later(crowd: Crowd) -> None:
    app = open_page(picture="flower", width="90")
    pixels = np.random.default_rng(5040).integers(0, 256, (31, 40, 3), np.uint8)
    crowd.come()
    before = refused()
    app.file_uploader(key="uploads").upload("late.png", png(pixels))
    rerun(app)
    assert refused() == before + 1
    strip = component(app, "kmseg_album")
    assert strip["chosen"] == "flower"
    [refusal] = strip["refused"]
    assert refusal["again"] == "open" and "server is busy" in refusal["sentence"]
    crowd.leave()
    send(app, "kmseg_album", "again", 1)
    strip = component(app, "kmseg_album")
    assert not strip["refused"] and list(pictures(app).values()) == ["late.png"]
    assert strip["chosen"] in pictures(app)


def test_a_region_that_finds_the_server_busy_does_not_take_the_viewer_away(
    crowd: Crowd,
) -> None:
    app = open_page(picture="flower", width="90", seed="5050")
    crowd.come()
    before = refused()
    act(app, {"what": "region", "box": [0, 0, 40, 30], "columns": 40})
    assert is_busy(app, "try again: region")
    assert refused() == before + 1
    assert component(app, "kmseg_viewer")["region"] is None
    assert counts(app) == expected_counts("flower", width=90, seed=5050)
    crowd.leave()
    app.button(key="try again: region").click()
    rerun(app)
    assert not app.error
    assert component(app, "kmseg_viewer")["region"]["x"] == 0


def test_a_mask_that_finds_the_server_busy_is_made_later(crowd: Crowd) -> None:
    app = open_page(picture="flower", width="90", seed="5060")
    crowd.come()
    before = refused()
    act_on_clusters(app, "mask", 0)
    assert is_busy(app, "try again: file")
    assert refused() == before + 1
    assert component(app, "kmseg_viewer")["file"] is None
    crowd.leave()
    app.button(key="try again: file").click()
    rerun(app)
    assert not app.error
    assert component(app, "kmseg_viewer")["file"]["name"].endswith("_mask001.png")
    rerun(app)
    assert component(app, "kmseg_viewer")["file"] is None  # saved once


def test_a_click_on_the_original_that_finds_the_server_busy_changes_no_colour(
    crowd: Crowd,
) -> None:
    pixels = np.random.default_rng(5070).integers(0, 256, (20, 30, 3), np.uint8)
    app = open_page(init="manual", n_clusters="2", centroids="000000-ffffff")
    app.file_uploader(key="uploads").upload("mine.png", png(pixels))
    rerun(app)
    crowd.come()
    before = refused()
    act(app, {"what": "pick", "x": 0.0, "y": 0.0})
    assert is_busy(app)
    assert refused() == before + 1
    assert [picker.value for picker in app.color_picker] == ["#000000", "#ffffff"]
    crowd.leave()
    act(app, {"what": "pick", "x": 0.0, "y": 0.0})
    assert not app.error
    first = kmseg.settings.to_hex(pixels[0, 0])
    assert [picker.value for picker in app.color_picker] == [first, "#ffffff"]


def test_a_download_that_finds_the_server_busy_is_explained_by_the_next_run(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        made: dict[str, Callable[[], bytes]] = {}

        def add_deferred(
            _: object, make: Callable[[], bytes], *__: object, file_name: str, **___: object
        ) -> str:
            made[file_name] = make
            return file_name

        patch.setattr(MediaFileManager, "add_deferred", add_deferred)
        app = open_page(picture="flower", width="90", seed="5080", view="download")
    name = next(name for name in made if name.endswith("_counts.csv"))
    crowd.come()
    before = refused()
    with ThreadPoolExecutor(1) as pool:  # where Streamlit calls it
        assert isinstance(pool.submit(made[name]).exception(), BusyError)
    assert refused() == before + 1
    rerun(app)
    assert is_busy(app)
    assert app.error[0].value.startswith("Counts (CSV): ")
    rerun(app)
    assert not app.error  # shown once
    with ThreadPoolExecutor(1) as pool:
        assert isinstance(pool.submit(made[name]).exception(), BusyError)
        crowd.leave()
        assert pool.submit(made[name]).result().startswith(b"cluster,")
    rerun(app)
    assert not app.error  # a later attempt succeeded
