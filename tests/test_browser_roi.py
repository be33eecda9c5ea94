"""A region of interest that is drawn on the pictures, in a real browser."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import numpy as np

import kmseg
from inprocess import png
from kmseg.picture.roi import mask_of, parse_region
from visitor import OpenPage, answered, counts, eventually, painted, resize, settle, shown_pixels

if TYPE_CHECKING:
    from playwright.sync_api import Page

START = "?v=1&picture=flower&color_space=rgb&n_clusters=3"
CORNERS = [(0.2, 0.2), (0.8, 0.3), (0.5, 0.9)]


def region_of(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query).get("region", [""])[0]


def draw(page: Page) -> None:
    painted(page)
    button = page.get_by_role("button", name="Draw a region")
    if not button.is_visible():
        page.get_by_role("button", name="View", exact=True).click()
    button.click()
    page.get_by_text("Drag a rectangle, or click").wait_for()


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    box = page.locator(".left .pane").bounding_box()
    assert box
    places = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=5)
    page.mouse.up()


def click(page: Page, u: float, v: float, pane: str = ".left .pane") -> None:
    box = page.locator(pane).bounding_box()
    assert box
    page.mouse.click(box["x"] + u * box["width"], box["y"] + v * box["height"])


def wait_for_region(page: Page, is_set: bool = True) -> None:
    eventually(page, lambda: bool(region_of(page)) == is_set, "The address has no new region.")
    answered(page)
    painted(page)


def check_shown(page: Page) -> None:
    """The picture on the page is that of the region in the address, and so are the counts."""
    image = kmseg.sample_image("flower")
    region = parse_region(region_of(page))
    seg = kmseg.segment(image.within(region), kmseg.Settings(color_space="rgb", n_clusters=3))
    found = shown_pixels(page, "segmentation")
    inside = mask_of(region, image.width, image.height)
    np.testing.assert_array_equal(found[..., 3] > 0, inside)
    np.testing.assert_array_equal(found[inside][:, :3], seg.palette[seg.labels[inside]])
    assert (shown_pixels(page, "original")[..., 3] == 255).all()
    shares = page.locator(".swatches button, .swatches > *").count()
    assert shares == seg.n_clusters


def test_a_drag_is_a_rectangle_and_remove_region_removes_it(open_page: OpenPage) -> None:
    page = open_page(START, width=1920, height=1080)
    for size in ((1920, 1080), (1280, 720)):
        resize(page, *size)
        draw(page)
        drag(page, (0.25, 0.2), (0.75, 0.6))
        wait_for_region(page)
        width, height = kmseg.sample_image("flower").pixels.shape[1::-1]
        found = np.array(parse_region(region_of(page)))
        wanted = np.array([(0.25 * width, 0.2 * height), (0.75 * width, 0.6 * height)])
        assert np.abs(found - wanted).max() <= 2
        check_shown(page)
        if size != (1280, 720):
            remove_region(page)
    page.reload()
    settle(page)
    check_shown(page)
    rows = counts(page)
    region = parse_region(region_of(page))
    seg = kmseg.segment(
        kmseg.sample_image("flower").within(region),
        kmseg.Settings(color_space="rgb", n_clusters=3),
    )
    assert [int(row["pixels"]) for row in rows] == seg.pixel_counts.tolist()
    remove_region(page)


def remove_region(page: Page) -> None:
    page.get_by_role("button", name="Remove region").click()
    wait_for_region(page, is_set=False)
    assert (shown_pixels(page, "segmentation")[..., 3] == 255).all()


def test_clicks_are_the_corners_of_a_polygon(open_page: OpenPage) -> None:
    page = open_page(START)
    draw(page)
    for u, v in CORNERS:
        click(page, u, v)
    assert region_of(page) == ""
    click(page, *CORNERS[0])
    wait_for_region(page)
    assert len(parse_region(region_of(page))) == len(CORNERS)
    check_shown(page)
    # Afterwards, a click is a click on a cluster again.
    click(page, 0.5, 0.4, ".right .pane")
    page.locator(".viewer.some").wait_for()


def test_a_polygon_is_drawn_by_keys(open_page: OpenPage) -> None:
    page = open_page(START)
    draw(page)
    for keys in (["Shift+ArrowLeft"] * 2, ["Shift+ArrowUp"] * 3, ["Shift+ArrowRight"] * 4):
        for key in keys:
            page.keyboard.press(key)
        page.keyboard.press("Enter")
    close = page.get_by_role("button", name="Close the polygon")
    if not close.is_visible():
        page.get_by_role("button", name="View", exact=True).click()
    close.click()
    wait_for_region(page)
    assert len(parse_region(region_of(page))) == 3
    check_shown(page)


def test_escape_ends_drawing_and_changes_nothing(open_page: OpenPage) -> None:
    page = open_page(START)
    draw(page)
    click(page, 0.3, 0.3)
    page.keyboard.press("Escape")
    page.get_by_text("Drag a rectangle, or click").wait_for(state="hidden")
    assert region_of(page) == ""
    assert page.locator(".outline *").count() == 0


def test_a_rectangle_is_drawn_by_touch_without_scrolling_the_page(open_page: OpenPage) -> None:
    page = open_page(START, width=390, height=844, has_touch=True)
    draw(page)
    box = page.locator(".left .pane").bounding_box()
    assert box
    devtools = page.context.new_cdp_session(page)
    places = [
        {"x": box["x"] + u * box["width"], "y": box["y"] + v * box["height"]}
        for u, v in ((0.3, 0.2), (0.5, 0.5), (0.7, 0.8))
    ]
    devtools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [places[0]]})
    for place in places[1:]:
        devtools.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    wait_for_region(page)
    assert len(parse_region(region_of(page))) == 2
    check_shown(page)


DROP = """(field, data) => {
  const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0))
  const transfer = new DataTransfer()
  transfer.items.add(new File([bytes], "mask.png", { type: "image/png" }))
  for (const name of ["dragenter", "dragover", "drop"]) {
    const options = { bubbles: true, cancelable: true, dataTransfer: transfer }
    field.dispatchEvent(new DragEvent(name, options))
  }
}"""


def test_a_mask_dropped_on_its_field_was_opened_as_a_picture(open_page: OpenPage) -> None:
    mask = np.zeros((427, 640), np.uint8)
    mask[100:200, 50:90] = 255
    page = open_page(f"{START}&view=download")
    page.get_by_text("Advanced", exact=True).click()
    field = page.locator("[class*=st-key-mask] [data-testid=stFileUploaderDropzone]")
    field.evaluate(DROP, base64.b64encode(png(mask)).decode())
    page.get_by_role("button", name="Remove mask", exact=True).wait_for()
    answered(page)
    assert sum(int(row["pixels"]) for row in counts(page)) == 4000
    assert "mask.png" not in page.locator(".album").inner_text()
    assert not page.get_by_text("Drop to open").is_visible()


def test_a_mask_was_announced_in_the_strip_as_a_picture_that_never_opened(
    open_page: OpenPage,
) -> None:
    image = kmseg.sample_image("flower")
    inside = mask_of(((100, 60), (500, 80), (300, 400)), image.width, image.height)
    page = open_page(f"{START}&view=download")
    page.get_by_text("Advanced", exact=True).click()
    content = png(np.where(inside, np.uint8(255), np.uint8(0)))
    page.locator("[class*=st-key-mask] input[type=file]").set_input_files(
        [{"name": "mask.png", "mimeType": "image/png", "buffer": content}]
    )
    page.get_by_role("button", name="Remove mask", exact=True).wait_for()
    answered(page)
    seg = kmseg.segment(image.masked(inside), kmseg.Settings(color_space="rgb", n_clusters=3))
    assert [int(row["pixels"]) for row in counts(page)] == seg.pixel_counts.tolist()
    shown = shown_pixels(page, "segmentation")
    np.testing.assert_array_equal(shown[..., 3] > 0, inside)
    assert "mask.png" not in page.locator(".album").inner_text()
    page.get_by_role("button", name="Share", exact=True).click()
    assert page.get_by_text("Your mask is not in the link").is_visible()
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Remove mask", exact=True).click()
    page.get_by_role("button", name="Remove mask", exact=True).wait_for(state="detached")
    answered(page)
    assert (shown_pixels(page, "segmentation")[..., 3] > 0).all()
