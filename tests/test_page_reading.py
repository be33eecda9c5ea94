"""How a picture is read, on the page run in process: levels, pages, notes, uploads."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from PIL import Image as Pillow
from streamlit.testing.v1 import AppTest

import icc
import kmseg
from inprocess import (
    choose_picture,
    component,
    counts,
    open_page,
    pictures,
    png,
    refused,
    rerun,
    set_k,
    texts,
)
from kmseg.picture.image import read_image
from kmseg.picture.reading import Levels, Reading
from kmseg.ui.store import results
from readings import fluorescence, logo, pages, saved


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    app.file_uploader(key="uploads").upload(name, content)
    return rerun(app)


def expected(content: bytes, n_clusters: int = 4, frame: int = 0, levels: Levels = "auto") -> list:
    image = read_image(content, reading=Reading(frame, levels))
    return kmseg.segment(image, kmseg.Settings(n_clusters=n_clusters)).pixel_counts.tolist()


def palette(app: AppTest) -> list[str]:
    colors: list[str] = component(app, "kmseg_viewer")["colors"]
    return colors


def test_sixteen_bit_gray_was_black_and_its_values_unknown() -> None:
    values, content = fluorescence()
    app = upload(open_page(n_clusters="3"), "cells.tif", content)
    assert counts(app) == expected(content, 3)
    assert "16\\-bit" in texts(app) and "shown as 0 to 255" in texts(app)
    table = component(app, "kmseg_table")
    assert [column["title"] for column in table["columns"]][4] == "Value in the file"
    for row, centre in zip(table["rows"], (150, 300, 420), strict=True):
        mean, _, ends = row["values"][0].partition(" (")
        least, greatest = map(float, ends.rstrip(")").split(" to "))
        assert float(mean) == pytest.approx(centre, abs=2)
        assert least < centre < greatest and greatest - least < 110
    units = component(app, "kmseg_viewer")["units"]
    assert units["black"] <= values.min() + 5 and units["white"] >= values.max() - 5


def test_levels_are_chosen_and_kept_for_each_picture() -> None:
    _, content = fluorescence()
    app = upload(open_page(n_clusters="3"), "cells.tif", content)
    app.segmented_control(key="level_rule").set_value("stored")
    rerun(app)
    assert app.query_params["levels"] == "stored"
    assert set(palette(app)) <= {"#000000", "#010101", "#020202"}
    assert counts(app) == expected(content, 3, levels="stored")
    app.segmented_control(key="level_rule").set_value("range")
    rerun(app)
    assert app.number_input(key="level_high").value == 65535
    app.number_input(key="level_low").set_value(100)
    app.number_input(key="level_high").set_value(500)
    rerun(app)
    assert app.query_params["levels"] == "100..500"
    assert counts(app) == expected(content, 3, levels=(100, 500))
    choose_picture(app, "china")
    assert app.query_params["levels"] == "auto"
    assert not [control for control in app.segmented_control if control.label == "Levels"]
    choose_picture(app, "cells.tif")
    assert app.query_params["levels"] == "100..500"
    assert app.number_input(key="level_low").value == 100


@pytest.mark.parametrize(
    ("key", "value", "levels"),
    [("level_low", 600, "600..1000"), ("level_high", 50, "-350..50"), ("level_high", 9, "-391..9")],
)
def test_a_limit_that_passes_the_other_pushes_it_along(key: str, value: int, levels: str) -> None:
    _, content = fluorescence()
    app = upload(open_page(picture="upload", levels="100..500"), "cells.tif", content)
    app.number_input(key=key).set_value(value)
    rerun(app)
    assert app.query_params["levels"] == levels


def test_a_link_reads_the_upload_that_it_was_made_with() -> None:
    _, content = fluorescence()
    app = open_page(picture="upload-12345678", levels="120..480", n_clusters="3")
    upload(app, "cells.tif", content)
    assert not app.warning
    assert app.query_params["levels"] == "120..480"
    assert counts(app) == expected(content, 3, levels=(120, 480))
    assert "120 to 480 shown as 0 to 255" in texts(app)


def test_a_wrong_reading_in_a_link_is_corrected_and_named() -> None:
    app = open_page(picture="upload", frame="0", levels="9..3")
    upload(app, "pages.tif", pages("red", "lime"))
    assert "frame" in app.warning[0].value and "levels" in app.warning[0].value
    assert palette(app) == ["#ff0000"]


def test_levels_of_a_link_to_a_picture_of_8_bits_are_left_out() -> None:
    app = open_page(picture="flower", levels="0..99", frame="7")
    said = app.warning[0].value
    assert "this picture has 8 bits" in said and "one frame, not 7" in said
    set_k(app, 3)
    assert (app.query_params["frame"], app.query_params["levels"]) == ("1", "auto")


def test_other_pages_of_a_file_could_not_be_seen() -> None:
    app = upload(open_page(picture="china"), "pages.tif", pages("red", "lime", "blue"))
    assert "page 1 of 3" in texts(app)
    assert palette(app) == ["#ff0000"]
    assert app.number_input(key="frame").label == "Page of 3"
    app.number_input(key="frame").set_value(2)
    rerun(app)
    assert palette(app) == ["#00ff00"]
    assert "page 2 of 3" in texts(app)
    assert app.query_params["frame"] == "2"


def test_a_page_that_does_not_exist_becomes_the_last() -> None:
    app = upload(open_page(picture="upload", frame="9"), "pages.tif", pages("red", "lime"))
    assert palette(app) == ["#00ff00"]
    said = app.warning[0].value
    assert "this picture has 2 pages, not 9; 2 is used" in said
    assert "upload that picture" not in said
    set_k(app, 3)
    assert app.query_params["frame"] == "2" and not app.warning


def test_from_a_page_that_cannot_be_read_one_can_go_back() -> None:
    content = bytearray(pages("red", "lime", compression="tiff_deflate"))
    second = Pillow.open(io.BytesIO(content))
    second.seek(1)
    start, length = second.tag_v2[273][0], second.tag_v2[279][0]
    content[start : start + length] = b"\xff" * length
    app = upload(open_page(picture="china"), "pages.tif", bytes(content))
    app.number_input(key="frame").set_value(2)
    rerun(app)
    assert len(app.error) == 1
    app.number_input(key="frame").set_value(1)
    rerun(app)
    assert not app.error
    assert palette(app) == ["#ff0000"]


def test_a_soft_shadow_was_a_black_cluster() -> None:
    pixels = logo()
    app = upload(open_page(n_clusters="3"), "logo.png", png(pixels))
    assert palette(app) == ["#e61e28"]
    assert counts(app) == [int((pixels[..., 3] == 255).sum())]


def test_a_reduced_preview_has_no_fringe_of_invisible_colours() -> None:
    """A white glow fades out above white; fully transparent pixels are black in the file."""
    side = 1200
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    glow = np.clip(1 - np.hypot(rows, columns) / 0.4, 0, 1)
    pixels = np.full((side, side, 4), 255, np.uint8)
    pixels[..., 3] = np.rint(255 * glow)
    pixels[pixels[..., 3] == 0] = 0
    image = read_image(png(pixels))
    shown = np.asarray(Pillow.open(io.BytesIO(results._original(image, 300))))
    assert shown.shape == (300, 300, 4)
    assert shown[shown[..., 3] > 8][:, :3].min() >= 230
    np.testing.assert_allclose(shown[2::10, 2::10, 3], pixels[10::40, 10::40, 3], atol=3)


def test_a_preview_may_have_no_pixel_that_is_half_opaque() -> None:
    pixels = np.zeros((4, 4000, 4), np.uint8)
    pixels[:, ::10] = (255, 0, 0, 255)
    content = results._original(read_image(png(pixels)), 400)
    shown = np.asarray(Pillow.open(io.BytesIO(content)))
    np.testing.assert_allclose(shown, np.broadcast_to((255, 0, 0, 26), shown.shape), atol=6)


def test_markup_in_the_name_of_a_profile_stays_text() -> None:
    profile = icc.rgb(icc.ADOBE_RGB, 2.2, "*a* [b](http://c)")
    pixels = np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)
    app = upload(open_page(picture="china"), "photo.png", saved(pixels, "PNG", icc_profile=profile))
    assert "\\*a\\* \\[b\\]\\(http\\:" in texts(app)
    assert "converted to sRGB" in texts(app)


# -- uploads ---------------------------------------------------------------------------------------


def test_uploading_a_picture_again_showed_nothing() -> None:
    one, two = pages("red"), pages("lime")
    app = open_page(picture="china")
    app.file_uploader(key="uploads").upload("1.tif", one).upload("2.tif", two).upload("1.tif", one)
    rerun(app)
    assert palette(app) == ["#ff0000"]
    assert [name for name in pictures(app).values() if name.startswith("1.tif")] == ["1.tif"]


@pytest.mark.parametrize("name", ["scan", "photo.avif", "IMG_1.HEIC", ".hidden", "picture.txt"])
def test_the_uploader_turns_no_file_away_by_its_name(name: str) -> None:
    app = open_page(picture="china")
    assert not app.file_uploader(key="uploads").allowed_type
    upload(app, name, saved(np.full((9, 9, 3), 200, np.uint8), "AVIF", quality=100))
    assert not refused(app)
    assert component(app, "kmseg_viewer")["full"] == [9, 9]


def test_a_file_that_is_no_picture_gets_a_sentence() -> None:
    app = upload(open_page(), "notes.txt", b"not a picture")
    assert refused(app)[0].startswith("notes.txt: The file is not a picture that is read here")


# -- region ----------------------------------------------------------------------------------------


def test_a_link_with_a_region_clusters_what_is_inside_on_samples_and_uploads() -> None:
    region = ((10, 20), (110, 80))
    image = kmseg.sample_image("flower")
    query = {"picture": "flower", "color_space": "rgb", "n_clusters": "3", "region": "10.20_110.80"}
    app = open_page(**query)
    seg = kmseg.segment(image.within(region), kmseg.Settings(color_space="rgb", n_clusters=3))
    assert component(app, "kmseg_viewer")["counts"] == seg.pixel_counts.tolist()
    content = png(image.pixels)
    name = f"upload-{hashlib.sha256(content).hexdigest()[:8]}"
    app = open_page(**query | {"picture": name})
    app.file_uploader(key="uploads").upload("mine.png", content)
    rerun(app)
    assert component(app, "kmseg_viewer")["counts"] == seg.pixel_counts.tolist()
    app.button(key="remove region").click()
    rerun(app)
    assert sum(component(app, "kmseg_viewer")["counts"]) == image.width * image.height
    assert "region" not in app.query_params


def test_a_region_outside_the_picture_is_said_and_can_be_removed() -> None:
    app = open_page(picture="flower", n_clusters="3", region="90000.10_99000.20")
    assert "No pixel inside the region" in app.error[0].value
    app.button(key="remove region").click()
    rerun(app)
    assert not app.error
    assert component(app, "kmseg_viewer")["outline"] == []
