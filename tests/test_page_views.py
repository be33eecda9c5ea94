"""The page's views, and clusters in focus or merged."""

from __future__ import annotations

import numpy as np
import pytest

from inprocess import (
    gallery,
    open_page,
    open_view,
    png,
    recorded,
    rerun,
    set_k,
    texts,
)
from kmseg.color import offered
from kmseg.output import export
from kmseg.ui import offline, store
from kmseg.ui.link import CHOICES
from kmseg.ui.views import VIEWS
from kmseg.ui.views.view import Place


@pytest.mark.parametrize("view", [name for name in CHOICES["view"] if name != "clusters"])
@pytest.mark.parametrize("picture", ["plate-5", "china"])
def test_every_view_is_reached_by_a_link(view: str, picture: str) -> None:
    app = open_page(view=view, picture=picture, n_clusters="3", color_space="hsv", width="150")
    assert app.session_state["view"] == view
    assert app.segmented_control(key="place").value == VIEWS[view].place
    assert not app.error and not app.warning


def test_a_place_shows_its_parts() -> None:
    app = open_page(view="ladder", picture="flower", width="90")
    assert app.segmented_control(key="place").options == list(Place)
    explore = [view for view in VIEWS.values() if view.place == "Explore"]
    assert app.segmented_control(key="part").options == [view.title for view in explore]
    assert app.segmented_control(key="part").value == "ladder"
    open_view(app, "download")
    assert app.segmented_control(key="part").options == ["Files", "Code"]
    assert app.query_params["view"] == "download"


def test_going_back_to_a_place_opens_the_part_that_was_open_there() -> None:
    app = open_page(view="residual", picture="flower", width="90")
    for place, view in (("Download", "download"), ("Explore", "residual")):
        app.segmented_control(key="place").set_value(place)
        rerun(app)
        assert app.query_params["view"] == view


def test_the_part_of_the_last_place_was_opened_again() -> None:
    # A run that comes before the browser has removed the row of parts still has the row's value.
    app = open_page(picture="plate-5", width="60")
    part = app.segmented_control(key="part").proto
    open_view(app, "download")
    states = app._tree.get_widget_states()
    states.widgets.add(id=part.id).string_array_value.data.append(VIEWS["clusters"].title)
    app._run(states)
    assert app.segmented_control(key="place").value == "Download"
    assert app.query_params["view"] == "download"


@pytest.mark.parametrize(("view", "today"), [("take-away", "download"), ("hue", "sheet")])
def test_links_of_earlier_versions_open_what_took_their_views_place(view: str, today: str) -> None:
    app = open_page(v="1", view=view, picture="flower", width="90")
    assert not app.warning
    assert app.session_state["view"] == today
    if view == "hue":
        assert [tile["title"] for tile in gallery(app)] == [
            "Hue as a number, 0 to 179",
            "Hue as an angle",
        ]


def test_the_sheet_shows_every_channel_set_and_marks_the_chosen_one() -> None:
    app = open_page(view="sheet", picture="flower", width="120", color_space="lab", channels="12")
    spaces = offered("lab")
    galleries = [gallery(app, number) for number in range(1 + len(spaces))]
    assert len(galleries[0]) <= 6  # the proposals
    assert sum(map(len, galleries[1:])) == sum(2 ** len(space.channels) - 1 for space in spaces)
    chosen = [tile["title"] for tiles in galleries[1:] for tile in tiles if tile["current"]]
    assert chosen == ["a, b"]
    assert all(tile["image"].startswith("data:image/png;base64,") for tile in galleries[1])


def test_a_picture_of_one_colour_has_no_proposals_and_no_rungs() -> None:
    app = open_page(view="sheet")
    flat = np.full((20, 30, 3), (20, 130, 40), np.uint8)
    app.file_uploader(key="uploads").upload("flat.png", png(flat))
    rerun(app)
    assert "nothing to suggest" in texts(app)
    open_view(app, "ladder")
    assert "nothing to cluster" in texts(app)


def test_the_ladder_goes_as_far_as_the_k_that_is_chosen() -> None:
    app = open_page(view="ladder", picture="flower", width="120", n_clusters="12")
    tiles = gallery(app)
    assert [tile["title"] for tile in tiles] == [f"K = {k}" for k in range(2, 13)]
    assert [tile["title"] for tile in tiles if tile["current"]] == ["K = 12"]
    assert sum("suggested" in tile["mark"] for tile in tiles) == 1


def test_hue_as_an_angle_is_one_click_from_the_hue_channel() -> None:
    app = open_page(color_space="hsv", picture="flower")
    button = next(button for button in app.button if "Hue is an angle" in button.label)
    button.click()
    rerun(app)
    assert app.query_params["view"] == "sheet"
    assert app.query_params["sheet_shown"] == "hue"
    assert [tile["title"] for tile in gallery(app)] == [
        "Hue as a number, 0 to 179",
        "Hue as an angle",
    ]


def test_views_that_are_not_open_compute_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = recorded(monkeypatch, (store, "sheet"), (store, "ladder"), (store, "residual"))
    app = open_page(picture="flower", width="90")
    set_k(app, 6)
    assert calls == []


@pytest.mark.parametrize("shape", [(4, 3000), (50, 2000)])
def test_a_strip_of_a_panorama_crashed_the_views_that_compare_settings(
    shape: tuple[int, int],
) -> None:
    app = open_page(view="sheet")
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    app.file_uploader(key="uploads").upload("strip.png", png(pixels))
    app.segmented_control(key="sheet_shown").set_value("hue")
    rerun(app)
    for view in ("ladder", "residual"):
        open_view(app, view)
        assert not app.error
    assert "average" in app.metric[0].label.lower()


def test_k_2_was_marked_as_suggested_where_no_silhouette_is_defined() -> None:
    app = open_page(view="ladder")
    pixels = np.full((1500, 1500, 3), 255, np.uint8)
    pixels[7, 9] = 0
    app.file_uploader(key="uploads").upload("speck.png", png(pixels))
    rerun(app)
    assert [tile["mark"] for tile in gallery(app)] == [""]
    assert "No K is suggested" in texts(app)


def test_the_residual_of_a_preview_without_opaque_pixels_crashed() -> None:
    app = open_page(view="residual")
    pixels = np.zeros((1500, 1500, 4), np.uint8)
    pixels[1, 1] = 255  # not among the preview's pixels
    app.file_uploader(key="uploads").upload("speck.png", png(pixels))
    rerun(app)
    assert "Every pixel of the preview is transparent" in texts(app)


def test_files_are_in_groups_and_each_is_offered_once() -> None:
    app = open_page(view="download", picture="plate-6", n_clusters="3")
    titles = [download.title for download in (export.ARCHIVE, *export.DOWNLOADS, offline.page())]
    assert sorted(button.label for button in app.get("download_button")) == sorted(titles)
    said = [element.value for element in app.markdown]
    assert [text.strip("*") for text in said if text.strip("*") in list(export.Group)] == [
        "The page in one file",
        "Pictures",
        "Labels and masks",
        "Outlines",
        "Numbers",
        "Palettes",
        "Objects: connected regions of a cluster",
    ]
