"""The pictures and the controls below them: what one changes and what it does, seen together."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

import kmseg
from visitor import (
    PICTURES,
    OpenPage,
    choose_space,
    eventually,
    painted,
    pixels_of,
    render_of,
    set_k,
    settle,
    shown_pixels,
    upload,
)

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route


PHONE: dict[str, Any] = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}
PLATE = "picture=plate-5&color_space=hsv&channels=01&n_clusters=3"
K = "K, number of clusters"

# The part of both pictures that is on the screen and that nothing covers.
SHARE_IN_SIGHT = """viewer => {
  const root = viewer.getRootNode()
  let [inside, all] = [0, 0]
  for (const pane of viewer.querySelectorAll(".pane")) {
    const box = pane.getBoundingClientRect()
    for (let u = 0.05; u < 1; u += 0.1) {
      for (let v = 0.05; v < 1; v += 0.1) {
        const at = [box.left + u * box.width, box.top + v * box.height]
        const uncovered = document.elementFromPoint(...at) === root.host
        inside += uncovered && pane.contains(root.elementFromPoint(...at))
        all += 1
      }
    }
  }
  return inside / all
}"""


def box_of(element: Locator) -> dict[str, float]:
    box = element.bounding_box()
    assert box
    return dict(box)


def share_in_sight(page: Page) -> float:
    share: float = page.locator(".viewer").evaluate(SHARE_IN_SIGHT)
    return share


def n_clusters_in_address(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query)["n_clusters"][0]


def assert_shows(page: Page, **settings: Any) -> None:
    """The viewer shows the plate with these settings, in its picture, swatches and caption."""
    settings = {"color_space": "hsv", "channels": "01", "n_clusters": 3} | settings
    seg = kmseg.segment(kmseg.sample_image("plate-5"), kmseg.Settings(**settings))
    np.testing.assert_array_equal(shown_pixels(page, "segmentation")[..., :3], render_of(seg))
    assert page.locator(".swatches button").count() == seg.n_clusters
    caption = page.locator(".caption").inner_text()
    assert caption.startswith(f"{seg.n_clusters} clusters")


# -- phones ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", ["china", "plate-5"])
def test_on_a_phone_the_sidebar_covered_what_k_does(open_page: OpenPage, sample: str) -> None:
    page = open_page(f"?v=1&picture={sample}&n_clusters=4", **PHONE)
    painted(page)
    assert share_in_sight(page) > 0.5
    page.get_by_role("button", name="One cluster more").tap()  # one tap
    page.get_by_text("5 clusters").wait_for()
    assert share_in_sight(page) > 0.5
    space = page.get_by_role("combobox", name="Colour space", exact=True)
    space.tap()  # the first of two; the browser's own list takes the second
    choose_space(page, "CIELAB")
    painted(page)
    assert share_in_sight(page) > 0.5
    seg = kmseg.segment(
        kmseg.sample_image(sample), kmseg.Settings(n_clusters=5, color_space="cielab")
    )
    np.testing.assert_array_equal(shown_pixels(page, "segmentation")[..., :3], render_of(seg))


def test_the_bar_stays_in_sight_and_covers_nothing_for_good(open_page: OpenPage) -> None:
    page = open_page(f"?v=1&{PLATE}", **PHONE)
    painted(page)
    main = page.locator("[data-testid=stMain]")
    for width in (390, 360):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
        for position in (0, 10**6):
            main.evaluate("(node, top) => node.scrollTo(0, top)", position)
            bar = box_of(page.locator(".bar"))
            assert bar["y"] + bar["height"] == pytest.approx(844, abs=1)
            assert bar["x"] == pytest.approx(0, abs=1)
            assert bar["width"] == pytest.approx(width, abs=1)
            assert bar["height"] < 120
        # Scrolled to its end, the last element of the page is above the bar.
        last = page.locator("[data-testid=stMainBlockContainer] .stElementContainer").last
        assert box_of(last)["y"] + box_of(last)["height"] <= bar["y"]
        assert page.locator(".bar").evaluate("bar => bar.scrollWidth <= bar.clientWidth")


def test_what_a_finger_must_hit_is_40_pixels_large(open_page: OpenPage) -> None:
    page = open_page(f"?v=1&{PLATE}&focus=1", **PHONE)
    painted(page)
    page.get_by_role("button", name="View", exact=True).tap()
    targets = page.locator(".viewer :is(button, select, summary, input[type=range], fieldset span)")
    small = [
        (target.evaluate("e => e.outerHTML.slice(0, 60)"), box)
        for target in targets.all()
        if (box := target.bounding_box()) and (box["height"] < 40 or box["width"] < 40)
    ]
    assert small == []


# -- swipe -----------------------------------------------------------------------------------------


def touch_drag(page: Page, *points: tuple[float, float]) -> None:
    """Drag one finger along these points."""
    session = page.context.new_cdp_session(page)

    def send(kind: str, *at: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y} for x, y in at]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    send("touchStart", points[0])
    for (x0, y0), (x1, y1) in pairwise(points):
        for step in range(1, 21):
            send("touchMove", (x0 + (x1 - x0) * step / 20, y0 + (y1 - y0) * step / 20))
    send("touchEnd")


def test_swipe_stopped_at_28_percent_under_a_finger(open_page: OpenPage) -> None:
    page = open_page(f"?v=1&{PLATE}&layout=swipe", **PHONE)
    painted(page)
    pane = box_of(page.locator(".right .pane"))
    share = page.locator(".mix input")
    for x, y in ((0.5, 0.5), (0.1, 0.2)):  # from the grip, and from elsewhere
        assert share.input_value() == "50"
        middle = pane["y"] + pane["height"] * y
        start = pane["x"] + pane["width"] * x
        touch_drag(page, (start, middle), (pane["x"] + pane["width"] * 0.92, middle))
        assert float(share.input_value()) >= 90
        line = box_of(page.locator(".divider"))
        assert line["x"] > pane["x"] + 0.9 * pane["width"]
        clip = page.locator("canvas.segmentation:not(.region)").evaluate("e => e.style.clipPath")
        assert "9" in clip
        share.fill("50")


def test_the_grip_moves_the_divider_of_a_picture_that_is_zoomed(open_page: OpenPage) -> None:
    page = open_page(f"?v=1&{PLATE}&layout=swipe")
    painted(page)
    page.get_by_role("button", name="Zoom in").click()
    pane, grip = box_of(page.locator(".right .pane")), box_of(page.locator(".grip"))
    assert grip["width"] >= 40 and grip["height"] >= 40
    before = page.locator(".viewer").evaluate("e => e.style.getPropertyValue('--x')")
    page.mouse.move(grip["x"] + 20, grip["y"] + 20)
    page.mouse.down()
    page.mouse.move(pane["x"] + 0.8 * pane["width"], grip["y"] + 20, steps=5)
    page.mouse.up()
    assert float(page.locator(".mix input").input_value()) == pytest.approx(80, abs=1)
    assert page.locator(".viewer").evaluate("e => e.style.getPropertyValue('--x')") == before


@pytest.mark.parametrize("layout", ["side", "swipe"])
def test_a_finger_on_the_picture_scrolls_the_page(open_page: OpenPage, layout: str) -> None:
    page = open_page(f"?v=1&{PLATE}&layout={layout}", **PHONE)
    painted(page)
    pane = box_of(page.locator(".right .pane"))
    x, y = pane["x"] + pane["width"] * 0.25, pane["y"] + pane["height"] * 0.8
    touch_drag(page, (x, y), (x, y - 150))
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop > 80")
    assert page.locator(".mix input").input_value() == "50"


# -- full screen -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "screen"),
    [("missing", PHONE), ("rejected", {"width": 1280, "height": 720})],
    ids=["missing on a phone", "rejected on a projector"],
)
def test_full_screen_came_to_nothing_where_the_browser_has_none(
    open_page: OpenPage, refusal: str, screen: dict[str, Any]
) -> None:
    page = open_page(f"?v=1&{PLATE}", **screen)
    painted(page)
    page.evaluate(
        "() => { delete Element.prototype.requestFullscreen }"
        if refusal == "missing"
        else "() => { Element.prototype.requestFullscreen = () => Promise.reject(TypeError('no')) }"
    )
    page.get_by_role("button", name="View", exact=True).click()
    page.get_by_role("button", name="Full screen").click()
    page.get_by_role("button", name="Leave full screen").wait_for(state="attached")
    covering = box_of(page.locator(".viewer"))
    assert (covering["x"], covering["y"]) == (0, 0)
    assert covering["width"] == screen["width"] and covering["height"] == screen["height"]
    # Whatever is hit belongs to the viewer, in the corners too.
    assert page.evaluate(
        "([w, h]) => [[2, 2], [w - 3, 2], [2, h - 3], [w - 3, h - 3], [w / 2, 30]]"
        ".every(at => document.elementFromPoint(...at).shadowRoot?.querySelector('.viewer'))",
        [screen["width"], screen["height"]],
    )
    page.get_by_role("button", name="One cluster more").click()
    page.get_by_text("4 clusters").first.wait_for()
    choose_space(page, "CIELAB")
    painted(page)
    assert share_in_sight(page) > 0.9
    page.keyboard.press("Escape")
    page.locator(".viewer.full").wait_for(state="detached")
    settle(page)
    assert n_clusters_in_address(page) == "4"
    assert "color_space=cielab" in page.url
    main = page.locator("[data-testid=stMain]")
    assert main.evaluate("node => getComputedStyle(node).overflowY") != "hidden"


# -- dragging --------------------------------------------------------------------------------------


def k_position(page: Page, k: int) -> tuple[float, float]:
    """Where the slider's thumb is for a K."""
    slider = page.get_by_role("slider", name=K)
    box, thumb = box_of(slider), 16
    part = (k - 2) / 30
    return box["x"] + thumb / 2 + part * (box["width"] - thumb), box["y"] + box["height"] / 2


def test_a_drag_shows_each_k_and_is_one_entry_of_the_history(open_page: OpenPage) -> None:
    page = open_page(f"?v=1&{PLATE}&view=clusters")
    painted(page)
    settle(page)
    entries = page.evaluate("history.length")
    page.mouse.move(*k_position(page, 3))
    page.mouse.down()
    for k in (6, 9, 12):
        page.mouse.move(*k_position(page, k), steps=3)
        page.get_by_text(f"K = {k}", exact=True).wait_for()
        page.get_by_text(f"{k} clusters, ").wait_for()
        assert_shows(page, n_clusters=k)
        assert n_clusters_in_address(page) == "3"
    page.mouse.up()
    page.wait_for_url(re.compile("n_clusters=12"))
    settle(page)
    assert page.evaluate("history.length") == entries + 1
    assert_shows(page, n_clusters=12)
    page.go_back()
    settle(page)
    painted(page)
    assert_shows(page, n_clusters=3)
    page.get_by_text("K = 3", exact=True).wait_for()


def test_a_fast_drag_ends_at_the_last_k(open_page: OpenPage, photo: Path) -> None:
    """Each value waits for the answer to the one before; the last one always goes out."""
    page = open_page("?v=1&n_clusters=3&color_space=bgr", height=1000)
    upload(page, photo)
    page.evaluate(
        "window.states = []; addEventListener('kmseg:updating', e => states.push(e.detail))"
    )
    page.mouse.move(*k_position(page, 3))
    page.mouse.down()
    for k in range(4, 20):
        page.mouse.move(*k_position(page, k))
    page.mouse.up()
    page.wait_for_url(re.compile("n_clusters=19"), timeout=60_000)
    settle(page)
    painted(page)
    seg = kmseg.segment(kmseg.read_image(photo), kmseg.Settings(n_clusters=19, color_space="bgr"))
    shown = shown_pixels(page, "segmentation")[..., :3]
    height, width = shown.shape[:2]
    rows = ((np.arange(height) + 0.5) * seg.labels.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * seg.labels.shape[1] / width).astype(int)
    np.testing.assert_array_equal(shown, seg.palette[seg.labels[rows][:, columns]])
    states = page.evaluate("states")
    assert states[0] is True and states[-1] is False


# -- what is on its way ----------------------------------------------------------------------------


def test_the_swatches_changed_before_the_picture(open_page: OpenPage) -> None:
    page = open_page(f"?v=1&{PLATE}")
    painted(page)
    settle(page)
    page.evaluate(
        "window.states = []; addEventListener('kmseg:updating', e => states.push(e.detail))"
    )
    held: list[Route] | None = []

    def hold(route: Route) -> None:
        if held is None:
            route.continue_()
        else:
            held.append(route)

    page.route("**/*", hold)
    page.get_by_role("button", name="One cluster more").click()
    assert page.locator(".viewer").get_attribute("data-updating") == "waiting"
    page.locator(".progress").wait_for()
    eventually(page, lambda: bool(held), "No labels were asked for.")
    settle(page)
    assert_agrees(page, 3)
    assert page.get_by_role("radio", name="Side by side").is_checked()
    page.get_by_role("radio", name="Shades of grey").click()  # would be painted in new colours
    page.get_by_role("radio", name="Cluster colours").click()
    assert_agrees(page, 3)
    assert page.locator(".viewer").get_attribute("data-updating") == "waiting"
    assert page.evaluate("states") == [True]
    waiting, held = held, None
    for route in waiting or ():
        route.continue_()
    page.get_by_text("4 clusters, ").wait_for()
    assert page.locator(".viewer").get_attribute("data-updating") is None
    assert not page.locator(".progress").is_visible()
    assert page.evaluate("states") == [True, False]
    assert_shows(page, n_clusters=4)


def assert_agrees(page: Page, k: int) -> None:
    """Picture, swatches, caption and description are those of K, without waiting."""
    settings = kmseg.Settings(color_space="hsv", channels="01", n_clusters=k)
    seg = kmseg.segment(kmseg.sample_image("plate-5"), settings)
    canvas = page.locator(PICTURES["segmentation"])
    np.testing.assert_array_equal(pixels_of(canvas)[..., :3], render_of(seg))
    assert page.locator(".swatches button").count() == k
    assert page.locator(".caption").inner_text().startswith(f"{k} clusters")
    assert f"into {k} clusters" in (canvas.get_attribute("aria-label") or "")


@pytest.mark.expects_problem("ERR_FAILED|Failed to load resource")
def test_labels_that_do_not_arrive_leave_the_last_picture_marked(open_page: OpenPage) -> None:
    page = open_page(f"?v=1&{PLATE}")
    painted(page)
    settle(page)
    page.route("**/*", lambda route: route.abort())
    page.get_by_role("button", name="One cluster more").click()
    page.locator(".viewer[data-updating=failed]").wait_for()
    assert_agrees(page, 3)
    page.unroute("**/*")
    page.get_by_role("button", name="One cluster more").click()
    page.get_by_text("5 clusters, ").wait_for()
    assert_shows(page, n_clusters=5)
    assert page.locator(".viewer").get_attribute("data-updating") is None


# -- keyboard --------------------------------------------------------------------------------------


def test_pictures_could_not_be_picked_in_without_a_mouse(open_page: OpenPage) -> None:
    page = open_page(f"?v=1&{PLATE}")
    painted(page)
    settings = kmseg.Settings(color_space="hsv", channels="01", n_clusters=3)
    labels = kmseg.segment(kmseg.sample_image("plate-5"), settings).labels
    pane = page.locator(".right .pane")
    pane.focus()
    assert "Enter" in (pane.get_attribute("aria-label") or "")
    for _ in range(4):
        pane.press("Shift+ArrowLeft")
    for _ in range(3):
        pane.press("ArrowUp")
    column, row = int(0.1 * 600), int(0.47 * 600)
    assert page.locator(".right .cross").is_visible()
    near = set(labels[row - 2 : row + 3, column - 2 : column + 3].ravel().tolist())
    said = page.locator(".readout").inner_text()
    assert said.startswith("x ") and int(said.rpartition("cluster ")[2]) - 1 in near
    cluster = int(said.rpartition("cluster ")[2])
    for key in ("Enter", " "):
        pane.press(key)
        expected = "true" if key == "Enter" else "false"
        swatch = page.locator(".swatches button").nth(cluster - 1)
        assert swatch.get_attribute("aria-pressed") == expected


def test_the_spaces_are_explained_beside_their_choice(open_page: OpenPage) -> None:
    page = open_page(f"?v=1&{PLATE}", **PHONE)
    painted(page)
    page.locator(".space summary").tap()
    said = page.locator(".space dl")
    assert said.get_by_text("Oklab", exact=True).is_visible()
    assert box_of(said)["y"] >= 0
    page.keyboard.press("Escape")
    assert not said.is_visible()


def test_k_by_keyboard_is_a_change_each(open_page: OpenPage) -> None:
    page = open_page(f"?v=1&{PLATE}")
    painted(page)
    set_k(page, 4)
    assert n_clusters_in_address(page) == "4"
    set_k(page, 6)
    assert n_clusters_in_address(page) == "6"
    assert_shows(page, n_clusters=6)


# -- heights ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", ["plate-5", "china"])
def test_at_a_projector_pictures_and_controls_fit(open_page: OpenPage, sample: str) -> None:
    page = open_page(f"?v=1&picture={sample}", width=1280, height=720)
    painted(page)
    pane = box_of(page.locator(".right .pane"))
    assert pane["height"] <= 400
    top = box_of(page.locator(".bar"))["y"]
    status = box_of(page.locator(".status"))
    assert status["y"] + status["height"] - top <= 135
