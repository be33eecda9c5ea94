"""Links and uploads: how a picture and settings come to the page, and stay."""

from __future__ import annotations

import re

import numpy as np
import pytest

import kmseg
from inprocess import (
    choose_picture,
    component,
    counts,
    expected_counts,
    open_page,
    open_view,
    pictures,
    png,
    refused,
    rerun,
    set_k,
    set_space,
    texts,
)
from kmseg.picture.reading import Reading
from kmseg.settings import PAGE_RANGES
from kmseg.ui import link
from kmseg.ui.link import CHOICES, IN_BROWSER
from kmseg.ui.text import power
from kmseg.ui.views import VIEWS


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
    set_k(first, int(query.get("n_clusters", "4")) + 1)
    link = {name: str(value) for name, value in first.query_params.items()}
    own = set(CHOICES) - set(IN_BROWSER)
    assert set(link) == {"v", *kmseg.Settings().to_dict(), "frame", "levels", *own}
    open_view(first, "clusters")
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
    assert component(app, "kmseg_viewer")["k"] == PAGE_RANGES["n_clusters"][1]
    assert app.slider(key="attempts").value == 1
    set_k(app, 3)
    assert not app.warning  # shown until something is changed
    assert app.query_params["n_clusters"] == "3"


def test_a_link_to_an_upload_showed_another_picture_in_its_place() -> None:
    app = open_page(picture="upload-12345678", n_clusters="6", color_space="lab", view="sheet")
    assert component(app, "kmseg_album")["wanted"] == "upload-12345678"
    assert component(app, "kmseg_album")["chosen"] == ""
    assert "not in the link" in component(app, "kmseg_album")["missing"]
    shown = {element.proto.component_name for element in app.get("bidi_component")}
    assert shown == {"kmseg_album", "kmseg_navigation"}
    assert app.session_state["n_clusters"] == 6
    assert app.query_params["picture"] == "upload-12345678"
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    app.file_uploader(key="uploads").upload("mine.png", png(pixels))
    rerun(app)
    seg = kmseg.segment(kmseg.Image(pixels), kmseg.Settings(n_clusters=6, color_space="lab"))
    assert re.fullmatch(r"upload-[0-9a-f]{8}", app.query_params["picture"])
    assert app.query_params["view"] == "sheet"
    open_view(app, "clusters")
    assert counts(app) == seg.pixel_counts.tolist()


def test_focus_and_merges_of_a_link_are_restored() -> None:
    app = open_page(n_clusters="5", focus="2.4", merge="1.3")
    seg = kmseg.segment(kmseg.sample_image("china"), kmseg.Settings(n_clusters=5))
    merged = seg.merged([(0, 2)])
    assert counts(app) == merged.pixel_counts.tolist()
    shown = component(app, "kmseg_viewer")
    assert shown["groups"] == [list(group) for group in merged.members]
    assert shown["names"] == merged.names
    open_view(app, "download")
    assert app.query_params["merge"] == "1.3"
    assert component(app, "kmseg_viewer")["focus"] == "2.4"
    labels = [button.label for button in app.get("download_button")]
    names = ", ".join(name for name in merged.names if name in ("2", "4"))
    assert f"Mask of clusters {names}" in labels and f"Cut-out of clusters {names}" in labels
    assert not app.warning
    assert f"before merging: inertia {power(seg.inertia)}" in texts(app)


def test_another_segmentation_has_nothing_in_focus_or_merged() -> None:
    app = open_page(n_clusters="5", focus="2", merge="1.3")
    set_k(app, 4)
    assert counts(app) == expected_counts("china", n_clusters=4)
    assert component(app, "kmseg_viewer")["focus"] == ""
    assert "merge" not in app.query_params
    assert "merge" not in component(app, "kmseg_share")["query"]


def test_leaving_a_segmentation_and_coming_back_lost_its_merges_and_focus() -> None:
    app = open_page(n_clusters="5", focus="2", merge="1.3", view="take-away")
    seg = kmseg.segment(kmseg.sample_image("china"), kmseg.Settings(n_clusters=5))
    merged = seg.merged([(0, 2)])
    for leave, back in (
        (lambda: set_k(app, 4), lambda: set_k(app, 5)),
        (lambda: choose_picture(app, "flower"), lambda: choose_picture(app, "china")),
        (lambda: set_space(app, "lab"), lambda: set_space(app, "bgr")),
    ):
        leave()
        assert "merge" not in app.query_params
        assert component(app, "kmseg_viewer")["focus"] == ""
        back()
        assert app.query_params["merge"] == "1.3"
        assert component(app, "kmseg_viewer")["focus"] == "2"
        assert component(app, "kmseg_viewer")["names"] == merged.names
        assert component(app, "kmseg_share")["query"]["merge"] == "1.3"


def test_a_bounded_number_of_segmentations_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "MAX_REMEMBERED", 2)
    app = open_page(picture="flower", width="60", n_clusters="3", merge="1.3")
    for k in (4, 5, 3):  # 3 is one of the last two, 4 and 5 have nothing
        set_k(app, k)
    assert app.query_params["merge"] == "1.3"
    for k in (4, 5, 6, 3):
        set_k(app, k)
        assert len(app.session_state["left"]) <= 2
    assert "merge" not in app.query_params


@pytest.mark.parametrize("name", ["focus", "merge"])
@pytest.mark.parametrize("value", ["x", "1..2", "1.1", "0", "-1", "1" * 10_000, "٣", "<b>"])
def test_a_focus_or_merge_that_makes_no_sense_is_left_out(name: str, value: str) -> None:
    app = open_page(**{name: value})
    assert f"{name}:" in app.warning[0].value.replace("\\", "")
    assert len(app.warning[0].value) < 500
    assert counts(app) == expected_counts("china")


def test_clusters_that_do_not_exist_are_left_out_and_named() -> None:
    app = open_page(n_clusters="3", merge="2.9_1.3.7", focus="1.8")
    assert "names clusters 7, 8, 9, but there are only 3 clusters" in app.warning[0].value
    assert component(app, "kmseg_viewer")["focus"] == "1"
    seg = kmseg.segment(kmseg.sample_image("china"), kmseg.Settings(n_clusters=3))
    assert counts(app) == seg.merged([(0, 2)]).pixel_counts.tolist()


def test_names_of_values_in_a_link_are_distinct() -> None:
    options = [option.name for view in VIEWS.values() for option in view.options]
    others = {*kmseg.Settings().to_query(), *Reading().to_query()}
    others |= {"picture", "view", "merge", *IN_BROWSER}
    assert len(options) == len(set(options))
    assert not others & set(options)


def test_an_upload_is_shown_at_once_and_others_stay_available() -> None:
    app = open_page()
    first, second = np.zeros((4, 5, 3), np.uint8), np.zeros((6, 7, 3), np.uint8)
    first[0, :2] = 255
    second[0, :3] = 200
    app.file_uploader(key="uploads").upload("one.png", png(first)).upload("two.png", png(second))
    rerun(app)
    assert counts(app) == [39, 3]
    choose_picture(app, "one.png")
    assert counts(app) == [18, 2]
    assert "K is 2, not 6" in texts(app)


def test_a_bad_upload_shows_one_sentence_and_changes_nothing() -> None:
    app = open_page(n_clusters="3")
    before = counts(app)
    app.file_uploader(key="uploads").upload("*evil* <b>[x](y).png", b"\x89PNG\r\n\x1a\nno picture")
    rerun(app)
    assert counts(app) == before
    [said] = refused(app)
    assert said.startswith("evil")
    assert not set("<[*") & set(said.partition(":")[0])


def test_each_of_many_bad_uploads_has_a_sentence() -> None:
    app = open_page(picture="flower", width="64")
    names = [f"bad{number}.png" for number in range(5)]
    for name in names:
        app.file_uploader(key="uploads").upload(name, name.encode())
    rerun(app)
    assert [said.partition(":")[0] for said in refused(app)] == names
    assert component(app, "kmseg_album")["chosen"] == "flower"


def test_sessions_do_not_see_each_others_uploads() -> None:
    first, second = open_page(), open_page()
    pixels = np.random.default_rng(1).integers(0, 256, (9, 9, 3), np.uint8)
    first.file_uploader(key="uploads").upload("secret.png", png(pixels))
    rerun(first)
    rerun(second)
    assert list(pictures(first).values()) == ["secret.png"]
    assert not pictures(second)
