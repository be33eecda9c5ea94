"""The visitor's pictures in a real browser: opened, chosen, come back, forgotten, refused."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from browser import wait_until_idle
from conftest import PageServer, served_page
from inprocess import png
from visitor import OpenPage, choose_picture, open_files, settle, shown_pixels

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


NAMES = ".album .own .pick .name"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)

IN_BROWSER = """async () => {
  const request = indexedDB.open("kmseg", 1)
  const database = await new Promise(resolve => request.onsuccess = () => resolve(request.result))
  const all = database.transaction("pictures").objectStore("pictures").getAll()
  await new Promise(resolve => all.onsuccess = resolve)
  return all.result.map(entry => entry.file.name)
}"""

# Hand a file to the page as a paste or a drop does: [name, type, base64, event].
HAND_OVER = """([name, type, data, event]) => {
  const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0))
  const transfer = new DataTransfer()
  transfer.items.add(new File([bytes], name, { type }))
  const options = { bubbles: true, cancelable: true }
  document.body.dispatchEvent(event === "paste"
    ? new ClipboardEvent(event, { ...options, clipboardData: transfer })
    : new DragEvent(event, { ...options, dataTransfer: transfer }))
}"""


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (60, 90, 3), np.uint8)


def file(name: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def names(page: Page) -> list[str]:
    """The visitor's own pictures in the strip."""
    return list(page.locator(NAMES).all_inner_texts())


def upload(page: Page, name: str, pixels: np.ndarray) -> None:
    """Open a picture and wait until it is shown."""
    open_files(page, file(name, png(pixels)))
    shows(page, name)


def shows(page: Page, name: str) -> None:
    """Wait until the page shows the picture with this name and rests."""
    page.locator(f".viewer .original[alt='Original: {name}']").first.wait_for(state="attached")
    settle(page)


def assert_shown(page: Page, pixels: np.ndarray) -> None:
    np.testing.assert_array_equal(shown_pixels(page, "original")[..., :3], pixels)


def wait_for_names(page: Page, *expected: str) -> None:
    """Wait until the strip has just these pictures of the visitor's.

    A server that has just been started loads its compiled loops first.
    """
    from playwright.sync_api import expect

    expect(page.locator(NAMES)).to_have_text(list(expected), timeout=120_000)
    settle(page)


def two_pictures_with_merges_and_focus(page: Page) -> str:
    """Open two pictures, the second in five clusters with a merge and a focus; its address."""
    upload(page, "first.png", noise(1))
    upload(page, "second.png", noise(2))
    assert_shown(page, noise(2))
    for swatch in (0, 2):
        page.locator(".swatches button").nth(swatch).click()
    page.get_by_role("button", name="Merge", exact=True).click()
    page.wait_for_url(re.compile("merge=1.3"))
    settle(page)
    assert "focus=1.3" in page.url
    return str(page.url)


def assert_all_is_back(page: Page, address: str) -> None:
    shows(page, "second.png")
    wait_for_names(page, "second.png", "first.png")
    assert_shown(page, noise(2))
    assert page.url == address
    swatches = page.locator(".swatches button")
    assert swatches.count() == 4  # five, two of them merged
    pressed = swatches.evaluate_all("all => all.map(each => each.ariaPressed)")
    assert pressed == [str("+" in text).lower() for text in swatches.all_inner_texts()]
    choose_picture(page, "first.png")
    assert_shown(page, noise(1))
    assert "view=residual" in page.url


START = "?v=1&n_clusters=5&view=residual"


def test_a_reload_lost_the_pictures(open_page: OpenPage) -> None:
    page = open_page(START)
    address = two_pictures_with_merges_and_focus(page)
    page.reload()
    assert_all_is_back(page, address)
    # A sample that is shown stays shown.
    choose_picture(page, "Dahlia")
    page.reload()
    wait_for_names(page, "first.png", "second.png")
    assert page.locator(".album [aria-current]").inner_text() == "Dahlia"
    choose_picture(page, "second.png")
    assert_shown(page, noise(2))


class Host:
    """A server that can be ended and started again on its port."""

    def __init__(self, home: Path) -> None:
        self.home, self.stack = home, ExitStack()
        self.start()

    def start(self, port: int = 0) -> None:
        self.server: PageServer = self.stack.enter_context(served_page(self.home, port=port))

    def restart(self) -> None:
        self.end()
        self.start(int(self.server.url.rpartition(":")[2]))

    def end(self) -> None:
        self.stack.close()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    yield host
    host.end()


def test_a_restart_of_the_server_lost_the_pictures(browser: Browser, host: Host) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{host.server.url}/{START}")
    wait_until_idle(page)
    address = two_pictures_with_merges_and_focus(page)
    before = page.locator(".album").get_attribute("data-session")
    host.restart()
    page.locator(f".album:not([data-session='{before}'])").wait_for(timeout=60_000)
    assert_all_is_back(page, address)
    # What a new session has is there, not only what the browser still shows.
    page.reload()
    wait_for_names(page, "first.png", "second.png")
    assert_shown(page, noise(1))
    assert "Traceback" not in host.server.tail(100_000)
    context.close()


def test_another_tab_asks_first_and_can_forget_them(open_page: OpenPage) -> None:
    page = open_page()
    upload(page, "one.png", noise(4))
    upload(page, "two.png", noise(5))
    other = page.context.new_page()
    other.goto(page.url)
    wait_until_idle(other)
    other.get_by_text("Bring back your 2 pictures?").wait_for()
    other.get_by_text("a picture that is not in the link").wait_for()
    assert names(other) == [] and other.locator(".viewer").count() == 0
    other.get_by_role("button", name="Yes").click()
    wait_for_names(other, "two.png", "one.png")  # the one that the link shows comes first
    assert_shown(other, noise(5))
    assert not other.get_by_text("Bring back").is_visible()

    other.get_by_role("button", name="Remove one.png").click()
    wait_for_names(other, "two.png")
    third = page.context.new_page()
    third.goto(page.url.partition("?")[0])
    wait_until_idle(third)
    third.get_by_text("Bring back your picture?").wait_for()
    third.locator(".offer .no").click()
    third.get_by_text("Bring back").wait_for(state="hidden")
    assert third.evaluate(IN_BROWSER) == []


@pytest.mark.expects_problem(r"kmseg/preview/\w+/\d+\b.*404|404.*kmseg/preview/\w+/\d+\b")
def test_forget_my_pictures_forgets_them_here_and_on_the_server(open_page: OpenPage) -> None:
    page = open_page()
    upload(page, "one.png", noise(7))
    upload(page, "two.png", noise(8))
    assert page.evaluate(IN_BROWSER) == ["one.png", "two.png"]
    page.get_by_role("button", name="Remove two.png").click()
    wait_for_names(page, "one.png")
    assert_shown(page, noise(7))
    assert page.evaluate(IN_BROWSER) == ["one.png"]
    page.get_by_role("button", name="Forget my pictures").click()
    wait_for_names(page)
    assert page.evaluate(IN_BROWSER) == []
    page.reload()
    settle(page)
    assert names(page) == []


def test_a_picture_is_opened_by_paste_and_by_drop_anywhere(open_page: OpenPage) -> None:
    page = open_page()
    page.locator(".album[data-session]").wait_for()
    for seed, way in ((9, "paste"), (13, "drop")):
        handed = [f"{way}.png", "image/png", base64.b64encode(png(noise(seed))).decode()]
        if way == "drop":
            page.evaluate(HAND_OVER, [*handed, "dragenter"])
            page.get_by_text("Drop to open").wait_for()
        page.evaluate(HAND_OVER, [*handed, way])
        shows(page, f"{way}.png")
        assert not page.get_by_text("Drop to open").is_visible()
        assert_shown(page, noise(seed))


def test_open_a_photo_opens_the_devices_dialog(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(width=390, height=844, has_touch=True, is_mobile=True)
    (tmp_path / "scan.tif").write_bytes(png(noise(10)))
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open a photo").tap()
    accepted = chooser.value.element.get_attribute("accept") or ""
    assert {"image/*", ".tif", ".dng"} <= set(accepted.split(","))
    assert chooser.value.is_multiple()
    chooser.value.set_files(tmp_path / "scan.tif")
    shows(page, "scan.tif")
    assert_shown(page, noise(10))


def test_a_refused_file_is_named_in_sight_on_a_phone(open_page: OpenPage) -> None:
    page = open_page(width=390, height=844, has_touch=True, is_mobile=True)
    for name, content in (("IMG_1.HEIC", HEIC), ("notes.txt", b"not a picture")):
        open_files(page, file(name, content))
        sentence = page.locator(".album .refused li", has_text=name)
        sentence.wait_for()
        settle(page)
        box = sentence.bounding_box()
        assert box and box["y"] >= 0 and box["y"] + box["height"] <= 844
        assert page.locator(".viewer").is_visible()
        assert page.evaluate(IN_BROWSER) == []  # it is not kept, and so not sent again
        page.get_by_role("button", name=f"Dismiss: {name}").tap()
        sentence.wait_for(state="detached")


@pytest.mark.parametrize("named", ["upload-12345678", "upload"])
def test_a_link_to_a_picture_that_nobody_has_shows_no_other(
    open_page: OpenPage, named: str
) -> None:
    page = open_page(f"?picture={named}&n_clusters=3")
    page.get_by_text("a picture that is not in the link").wait_for()
    assert page.locator(".viewer").count() == 0
    assert f"picture={named}" in page.url
    assert page.locator(".album [aria-current]").count() == 0
    upload(page, "mine.png", noise(11))
    assert not page.get_by_text("a picture that is not in the link").is_visible()
    assert re.search(r"picture=upload-[0-9a-f]{8}&?", page.url) and "n_clusters=3" in page.url


def test_an_upload_shows_how_far_it_is(open_page: OpenPage) -> None:
    page = open_page(fresh=True)
    slow = page.context.new_cdp_session(page)
    slow.send("Network.enable")
    rates = {"offline": False, "latency": 20, "downloadThroughput": -1, "uploadThroughput": 150_000}
    slow.send("Network.emulateNetworkConditions", rates)
    pixels = np.random.default_rng(12).integers(0, 256, (300, 400, 3), np.uint8)  # 360 KB
    open_files(page, file("slow.png", png(pixels)))
    progress = page.locator(".album .sending", has_text="slow.png")
    progress.get_by_text(re.compile(r"^[1-9]\d?%$")).wait_for()
    shows(page, "slow.png")
    assert progress.count() == 0


def test_the_strip_is_one_stop_of_the_tab_key(open_page: OpenPage) -> None:
    page = open_page()
    first = page.locator(".album .samples .pick").first
    first.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    focused = page.locator(".album button:focus")
    title = focused.get_attribute("title")
    page.keyboard.press("Enter")
    settle(page)
    assert page.locator(".album [aria-current]").get_attribute("title") == title
    assert page.locator(".album .row button[tabindex='0']").count() == 1


def test_pictures_below_the_strip_stay_in_sight(open_page: OpenPage) -> None:
    page = open_page(height=720)
    box = page.locator(".album .row").bounding_box()
    assert box and box["height"] <= 72
    assert page.locator(".viewer .pane").first.bounding_box()["y"] < 300  # type: ignore[index]
