"""K and the colour space, which are set below the pictures."""

from __future__ import annotations

import pytest

from inprocess import (
    component,
    counts,
    expected_counts,
    open_page,
    open_view,
    rerun,
    send,
    set_k,
    set_space,
)
from kmseg.color import COLOR_SPACES

SMALL = {"picture": "flower", "width": "90"}


def test_every_k_that_a_drag_passed_went_into_the_address() -> None:
    app = open_page(**SMALL, n_clusters="3")
    for k in (4, 5):
        set_k(app, k, final=False)
        assert counts(app) == expected_counts("flower", width=90, n_clusters=k)
        assert app.query_params["n_clusters"] == "3"
    set_k(app, 5)
    assert app.query_params["n_clusters"] == "5"


def test_a_drag_that_never_ended_did_not_keep_later_changes_out_of_the_address() -> None:
    app = open_page(**SMALL, n_clusters="3")
    set_k(app, 6, final=False)
    app.slider(key="attempts").set_value(2)
    rerun(app)
    assert (app.query_params["n_clusters"], app.query_params["attempts"]) == ("6", "2")


def test_k_and_space_stay_although_no_widget_has_them() -> None:
    app = open_page(**SMALL)
    set_space(app, "oklab")
    set_k(app, 5)
    for view in ("ladder", "clusters"):
        open_view(app, view)
    wanted = {"width": 90, "n_clusters": 5, "color_space": "oklab"}
    assert counts(app) == expected_counts("flower", **wanted)
    assert app.get_by_key("channels_oklab").value == ["L", "a", "b"]


@pytest.mark.parametrize(
    ("action", "k", "space"),
    [
        ({"what": "k", "k": 900}, 32, "bgr"),
        ({"what": "k", "k": -1}, 2, "bgr"),
        ({"what": "k", "k": "9"}, 4, "bgr"),
        ({"what": "k"}, 4, "bgr"),
        ({"what": "space", "space": "sepia"}, 4, "bgr"),
        ({"what": "space", "space": ["lab"]}, 4, "bgr"),
        ({"what": "space", "space": "lab"}, 4, "lab"),
    ],
)
def test_values_from_the_browser_are_checked(action: dict[str, object], k: int, space: str) -> None:
    app = open_page(**SMALL, v="1")
    send(app, "kmseg_viewer", "action", action | {"final": True, "number": "x"})
    shown = component(app, "kmseg_viewer")
    assert (shown["k"], shown["color_space"], shown["answers"]) == (k, space, 0)


@pytest.mark.parametrize("chosen", ["rgb", "bgr", "cielab"])
def test_rgb_and_bgr_cluster_alike_but_were_two_entries(chosen: str) -> None:
    app = open_page(**SMALL, color_space=chosen)
    spaces = component(app, "kmseg_viewer")["spaces"]
    keys = [space["key"] for space in spaces]
    assert chosen in keys
    assert len(keys) == len(set(keys)) == len(COLOR_SPACES) - 1
    assert ("bgr" in keys) == (chosen == "bgr")
    assert all(space["title"] and space["summary"] for space in spaces)
