"""Where the runs of Watch begin, in a real browser: draws, clicks, and centroids moved by hand."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image as Pillow

import kmseg
from kmseg.tracing import trace
from kmseg.ui.records import Start
from visitor import OpenPage, eventually, open_files, settle
from watching import PHONE, PLANE, STEPS, go, picture, position, press, ready, run_of, sentence

if TYPE_CHECKING:
    from playwright.sync_api import Page


# -- draws -----------------------------------------------------------------------------------------


def test_the_odds_of_each_draw_are_those_of_kmeans_plus_plus(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}")
    ready(page)
    run = run_of()
    assert run.image is not None
    pixels = run.image.pixels.astype(float)
    press(page, "Show draws")
    assert sentence(page).startswith("Seed 1 of 4 is drawn") and "equally likely" in sentence(page)
    for number in range(1, 4):
        press(page, "Half a step forward")
        assert sentence(page).startswith(f"Seed {number + 1} is about to be drawn")
        seeds = run.centroids[0][run.drawn[:number]]
        odds = ((pixels[:, :, None] - seeds) ** 2).sum(axis=3).min(axis=2)
        bright = picture(page)[..., :3].astype(float).sum(axis=2)
        shown = np.clip(3 * np.sqrt(odds / odds.max())[..., None] - np.arange(3), 0, 1).sum(axis=2)
        np.testing.assert_allclose(bright, 255 * shown, atol=3)
        assert page.locator(".marks i").count() == number
        press(page, "Half a step forward")
        color = kmseg.settings.to_hex(run.seeds[run.drawn[number]])
        assert sentence(page) == f"Seed {number + 1} of 4 is drawn: {color}."
        assert page.locator(".marks i").count() == number + 1
    press(page, "Half a step forward")
    assert position(page) == 0


def test_seeds_are_chosen_by_clicks_on_the_picture(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}")
    ready(page)
    page.get_by_label("How the centroids start").select_option("manual")
    page.wait_for_url(re.compile("init=manual"))
    settle(page)
    eventually(page, lambda: "your colours" in sentence(page), "The start is not manual.")
    pane = page.locator(".right .pane")
    box = pane.bounding_box()
    assert box
    before = page.url
    pane.click(position={"x": 0.5 * box["width"], "y": 0.5 * box["height"]})
    page.wait_for_url(lambda url: url != before)
    settle(page)
    (given,) = parse_qs(urlsplit(page.url).query)["centroids"]
    around = kmseg.sample_image("flower").pixels[211:216, 318:323].reshape(-1, 3)
    assert f"#{given.partition('-')[0]}" in map(kmseg.settings.to_hex, around)
    colors = page.locator(".swatches button").evaluate_all(
        "buttons => buttons.map(button => button.style.getPropertyValue('--color'))"
    )
    assert sorted(colors) == sorted(f"#{color}" for color in given.split("-"))


# -- dragging --------------------------------------------------------------------------------------


def start_of(page: Page) -> np.ndarray:
    (text,) = parse_qs(urlsplit(page.url).query)["start"]
    found = Start.parse(text)
    assert found and found.centroids
    return np.array(found.centroids)


def test_a_moved_centroid_takes_its_pixels_at_once_and_exact_counts_follow(
    open_page: OpenPage,
) -> None:
    page = open_page(f"?{STEPS}&step=3")
    ready(page)
    before = picture(page)
    plane = page.get_by_role("application", name=PLANE)
    plane.focus()
    plane.press("PageDown")
    for _ in range(3):
        plane.press("Shift+ArrowRight")
    assert (picture(page) != before).any()
    assert sentence(page).startswith("Centroid 1 is moved: about ")
    page.wait_for_url(re.compile("start=-?[0-9]+[.]"))
    eventually(page, lambda: sentence(page).startswith("Assign"), "The exact counts do not come.")
    start = start_of(page)
    settings = kmseg.Settings(n_clusters=4, color_space="rgb", width=300)
    run = trace(kmseg.sample_image("flower"), settings, start=start)
    assert position(page) == 1
    labels = np.argsort(run.drawn)[run.labels(0)]  # numbers are those that the clusters had
    palette = run.palette[0][run.drawn]
    found, wanted = picture(page)[..., :3], palette[labels]
    assert (found != wanted).any(axis=2).mean() < 1e-4
    shares = run.pixel_counts[0][run.drawn] / run.pixel_counts[0].sum()
    names = [button.get_attribute("title") for button in page.locator(".swatches button").all()]
    for name, share in zip(names, shares, strict=True):
        assert name and f", {share:.1%}:" in name
    press(page, "To the end")
    assert "At rest" in sentence(page)


def test_a_centroid_is_dragged_by_the_mouse_and_the_move_is_undone(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}&step=4", height=1000)
    ready(page)
    before = (picture(page).tobytes(), sentence(page))
    plane = page.get_by_role("application", name=PLANE)
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()
    assert box
    x, y = place_of_a_centroid(page)
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40, steps=5)
    assert "is moved" in sentence(page)
    page.mouse.up()
    press(page, "Undo move")
    page.wait_for_url(re.compile("^(?!.*start=)"))
    eventually(
        page,
        lambda: (picture(page).tobytes(), sentence(page)) == before,
        "The run before is not there again.",
    )
    assert position(page) == 4 and not page.get_by_role("button", name="Undo move").is_visible()


def place_of_a_centroid(page: Page) -> tuple[float, float]:
    """Where the pointer would take a centroid, found by its cursor."""
    found = page.get_by_role("application", name=PLANE).evaluate(
        """canvas => {
          const { left, top, width, height } = canvas.getBoundingClientRect()
          for (let y = 12; y < height - 10; y += 10) {
            for (let x = 12; x < width - 10; x += 10) {
              const place = { clientX: left + x, clientY: top + y, pointerType: "mouse" }
              canvas.dispatchEvent(new PointerEvent("pointermove", place))
              if (canvas.style.cursor === "grab") return [x, y]
            }
          }
        }"""
    )
    assert found, "No centroid can be taken."
    return found[0], found[1]


def test_two_centroids_in_one_colour_leave_one_empty_which_restarts_elsewhere(
    open_page: OpenPage,
) -> None:
    page = open_page(f"?{STEPS}&start=1000.1000.1000_1000.1000.1000_20000.9000.4000_0.9000.9000")
    ready(page)
    assert position(page) == 1
    assert "Cluster 2 is empty" in sentence(page)
    assert (
        page.locator(".swatches button")
        .nth(1)
        .get_attribute("title")
        .endswith(  # type: ignore[union-attr]
            ", 0.0%: put in focus"
        )
    )
    go(page, 3)
    assert "empty" not in sentence(page)


def test_a_finger_moves_a_centroid_and_scrolls_the_page_elsewhere(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}&step=3", **PHONE)
    ready(page)
    plane = page.get_by_role("application", name=PLANE)
    plane.scroll_into_view_if_needed()
    prevented = """canvas => {
      const { left, top, width, height } = canvas.getBoundingClientRect()
      const found = []
      for (let y = 5; y < height; y += 8) {
        for (let x = 5; x < width; x += 8) {
          const [clientX, clientY] = [left + x, top + y]
          const touch = new Touch({ identifier: 1, target: canvas, clientX, clientY })
          found.push(!canvas.dispatchEvent(new TouchEvent("touchstart", {
            touches: [touch], cancelable: true, bubbles: true,
          })))
        }
      }
      return found
    }"""
    found = plane.evaluate(prevented)
    assert 0 < sum(found) < 0.6 * len(found)


# -- pictures of other kinds -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"color_space": "gray"},
        {"color_space": "hsv", "channels": "0"},
        {"color_space": "hsv-circular", "channels": "0"},
        {"color_space": "cielab", "n_clusters": 32},
        {"color_space": "ycrcb", "channels": "12", "init": "random"},
    ],
    ids=str,
)
def test_other_spaces_and_channels_end_as_their_segmentation(
    open_page: OpenPage, settings: dict[str, Any]
) -> None:
    run = run_of(**settings)
    query = "&".join(f"{name}={value}" for name, value in settings.items())
    k = "" if "n_clusters" in settings else "&n_clusters=4"
    page = open_page(f"?picture=flower&width=300&view=steps{k}&{query}")
    ready(page)
    press(page, "To the end")
    wanted = run.palette[-1][run.labels(-1)]
    assert (picture(page)[..., :3] != wanted).any(axis=2).mean() < 1e-3
    assert page.get_by_label("Axes of the colours").count() == 1


def test_transparent_pixels_stay_transparent_and_a_picture_may_have_few_colours(
    open_page: OpenPage,
) -> None:
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[:, 20:40] = (255, 0, 0, 255)
    pixels[:, 40:] = (0, 80, 255, 255)
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "PNG")
    page = open_page("?view=steps&n_clusters=5")
    open_files(page, {"name": "two.png", "mimeType": "image/png", "buffer": buffer.getvalue()})
    page.get_by_text("60 × 40").wait_for()
    settle(page)
    eventually(page, lambda: sentence(page).startswith("2 seeds"), "There is no run.")
    for at in (0, 1):
        go(page, at)
        shown = picture(page)
        np.testing.assert_array_equal(shown[..., 3], pixels[..., 3])
        np.testing.assert_array_equal(shown[:, 20:, :3], pixels[:, 20:, :3])
