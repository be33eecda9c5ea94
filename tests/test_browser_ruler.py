"""The scale of objects: of the file, or of a line that is drawn on the pictures, in Chromium."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image as Pillow

import kmseg
from visitor import OpenPage, eventually, open_files, painted, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

QUERY = "?picture=stained-cells&color_space=lab&n_clusters=2&smallest_region=50&view=regions"
PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}


def scale_of(page: Page) -> float:
    return float(parse_qs(urlsplit(page.url).query).get("scale", ["0"])[0])


def open_objects(open_page: OpenPage, **window: Any) -> Page:
    page = open_page(QUERY, **window)
    page.locator(".found:not([hidden])").wait_for()
    painted(page)
    return page


def place(page: Page, u: float, v: float) -> tuple[float, float]:
    """A place of the picture in the window."""
    box = page.locator(".right .pane").bounding_box()
    box = box or page.locator(".left .pane").bounding_box()
    assert box
    return box["x"] + u * box["width"], box["y"] + v * box["height"]


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*place(page, *start))
    page.mouse.down()
    page.mouse.move(*place(page, *end), steps=4)
    page.mouse.up()


def pixels(start: tuple[float, float], end: tuple[float, float]) -> float:
    image = kmseg.sample_image("stained-cells")
    size = np.array((image.width, image.height))
    return float(np.hypot(*((np.subtract(end, start)) * size)))


@pytest.mark.parametrize("window", [{}, PHONE], ids=["desktop", "phone"])
def test_a_line_of_known_length_gives_the_scale(
    open_page: OpenPage, window: dict[str, Any]
) -> None:
    page = open_objects(open_page, **window)
    start, end = (0.2, 0.3), (0.6, 0.5)
    page.get_by_role("button", name="Draw along a ruler").click()
    page.get_by_text("Drag along a length that you know").wait_for()
    drag(page, start, end)
    page.get_by_label("The line of 2").fill("0")
    page.get_by_role("button", name="Set", exact=True).click()
    page.get_by_text("Type the length in mm").wait_for()
    page.get_by_label("The line of 2").fill("25,4")
    page.keyboard.press("Enter")
    assert scale_of(page) == pytest.approx(pixels(start, end) / 25.4, rel=0.01)
    assert page.locator("svg.ruler line").count() == 0
    assert "mm²" in page.locator(".rows thead").inner_text()
    area = kmseg.sample_image("stained-cells").pixels[..., 0].size / scale_of(page) ** 2
    assert f"{float(f'{area:.3g}'):,.0f} mm²" in page.locator(".sum").inner_text()


def test_the_line_is_drawn_by_keys_and_given_up_by_escape(open_page: OpenPage) -> None:
    page = open_objects(open_page)
    page.get_by_role("button", name="Draw along a ruler").click()
    page.keyboard.press("Enter")
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_text("The line of 48 pixels is").wait_for()  # ten steps of 1 % of 480 pixels
    page.get_by_role("button", name="Draw along a ruler").click()
    assert page.locator("svg.ruler line").count() == 0
    page.keyboard.press("Escape")
    page.get_by_text("Drag along a length").wait_for(state="detached")
    assert scale_of(page) == 0


def test_only_one_tool_draws_at_a_time(open_page: OpenPage) -> None:
    page = open_objects(open_page, width=1920, height=1080)
    region = page.get_by_role("button", name="Draw a region")
    region.click()
    assert region.get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Draw along a ruler").click()
    assert region.get_attribute("aria-pressed") == "false"
    drag(page, (0.2, 0.2), (0.4, 0.2))
    page.get_by_text("The line of 96 pixels is").wait_for()
    assert "&region=" not in page.url


def test_the_scale_of_the_file_is_one_click_away(open_page: OpenPage) -> None:
    file = io.BytesIO()
    image = kmseg.sample_image("stained-cells")
    Pillow.fromarray(image.pixels).save(file, "TIFF", dpi=(300, 300))
    page = open_objects(open_page)
    assert not page.locator(".stated").is_visible()
    open_files(page, {"name": "scan.tif", "mimeType": "image/tiff", "buffer": file.getvalue()})
    page.get_by_role("button", name="11.811024 from the file").click()
    assert scale_of(page) == pytest.approx(300 / 25.4, rel=1e-6)
    field = page.get_by_label("Pixels per mm")
    eventually(page, lambda: field.input_value() == "11.811024", "The field has another scale.")
    settle(page)
