"""The settings that the page chooses by itself: empty addresses, samples, uploads, the reset."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import kmseg
from inprocess import (
    choose_picture,
    component,
    counts,
    expected_counts,
    open_page,
    png,
    rerun,
    set_k,
    set_space,
)
from kmseg.settings import LINK_VERSION, Settings
from kmseg.ui import presets
from kmseg.ui.link import DEFAULT_PICTURE

PIXELS = np.random.default_rng(1729).integers(0, 256, (30, 40, 3), np.uint8)


def upload(app: AppTest, pixels: np.ndarray = PIXELS) -> AppTest:
    app.file_uploader(key="uploads").upload(f"mine {pixels[0, 0]}.png", png(pixels))
    return rerun(app)


def click(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    return rerun(app)


def of_sample(key: str, **changed: Any) -> list[int]:
    return expected_counts(key, **{**kmseg.SAMPLES[key].settings, **changed})


def of_upload(settings: Settings, pixels: np.ndarray = PIXELS) -> list[int]:
    return kmseg.segment(kmseg.Image(pixels), settings).pixel_counts.tolist()


def test_an_address_without_a_version_is_an_empty_one() -> None:
    app = open_page(version="", picture="flower", n_clusters="900", color_space="hsv", view="cloud")
    assert counts(app) == of_sample(DEFAULT_PICTURE)
    assert app.session_state["view"] == "clusters"
    assert not app.warning


def test_a_link_of_an_unknown_version_is_corrected_and_that_is_said() -> None:
    app = open_page(version="7", picture="flower", n_clusters="3", seed="5")
    assert counts(app) == expected_counts("flower", n_clusters=3, seed=5)
    assert "v: must be 1" in app.warning[0].value.replace("\\", "")
    assert app.query_params["v"] == LINK_VERSION


def test_every_link_has_its_version_and_its_picture() -> None:
    app = open_page()
    for picture in ("china", "plate-8"):
        choose_picture(app, picture)
        query = component(app, "kmseg_share")["query"]
        assert (query["v"], query["picture"]) == (LINK_VERSION, picture)


def test_the_defaults_of_the_package_are_not_those_of_the_page() -> None:
    assert (Settings().color_space, Settings().n_clusters) == ("bgr", 4)
    assert Settings(color_space="cielab", n_clusters=6) == presets.START
    assert counts(open_page(v=LINK_VERSION)) == expected_counts("china")


def test_a_sample_opens_with_its_own_settings_while_nobody_has_changed_any() -> None:
    app = open_page()
    for picture in ("plate-74", "flower", "china"):
        assert counts(choose_picture(app, picture)) == of_sample(picture)


def test_settings_that_were_changed_are_kept_for_the_next_sample() -> None:
    app = choose_picture(open_page(), "flower")
    set_k(app, 5)
    changed = of_sample("flower", n_clusters=5)
    assert counts(app) == changed
    choose_picture(app, "plate-6")
    kept = {"color_space": "cielab", "channels": "12", "n_clusters": 5}
    assert counts(app) == expected_counts("plate-6", **kept)
    assert counts(choose_picture(app, "flower")) == changed
    click(app, "Try these settings")
    assert counts(app) == of_sample("flower")
    assert counts(choose_picture(app, "plate-6")) == of_sample("plate-6")


def test_settings_of_a_link_are_kept_for_the_next_sample() -> None:
    app = open_page(picture="flower", color_space="oklab", n_clusters="5")
    choose_picture(app, "china")
    assert counts(app) == expected_counts("china", color_space="oklab", n_clusters=5)


@pytest.mark.parametrize("picture", ["china", "plate-6"])
def test_an_upload_begins_in_cielab_with_six_clusters(picture: str) -> None:
    app = upload(choose_picture(open_page(), picture))
    assert counts(app) == of_upload(presets.START)
    second = PIXELS[::-1].copy()
    assert counts(upload(app, second)) == of_upload(presets.START, second)


def test_an_upload_is_clustered_with_the_settings_that_the_visitor_chose() -> None:
    app = choose_picture(open_page(), "plate-6")
    app.number_input(key="seed").set_value(8)
    rerun(app)
    chosen = Settings(**kmseg.SAMPLES["plate-6"].settings, seed=8)  # type: ignore[arg-type]
    assert counts(upload(app)) == of_upload(chosen)
    set_k(app, 4)
    second = PIXELS[::-1].copy()
    assert counts(upload(app, second)) == of_upload(
        Settings(color_space="hsv", channels="0", n_clusters=4, seed=8), second
    )


def test_an_uploads_settings_that_equal_those_of_a_sample_were_lost_with_the_next() -> None:
    app = upload(open_page())
    set_space(app, "hsv")
    app.get_by_key("channels_hsv").set_value(["H"])
    set_k(app, 3)
    second = PIXELS[::-1].copy()
    own = Settings(**kmseg.SAMPLES["plate-6"].settings)  # type: ignore[arg-type]
    assert counts(upload(app, second)) == of_upload(own, second)


def test_another_picture_with_starting_colours_that_are_not_set_yet_crashed() -> None:
    app = open_page(init="manual", n_clusters="2", centroids="000000-ffffff")
    set_k(app, 3)
    choose_picture(app, "flower")
    assert len(counts(app)) == 3
    assert app.segmented_control(key="init").value == "manual"


def test_the_reset_leads_to_the_settings_of_the_page() -> None:
    app = open_page(picture="plate-6", color_space="hsv", channels="0", init="random", seed="3")
    click(app, "Reset all settings")
    assert counts(app) == expected_counts("plate-6", color_space="cielab", n_clusters=6)
    assert counts(choose_picture(app, "flower")) == of_sample("flower")


@pytest.mark.parametrize("title", presets.ARTICLES)
def test_a_click_runs_what_an_article_runs(title: str) -> None:
    app = click(open_page(picture="plate-6", width="300"), title)
    wanted = presets.ARTICLES[title]
    query = {name: "".join(value) for name, value in app.query_params.items()}
    assert Settings.from_query(query) == (wanted, ())
    # A slow engine has at most ten attempts on the page, on at most 100,000 pixels.
    run = replace(wanted, attempts=10, width=wanted.width or 316)
    done = kmseg.segment(kmseg.sample_image("plate-6"), run)
    assert counts(app) == done.pixel_counts.tolist()
