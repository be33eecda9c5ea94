"""The view "Pictures": one set of clusters on several pictures, in this process."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import kmseg
from inprocess import component, open_page, png, rerun, set_k, texts
from kmseg.output import report
from kmseg.saved import unpacked
from kmseg.ui import store
from kmseg.ui.session import Key
from kmseg.ui.views import pictures
from readings import fluorescence, saved

CHOSEN = "pictures 0"
LAB = {"picture": "flower", "color_space": "cielab", "n_clusters": "4", "view": "pictures"}
SETTINGS = kmseg.Settings(color_space="cielab", n_clusters=4)


def panes(app: AppTest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = component(app, "kmseg_compare")["panes"]
    return found


def choose(app: AppTest, by: str, *names: str) -> None:
    if names:
        app.multiselect(key=CHOSEN).set_value(list(names))
    app.segmented_control(key=pictures.BY.name).set_value(by)
    rerun(app)


def nearest(pixels: np.ndarray, codebook: kmseg.Codebook) -> np.ndarray:
    """Shares of the clusters of a codebook, by plain NumPy."""
    values = kmseg.color.features(pixels.reshape(-1, 3), "cielab")
    distances = ((values[:, None] - codebook.centroids) ** 2).sum(axis=2)
    return np.bincount(distances.argmin(axis=1), minlength=len(codebook.centroids)) / len(values)


def test_the_clusters_of_one_picture_keep_their_numbers_and_colours_on_another() -> None:
    app = open_page(**LAB)
    choose(app, "this", "flower", "stained-glass")
    first, other = panes(app)
    codebook = kmseg.segment(kmseg.sample_image("flower"), SETTINGS).codebook
    assert first["colors"] == other["colors"]
    for pane, name in ((first, "flower"), (other, "stained-glass")):
        shares = nearest(kmseg.sample_image(name).pixels, codebook)
        np.testing.assert_allclose(pane["shares"], shares, atol=1e-12)


def test_one_palette_for_all_is_a_fit_on_all_pixels() -> None:
    app = open_page(**LAB)
    choose(app, "all", "flower", "plate-6")
    images = [kmseg.sample_image(name).pixels for name in ("flower", "plate-6")]
    every = kmseg.Image(np.concatenate([pixels.reshape(1, -1, 3) for pixels in images], axis=1))
    codebook = kmseg.segment(kmseg.color_histogram(every), SETTINGS).codebook
    for pane, pixels in zip(panes(app), images, strict=True):
        np.testing.assert_allclose(pane["shares"], nearest(pixels, codebook), atol=1e-6)


def test_one_palette_for_a_series_of_16_bits_read_each_picture_with_its_own_levels() -> None:
    values = fluorescence()[0]
    contents = [saved(values + np.uint16(400 * number)) for number in (0, 1)]
    app = open_page(color_space="gray", n_clusters="3", view="pictures")
    for number, content in enumerate(contents):
        app.file_uploader(key="uploads").upload(f"scan{number}.tif", content)
    rerun(app)
    app.segmented_control(key=pictures.BY.name).set_value("all")
    rerun(app)
    scales = [scale for c in contents if (scale := kmseg.read_image(c).scale)]
    pair = min(scale.low for scale in scales), max(scale.high for scale in scales)
    images = [kmseg.read_image(c, reading=kmseg.Reading(levels=pair)) for c in contents]
    pooled = kmseg.pooled(map(kmseg.color_histogram, images))
    settings = kmseg.Settings(color_space="gray", n_clusters=3)
    codebook = kmseg.segment(pooled, settings).codebook
    wanted = sorted(codebook.predict(image).shares.tolist() for image in images)
    assert sorted(pane["shares"] for pane in panes(app)) == wanted
    assert wanted[0] != wanted[1]


def test_clusters_of_a_saved_file_are_exact_and_a_wrong_file_is_refused() -> None:
    app = open_page(**LAB)
    choose(app, "file", "plate-6")
    uploader = app.file_uploader(key=Key.CODEBOOK)
    seg = kmseg.segment(kmseg.sample_image("stained-glass"), replace(SETTINGS, n_clusters=6))
    uploader.upload("settings.json", report.settings_json(seg))
    rerun(app)
    (pane,) = panes(app)
    wanted = nearest(kmseg.sample_image("plate-6").pixels, seg.codebook)
    np.testing.assert_allclose(pane["shares"], wanted, atol=1e-12)
    app.file_uploader(key=Key.CODEBOOK).set_value(
        ("wrong.json", b'{"settings": NaN}', "application/json")
    )
    rerun(app)
    assert app.error


def test_kept_clusters_outlast_the_settings_and_are_in_the_link() -> None:
    app = open_page(**LAB)
    choose(app, "this", "flower", "plate-6")
    kept = [pane["shares"] for pane in panes(app)]
    app.button(key="keep").click()
    rerun(app)
    set_k(app, 7)
    assert [pane["shares"] for pane in panes(app)] == kept
    query = {name: str(value) for name, value in app.query_params.items()}
    other = open_page(**query)
    assert [pane["shares"] for pane in panes(other)][:1] == kept[:1]
    book = unpacked(query["codebook"])
    wanted = kmseg.segment(kmseg.sample_image("flower"), SETTINGS).codebook
    assert book.to_dict() == wanted.to_dict()


def test_clusters_that_do_not_fit_into_a_link_are_kept_and_that_is_said() -> None:
    app = open_page(**LAB)
    choose(app, "file", "plate-6")
    seg = kmseg.segment(kmseg.sample_image("china"), replace(SETTINGS, n_clusters=64))
    app.file_uploader(key=Key.CODEBOOK).upload("settings.json", report.settings_json(seg))
    rerun(app)
    (pane,) = panes(app)
    assert len(pane["shares"]) == 64
    assert "too many for a link" in texts(app)
    assert "codebook" not in app.query_params


def test_own_pictures_are_there_at_once() -> None:
    app = open_page(**LAB)
    for seed in (0, 1):
        pixels = np.random.default_rng(seed).integers(0, 256, (31, 41, 3), np.uint8)
        app.file_uploader(key="uploads").upload(f"mine{seed}.png", png(pixels))
    rerun(app)
    assert {pane["title"] for pane in panes(app)} == {"mine0.png", "mine1.png"}
    assert not app.error and "same on every picture" in texts(app)


def test_a_zip_is_made_when_it_is_asked_for() -> None:
    app = open_page(**LAB)
    choose(app, "this", "flower", "plate-6")
    assert not app.get("download_button")
    app.button(key="zip").click()
    rerun(app)
    (download,) = app.get("download_button")
    assert "Download the ZIP" in download.proto.label  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["flower", "plate-6"])
def test_the_zip_has_labels_pictures_and_counts_of_each(name: str) -> None:
    codebook = kmseg.segment(kmseg.sample_image("flower"), SETTINGS).codebook
    entries = [(each, store.sample(each)) for each in ("flower", name)]
    done: list[int] = []
    content = store.carried_archive(entries, codebook, done.append)
    assert done == [0, 1]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert len(set(archive.namelist())) == 6
        counts = [each for each in archive.namelist() if each.endswith(".csv")]
        assert [each[:2] for each in counts] == ["01", "02"]
        rows = list(csv.DictReader(io.StringIO(archive.read(counts[1]).decode())))
    wanted = codebook.predict(kmseg.sample_image(name)).pixel_counts.tolist()
    assert [int(row["pixels"]) for row in rows] == wanted
