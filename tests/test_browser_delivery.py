"""What comes over the line: labels, exact pixels, regions, and when fonts come."""

from __future__ import annotations

import base64
import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import kmseg
from kmseg.output.labelcodec import encode_labels
from kmseg.ui.store.preview import N_STRIPES
from visitor import (
    PICTURES,
    OpenPage,
    eventually,
    painted,
    render_of,
    settle,
    shown_pixels,
    step_k,
    upload,
    wait_until_held,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request


LABELS = re.compile(r"/kmseg/preview/\w+/labels$")
STRIPE = re.compile(r"/kmseg/preview/\w+/(\d+)$")


def fetched(page: Page, pattern: re.Pattern[str]) -> list[str]:
    """The addresses of this kind that a page asks for from now on, as they come."""
    found: list[str] = []

    def note(request: Request) -> None:
        if pattern.search(request.url):
            found.append(request.url)

    page.on("request", note)
    return found


def go_to(page: Page, query: str) -> None:
    """Go to another address within the page, and wait for the result."""
    page.evaluate("query => history.pushState(null, '', query)", query)
    page.evaluate("dispatchEvent(new PopStateEvent('popstate'))")
    settle(page)
    painted(page)


# -- labels ----------------------------------------------------------------------------------------

DECODE = """async ([source, data]) => {
  const { decodeLabels } = await import(`data:text/javascript,${encodeURIComponent(source)}`)
  const found = decodeLabels(Uint8Array.from(atob(data), c => c.charCodeAt(0)))
  return [found.width, found.height, Array.from(found.labels)]
}"""


def pictures_of_labels() -> dict[str, tuple[np.ndarray, int]]:
    rng = np.random.default_rng(0)
    smooth = (np.add.outer(np.arange(90) ** 2, np.arange(120) ** 2) // 2500 % 9).astype(np.int16)
    holes = np.where(rng.random((40, 50)) < 0.3, -1, rng.integers(0, 32, (40, 50)))
    return {
        "one pixel": (np.zeros((1, 1), np.int16), 1),
        "one cluster": (np.zeros((30, 40), np.int16), 1),
        "nothing but one cluster and holes": (rng.integers(-1, 1, (20, 30)).astype(np.int16), 1),
        "areas": (smooth, 9),
        "noise of 255": (rng.integers(0, 255, (64, 70)).astype(np.int16), 255),
        "noise of 255 with holes": (rng.integers(-1, 255, (64, 70)).astype(np.int16), 255),
        "holes": (holes.astype(np.int16), 32),
        "a row": (rng.integers(0, 3, (1, 500)).astype(np.int16), 3),
        "a column": (rng.integers(0, 3, (500, 1)).astype(np.int16), 3),
        "a checkerboard": ((np.indices((60, 60)).sum(axis=0) % 2).astype(np.int16), 2),
    }


def test_the_browser_decodes_exactly_the_labels_that_were_encoded(open_page: OpenPage) -> None:
    page = open_page("?picture=plate-5&width=20")
    source = resources.files("kmseg.ui.components.viewer").joinpath("codec.js").read_text("utf-8")
    for name, (labels, n_clusters) in pictures_of_labels().items():
        data = base64.b64encode(encode_labels(labels, n_clusters)).decode()
        width, height, found = page.evaluate(DECODE, [source, data])
        assert (height, width) == labels.shape, name
        expected = np.where(labels < 0, 255, labels)
        np.testing.assert_array_equal(np.reshape(found, labels.shape), expected, err_msg=name)


# -- labels that the browser finds itself ----------------------------------------------------------


@pytest.mark.parametrize("picture", ["china", "plate-6"])
def test_the_browser_paints_the_servers_labels_without_fetching_them(
    open_page: OpenPage, picture: str
) -> None:
    page = open_page(f"?picture={picture}&n_clusters=5&color_space=cielab", save_data=False)
    painted(page)
    wait_until_held(page)
    image = kmseg.sample_image(picture)
    asked = fetched(page, LABELS)
    for k, steps in ((6, 1), (9, 3), (32, 23), (31, -1)):
        step_k(page, steps)
        seg = kmseg.segment(image, kmseg.Settings(color_space="cielab", n_clusters=k))
        np.testing.assert_array_equal(shown_pixels(page, "segmentation")[..., :3], render_of(seg))
    assert asked == []


SPACES = {
    "hsv": "02",
    "hsv-circular": "all",
    "lab": "12",
    "oklab": "all",
    "ycrcb": "1",
    "gray": "all",
}


def test_each_space_is_clustered_in_the_browser_as_on_the_server(open_page: OpenPage) -> None:
    page = open_page("?picture=flower&n_clusters=6", save_data=False)
    painted(page)
    wait_until_held(page)
    for space, channels in SPACES.items():
        chosen = "" if channels == "all" else f"&channels={channels}"
        go_to(page, f"?v=1&picture=flower&n_clusters=6&color_space={space}{chosen}")
        asked = fetched(page, LABELS)
        step_k(page, 1)
        settings = kmseg.Settings(color_space=space, channels=channels, n_clusters=7)
        seg = kmseg.segment(kmseg.sample_image("flower"), settings)
        shown = shown_pixels(page, "segmentation")[..., :3]
        np.testing.assert_array_equal(shown, render_of(seg), err_msg=space)
        assert asked == [], space


def test_a_reduced_photo_is_clustered_in_the_browser_as_on_the_server(
    open_page: OpenPage, photo: Path
) -> None:
    page = open_page("?n_clusters=4", save_data=False)
    upload(page, photo)
    wait_until_held(page)
    asked = fetched(page, LABELS)
    step_k(page, 3)
    painted(page)
    assert asked == []
    image = kmseg.read_image(photo)
    seg = kmseg.segment(image, kmseg.Settings(n_clusters=7))
    rows, columns = image.grid(960)
    shown = shown_pixels(page, "segmentation")[..., :3]
    np.testing.assert_array_equal(shown, seg.palette[seg.labels_at(rows, columns)])


def test_labels_of_an_engine_that_visits_pixels_are_fetched(open_page: OpenPage) -> None:
    page = open_page(
        "?picture=plate-6&n_clusters=3&engine=opencv&width=80&attempts=1", save_data=False
    )
    painted(page)
    asked = fetched(page, LABELS)
    step_k(page, 1)
    painted(page)
    assert len(asked) == 1
    assert page.locator(".viewer").get_attribute("data-held") is None


def test_pixels_are_not_fetched_where_the_visitor_saves_data(open_page: OpenPage) -> None:
    page = open_page("?picture=plate-5", save_data=True)
    asked = fetched(page, STRIPE)
    page.reload()
    settle(page)
    painted(page)
    page.wait_for_timeout(1500)
    assert asked == []


def test_pixels_wait_while_a_control_moves(open_page: OpenPage) -> None:
    page = open_page("?picture=china", save_data=False)
    painted(page)
    wait_until_held(page)
    asked = fetched(page, STRIPE)
    page.mouse.move(640, 20)
    page.mouse.down()
    go_to(page, "?v=1&picture=flower")
    page.wait_for_timeout(1500)
    assert asked == []
    page.mouse.up()
    wait_until_held(page)
    assert {STRIPE.search(url)[1] for url in asked} == set(map(str, range(N_STRIPES)))  # type: ignore[index]


# -- addresses that the server has forgotten -------------------------------------------------------


@pytest.mark.expects_problem("404")
def test_forgotten_labels_are_asked_for_again(open_page: OpenPage) -> None:
    page = open_page("?picture=plate-5&n_clusters=3&engine=opencv&width=60&attempts=1")
    painted(page)
    forgotten = []

    def answer(route: object) -> None:
        if len(forgotten) < 2:
            forgotten.append(route)
            route.fulfill(status=404, body="gone")  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    page.route(LABELS, answer)
    sent: list[object] = []
    network = page.context.new_cdp_session(page)
    network.on("Network.webSocketFrameSent", lambda event: sent.append(event))
    network.send("Network.enable")
    step_k(page, 1)
    painted(page)
    assert len(forgotten) == 2
    assert len(sent) > 1  # the server has run the page again
    assert "could not be loaded" not in page.locator(".readout").inner_text()


# -- what is sent, and when ------------------------------------------------------------------------


def test_the_icon_font_was_fetched_before_the_first_picture(open_page: OpenPage) -> None:
    page = open_page("?picture=plate-5")
    order: list[str] = []
    page.on("request", lambda request: order.append(request.url))
    page.reload()
    settle(page)
    painted(page)
    said = "The icon font was not fetched."
    eventually(page, lambda: any("MaterialSymbols" in url for url in order), said)
    font = next(i for i, url in enumerate(order) if "MaterialSymbols" in url)
    assert font > next(i for i, url in enumerate(order) if LABELS.search(url))
    assert font > next(i for i, url in enumerate(order) if url.endswith("/original"))
    page.wait_for_function("!document.documentElement.classList.contains('kmseg-no-icons')")
    assert page.locator("[data-testid=stIconMaterial]").evaluate_all(
        "icons => icons.some(icon => getComputedStyle(icon).visibility === 'visible')"
    )
    assert page.evaluate("document.fonts.check('1em \"Material Symbols Rounded\"')")


def test_zooming_into_a_photo_took_seven_megabytes(open_page: OpenPage, photo: Path) -> None:
    page = open_page()
    upload(page, photo)
    sizes: list[int] = []
    page.on(
        "response",
        lambda response: (
            sizes.append(len(response.body()))
            if re.search(r"/kmseg/preview/\w+/(original|labels)$", response.url)
            else None
        ),
    )
    for _ in range(2):
        page.get_by_role("button", name="Zoom in").click()
    page.locator(PICTURES["region"]).wait_for()
    settle(page)
    painted(page)
    assert 0 < sum(sizes) < 600_000
