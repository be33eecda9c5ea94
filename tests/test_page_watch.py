"""The place Watch on the server: which run it sends, from which start."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import kmseg
from inprocess import component, open_page, send, set_k, texts
from kmseg.settings import to_hex
from kmseg.tracing import trace
from kmseg.ui import store
from kmseg.ui.records import Start

SMALL = {"picture": "flower", "width": "80", "n_clusters": "4", "view": "steps"}


def data(app: AppTest) -> dict[str, object]:
    return component(app, "kmseg_steps")


def seeds(attempt: int = 0, **settings: object) -> list[str]:
    wanted = kmseg.Settings(width=80, n_clusters=4, **settings)  # type: ignore[arg-type]
    run = trace(kmseg.sample_image("flower"), wanted, attempt=attempt)
    return [to_hex(color) for color in run.seeds]


def test_watch_sends_the_run_of_the_first_attempt() -> None:
    app = open_page(**SMALL)
    sent = data(app)
    assert (sent["start"], sent["init"], sent["chosen_init"]) == ("", "k-means++", "k-means++")
    assert sent["seeds"] == seeds()
    assert sent["segmentation"] == component(app, "kmseg_viewer")["segmentation"]


def test_no_run_is_computed_while_another_view_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "run", lambda *_: pytest.fail("a run was computed"))
    open_page(**SMALL | {"view": "clusters"})


def test_another_start_and_another_initialisation_are_asked_for_by_the_browser() -> None:
    app = open_page(**SMALL)
    send(app, "kmseg_steps", "asked", {"start": "2"})
    assert data(app)["seeds"] == seeds(attempt=1) != seeds()
    assert app.query_params["start"] == "2"
    send(app, "kmseg_steps", "asked", {"start": "", "init": "random"})
    assert data(app)["seeds"] == seeds(init="random")
    assert "start" not in app.query_params and app.query_params["init"] == "random"


@pytest.mark.parametrize(
    "asked", [{"start": "0"}, {"start": "x"}, {"start": 3}, {"init": "random"}, "start", None]
)
def test_a_malformed_wish_changes_nothing(asked: object) -> None:
    app = open_page(**SMALL)
    before = data(app)
    send(app, "kmseg_steps", "asked", asked)
    assert data(app) == before


def test_a_moved_centroid_is_in_the_link_and_clusters_keep_their_numbers() -> None:
    app = open_page(**SMALL)
    # The first cluster is far away from every colour but one, so it is the smallest at rest.
    start = [[255, 255, 255], [0, 0, 0], [90, 60, 30], [10.25, 200, 120]]
    text = "_".join(".".join(str(round(100 * value)) for value in row) for row in start)
    send(app, "kmseg_steps", "asked", {"start": text})
    assert app.query_params["start"] == text
    sent = data(app)
    assert sent["init"] == "dragged" and sent["drawn"] == [0, 1, 2, 3]
    run = trace(
        kmseg.sample_image("flower"),
        kmseg.Settings(width=80, n_clusters=4),
        start=np.array(start, float),
    )
    assert list(run.drawn) != [0, 1, 2, 3]
    assert sent["seeds"] == [to_hex(color) for color in run.seeds[run.drawn]]
    opened = open_page(**SMALL | {"start": text})
    assert data(opened)["packed"] == sent["packed"] and not opened.warning


def test_a_start_belongs_to_its_segmentation() -> None:
    app = open_page(**SMALL | {"start": "3"})
    assert data(app)["start"] == "3"
    set_k(app, 5)
    assert data(app)["start"] == "" and "start" not in app.query_params


def test_a_start_for_another_k_is_ignored() -> None:
    app = open_page(**SMALL | {"start": "100.200.300_400.500.600"})
    assert data(app)["start"] == "" and data(app)["seeds"] == seeds()


@pytest.mark.parametrize(
    ("name", "value"), [("start", "0"), ("start", "1_2.3"), ("step", "two"), ("step", "99999")]
)
def test_a_malformed_start_or_step_of_a_link_is_named(name: str, value: str) -> None:
    app = open_page(**SMALL | {name: value})
    assert f"{name}: must be" in texts(app).replace("\\", "")


def test_starts_are_parsed_as_a_link_has_them() -> None:
    assert Start.parse("") == Start.parse("1") == Start()
    assert Start.parse("12") == Start(12)
    assert Start.parse("1250.-300_0.7") == Start(centroids=((12.5, -3.0), (0.0, 0.07)))
    assert Start.parse("5_-7") == Start(centroids=((0.05,), (-0.07,)))
    for text in ("0", "01", "1.", "1._2", "1_2.3", "1e5", "1.2.3.4_", "9" * 8, "٣"):
        assert Start.parse(text) is None, text


@pytest.mark.parametrize("engine", ["opencv", "scikit-learn", "lloyd"])
def test_the_run_is_plain_lloyd_whatever_the_engine(engine: str) -> None:
    app = open_page(**SMALL | {"engine": engine})
    assert data(app)["seeds"] == seeds()


def test_a_picture_with_fewer_colours_than_k_has_a_run() -> None:
    app = open_page(**SMALL | {"picture": "plate-5", "width": "2", "n_clusters": "8"})
    sent = data(app)
    n_colors = len(
        {tuple(c) for c in kmseg.sample_image("plate-5").resized(2).pixels.reshape(-1, 3)}
    )
    assert len(sent["seeds"]) == n_colors < 8  # type: ignore[arg-type]
