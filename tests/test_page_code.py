"""The view "Code": programs, commands and their downloads."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import kmseg
from inprocess import open_page, png, rerun, texts
from kmseg.output import code
from kmseg.settings.scripts import PROGRAMS
from kmseg.ui.views.code import LANGUAGE


def shown(app: AppTest) -> list[str]:
    return [element.value for element in app.code]


def titles(app: AppTest) -> list[str]:
    return [button.label for button in app.get("download_button")]


@pytest.mark.parametrize("language", PROGRAMS)
def test_each_language_shows_its_program_and_offers_three_files(language: str) -> None:
    app = open_page(view="code", picture="plate-6", code=language, n_clusters="3", width="80")
    settings = kmseg.Settings(n_clusters=3, width=80)
    (program,) = shown(app)
    assert f"{program}\n" == settings.to_script(language, "sample:plate-6")  # type: ignore[arg-type]
    assert titles(app) == ["Program (.py)", "Notebook (.ipynb)", "All with the picture (ZIP)"]
    assert app.query_params["code"] == language
    assert not app.warning and not app.error


def test_the_commands_named_a_file_that_there_is_not() -> None:
    app = open_page(view="code", picture="plate-6", n_clusters="3", code="command")
    posix, windows = shown(app)
    assert posix.startswith(".venv/bin/python -m kmseg -i sample:plate-6 ")
    assert windows.startswith(r".venv\Scripts\python -m kmseg -i sample:plate-6 ")
    app.segmented_control(key=LANGUAGE.name).set_value("kmseg")
    rerun(app)
    assert "kmseg.sample_image('plate-6')" in shown(app)[0]
    app.file_uploader(key="uploads").upload("my photo.png", png(np.zeros((9, 9, 3), np.uint8)))
    rerun(app)
    assert "kmseg.read_image('my photo.png')" in shown(app)[0]
    app.segmented_control(key=LANGUAGE.name).set_value("command")
    rerun(app)
    posix, windows = shown(app)
    assert "-i 'my photo.png'" in posix and '-i "my photo.png"' in windows


def test_the_program_of_a_picture_with_too_few_colours_has_the_k_that_was_found() -> None:
    app = open_page(view="code", n_clusters="7")
    pixels = np.zeros((6, 9, 3), np.uint8)
    pixels[:2], pixels[4:] = 90, 200
    app.file_uploader(key="uploads").upload("three.png", png(pixels))
    rerun(app)
    assert "K is 3, not 7" in texts(app)
    assert "\nK = 3\n" in shown(app)[0]


def test_a_program_looks_for_transparent_pixels_only_where_there_are_some() -> None:
    app = open_page(view="code")
    for alpha in (255, 0):
        pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 4), np.uint8)
        pixels[..., 3] = 255
        pixels[3, 5, 3] = alpha
        app.file_uploader(key="uploads").upload(f"{alpha}.png", png(pixels))
        rerun(app)
        assert ("alpha" in shown(app)[0]) == (alpha == 0)


def test_merged_clusters_are_said_to_be_missing_from_the_code() -> None:
    app = open_page(view="code", picture="flower", width="90", merge="1.3")
    assert "Merged clusters are part of the files and the link, but not of the code." in texts(app)


def test_the_archive_has_all_that_the_program_needs() -> None:
    rng = np.random.default_rng(0)
    alpha = rng.integers(0, 256, (20, 30), np.uint8)
    image = kmseg.Image(rng.integers(0, 256, (20, 30, 3), np.uint8), alpha=alpha)
    settings = kmseg.Settings(width=10)
    for picture, stem in (("a photo.tif", "a photo"), ("con.png", "_con-"), ("x\n../y", "x-..-y-")):
        data = code.archive(image, settings, "opencv", picture)
        assert data == code.archive(image, settings, "opencv", picture)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        script, notebook, saved = files
        assert all(name.startswith(stem) and "/" not in name for name in files)
        assert (script.endswith("_opencv.py"), notebook.endswith("_opencv.ipynb")) == (True, True)
        read = kmseg.read_image(files[saved])
        np.testing.assert_array_equal(read.alpha, alpha)
        np.testing.assert_array_equal(read.pixels, image.pixels)
        assert files[script].decode() == settings.to_script("opencv", saved)
        assert json.loads(files[notebook]) == json.loads(settings.to_notebook("opencv", saved))
