"""Tidying on the page: links, merges, what the browser is sent, and what is computed once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import kmseg
from inprocess import (
    act_on_clusters,
    component,
    counts,
    open_page,
    open_view,
    recorded,
    send,
    set_k,
    texts,
)
from kmseg.output import encode, export
from kmseg.output.labelcodec import encode_labels
from kmseg.settings import Settings
from kmseg.ui import store
from kmseg.ui.store import caches, results
from kmseg.ui.store.addresses import addresses

TIDY = {"smallest_region": "0.2%", "fill_holes": "2.4"}
SETTINGS = Settings(color_space="cielab", n_clusters=6, **TIDY)  # type: ignore[arg-type]


def python(*groups: list[int]) -> kmseg.Segmentation:
    """The segmentation that the page should show."""
    seg = kmseg.segment(kmseg.sample_image("flower"), SETTINGS.untidied())
    return seg.merged(groups).tidied(SETTINGS.smallest_region, SETTINGS.fill_holes)


def open_link(**others: str) -> AppTest:
    query = {"picture": "flower", "color_space": "cielab", "n_clusters": "6", **TIDY, **others}
    return open_page(**query)


def content(address: str) -> bytes:
    """What the server answers to a browser that fetches an address."""
    token, name = address.split("/")[-2:]
    wanted = addresses().find(token)
    assert wanted is not None
    found = wanted.find(wanted.key, wanted.part, name)
    assert found is not None
    return found[0]


def test_a_link_opens_the_tidied_segmentation() -> None:
    app = open_link()
    assert counts(app) == python().pixel_counts.tolist()
    assert app.query_params["smallest_region"] == "0.2%"
    assert app.query_params["fill_holes"] == "2.4"
    assert "regions of less than 0.2% of the picture removed" in texts(app)
    assert "before tidying: inertia" in texts(app)


def test_merges_of_a_link_are_made_before_tidying() -> None:
    app = open_link(merge="1.3_4.6")
    expected = python([0, 2], [3, 5])
    assert counts(app) == expected.pixel_counts.tolist()
    assert [row["name"] for row in component(app, "kmseg_table")["rows"]] == expected.names
    assert "before merging and tidying: inertia" in texts(app)


def test_clusters_are_merged_and_split_while_they_are_tidied() -> None:
    app = open_link()
    act_on_clusters(app, "merge", 0, 2)
    assert counts(app) == python([0, 2]).pixel_counts.tolist()
    act_on_clusters(app, "split", 0, 2)
    assert counts(app) == python().pixel_counts.tolist()


def test_merges_survive_a_change_of_tidying() -> None:
    """Merges belong to the clustering, whose numbers tidying keeps."""
    app = open_link(merge="1.3")
    shown = component(app, "kmseg_viewer")["segmentation"]
    app.session_state["smallest_region"] = 30
    app.run()
    assert app.query_params["merge"] == "1.3"
    assert app.query_params["smallest_region"] == "30"
    assert component(app, "kmseg_viewer")["segmentation"] == shown
    expected = python([0, 2]).tidied(30, SETTINGS.fill_holes)
    assert counts(app) == expected.pixel_counts.tolist()


def test_the_clustering_is_computed_once_for_all_ways_to_tidy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caches.results().drop_idle(-1)
    calls = recorded(monkeypatch, (results, "segment"))
    app = open_link()
    for smallest in (20, 40, "1%"):
        app.session_state["smallest_region"] = smallest
        app.run()
        expected = python().tidied(smallest, SETTINGS.fill_holes)
        assert counts(app) == expected.pixel_counts.tolist()
    assert len([seg for _, seg in calls if seg.settings.n_clusters == 6]) == 1


def test_the_browser_is_sent_the_tidied_labels() -> None:
    """It computed labels from colours, which are those before tidying."""
    data = component(open_link(merge="1.3"), "kmseg_viewer")
    expected = python([0, 2])
    assert data["nearest"] is None
    rows, columns = kmseg.sample_image("flower").grid(results.PREVIEW_SIDE)
    labels = expected.in_members(expected.labels)[rows][:, columns]
    assert content(data["labels"]) == encode_labels(labels, 6)
    assert data["groups"] == [list(own) for own in expected.members]


def test_a_zoomed_region_shows_the_tidied_labels() -> None:
    picture, expected = store.sample("flower"), python()
    seg = store.tidied(picture, store.segmentation(picture, SETTINGS), SETTINGS)
    region = store.region(picture, seg, (100, 50, 260, 170), 160)
    left, top, right, bottom = region.box
    labels = expected.in_members(expected.labels)[top:bottom, left:right]
    assert content(region.labels) == encode_labels(np.ascontiguousarray(labels), 6)


def test_tidied_labels_are_kept_small() -> None:
    """Two bytes for each pixel would have filled the cache with a few large pictures."""
    picture = store.sample("flower")
    base = store.segmentation(picture, SETTINGS)
    seg = store.tidied(picture, base, SETTINGS)
    assert seg.untidied is not None and seg.image is None
    assert seg.untidied.color_labels is base.color_labels
    strips = seg.labeling.strips  # type: ignore[union-attr]
    assert sum(map(len, strips)) < 0.1 * 2 * picture.width * picture.height


@pytest.mark.parametrize("key", ["labels_gray", "segmented", "counts", "settings", "objects"])
def test_downloads_are_those_of_python(key: str) -> None:
    picture, expected = store.sample("flower"), python()
    seg = store.tidied(picture, store.segmentation(picture, SETTINGS), SETTINGS)
    download = next(each for each in export.DOWNLOADS if each.key == key)
    context = export.Context("flower.png")
    made, wanted = store.file(picture, seg, download, context), download.make(expected, context)
    if key == "settings":
        made, wanted = (text.partition(b'"seconds"')[0] for text in (made, wanted))
    assert made == wanted
    assert export.file_name(seg, "x", download) == export.file_name(expected, "x", download)


def test_a_mask_of_clusters_in_focus_is_that_after_tidying() -> None:
    app = open_link()
    act_on_clusters(app, "mask", 1)
    file = component(app, "kmseg_viewer")["file"]
    assert file is not None
    expected = python()
    (row,) = expected.rows_of([1])
    assert file["name"] == export.file_name(expected, "flower", export.mask(expected, row))


def test_views_of_other_settings_keep_the_tidying() -> None:
    """Choosing a picture of a view turned tidying off, and the sheet could not be drawn."""
    app = open_view(open_link(), "ladder")
    tiles = [e.proto for e in app.get("bidi_component") if "gallery" in e.proto.component_name]
    assert tiles and not texts(app).count("These pictures use the exact engine")
    name = tiles[0].component_name
    send(app, name, "picked", 1)
    assert app.query_params["n_clusters"] == "3"
    assert app.query_params["smallest_region"] == "0.2%"


@pytest.mark.parametrize("view", ["sheet", "cloud", "residual", "steps", "attempts", "pictures"])
def test_every_view_is_drawn(view: str) -> None:
    app = open_link(view=view, width="120")
    assert not app.error


def test_code_and_command_have_the_tidying() -> None:
    app = open_link(view="code", code="kmseg", width="120")
    assert "smallest_region='0.2%'" in app.code[0].value
    app = open_link(view="code", code="opencv", width="120")
    assert "does not tidy the clusters" in " ".join(app.code[0].value.replace("#", "").split())
    app = open_link(view="code", code="command", width="120")
    assert "--smallest-region 0.2% --fill-holes 2,4" in app.code[0].value


def test_pins_keep_their_tidying() -> None:
    app = open_link(width="200")
    app.button(key="pin").click()
    app.run()
    app.session_state["smallest_region"] = 0
    app.session_state["fill_holes"] = ()
    app.run()
    app.button(key="pin").click()
    app.run()
    open_view(app, "pins")
    panes = component(app, "kmseg_compare")["panes"]
    assert "regions of less than 0.2% of the picture removed" in panes[0]["title"]
    assert "not tidied" in panes[1]["title"]
    image = kmseg.sample_image("flower")
    for pane, settings in zip(panes, (SETTINGS, SETTINGS.untidied()), strict=True):
        expected = kmseg.segment(image, replace(settings, width=200))
        np.testing.assert_allclose(pane["shares"], expected.shares)
    second = open_page(**{name: str(value) for name, value in app.query_params.items()})
    assert component(second, "kmseg_compare")["panes"][0]["shares"] == panes[0]["shares"]


def test_another_k_is_tidied_in_the_same_way() -> None:
    app = open_link()
    set_k(app, 4)
    expected = kmseg.segment(kmseg.sample_image("flower"), replace(SETTINGS, n_clusters=4))
    assert counts(app) == expected.pixel_counts.tolist()


def test_the_card_of_a_link_shows_the_tidied_segmentation() -> None:
    card = store.card("flower", SETTINGS, (), "Dahlia", "")
    assert card.startswith(b"\xff\xd8")
    plain = store.card("flower", SETTINGS.untidied(), (), "Dahlia", "")
    assert card != plain
    assert encode.PICTURE_TYPES["jpg"] == "image/jpeg"


def test_a_wrong_value_in_a_link_is_corrected_and_named() -> None:
    app = open_page(picture="flower", smallest_region="lots", fill_holes="0", n_clusters="3")
    said = app.warning[0].value
    assert "smallest\\_region" in said and "fill\\_holes" in said
    assert app.query_params["smallest_region"] == "0"
