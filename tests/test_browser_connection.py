"""A server that is away for a while, in a real browser with a process that ends and starts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import kmseg
from browser import wait_until_idle
from conftest import PageServer, free_port, served_page
from visitor import painted, render_of, settle, shown_pixels, step_k

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page


SIGN = "#kmseg-connection"
PLATE = "v=1&picture=plate-5&color_space=hsv&channels=01&n_clusters=3"
# Streamlit shows its dialog after six.
TRIES_BEFORE_DIALOG = 8
# What the page was told of its connection, in order, and its sockets.
NOTE = """window.told = []
addEventListener("kmseg:connection", ({ detail }) => told.push(detail))
window.sockets = []
window.WebSocket = class extends WebSocket {
  constructor(...values) {
    super(...values)
    sockets.push(this)
  }
}"""
# Holds back the timer of the notice, so that a machine that reconnects slowly is none the worse.
HOLD_NOTICE = """() => {
  const { setTimeout, clearTimeout } = window
  window.held = new Set()
  window.delays = []
  window.setTimeout = (callback, delay, ...values) => {
    if (!String(callback).includes("Reconnecting")) return setTimeout(callback, delay, ...values)
    delays.push(delay)
    held.add(callback)
    return callback
  }
  window.clearTimeout = timer => held.delete(timer) || clearTimeout(timer)
}"""


class Server:
    """A server at one address, which a test stops and starts again."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._running = ExitStack()

    def start(self) -> None:
        self._running.enter_context(served_page(self.home, port=self.port))

    def stop(self) -> None:
        self._running.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


def plate_page(context: BrowserContext, url: str) -> Page:
    """The page of a server, with a plate in three clusters."""
    page = context.new_page()
    page.add_init_script(NOTE)
    page.goto(f"{url}/?{PLATE}")
    wait_until_idle(page)
    painted(page)
    return page


def plate(n_clusters: int) -> kmseg.Segmentation:
    settings = kmseg.Settings(color_space="hsv", channels="01", n_clusters=n_clusters)
    return kmseg.segment(kmseg.sample_image("plate-5"), settings)


def assert_shown(page: Page, seg: kmseg.Segmentation) -> None:
    np.testing.assert_array_equal(shown_pixels(page, "segmentation")[..., :3], render_of(seg))


def one_cluster_more(page: Page) -> None:
    """Press the viewer's button, which may be seen in full screen only."""
    page.locator("[data-do=more]").evaluate("button => button.click()")


def wait_for_connection(page: Page) -> None:
    page.locator(SIGN).get_by_text("Connected again.").wait_for(timeout=60_000)
    settle(page)
    painted(page)


def test_a_lost_server_was_a_developers_dialog_and_a_page_that_did_not_come_back(
    context: BrowserContext, server: Server
) -> None:
    page = plate_page(context, server.url)
    page.locator(".swatches button").nth(0).click()
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    server.stop()
    page.locator(SIGN).get_by_text(re.compile("^Reconnecting…")).wait_for()

    # What the browser does alone goes on.
    assert_shown(page, plate(3))
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("group", name="Zoom").get_by_text("2 ×").wait_for()
    page.locator(".swatches button").nth(2).click()
    assert page.locator(".swatches [aria-pressed=true]").count() == 2
    assert "focus=1.3" in page.url
    page.locator(".viewer").evaluate(
        """async viewer => {
          for (let element = viewer; element; element = element.parentElement) {
            if (getComputedStyle(element).opacity < 1 || element.inert) throw element.outerHTML
          }
        }"""
    )

    # What needs the server is made up for when it is there again, by another process.
    one_cluster_more(page)
    while sum("_stcore/health" in url for url in failed) < TRIES_BEFORE_DIALOG:
        page.wait_for_event("requestfailed")
    assert page.get_by_role("dialog").count() == 0
    assert page.get_by_text("Is Streamlit still running").count() == 0
    server.start()
    wait_for_connection(page)
    page.get_by_text("4 clusters").first.wait_for()
    assert_shown(page, plate(4))
    page.wait_for_url(re.compile("n_clusters=4"))
    page.wait_for_function(f"!document.querySelector('{SIGN}').textContent")
    step_k(page, 1)
    page.get_by_text("5 clusters").first.wait_for()
    painted(page)
    assert_shown(page, plate(5))
    assert page.evaluate("told") == ["open", "closed", "open"]

    assert_focus_and_merges_outlast(page, server)


def assert_focus_and_merges_outlast(page: Page, server: Server) -> None:
    """The address keeps them while the server is away."""
    step_k(page, 1)
    assert "merge" not in page.url and "focus" not in page.url
    for number in (1, 2):
        page.locator(".swatches button").nth(number).click()
    page.get_by_role("button", name="Merge", exact=True).click()
    page.wait_for_url(re.compile("merge=2.3"))
    settle(page)
    server.stop()
    page.locator(SIGN).get_by_text(re.compile("^Reconnecting…")).wait_for()
    server.start()
    wait_for_connection(page)
    page.get_by_text("5 clusters").first.wait_for()
    assert_shown(page, plate(6).merged([(1, 2)]))
    assert "merge=2.3" in page.url and "focus=2.3" in page.url
    page.get_by_role("button", name="Split", exact=True).click()
    page.get_by_text("6 clusters").first.wait_for()


def test_a_connection_that_is_lost_for_a_moment_is_not_worth_a_word(
    context: BrowserContext, page_server: PageServer
) -> None:
    page = plate_page(context, page_server.url)
    said = f"""window.said = []
    new MutationObserver(() => said.push(document.querySelector("{SIGN}").textContent))
      .observe(document.querySelector("{SIGN}"), {{ childList: true }})"""
    page.evaluate(said)
    page.evaluate(HOLD_NOTICE)
    page.evaluate("sockets.at(-1).close()")
    page.wait_for_function("told.join() === 'open,closed,open'")
    settle(page)
    assert page.evaluate("[delays, held.size, said]") == [[1000], 0, []]
    one_cluster_more(page)
    page.get_by_text("4 clusters").first.wait_for()


def test_the_page_shows_what_it_is_while_scripts_and_server_are_slow(
    browser: Browser, page_server: PageServer
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    page.add_init_script("window.__streamlit = { HOST_CONFIG: { mapboxToken: 'given' } }")
    held: list[Any] = []
    page.route(re.compile(r"/static/.*\.js"), lambda route: held.append(route))
    page.goto(page_server.url, wait_until="commit")
    page.get_by_role("heading", name="kmseg").wait_for()
    assert page.title().startswith("kmseg")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    assert held
    for route in held:
        route.continue_()
    page.unroute(re.compile(r"/static/.*\.js"))
    wait_until_idle(page)
    painted(page)
    assert page.locator("#kmseg-skeleton").count() == 0
    given = page.evaluate("window.__streamlit.HOST_CONFIG")
    assert given == {"mapboxToken": "given", "blockErrorDialogs": True}
    context.close()
