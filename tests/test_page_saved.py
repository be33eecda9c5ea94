"""A saved settings.json opens on the page, which is then as it was."""

from __future__ import annotations

import json

import pytest

import kmseg
from inprocess import component, counts, open_page, rerun
from kmseg.output import report
from kmseg.ui.session import Key

SETTINGS = kmseg.Settings(color_space="hsv", channels="01", n_clusters=5, seed=3, width=90)


def saved(**changes: object) -> bytes:
    seg = kmseg.segment(kmseg.sample_image("flower"), SETTINGS).merged([(0, 2)])
    values = json.loads(report.settings_json(seg, picture="flower"))
    return json.dumps(values | changes).encode()


def upload(app, content: bytes):  # type: ignore[no-untyped-def]
    field = app.file_uploader(key=Key.SETTINGS_FILE)
    field.upload("settings.json", content)
    return rerun(app)


def test_the_page_is_as_it_was() -> None:
    app = upload(open_page(picture="plate-6", n_clusters="3"), saved())
    assert app.query_params["picture"] == "flower"
    assert app.query_params["merge"] == "1.3"
    assert app.session_state["seed"] == 3
    seg = kmseg.segment(kmseg.sample_image("flower"), SETTINGS).merged([(0, 2)])
    assert counts(app) == seg.pixel_counts.tolist()
    assert not app.warning and not app.error


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<script>alert(1)</script>",
        b'{"settings": NaN}',
        b"[" * 100_000,
        b'{"settings": {"n_clusters": 1e999}}',
        b'{"settings": {"n_clusters": "4"}, "settings": {}}',
        b"x" * 300_000,
        json.dumps({"settings": {"centroids": ["#000000"] * 10_000}}).encode(),
    ],
    ids=["empty", "markup", "nan", "nested", "huge", "twice", "large", "many"],
)
def test_files_of_strangers_are_refused_in_a_sentence(content: bytes) -> None:
    app = open_page(picture="flower", width="90", n_clusters="3")
    before = component(app, "kmseg_viewer")["colors"]
    upload(app, content)
    (error,) = app.error
    assert error.value.startswith("Saved settings: ")
    assert "Traceback" not in error.value and "<script>" not in error.value
    assert component(app, "kmseg_viewer")["colors"] == before


def test_values_beyond_the_pages_ranges_are_corrected_and_said() -> None:
    many = kmseg.segment(kmseg.sample_image("flower"), kmseg.Settings(n_clusters=40, width=90))
    app = upload(open_page(picture="flower"), report.settings_json(many, picture="flower"))
    assert component(app, "kmseg_viewer")["k"] == 32
    assert "n\\_clusters" in app.warning[0].value


def test_carried_over_clusters_are_carried_over_again() -> None:
    codebook = kmseg.segment(kmseg.sample_image("plate-6"), SETTINGS).codebook
    carried = codebook.predict(kmseg.sample_image("flower"))
    content = report.settings_json(carried, picture="flower")
    app = upload(open_page(picture="china"), content)
    assert not app.error
    (pane,) = component(app, "kmseg_compare")["panes"]
    assert pane["shares"] == carried.shares.tolist()
    assert "codebook" in app.query_params


def test_carried_over_clusters_that_fit_into_no_link_name_the_place_that_opens_them() -> None:
    codebook = kmseg.segment(
        kmseg.sample_image("china"), kmseg.Settings(color_space="cielab", n_clusters=64)
    ).codebook
    carried = codebook.predict(kmseg.sample_image("flower"))
    app = upload(open_page(picture="flower"), report.settings_json(carried))
    assert "Pictures, Kept clusters" in app.error[0].value
