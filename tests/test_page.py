"""The page run in process: what its controls, links, uploads and notes do."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import kmseg
from inprocess import (
    ROOT,
    component,
    counts,
    expected_counts,
    open_page,
    png,
    recorded,
    rerun,
    set_k,
    set_space,
    texts,
)
from kmseg.kmeans.engines import DEFAULT_ENGINE, ENGINES
from kmseg.kmeans.problem import Fit, Problem
from kmseg.output import cloud
from kmseg.ui import link, page, panes, session, store
from kmseg.ui.controls import card
from kmseg.ui.presets import within_reach
from kmseg.ui.store import opening, results
from kmseg.ui.views import cloud as cloud_view
from kmseg.ui.views import clusters, download


def test_an_empty_address_opens_on_a_sample_with_the_settings_that_suit_it() -> None:
    app = open_page()
    assert counts(app) == expected_counts("china", color_space="cielab", n_clusters=6)
    assert "640 × 427" in texts(app)
    assert "96,615 colours" in texts(app)
    assert not app.warning
    assert dict(app.query_params) == {}  # an empty address stays empty until something is changed


def test_every_control_reaches_the_segmentation_and_the_address() -> None:
    app = open_page(picture="flower", width="160")
    set_space(app, "hsv")
    app.get_by_key("channels_hsv").set_value(["H", "V"])
    app.segmented_control(key="init").set_value("random")
    app.slider(key="attempts").set_value(3)
    app.selectbox(key="stop").set_value("epsilon")
    app.number_input(key="epsilon").set_value(0.5)
    app.number_input(key="seed").set_value(7)
    app.number_input(key="width").set_value(200)
    set_k(app, 5)
    wanted = {
        "color_space": "hsv",
        "channels": "02",
        "n_clusters": 5,
        "init": "random",
        "attempts": 3,
        "stop": "epsilon",
        "epsilon": 0.5,
        "seed": 7,
        "width": 200,
    }
    assert counts(app) == expected_counts("flower", **wanted)
    for name, value in wanted.items():
        assert app.query_params[name] == str(value)
    for name, value in {
        "v": "1",
        "engine": "exact",
        "picture": "flower",
        "max_iter": "300",
    }.items():
        assert app.query_params[name] == value


def test_transparent_pixels_are_left_out_and_counted() -> None:
    pixels = np.zeros((5, 5, 4), np.uint8)
    pixels[..., 3] = 255
    pixels[0, :, :] = (255, 0, 0, 0)
    pixels[1, :, :] = (9, 9, 200, 255)
    app = open_page()
    app.file_uploader(key="uploads").upload("alpha.png", png(pixels))
    rerun(app)
    assert counts(app) == [15, 5]
    assert "5 transparent pixels left out" in texts(app)


def test_constant_channels_are_named() -> None:
    gray = np.repeat(np.arange(100, dtype=np.uint8).reshape(10, 10, 1), 3, axis=2)
    app = open_page(color_space="hsv")
    app.file_uploader(key="uploads").upload("gray.png", png(gray))
    rerun(app)
    assert "Constant in this picture" in texts(app)
    assert "H, S of HSV" in texts(app)


def test_no_channel_means_all_of_them_and_the_page_says_so() -> None:
    app = open_page(picture="china")
    app.get_by_key("channels_bgr").set_value([])
    rerun(app)
    assert counts(app) == expected_counts("china")
    assert "No channel is selected" in texts(app)


@pytest.mark.parametrize("engine", [name for name in ENGINES if ENGINES[name].visits_pixels])
def test_reference_engines_get_a_reduced_width_that_the_page_states(engine: str) -> None:
    app = open_page(engine=engine, attempts="2")
    seg = kmseg.segment(
        kmseg.sample_image("china"), kmseg.Settings(engine=engine, attempts=2, width=387)
    )
    assert counts(app) == seg.pixel_counts.tolist()
    assert "387 pixels wide instead of 640" in texts(app)
    assert app.number_input(key="width").value == 0  # the visitor's own setting is kept


def test_my_colours_begin_with_those_of_the_present_clusters() -> None:
    app = open_page(n_clusters="3")
    found = kmseg.segment(kmseg.sample_image("china"), kmseg.Settings(n_clusters=3))
    app.segmented_control(key="init").set_value("manual")
    rerun(app)
    pickers = [picker.value for picker in app.color_picker]
    assert pickers == [kmseg.settings.to_hex(color) for color in found.palette]
    app.color_picker(key="start_1").set_value("#ff8800")
    rerun(app)
    wanted = {"n_clusters": 3, "init": "manual", "centroids": (pickers[0], "#ff8800", pickers[2])}
    assert counts(app) == expected_counts("china", **wanted)
    assert app.query_params["centroids"].split("-")[1] == "ff8800"
    set_k(app, 5)
    assert app.color_picker(key="start_1").value == "#ff8800"
    assert len(app.color_picker) == 5


def test_the_settings_of_a_sample_are_one_click_away() -> None:
    app = open_page(picture="plate-74", attempts="3")
    sample = kmseg.SAMPLES["plate-74"]
    next(button for button in app.button if button.label == "Try these settings").click()
    rerun(app)
    assert counts(app) == expected_counts("plate-74", **sample.settings)


# -- order of work, and work that is not repeated --------------------------------------------------


@pytest.mark.parametrize(
    ("view", "then"),
    [
        ("clusters", ["viewer", "summary", "cluster_table", "write"]),
        ("cloud", ["viewer", "summary", "color_cloud", "color_cloud", "write"]),
        ("sheet", ["viewer", "summary", "sheet", "write"]),
        ("ladder", ["viewer", "summary", "ladder", "write"]),
        ("residual", ["viewer", "summary", "residual", "write"]),
        ("download", ["viewer", "summary", "_wholly_in_focus", "write"]),
    ],
)
def test_a_new_segmentation_is_shown_before_anything_else_is_made(
    monkeypatch: pytest.MonkeyPatch, view: str, then: list[str]
) -> None:
    app = open_page(picture="flower", view=view)
    calls = recorded(
        monkeypatch,
        (panes, "viewer"),
        (page, "summary"),
        (clusters, "cluster_table"),
        (store, "sheet"),
        (store, "ladder"),
        (store, "residual"),
        (store, "color_cloud"),
        (cloud_view, "color_cloud"),
        (download, "_wholly_in_focus"),
        (link, "write"),
    )
    set_k(app, 9)
    assert [name for name, _ in calls] == then


def test_another_k_repeats_no_work_that_depends_on_the_picture_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = open_page(view="cloud")
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    calls = recorded(
        monkeypatch,
        (opening, "read_image_apart"),
        (results, "color_histogram"),
        (kmseg.Image, "grid"),
        (cloud, "points"),
        (results, "segment"),
    )
    app.file_uploader(key="uploads").upload("mine.png", png(pixels))
    rerun(app)
    assert {name for name, _ in calls} == {
        "read_image_apart",
        "color_histogram",
        "grid",
        "points",
        "segment",
    }
    calls.clear()
    set_k(app, 7)
    assert [name for name, _ in calls] == ["segment"]
    calls.clear()
    set_k(app, 4)
    assert calls == []


# -- long work -------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [name for name in ENGINES if ENGINES[name].slow])
def test_the_progress_bar_disappears_when_the_work_is_done(
    monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setattr(page, "PATIENCE", 0.0)
    app = open_page(engine=engine, attempts="3", width="80", seed="77")
    wanted = {"engine": engine, "attempts": 3, "width": 80, "seed": 77}
    assert counts(app) == expected_counts("china", **wanted)
    assert not app.get("progress")
    assert all("Stop" not in button.label for button in app.button)
    assert not app.warning


@pytest.mark.parametrize("engine", ENGINES)
def test_the_summary_counts_the_attempts_of_every_engine(engine: str) -> None:
    app = open_page(engine=engine, attempts="3", width="80", n_clusters="3", seed="81")
    assert "best of 3 attempts" in texts(app)
    app.segmented_control(key="init").set_value("manual")
    rerun(app)
    assert " · 1 attempt · " in texts(app)


def test_a_fast_engine_that_reports_its_best_attempt_only_was_shown_with_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = ENGINES[DEFAULT_ENGINE]

    def best_only(problem: Problem) -> Fit:
        return engine.run(problem)._replace(inertias=())

    silent = replace(engine, reports_attempts=False, run=best_only)
    monkeypatch.setitem(ENGINES, DEFAULT_ENGINE, silent)
    app = open_page(attempts="3", width="70", n_clusters="3", seed="987654")
    assert "best of 3 attempts" in texts(app)


def test_a_reference_engine_makes_a_limited_number_of_attempts() -> None:
    app = open_page(engine="opencv", attempts="100", width="60", seed="79")
    wanted = {"engine": "opencv", "attempts": 10, "width": 60, "seed": 79}
    assert counts(app) == expected_counts("china", **wanted)
    assert "at most 10 attempts on this page instead of 100" in " ".join(
        note.value for note in app.info
    )


@pytest.mark.parametrize("visits_pixels", [False, True])
@pytest.mark.parametrize("slow", [False, True])
def test_the_attempts_of_a_slow_engine_were_unlimited_if_it_clusters_colours(
    slow: bool, visits_pixels: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = replace(ENGINES[DEFAULT_ENGINE], slow=slow, visits_pixels=visits_pixels)
    monkeypatch.setitem(ENGINES, DEFAULT_ENGINE, engine)
    found = within_reach(kmseg.Settings(attempts=100), 640, 427)
    assert found.attempts == (10 if slow else 100)
    assert found.width == (387 if visits_pixels else 0)


def test_starting_colours_are_computed_by_the_default_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = open_page(engine="opencv", attempts="2", width="80", n_clusters="3", seed="78")
    calls = recorded(monkeypatch, (results, "segment"))
    app.segmented_control(key="init").set_value("manual")
    rerun(app)
    assert [seg.settings.engine for _, seg in calls] == ["exact", "opencv"]


def test_a_segmentation_is_computed_once_and_a_waiter_takes_over_if_its_maker_gives_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture, settings = store.sample("plate-5"), kmseg.Settings(engine="opencv", seed=987)
    started, watched, makers = threading.Event(), threading.Event(), []

    found = kmseg.segment(kmseg.sample_image("plate-5").resized(20))

    def segment(*_: Any, progress: Callable[[int, int], None], **__: Any) -> kmseg.Segmentation:
        makers.append(threading.current_thread().name)
        started.set()
        watched.wait(20)
        progress(1, 2)
        return found

    def give_up(done: int, attempts: int) -> None:
        raise TimeoutError

    def make_and_give_up() -> None:
        with pytest.raises(TimeoutError):
            store.segmentation(picture, settings, give_up)

    told: list[tuple[int, int]] = []

    def watch(done: int, attempts: int) -> None:
        told.append((done, attempts))
        watched.set()

    monkeypatch.setattr(results, "segment", segment)
    first = threading.Thread(target=make_and_give_up, name="first")
    first.start()
    assert started.wait(20)
    result = store.segmentation(picture, settings, watch)
    first.join(20)
    assert result.labeling is found.labeling
    assert makers == ["first", threading.current_thread().name]
    assert told[0] == (0, settings.attempts)  # seen while the first thread was at work
    assert told[-1] == (1, 2)
    watched.clear()
    result = store.segmentation(picture, settings)
    assert result.labeling is found.labeling and len(makers) == 2


boxes = st.tuples(*[st.integers(-(10**12), 10**12) | st.integers(-50, 700)] * 4)


@given(boxes)
@example((0, 0, 0, 0))
@example((10**9, 0, -(10**9), 5))
def test_a_region_lies_within_the_picture_whatever_is_requested(wanted: store.Box) -> None:
    left, top, right, bottom = store.within(640, 427, wanted)
    assert 0 <= left < right <= 640 and 0 <= top < bottom <= 427
    if 0 <= wanted[0] < wanted[2] - 1 < 640:  # at most one pixel is lost at each end
        assert left <= wanted[0] + 1 and right >= wanted[2] - 1


@given(boxes, st.integers(-5, 10**30))
def test_a_region_has_no_more_pixels_than_the_screen(wanted: store.Box, n_columns: int) -> None:
    left, top, right, bottom = box = store.within(9000, 6000, wanted)
    scale = n_columns / max(wanted[2] - wanted[0], 1)
    width, height = store.size_of(box, scale)
    assert 1 <= width <= min(right - left, max(scale * (right - left) + 0.5, 1))
    assert 1 <= height <= bottom - top
    assert max(width, height) <= store.REGION_SIDE or width == 1
    assert abs(height - width / (right - left) * (bottom - top)) <= 1


# -- how the page is built -------------------------------------------------------------------------


def test_only_one_module_uses_the_session_state() -> None:
    page_files = [ROOT / "streamlit_app.py", *(ROOT / "kmseg").rglob("*.py")]
    users = {
        path.relative_to(ROOT).as_posix()
        for path in page_files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr == "session_state")
        or (isinstance(node, ast.alias) and node.name == "session_state")
    }
    assert users == {"kmseg/ui/session.py"}


def test_every_setting_has_a_control_under_its_own_name() -> None:
    app = open_page()
    viewer = component(app, "kmseg_viewer")
    assert (viewer["k"], viewer["color_space"]) == (6, "cielab")
    elsewhere = {"n_clusters", "color_space", "channels", "centroids", *kmseg.settings.TIDYING}
    for name in set(kmseg.settings.FIELDS) - elsewhere:
        assert app.get_by_key(session.setting_key(name)).value is not None
    with pytest.raises(KeyError, match="n_cluster"):
        session.setting_key("n_cluster")


def test_every_initialisation_and_stop_rule_has_a_title() -> None:
    assert set(card.TITLES["init"]) == set(kmseg.settings.INITS)
    assert set(card.TITLES["stop"]) == set(kmseg.settings.STOPS)
