"""The page on a projector, a large screen and a phone: what is in sight, and what moves."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image as Pillow

from kmseg.settings import LINK_VERSION
from kmseg.ui.views import VIEWS
from visitor import OpenPage, eventually, open_view, painted, pick, resize, settle, slide

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, FloatRect, Locator, Page


V = f"v={LINK_VERSION}"
PROJECTOR = {"width": 1280, "height": 720}
LARGE = {"width": 1920, "height": 1080}
PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}

SHAPES = {"wide": (1000, 350), "square": (450, 450), "tall": (350, 1000)}

# What each view shows first.
CONTENT = {
    "clusters": "tbody tr",
    "cloud": ".kmseg-cloud-plot canvas",
    "sheet": ".gallery button",
    "ladder": ".curves",
    "residual": ".st-key-section [data-testid=stImage] img",
    "steps": ".steps:not([hidden])",
    "attempts": ".attempts .card",
    "lessons": ".lessons a",
    "pictures": ".compare .pane",
    "regions": ".objects .found:not([hidden])",
    "pins": ".st-key-section [data-testid=stButton]",
    "download": ".st-key-section [data-testid=stDownloadButton]",
    "code": ".st-key-section [data-testid=stDownloadButton]",
}
HEIGHT_TO_SEE = 30  # CSS pixels of it that must be in sight


def picture(shape: str) -> FilePayload:
    """A file with a picture of this shape."""
    width, height = SHAPES[shape]
    x, y = np.linspace(0, 255, width), np.linspace(0, 255, height)[:, None]
    pixels = np.stack(np.broadcast_arrays(x, y, 255 - x), axis=2)
    pixels += np.random.default_rng(0).normal(0, 9, pixels.shape)
    buffer = io.BytesIO()
    Pillow.fromarray(np.clip(pixels, 0, 255).astype(np.uint8) // 32 * 32).save(buffer, "PNG")
    return {"name": f"{shape}.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


def upload(page: Page, shape: str) -> None:
    page.locator(".st-key-uploads input[type=file]").set_input_files([picture(shape)])
    page.get_by_text("{} × {}".format(*SHAPES[shape])).first.wait_for(timeout=60_000)
    settle(page)
    painted(page)


def box_of(element: Locator) -> FloatRect:
    box = element.bounding_box()
    assert box
    return box


def scrolled(page: Page) -> float:
    position: float = page.locator("[data-testid=stMain]").evaluate("main => main.scrollTop")
    return position


def wait_until_still(page: Page) -> None:
    """Wait until the page has scrolled as far as it will: twenty frames without a change."""
    page.evaluate(
        """async () => {
          const main = document.querySelector("[data-testid=stMain]")
          const frame = () => new Promise(requestAnimationFrame)
          for (let still = 0, last = -1; still < 20; await frame()) {
            still = main.scrollTop === last ? still + 1 : 0
            last = main.scrollTop
          }
        }"""
    )


def shown_height(page: Page, element: Locator) -> float:
    """How many pixels of an element's height lie within the window."""
    box, window = box_of(element), page.viewport_size
    assert window
    return min(box["y"] + box["height"], window["height"]) - max(box["y"], 0)


# -- projector -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_tabs_and_views_that_are_opened_are_in_sight_below_a_picture(
    open_page: OpenPage, shape: str
) -> None:
    """Below a square picture, every view is opened by a test of test_browser_axe."""
    page = open_page(f"?{V}", **PROJECTOR)
    upload(page, shape)
    assert_tabs_are_in_the_window(page)
    for key in ("residual", "download"):
        open_view(page, VIEWS[key])
        content = page.locator(CONTENT[key]).first
        content.wait_for(timeout=60_000)
        wait_until_still(page)
        assert shown_height(page, content) >= HEIGHT_TO_SEE, key
        assert shown_height(page, page.locator(".viewer")) >= HEIGHT_TO_SEE, key


def assert_tabs_are_in_the_window(page: Page) -> None:
    """The tabs of a square picture lay below a projector's window."""
    panes = box_of(page.locator(".viewer .pair"))
    places = box_of(page.locator(".st-key-places"))
    assert scrolled(page) == 0
    assert panes["y"] >= 0
    assert panes["y"] + panes["height"] <= places["y"]
    assert places["y"] + places["height"] <= PROJECTOR["height"] - 120
    assert panes["height"] >= 200 or panes["width"] >= 800


# The content of these arrives late, stands beside the pictures, or has none above it.
@pytest.mark.parametrize("view", ["cloud", "sheet", "steps", "regions", "pins"])
def test_a_link_to_a_view_shows_its_first_rows_without_scrolling(
    open_page: OpenPage, view: str
) -> None:
    page = open_page(f"?{V}&picture=plate-74&view={view}", **PROJECTOR)
    content = page.locator(CONTENT[view]).first
    content.wait_for(timeout=60_000)
    wait_until_still(page)
    assert scrolled(page) == 0
    assert shown_height(page, content) > 0


def test_a_changed_setting_does_not_scroll_the_page(open_page: OpenPage) -> None:
    page = open_page(f"?{V}&picture=flower&width=60&view=ladder", **PROJECTOR)
    slide(page, "Attempts", 1)
    wait_until_still(page)
    assert scrolled(page) == 0


# -- large screens ---------------------------------------------------------------------------------


def test_the_cloud_stands_beside_the_pictures_where_there_is_room(open_page: OpenPage) -> None:
    page = open_page(f"?{V}&picture=flower&view=cloud", **LARGE)
    cloud = page.locator(".kmseg-cloud-plot")
    cloud.locator("canvas").first.wait_for(timeout=60_000)
    pictures = box_of(page.locator(".viewer .pair"))
    beside = box_of(cloud)
    assert beside["x"] >= pictures["x"] + pictures["width"]
    assert beside["y"] < pictures["y"] + pictures["height"]
    assert beside["y"] + beside["height"] <= LARGE["height"]
    open_view(page, VIEWS["clusters"])
    table = box_of(page.locator("tbody"))
    wide = box_of(page.locator(".viewer .pair"))
    assert wide["width"] > 1.5 * pictures["width"]
    assert table["y"] > wide["y"] + wide["height"]


def test_sheet_and_ladder_use_the_width_of_a_large_screen(open_page: OpenPage) -> None:
    page = open_page(f"?{V}&picture=flower&width=120&view=ladder", **PROJECTOR)
    for view, selector in (("ladder", ".gallery button"), ("sheet", ".gallery[role=group]")):
        resize(page, **PROJECTOR)
        open_view(page, VIEWS[view])
        tiles = page.locator(selector)
        tiles.nth(8).wait_for()
        narrow = in_a_row(tiles)
        resize(page, **LARGE)
        said = f"The view {view} has {narrow} tiles in a row on a large screen too."
        eventually(page, lambda tiles=tiles, narrow=narrow: in_a_row(tiles) > narrow, said)


def in_a_row(tiles: Locator) -> int:
    """The most tiles that are side by side."""
    tops = tiles.evaluate_all(  # at once: the page may be scrolling
        "tiles => tiles.map(tile => Math.round(tile.getBoundingClientRect().y))"
    )
    return max(map(tops.count, tops))


# -- phones ----------------------------------------------------------------------------------------


def test_a_phone_shows_the_picture_first_and_the_sidebar_when_asked(open_page: OpenPage) -> None:
    page = open_page(f"?{V}", **PHONE)
    sidebar = page.locator("[data-testid=stSidebar]")
    assert sidebar.get_attribute("data-collapsed") == "true"
    original = box_of(page.locator(".viewer .pane").last)
    head = box_of(page.locator(".kmseg-head"))
    assert head["height"] <= 80
    first = page.locator(".viewer .pane >> visible=true").first
    assert box_of(first)["y"] < 200
    assert original["width"] > 300
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name="Expand sidebar").tap()
    page.locator("[data-testid=stSidebar][data-collapsed=false]").wait_for()
    upload(page, "square")
    page.locator("[data-testid=stSidebar][data-collapsed=true]").wait_for(state="attached")


def test_a_phone_whose_sidebar_was_left_open_opened_with_it_before_the_picture(
    open_page: OpenPage,
) -> None:
    page = open_page(f"?{V}", **PHONE)
    painted(page)
    settle(page)
    page.get_by_role("button", name="Expand sidebar").tap()
    page.locator("[data-testid=stSidebar][data-collapsed=false]").wait_for()
    page.reload()
    settle(page)
    page.locator("[data-testid=stSidebar][data-collapsed=true]").wait_for(state="attached")


# -- while an answer is on its way -----------------------------------------------------------------


def test_the_view_is_marked_while_the_pictures_are_about_to_change(open_page: OpenPage) -> None:
    page = open_page(f"?{V}&picture=flower")
    painted(page)
    section = page.locator(".st-key-section[aria-busy]")
    section.wait_for()
    for busy in (True, False):
        page.evaluate(
            "busy => dispatchEvent(new CustomEvent('kmseg:updating', { detail: busy }))", busy
        )
        assert section.get_attribute("aria-busy") == str(busy).lower()
        faded = "section => getComputedStyle(section).opacity < 1"
        page.wait_for_function(
            f"busy => ({faded})(document.querySelector('.st-key-section')) === busy", arg=busy
        )


def test_progress_pushed_the_pictures_down_and_up(open_page: OpenPage) -> None:
    page = open_page(f"?{V}&picture=flower&n_clusters=32&attempts=11&width=380&epsilon=0")
    viewer = page.locator(".viewer")
    before = box_of(viewer)["y"]
    page.get_by_text("Advanced", exact=True).click()
    pick(page, "Engine", "OpenCV, cv2.kmeans")
    stop = page.get_by_role("button", name="Stop and use the exact engine")
    stop.wait_for(timeout=60_000)
    assert box_of(viewer)["y"] == before
    stop.click()
    settle(page)
    assert box_of(viewer)["y"] == before


# -- for screen readers ----------------------------------------------------------------------------


def test_headings_and_landmarks_name_the_parts_of_the_page(open_page: OpenPage) -> None:
    page = open_page(f"?{V}&picture=flower&view=residual")
    painted(page)
    page.get_by_role("heading", level=2, name="Residual").wait_for()
    assert page.get_by_role("heading", level=1).all_text_contents() == ["kmseg"]
    parts = page.get_by_role("heading", level=2).all_text_contents()
    assert sorted(parts) == ["Pictures", "Residual", "Settings"]
    assert page.get_by_role("main").count() == 1
    assert page.locator("html").get_attribute("lang") == "en-GB"
