"""Sharing in a real browser: the system's list, the code of a frame, and the page in a frame."""

from __future__ import annotations

import base64
import html
import io
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image as Pillow

from browser import wait_until_idle
from conftest import PageServer
from visitor import OpenPage, eventually, painted, shown_pixels

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Locator, Page

LINK = "?v=1&picture=flower&color_space=cielab&n_clusters=6"
# A browser with a list of ways to share, which keeps what it is given.
SHARES = """
navigator.canShare = ({ files }) => Boolean(files?.length)
navigator.share = async data => { window.shared = data }
"""
READ_FILE = """async () => {
  const [file] = shared.files
  const bytes = new Uint8Array(await file.arrayBuffer())
  return [file.type, btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(""))]
}"""


def open_share(page: Page) -> Locator:
    page.get_by_role("button", name="Share", exact=True).click()
    return page.get_by_role("dialog", name="Share")


@pytest.mark.parametrize("paint", ["colors", "boundaries"])
def test_the_systems_list_gets_the_link_and_the_picture(open_page: OpenPage, paint: str) -> None:
    page = open_page(f"{LINK}&paint={paint}", fresh=True)  # scripts stay in a tab
    page.add_init_script(SHARES)
    page.reload()
    wait_until_idle(page)
    painted(page)
    panel = open_share(page)
    link = panel.get_by_label("Link to what is on the page").input_value()
    panel.get_by_role("button", name="Share…").click()
    page.wait_for_function("window.shared")
    assert page.evaluate("[shared.title, shared.url]") == [page.title(), link]
    kind, content = page.evaluate(READ_FILE)
    assert kind == "image/png"
    pixels = np.asarray(Pillow.open(io.BytesIO(base64.b64decode(content))).convert("RGBA"))
    if paint == "colors":
        assert np.array_equal(pixels, shown_pixels(page, "segmentation"))
    assert (pixels[..., 3] == 255).all()  # boundaries come over the original


def test_share_was_offered_where_the_system_has_no_list(open_page: OpenPage) -> None:
    page = open_page(LINK, fresh=True)
    page.add_init_script("delete Navigator.prototype.share")
    page.reload()
    wait_until_idle(page)
    assert open_share(page).get_by_role("button", name="Share…", include_hidden=True).is_hidden()


def test_the_code_of_a_frame_shows_the_page_in_it(
    open_page: OpenPage, page_server: PageServer
) -> None:
    page = open_page(LINK)
    panel = open_share(page)
    panel.get_by_text("Embed", exact=True).click()
    code = panel.get_by_label("HTML code").input_value()
    source = html.unescape(re.findall(r'src="([^"]*)"', code)[0])
    link = panel.get_by_label("Link to what is on the page").input_value()
    assert source == f"{link}&embed=true" and "embed" not in link
    assert 'width="800" height="600"' in code
    panel.get_by_role("button", name="Copy code").click()
    panel.get_by_text(re.compile("Code copied|Copy code above")).wait_for()
    frame = framed(page, page_server, code)
    assert frame.locator(".viewer .caption").inner_text().startswith("6 clusters")


def framed(page: Page, server: PageServer, code: str) -> Frame:
    """The page in a frame of another document."""
    page.goto(f"{server.url}/_stcore/health")
    page.set_content(f"<!doctype html><h1>A course</h1>{code}")
    element = page.locator("iframe").element_handle()
    frame = element.content_frame()
    assert frame is not None
    frame.locator(".viewer[data-shown]").wait_for(timeout=60_000)
    return frame


def query(frame: Frame) -> dict[str, list[str]]:
    return parse_qs(urlsplit(frame.url).query)


@pytest.mark.parametrize("width", [800, 400])
def test_in_a_frame_pictures_and_controls_have_the_room(
    open_page: OpenPage, page_server: PageServer, width: int
) -> None:
    page = open_page(LINK)
    source = html.escape(f"{page_server.url}/{LINK}&embed=true")
    frame = framed(
        page, page_server, f'<iframe src="{source}" width="{width}" height="600"></iframe>'
    )
    sidebar = frame.locator("[data-testid=stSidebar]").bounding_box()
    left = page.locator("iframe").bounding_box()
    assert left and (sidebar is None or sidebar["x"] + sidebar["width"] <= left["x"] + 2)
    assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for control in (".viewer .k input", ".viewer .space select", ".left img.original"):
        box = frame.locator(control).first.bounding_box()
        assert box and box["width"] > 20, control
        assert left["y"] <= box["y"] < left["y"] + 600, control
    assert frame.get_by_role("button", name="Share", exact=True).count() == 0
    full = frame.get_by_role("link", name="Open in full")
    assert full.get_attribute("target") == "_blank"

    # The address stays that of an embedded page, and links to the page do not have it.
    frame.get_by_role("button", name="One cluster more").click()
    eventually(page, lambda: query(frame).get("n_clusters") == ["7"], "K is not in the address.")
    assert query(frame)["embed"] == ["true"]

    def target() -> str:
        return full.get_attribute("href") or ""

    eventually(page, lambda: "n_clusters=7" in target(), "The link does not follow K.")
    assert "embed" not in target()
    frame.evaluate("history.back()")
    eventually(page, lambda: query(frame).get("n_clusters") != ["7"], "Back does not undo K.")
    assert query(frame)["embed"] == ["true"]
    frame.get_by_text("6 clusters, painted").wait_for()

    # The settings open over the pictures, and close again.
    frame.get_by_test_id("stExpandSidebarButton").click()
    frame.get_by_text("Initialisation").wait_for()


def test_a_lesson_in_a_frame_left_it_at_its_second_stop(
    open_page: OpenPage, page_server: PageServer
) -> None:
    page = open_page(LINK)
    source = f"{page_server.url}/?lesson=k&amp;embed=true"
    frame = framed(page, page_server, f'<iframe src="{source}" width="800" height="600"></iframe>')
    frame.locator(".lesson .after").click()
    eventually(page, lambda: query(frame).get("lesson") == ["k.2"], "There is no second stop.")
    assert query(frame)["embed"] == ["true"]
    frame.get_by_text("2 of").wait_for()
    assert frame.get_by_role("link", name="Open in full").is_visible()


def test_the_buttons_of_watch_were_below_the_frame(
    open_page: OpenPage, page_server: PageServer
) -> None:
    page = open_page(LINK)
    source = f"{page_server.url}/?lesson=start.2&amp;embed=true"
    frame = framed(page, page_server, f'<iframe src="{source}" width="800" height="600"></iframe>')
    play = frame.locator(".steps").get_by_role("button", name="Play", exact=True)
    play.wait_for(timeout=60_000)
    box, outer = play.bounding_box(), page.locator("iframe").bounding_box()
    assert box and outer and box["y"] + box["height"] <= outer["y"] + outer["height"]
