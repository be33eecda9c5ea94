"""The place Compare: pins, in this process."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

import kmseg
from inprocess import choose_picture, component, open_page, open_view, png, rerun, set_k, texts
from kmseg.ui.pins import MAX_PINS, Pin, spelled_pins
from kmseg.ui.views import pins

SMALL = {"picture": "flower", "width": "120", "color_space": "rgb"}


def press(app, key: str):  # type: ignore[no-untyped-def]
    app.button(key=key).click()
    return rerun(app)


def panes(app) -> list[dict]:  # type: ignore[no-untyped-def, type-arg]
    return component(app, "kmseg_compare")["panes"]  # type: ignore[no-any-return]


def test_pins_are_kept_in_the_link_and_replay_in_a_new_session() -> None:
    app = open_page(**SMALL, n_clusters="3")
    press(app, "pin")
    assert app.button(key="pin").disabled
    for k in (4, 5):
        set_k(app, k)
        press(app, "pin")
    open_view(app, "pins")
    first = panes(app)
    assert [pane["title"] for pane in first] == ["1 · K = 3", "2 · K = 4", "3 · K = 5"]
    for k, pane in zip((3, 4, 5), first, strict=True):
        seg = kmseg.segment(
            kmseg.sample_image("flower"),
            kmseg.Settings(color_space="rgb", width=120, n_clusters=k),
        )
        assert pane["shares"] == seg.shares.tolist()
    other = open_page(**{name: str(value) for name, value in app.query_params.items()})
    assert [pane["shares"] for pane in panes(other)] == [pane["shares"] for pane in first]


def test_agreement_is_that_of_scikit_learn_over_all_pixels() -> None:
    app = open_page(**SMALL, n_clusters="3")
    press(app, "pin")
    set_k(app, 6)
    press(app, "pin")
    open_view(app, "pins")
    image = kmseg.sample_image("flower")
    first, second = (
        kmseg.segment(image, kmseg.Settings(color_space="rgb", width=120, n_clusters=k)).labels
        for k in (3, 6)
    )
    wanted = adjusted_rand_score(first.ravel(), second.ravel())
    found = re.search(r"([\d.]+)% agree .* index ([\d.]+)$", panes(app)[1]["lines"][1])
    assert found
    assert found[2] == f"{wanted:.3f}"


@pytest.mark.parametrize("title", ["K = 4, 6, 10", "Six seeds of plain Lloyd", "Three engines"])
def test_one_click_compares_the_usual_ones(title: str) -> None:
    app = open_page(**SMALL, n_clusters="3", view="pins")
    press(app, f"set {title}")
    shown = panes(app)
    assert (
        len(shown) == {"K = 4, 6, 10": 3, "Six seeds of plain Lloyd": 6, "Three engines": 3}[title]
    )
    assert all(pane["image"] for pane in shown)
    assert len({pane["title"].partition(" · ")[2] for pane in shown}) == len(shown)
    for paint in ("matched", "differing"):
        app.segmented_control(key=pins.PAINT.name).set_value(paint)
        rerun(app)
        images = [pane["image"] for pane in panes(app)]
        assert images[0] == shown[0]["image"]
        assert images[1:] != [pane["image"] for pane in shown[1:]]
        assert app.query_params[pins.PAINT.name] == paint


def test_a_seventh_pin_is_refused_in_a_sentence() -> None:
    app = open_page(**SMALL, n_clusters="2")
    for k in range(3, 3 + MAX_PINS):
        press(app, "pin")
        set_k(app, k)
    press(app, "pin")
    assert f"At most {MAX_PINS} segmentations can be pinned" in texts(app)
    open_view(app, "pins")
    assert len(panes(app)) == MAX_PINS


def test_pins_of_another_picture_have_no_agreement_and_a_missing_one_says_so() -> None:
    app = open_page(**SMALL, n_clusters="3")
    press(app, "pin")
    choose_picture(app, "plate-6")
    press(app, "pin")
    missing = Pin("upload-12345678", kmseg.Reading(), kmseg.Settings())
    query = {name: str(value) for name, value in app.query_params.items()}
    query["pins"] += "|" + spelled_pins([missing])
    app = open_page(**query | {"view": "pins"})
    flower, plate, absent = panes(app)
    assert flower["image"] and plate["image"] and not absent["image"]
    assert len(plate["lines"]) == 1


def test_two_visitors_pins_of_their_own_pictures_do_not_meet() -> None:
    apps = []
    for seed in (0, 1):
        pixels = np.random.default_rng(seed).integers(0, 256, (31, 41, 3), np.uint8)
        app = open_page(n_clusters="3")
        app.file_uploader(key="uploads").upload("mine.png", png(pixels))
        rerun(app)
        press(app, "pin")
        apps.append((open_view(app, "pins"), pixels))
    for app, pixels in apps:
        (pane,) = panes(app)
        seg = kmseg.segment(kmseg.Image(pixels), app.session_state["pins"][0].settings)
        assert pane["shares"] == seg.shares.tolist()
    theirs = {name: str(value) for name, value in apps[0][0].query_params.items()}
    opened = open_page(**theirs | {"picture": "flower"})
    (pane,) = panes(opened)
    assert not pane["image"] and not pane["shares"]
