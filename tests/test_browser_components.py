"""How the components' modules reach the browser."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import requests

import kmseg
from conftest import PageServer
from kmseg.ui.components import modules
from kmseg.ui.components.assets import asset
from visitor import OpenPage, painted, render_of, settle, shown_pixels, slide

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = pytest.mark.xdist_group("browser")

# A module whose loading ends when the test says so, and which notes the calls of its export.
MODULE = """
await window.released
export default message => {
  calls.push(message.data)
  return () => calls.push(`closed ${message.data}`)
}
"""
STORY = """async ([bootstrap, module]) => {
  const address = (text) => `data:text/javascript,${encodeURIComponent(text)}`
  let release
  window.calls = []
  window.released = new Promise(resolve => (release = resolve))
  const definition = `const MODULES = ${JSON.stringify([address(module)])}\\n`
  const { default: component } = await import(address(definition + bootstrap))
  const [stays, leaves] = [document.createElement("div"), document.createElement("div")]
  component({ parentElement: stays, data: 1 })
  const closeSecond = component({ parentElement: stays, data: 2 })
  component({ parentElement: leaves, data: 3 })
  component({ parentElement: leaves, data: 4 })()
  release()
  await new Promise(resolve => setTimeout(resolve, 500))
  const atLoad = [...calls]
  closeSecond()
  component({ parentElement: stays, data: 5 })
  return [atLoad, calls]
}"""


def test_calls_before_the_module_is_loaded_are_made_once_it_is_but_not_after_cleanup(
    open_page: OpenPage,
) -> None:
    page = open_page("?width=20")
    at_load, calls = page.evaluate(STORY, [asset("shared/bootstrap.js"), MODULE])
    assert at_load == [2]
    assert calls == [2, "closed 2", 5]


def test_modules_that_arrive_late_show_the_last_message(open_page: OpenPage) -> None:
    from playwright.sync_api import TimeoutError as Late

    page = open_page("?picture=flower&width=100&n_clusters=3")
    held: list[Route] = []
    page.route("**/kmseg/assets/**", lambda route: held.append(route))
    page.reload()
    settle(page)
    slide(page, "K, number of clusters", 1)
    assert held and page.locator(".viewer").get_attribute("data-asked") is None
    gray = page.get_by_role("radio", name="Gray ranks", include_hidden=True)
    with pytest.raises(Late):  # a click that nothing listens to yet would be lost
        gray.click(timeout=1000)
    for route in held:
        route.continue_()
    painted(page)
    settings = kmseg.Settings(n_clusters=4, width=100)
    seg = kmseg.segment(kmseg.sample_image("flower"), settings)
    np.testing.assert_array_equal(shown_pixels(page, "segmentation")[..., :3], render_of(seg))
    gray.click()
    page.get_by_text("black is the largest").wait_for()


@pytest.mark.expects_trouble("ERR_FAILED|Failed to fetch")
def test_a_module_that_does_not_arrive_is_reported_in_its_place(open_page: OpenPage) -> None:
    page = open_page("?width=20")
    page.route("**/viewer/labels.js", lambda route: route.abort())
    page.reload()
    page.get_by_role("alert").get_by_text("could not be loaded. Reload the page.").wait_for()
    assert page.locator("table tbody tr").count() == 4  # the others work
    page.unroute("**/viewer/labels.js")
    page.reload()
    painted(page)


def test_components_share_one_instance_of_a_module(open_page: OpenPage) -> None:
    requested: list[str] = []
    page = open_page("?width=20")
    page.on("request", lambda request: requested.append(request.url))
    page.reload()
    settle(page)
    painted(page)
    loaded = [url for url in requested if "/kmseg/assets/" in url]
    assert any(url.endswith("shared/focus.js") for url in loaded)
    assert len(loaded) == len(set(loaded))


@pytest.mark.parametrize("base", ["", "/some/base"])
def test_modules_are_served_below_any_base_path_for_good(
    page_server: PageServer, base: str
) -> None:
    definition = modules.bootstrap("viewer").splitlines()[0]
    address = json.loads(definition.removeprefix("const MODULES = "))[0]
    answer = requests.get(f"{page_server.url}{base}/{address}", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.text == asset("viewer/viewer.js")
    for wrong in (
        re.sub(r"assets/\w+", "assets/0123456789abcdef", address),
        address.replace("viewer.js", "viewer.py"),
        address.replace("viewer/viewer.js", "..%2f..%2f__init__.py"),
    ):
        answer = requests.get(f"{page_server.url}{base}/{wrong}", timeout=30)
        assert answer.status_code in (400, 404)
        assert "immutable" not in answer.headers.get("Cache-Control", "")
