"""The page run in process: what its controls, links, uploads and notes do."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image as Pillow
from streamlit.testing.v1 import AppTest

import kmseg
from kmseg.output import cloud, export
from kmseg.ui import link
from kmseg.ui import store as cache
from kmseg.ui.link import CHOICES, IN_BROWSER, PAGE_RANGES
from kmseg.ui.server import gates
from kmseg.ui.store import opening, results
from kmseg.ui.views import panes, views

ROOT = Path(__file__).resolve().parent.parent


def open_page(**query: str) -> AppTest:
    """The page at rest, opened by a link with these values."""
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def rerun(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def component(app: AppTest, name: str) -> dict[str, Any]:
    """What one of the page's own components was given."""
    found = [e.proto for e in app.get("bidi_component") if e.proto.component_name == name]
    data: dict[str, Any] = json.loads(found[0].json)
    return data


def counts(app: AppTest) -> list[int]:
    return [row["pixels"] for row in component(app, "kmseg_table")["rows"]]


def expected_counts(sample: str, **settings: Any) -> list[int]:
    seg = kmseg.segment(kmseg.sample_image(sample), kmseg.Settings(**settings))
    return seg.pixel_counts.tolist()


def texts(app: AppTest) -> str:
    """Everything the page says in sentences."""
    said = (*app.caption, *app.info, *app.warning, *app.error)
    return "\n".join(element.value for element in said)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_opens_on_a_segmented_sample() -> None:
    app = open_page()
    assert counts(app) == expected_counts("china")
    assert "640 × 427" in texts(app)
    assert "96,615 colours" in texts(app)
    assert not app.warning
    assert dict(app.query_params) == {}  # a bare address stays bare until something is changed


def test_every_control_reaches_the_segmentation_and_the_address() -> None:
    app = open_page(picture="flower", width="160")
    app.selectbox(key="color_space").set_value("hsv")
    rerun(app)
    app.get_by_key("channels_hsv").set_value(["H", "V"])
    app.slider(key="n_clusters").set_value(5)
    app.segmented_control(key="init").set_value("random")
    app.slider(key="attempts").set_value(3)
    app.selectbox(key="stop").set_value("epsilon")
    app.number_input(key="epsilon").set_value(0.5)
    app.number_input(key="seed").set_value(7)
    app.number_input(key="width").set_value(200)
    rerun(app)
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


@pytest.mark.parametrize(
    "query",
    [
        {"picture": "plate-5", "color_space": "hsv", "channels": "01", "n_clusters": "3"},
        {"init": "manual", "centroids": "ff0000-00ff00-123456", "n_clusters": "3"},
        {"engine": "opencv", "n_clusters": "6", "seed": "3", "stop": "iterations", "max_iter": "9"},
        {"color_space": "oklab", "view": "cloud", "cloud_space": "clustered", "paint": "gray"},
    ],
)
def test_a_link_replays_in_a_new_session(query: dict[str, str]) -> None:
    first = open_page(**query)
    first.slider(key="n_clusters").set_value(int(query.get("n_clusters", "4")) + 1)
    rerun(first)
    link = {name: str(value) for name, value in first.query_params.items()}
    own = set(CHOICES) - set(IN_BROWSER)
    assert set(link) == {"v", *kmseg.Settings().to_dict(), *own}
    first.segmented_control(key="view").set_value("clusters")
    rerun(first)
    second = open_page(**link | {"view": "clusters"})
    assert counts(second) == counts(first)
    assert not second.warning


def test_a_link_without_values_means_the_defaults_of_its_version() -> None:
    link = kmseg.Settings().to_query()
    assert link["v"] == "1"
    assert counts(open_page(**link)) == expected_counts("china")


def test_wrong_values_in_a_link_are_corrected_and_named() -> None:
    app = open_page(
        n_clusters="900",
        color_space="<script>alert(1)</script>",
        epsilon="nan",
        picture="../../etc/passwd",
        view="nowhere",
        attempts="0",
        width="-5",
    )
    said = app.warning[0].value
    for name in (
        "n\\_clusters",
        "color\\_space",
        "epsilon",
        "picture",
        "view",
        "attempts",
        "width",
    ):
        assert name in said
    assert "<script>" not in said
    assert app.slider(key="n_clusters").value == PAGE_RANGES["n_clusters"][1]
    assert app.slider(key="attempts").value == 1
    app.slider(key="n_clusters").set_value(3)
    rerun(app)
    assert not app.warning  # said once, until something is changed
    assert app.query_params["n_clusters"] == "3"


def test_a_link_to_an_upload_brings_its_settings_and_says_so() -> None:
    app = open_page(picture="upload", n_clusters="6", color_space="lab")
    assert "uploaded picture" in app.warning[0].value
    assert counts(app) == expected_counts("china", n_clusters=6, color_space="lab")
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    app.file_uploader(key="uploads").upload("mine.png", png(pixels))
    rerun(app)
    seg = kmseg.segment(kmseg.Image(pixels), kmseg.Settings(n_clusters=6, color_space="lab"))
    assert counts(app) == seg.pixel_counts.tolist()
    assert re.fullmatch(r"upload-[0-9a-f]{8}", app.query_params["picture"])


def test_an_upload_is_shown_at_once_and_others_stay_available() -> None:
    app = open_page()
    first, second = np.zeros((4, 5, 3), np.uint8), np.zeros((6, 7, 3), np.uint8)
    first[0, :2] = 255
    second[0, :3] = 200
    app.file_uploader(key="uploads").upload("one.png", png(first)).upload("two.png", png(second))
    rerun(app)
    assert counts(app) == [39, 3]
    chooser = app.selectbox(key="picture")
    one = next(option for option in chooser.options if option == "one.png")
    chooser.select_index(chooser.options.index(one))
    rerun(app)
    assert counts(app) == [18, 2]
    assert "K is 2, not 4" in texts(app)


def test_a_bad_upload_costs_a_sentence_and_nothing_else() -> None:
    app = open_page(n_clusters="3")
    before = counts(app)
    app.file_uploader(key="uploads").upload("*evil* <b>[x](y).png", b"\x89PNG\r\n\x1a\nno picture")
    rerun(app)
    assert counts(app) == before
    assert len(app.error) == 1
    said = app.error[0].value
    assert said.startswith("evil")
    assert not set("<[*") & set(said.partition(":")[0])


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


def test_no_channel_means_all_of_them_and_is_said() -> None:
    app = open_page()
    app.get_by_key("channels_bgr").set_value([])
    rerun(app)
    assert counts(app) == expected_counts("china")
    assert "None is chosen" in texts(app)


@pytest.mark.parametrize("engine", ["opencv", "scikit-learn"])
def test_reference_engines_work_on_a_width_that_the_page_names(engine: str) -> None:
    app = open_page(engine=engine, attempts="2")
    seg = kmseg.segment(
        kmseg.sample_image("china"), kmseg.Settings(engine=engine, attempts=2, width=387)
    )
    assert counts(app) == seg.pixel_counts.tolist()
    assert "at 387 pixels width, not 640" in texts(app)
    assert app.number_input(key="width").value == 0  # the visitor's own setting is kept


def test_my_colours_start_from_the_clusters_there_are() -> None:
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
    app.slider(key="n_clusters").set_value(5)
    rerun(app)
    assert app.color_picker(key="start_1").value == "#ff8800"
    assert len(app.color_picker) == 5


def test_the_settings_of_a_sample_are_one_click_away() -> None:
    app = open_page(picture="plate-74", attempts="3")
    sample = kmseg.SAMPLES["plate-74"]
    app.button[0].click()
    rerun(app)
    assert counts(app) == expected_counts("plate-74", **sample.settings)


def test_many_bad_uploads_do_not_push_the_controls_away() -> None:
    app = open_page(picture="flower", width="64")
    names = [f"bad{number}.png" for number in range(5)]
    for name in names:
        app.file_uploader(key="uploads").upload(name, name.encode())
    rerun(app)
    folded = next(
        e for e in app.sidebar.expander if e.label.endswith("5 files could not be opened")
    )
    assert [error.value.partition(":")[0] for error in folded.error] == names
    assert app.selectbox(key="picture").value == "flower"


def test_sessions_do_not_see_each_others_uploads() -> None:
    first, second = open_page(), open_page()
    pixels = np.random.default_rng(1).integers(0, 256, (9, 9, 3), np.uint8)
    first.file_uploader(key="uploads").upload("secret.png", png(pixels))
    rerun(first)
    rerun(second)
    assert "secret.png" in first.selectbox(key="picture").options
    assert "secret.png" not in second.selectbox(key="picture").options


# -- what comes first, and what is not done again --------------------------------------------------


def recorded(
    monkeypatch: pytest.MonkeyPatch, *functions: tuple[object, str]
) -> list[tuple[str, Any]]:
    """The calls of these functions, as they are made: name and result."""
    calls: list[tuple[str, Any]] = []

    def record(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            result = function(*arguments, **options)
            calls.append((name, result))
            return result

        return call

    for module, name in functions:
        monkeypatch.setattr(module, name, record(name, getattr(module, name)))
    return calls


@pytest.mark.parametrize(
    ("view", "then"),
    [
        ("clusters", ["viewer", "summary", "cluster_table", "write"]),
        ("cloud", ["viewer", "summary", "color_cloud", "colour_cloud", "write"]),
        ("sheet", ["viewer", "summary", "sheet", "write"]),
        ("ladder", ["viewer", "summary", "ladder", "write"]),
        ("residual", ["viewer", "summary", "residual", "write"]),
        ("take-away", ["viewer", "summary", "archive", "files", "write"]),
    ],
)
def test_a_new_segmentation_is_shown_before_anything_else_is_made(
    monkeypatch: pytest.MonkeyPatch, view: str, then: list[str]
) -> None:
    app = open_page(picture="flower", view=view)
    calls = recorded(
        monkeypatch,
        (panes, "viewer"),
        (views, "summary"),
        (views, "cluster_table"),
        (cache, "sheet"),
        (cache, "ladder"),
        (cache, "residual"),
        (cache, "color_cloud"),
        (views, "colour_cloud"),
        (export, "archive"),
        (export, "files"),
        (link, "write"),
    )
    app.slider(key="n_clusters").set_value(9)
    rerun(app)
    assert [name for name, _ in calls] == then


def test_another_k_does_nothing_again_that_depends_on_the_picture_alone(
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
    app.slider(key="n_clusters").set_value(7)
    rerun(app)
    assert [name for name, _ in calls] == ["segment"]
    calls.clear()
    app.slider(key="n_clusters").set_value(4)
    rerun(app)
    assert calls == []


# -- work that takes long --------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["opencv", "scikit-learn"])
def test_the_progress_of_long_work_is_gone_in_the_end(
    monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setattr(views, "PATIENCE", 0.0)
    app = open_page(engine=engine, attempts="3", width="80", seed="77")
    wanted = {"engine": engine, "attempts": 3, "width": 80, "seed": 77}
    assert counts(app) == expected_counts("china", **wanted)
    assert not app.get("progress")
    assert all("Stop" not in button.label for button in app.button)
    assert not app.warning


def test_a_reference_engine_cannot_be_used_to_occupy_the_machine() -> None:
    app = open_page(engine="opencv", attempts="100", width="60", seed="79")
    wanted = {"engine": "opencv", "attempts": 10, "width": 60, "seed": 79}
    assert counts(app) == expected_counts("china", **wanted)
    assert "at most 10 attempts on this page, not 100" in " ".join(note.value for note in app.info)


def test_who_is_turned_away_is_told_so_and_can_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page(picture="flower", width="70", seed="80")
    monkeypatch.setattr(gates.WORK, "most_waiting", 0)
    app.slider(key="n_clusters").set_value(11)
    rerun(app)
    assert "This server is busy" in app.error[0].value
    assert app.slider(key="n_clusters").value == 11  # nothing is lost
    monkeypatch.undo()
    app.button(key="try again").click()
    rerun(app)
    assert not app.error
    assert len(counts(app)) == 11


def test_colours_to_start_from_never_wait_for_a_reference_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = open_page(engine="opencv", attempts="2", width="80", n_clusters="3", seed="78")
    calls = recorded(monkeypatch, (results, "segment"))
    app.segmented_control(key="init").set_value("manual")
    rerun(app)
    assert [seg.settings.engine for _, seg in calls] == ["exact", "opencv"]


def test_one_makes_a_segmentation_while_others_watch_and_take_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture, settings = cache.sample("plate-5"), kmseg.Settings(engine="opencv", seed=987)
    started, watched, makers = threading.Event(), threading.Event(), []

    def segment(*_: Any, progress: Callable[[int, int], None], **__: Any) -> str:
        makers.append(threading.current_thread().name)
        started.set()
        watched.wait(20)
        progress(1, 2)
        return "done"

    def give_up(done: int, attempts: int) -> None:
        raise TimeoutError

    def make_and_give_up() -> None:
        with pytest.raises(TimeoutError):
            cache.segmentation(picture, settings, give_up)

    told: list[tuple[int, int]] = []

    def watch(done: int, attempts: int) -> None:
        told.append((done, attempts))
        watched.set()

    monkeypatch.setattr(results, "segment", segment)
    first = threading.Thread(target=make_and_give_up, name="first")
    first.start()
    assert started.wait(20)
    result: object = cache.segmentation(picture, settings, watch)
    first.join(20)
    assert result == "done"
    assert makers == ["first", threading.current_thread().name]
    assert told[0] == (0, settings.attempts)  # seen while the first one was at it
    assert told[-1] == (1, 2)
    watched.clear()
    result = cache.segmentation(picture, settings)
    assert result == "done" and len(makers) == 2


# -- what is in focus, merged or beside each other ------------------------------------------------


def test_a_link_with_focus_and_merges_is_kept() -> None:
    app = open_page(n_clusters="5", focus="2.4", merge="1.3")
    seg = kmseg.segment(kmseg.sample_image("china"), kmseg.Settings(n_clusters=5))
    merged = seg.merged([(0, 2)])
    assert counts(app) == merged.pixel_counts.tolist()
    shown = component(app, "kmseg_viewer")
    assert shown["groups"] == [list(group) for group in merged.members]
    assert shown["names"] == merged.names
    app.segmented_control(key="view").set_value("take-away")
    rerun(app)
    assert app.query_params["merge"] == "1.3"
    assert component(app, "kmseg_viewer")["focus"] == "2.4"
    labels = [button.label for button in app.get("download_button")]
    names = ", ".join(name for name in merged.names if name in ("2", "4"))
    assert f"Mask of clusters {names}" in labels and f"Cut-out of clusters {names}" in labels
    assert not app.warning
    assert f"before merging: inertia {seg.inertia:.5g}" in texts(app)


def test_another_segmentation_has_nothing_in_focus_or_merged() -> None:
    app = open_page(n_clusters="5", focus="2", merge="1.3")
    app.slider(key="n_clusters").set_value(4)
    rerun(app)
    assert counts(app) == expected_counts("china", n_clusters=4)
    assert component(app, "kmseg_viewer")["focus"] == ""
    assert "merge" not in app.query_params
    assert "merge" not in component(app, "kmseg_copy_link")


@pytest.mark.parametrize("name", ["focus", "merge"])
@pytest.mark.parametrize("value", ["x", "1..2", "1.1", "0", "-1", "1" * 10_000, "٣", "<b>"])
def test_a_focus_or_merge_that_makes_no_sense_is_left_out(name: str, value: str) -> None:
    app = open_page(**{name: value})
    assert f"{name}:" in app.warning[0].value.replace("\\", "")
    assert len(app.warning[0].value) < 500
    assert counts(app) == expected_counts("china")


def test_clusters_that_do_not_exist_are_left_out_and_named() -> None:
    app = open_page(n_clusters="3", merge="2.9_1.3.7", focus="1.8")
    assert "names 7, 8, 9 among its clusters" in app.warning[0].value
    assert component(app, "kmseg_viewer")["focus"] == "1"
    seg = kmseg.segment(kmseg.sample_image("china"), kmseg.Settings(n_clusters=3))
    assert counts(app) == seg.merged([(0, 2)]).pixel_counts.tolist()


@pytest.mark.parametrize("view", [name for name in CHOICES["view"] if name != "clusters"])
@pytest.mark.parametrize("picture", ["plate-5", "china"])
def test_every_view_is_reached_by_a_link(view: str, picture: str) -> None:
    app = open_page(view=view, picture=picture, n_clusters="3", color_space="hsv", width="150")
    assert app.segmented_control(key="view").value == view
    assert not app.error and not app.warning


def gallery(app: AppTest, number: int = 0) -> list[dict[str, Any]]:
    found = [e.proto for e in app.get("bidi_component") if "gallery" in e.proto.component_name]
    tiles: list[dict[str, Any]] = json.loads(found[number].json)["tiles"]
    return tiles


def test_the_sheet_shows_every_view_and_marks_the_one_that_is_chosen() -> None:
    app = open_page(view="sheet", picture="flower", width="120", color_space="lab", channels="12")
    galleries = [gallery(app, number) for number in range(1 + len(kmseg.color.COLOR_SPACES))]
    assert len(galleries[0]) <= 6  # the proposals
    assert sum(map(len, galleries[1:])) == 53
    chosen = [tile["title"] for tiles in galleries[1:] for tile in tiles if tile["current"]]
    assert chosen == ["a, b"]
    assert all(tile["image"].startswith("data:image/png;base64,") for tile in galleries[1])


def test_a_picture_of_one_colour_has_no_proposals_and_no_rungs() -> None:
    app = open_page(view="sheet")
    flat = np.full((20, 30, 3), (20, 130, 40), np.uint8)
    app.file_uploader(key="uploads").upload("flat.png", png(flat))
    rerun(app)
    assert "nothing to propose" in texts(app)
    app.segmented_control(key="view").set_value("ladder")
    rerun(app)
    assert "nothing to choose" in texts(app)


def test_the_ladder_goes_as_far_as_the_k_that_is_chosen() -> None:
    app = open_page(view="ladder", picture="flower", width="120", n_clusters="12")
    tiles = gallery(app)
    assert [tile["title"] for tile in tiles] == [f"K = {k}" for k in range(2, 13)]
    assert [tile["title"] for tile in tiles if tile["current"]] == ["K = 12"]
    assert sum("suggested" in tile["mark"] for tile in tiles) == 1


def test_hue_is_compared_one_click_from_its_channel() -> None:
    app = open_page(color_space="hsv", picture="flower")
    button = next(button for button in app.button if "Hue is an angle" in button.label)
    button.click()
    rerun(app)
    assert app.query_params["view"] == "hue"
    assert [tile["title"] for tile in gallery(app)] == ["Raw H, 0 to 179", "H as an angle"]


def test_views_that_are_not_open_compute_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = recorded(monkeypatch, (cache, "sheet"), (cache, "ladder"), (cache, "residual"))
    app = open_page(picture="flower", width="90")
    app.slider(key="n_clusters").set_value(6)
    rerun(app)
    assert calls == []


boxes = st.tuples(*[st.integers(-(10**12), 10**12) | st.integers(-50, 700)] * 4)


@given(boxes)
@example((0, 0, 0, 0))
@example((10**9, 0, -(10**9), 5))
def test_a_part_lies_in_the_picture_whatever_is_asked_for(wanted: cache.Box) -> None:
    left, top, right, bottom = cache.within(640, 427, wanted)
    assert 0 <= left < right <= 640 and 0 <= top < bottom <= 427
    if 0 <= wanted[0] < wanted[2] - 1 < 640:  # what lies inside is there, but for an odd pixel
        assert left <= wanted[0] + 1 and right >= wanted[2] - 1


def test_a_part_is_never_larger_than_a_screen() -> None:
    left, _, right, _ = cache.within(9000, 100, (0, 0, 9000, 100))
    assert right - left == cache.REGION_SIDE
