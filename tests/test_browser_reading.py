"""How a picture is read, in a real browser: levels, pages, transparency, repeated uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import numpy as np

from kmseg.picture.image import read_image
from kmseg.picture.reading import Reading
from readings import fluorescence, logo, pages, saved
from visitor import OpenPage, choose, choose_picture, enter, open_files, settle, shown_pixels

if TYPE_CHECKING:
    from playwright.sync_api import Page


def send(page: Page, name: str, content: bytes) -> None:
    """Upload a file and wait until it is shown."""
    # Not by a path: Chromium refuses to read a file that is written again later.
    open_files(page, {"name": name, "mimeType": "application/octet-stream", "buffer": content})
    page.locator(f".original[alt='Original: {name}']").wait_for(state="attached")
    settle(page)


def in_address(page: Page, name: str) -> str:
    return parse_qs(urlsplit(page.url).query)[name][0]


def test_sixteen_bit_gray_is_seen_and_its_levels_outlast_a_reload(open_page: OpenPage) -> None:
    _, content = fluorescence()
    page = open_page("?n_clusters=3")
    send(page, "cells.tif", content)
    np.testing.assert_array_equal(
        shown_pixels(page, "original")[..., :3], read_image(content).pixels
    )
    choose(page, "Range")
    enter(page, "To", 600)
    enter(page, "From", 100)
    assert in_address(page, "levels") == "100..600"
    wanted = read_image(content, reading=Reading(levels=(100, 600)))
    np.testing.assert_array_equal(shown_pixels(page, "original")[..., :3], wanted.pixels)
    page.locator(".left .pane").hover()
    readout = page.locator(".readout").inner_text()
    assert "value" in readout and "cluster 3" in readout
    assert 370 < int(readout.partition("value ")[2].split()[0]) < 470
    page.reload()
    settle(page)
    send(page, "cells.tif", content)
    assert in_address(page, "levels") == "100..600"
    np.testing.assert_array_equal(shown_pixels(page, "original")[..., :3], wanted.pixels)


def test_another_page_is_shown_and_back_returns_to_the_first(open_page: OpenPage) -> None:
    page = open_page("?n_clusters=2")
    send(page, "pages.tif", pages("red", "lime", "blue"))
    assert (shown_pixels(page, "original")[..., :3] == (255, 0, 0)).all()
    enter(page, "Page of 3", 2)
    assert in_address(page, "frame") == "2"
    assert (shown_pixels(page, "original")[..., :3] == (0, 255, 0)).all()
    assert (shown_pixels(page, "segmentation")[..., :3] == (0, 255, 0)).all()
    page.go_back()
    settle(page)
    assert in_address(page, "frame") == "1"
    assert (shown_pixels(page, "original")[..., :3] == (255, 0, 0)).all()
    assert page.get_by_label("Page of 3", exact=True).input_value() == "1"


def test_a_soft_shadow_is_transparent_and_in_no_cluster(open_page: OpenPage) -> None:
    pixels = logo()
    page = open_page("?n_clusters=3")
    send(page, "logo.png", saved(pixels, "PNG"))
    np.testing.assert_array_equal(shown_pixels(page, "original")[..., 3], pixels[..., 3])
    found = shown_pixels(page, "segmentation")
    np.testing.assert_array_equal(found[..., 3], np.where(pixels[..., 3] == 255, 255, 0))
    assert (found[found[..., 3] > 0][:, :3] == (230, 30, 40)).all()
    below = page.locator(".right img.under")
    assert below.evaluate("image => getComputedStyle(image).opacity") == "0"
    choose(page, "Boundaries")  # are drawn over the original
    assert below.evaluate("image => getComputedStyle(image).opacity") == "1"


def test_a_picture_that_is_uploaded_again_is_shown(open_page: OpenPage) -> None:
    page = open_page()
    send(page, "red", pages("red"))  # without an extension
    send(page, "lime", pages("lime"))
    assert (shown_pixels(page, "original")[..., :3] == (0, 255, 0)).all()
    send(page, "red", pages("red"))
    assert (shown_pixels(page, "original")[..., :3] == (255, 0, 0)).all()
    choose_picture(page, "lime")
    assert (shown_pixels(page, "original")[..., :3] == (0, 255, 0)).all()
