"""K and the colour space, which are set below the pictures."""

from __future__ import annotations

import pytest

from inprocess import (
    act,
    act_on_clusters,
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
    act(app, action | {"final": True})
    shown = component(app, "kmseg_viewer")
    assert (shown["k"], shown["color_space"], shown["answers"]) == (k, space, 1)


def test_a_focus_that_followed_a_change_of_k_at_once_replaced_it() -> None:
    # Streamlit keeps one event of a component, so the later one contains the earlier one's action.
    app = open_page(**SMALL)
    k = {"what": "k", "k": 6, "final": True, "number": 1}
    shown = component(app, "kmseg_viewer")["segmentation"]
    focus = {"what": "focus", "segmentation": shown, "clusters": [1], "number": 2}
    send(app, "kmseg_viewer", "actions", [k, focus])
    shown = component(app, "kmseg_viewer")
    assert (shown["k"], shown["answers"], shown["focus"]) == (6, 2, "")
    set_k(app, 4)
    assert component(app, "kmseg_viewer")["focus"] == "2"  # it was meant for K = 4


def test_an_action_is_handled_once_however_often_it_is_sent() -> None:
    app = open_page(**SMALL)
    shown = component(app, "kmseg_viewer")["segmentation"]
    merge = {"what": "merge", "segmentation": shown, "clusters": [0, 1], "number": 1}
    split = merge | {"what": "split", "number": 2}
    send(app, "kmseg_viewer", "actions", [merge])
    assert len(component(app, "kmseg_viewer")["groups"]) == 3
    send(app, "kmseg_viewer", "actions", [merge, split])
    send(app, "kmseg_viewer", "actions", [merge, split])
    assert len(component(app, "kmseg_viewer")["groups"]) == 4


def test_actions_on_clusters_that_are_shown_no_more_are_ignored() -> None:
    app = open_page(**SMALL)
    act_on_clusters(app, "merge", 0, 1)
    stale = {"what": "merge", "clusters": [0, 2]}
    stale["segmentation"] = component(app, "kmseg_viewer")["segmentation"]
    set_k(app, 6)
    act(app, stale)
    assert len(component(app, "kmseg_viewer")["groups"]) == 6
    set_k(app, 4)
    assert len(component(app, "kmseg_viewer")["groups"]) == 3


@pytest.mark.parametrize("chosen", ["rgb", "bgr", "cielab"])
def test_rgb_and_bgr_cluster_alike_but_were_two_entries(chosen: str) -> None:
    app = open_page(**SMALL, color_space=chosen)
    spaces = component(app, "kmseg_viewer")["spaces"]
    keys = [space["key"] for space in spaces]
    assert chosen in keys
    assert len(keys) == len(set(keys)) == len(COLOR_SPACES) - 1
    assert ("bgr" in keys) == (chosen == "bgr")
    assert all(space["title"] and space["summary"] for space in spaces)
