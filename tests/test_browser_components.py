"""How the components reach the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import requests

import kmseg
from conftest import PageServer
from kmseg.ui.components import modules
from kmseg.ui.components.assets import asset
from visitor import OpenPage, painted, render_of, settle, shown_pixels

if TYPE_CHECKING:
    from playwright.sync_api import Route


# A bundle whose loading ends when the test says so, and which notes the calls of its component.
BUNDLE = """
await window.released
export const components = {
  test: message => {
    calls.push(message.data)
    return () => calls.push(`closed ${message.data}`)
  },
}
"""
STORY = """async ([bootstrap, bundle]) => {
  const address = (text) => `data:text/javascript,${encodeURIComponent(text)}`
  let release
  window.calls = []
  window.released = new Promise(resolve => (release = resolve))
  const bundleAddress = JSON.stringify(address(bundle))
  const definition = `const BUNDLE = ${bundleAddress}\\nconst COMPONENT = "test"\\n`
  const { default: component } = await import(address(definition + bootstrap))
  const [stays, leaves] = [document.createElement("div"), document.createElement("div")]
  component({ parentElement: stays, data: 1 })
  const closeSecond = component({ parentElement: stays, data: 2 })
  component({ parentElement: leaves, data: 3 })
  component({ parentElement: leaves, data: 4 })()
  leaves.append(document.createElement("button"))
  component({ parentElement: leaves, data: 4 })() // the button is inert now
  release()
  await new Promise(resolve => setTimeout(resolve, 500))
  const atLoad = [...calls]
  closeSecond()
  component({ parentElement: stays, data: 5 })
  const inert = [leaves.firstChild.inert]
  component({ parentElement: leaves, data: 6 })
  inert.push(leaves.firstChild.inert)
  return [atLoad, calls, inert]
}"""


def test_calls_before_the_script_is_loaded_are_made_once_it_is_but_not_after_cleanup(
    open_page: OpenPage,
) -> None:
    page = open_page("?width=20")
    at_load, calls, inert = page.evaluate(STORY, [asset("shared/bootstrap.js"), BUNDLE])
    assert at_load == [2]
    assert calls == [2, "closed 2", 5, 6]
    assert inert == [True, False]  # a call withdrawn before the script came left it inert for good


def test_a_script_that_arrives_late_shows_the_last_message(open_page: OpenPage) -> None:
    from playwright.sync_api import TimeoutError as Late

    page = open_page("?picture=flower&width=100&n_clusters=3")
    held: list[Route] = []
    page.route("**/kmseg/assets/**", lambda route: held.append(route))
    page.reload()
    settle(page)
    page.get_by_role("button", name="B", exact=True).click()
    settle(page)
    assert held and page.locator(".viewer").get_attribute("data-asked") is None
    gray = page.get_by_role("radio", name="Shades of grey", include_hidden=True)
    with pytest.raises(Late):  # a click that nothing listens to yet would be lost
        gray.click(timeout=1000)
    for route in held:
        route.continue_()
    painted(page)
    settings = kmseg.Settings(channels="12", n_clusters=3, width=100)
    seg = kmseg.segment(kmseg.sample_image("flower"), settings)
    np.testing.assert_array_equal(shown_pixels(page, "segmentation")[..., :3], render_of(seg))
    gray.click()
    page.get_by_text("black is the largest").wait_for()


@pytest.mark.expects_problem("ERR_FAILED|Failed to fetch")
def test_a_script_that_does_not_arrive_is_reported_in_its_place(open_page: OpenPage) -> None:
    page = open_page("?width=20")
    page.route("**/kmseg/assets/**", lambda route: route.abort())
    page.reload()
    failure = page.get_by_role("alert").get_by_text("could not be loaded. Reload the page.")
    failure.first.wait_for()
    page.unroute("**/kmseg/assets/**")
    page.reload()
    painted(page)
    assert failure.count() == 0


def test_all_components_load_one_script(open_page: OpenPage) -> None:
    page = open_page("?width=20&view=ladder")
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.reload()
    settle(page)
    painted(page)
    assert sum("/kmseg/assets/" in url for url in requested) == 1


@pytest.mark.parametrize("base", ["", "/some/base"])
def test_the_script_is_served_below_any_base_path_and_may_be_kept(
    page_server: PageServer, base: str
) -> None:
    answer = requests.get(f"{page_server.url}{base}/{modules.address()}", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.text == modules.bundle()
    other = requests.get(f"{page_server.url}{base}/kmseg/assets/0123456789abcdef.js", timeout=30)
    assert other.status_code == 404
    assert "immutable" not in other.headers.get("Cache-Control", "")
