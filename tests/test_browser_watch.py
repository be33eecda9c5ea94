"""The place Watch in a real browser: steps, draws, dragging, keys, links, and a lost server."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image as Pillow

import kmseg
from browser import wait_until_idle
from conftest import served_page
from kmseg.color import features
from kmseg.output.tracecodec import PRECISION, inertia_after_moves, pack_trace
from kmseg.tracing import Trace, trace
from kmseg.ui import text
from kmseg.ui.components import modules
from kmseg.ui.records import Start
from visitor import OpenPage, choose, eventually, open_files, pixels_of, set_k, settle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLOWER = "picture=flower&width=300&n_clusters=4&color_space=rgb"
STEPS = f"{FLOWER}&view=steps"
SEGMENTATION = "canvas.segmentation:not(.region)"
PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}
DESKTOP = {"width": 1280, "height": 720}


def run_of(**changes: Any) -> Trace:
    """The run of the link above."""
    values = {"n_clusters": 4, "color_space": "rgb", "width": 300} | changes
    return trace(kmseg.sample_image("flower"), kmseg.Settings(**values))


def ready(page: Page) -> None:
    """Wait until the browser has the run and the preview's pixels."""
    page.locator(".steps:not([hidden])").wait_for()


def position(page: Page) -> int:
    return int(page.get_by_role("slider", name="Half-step").input_value())


def go(page: Page, wanted: int) -> None:
    page.get_by_role("slider", name="Half-step").fill(str(wanted))


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def sentence(page: Page) -> str:
    return page.locator(".steps .sentence").inner_text()


def picture(page: Page) -> np.ndarray:
    return pixels_of(page.locator(SEGMENTATION))


def colors_at(run: Trace, at: int) -> np.ndarray:
    """Colours of the clusters at a position from 1."""
    if at == 2 * run.n_steps + 1:
        return run.palette[-1]
    return run.seeds if at == 1 else run.palette[at // 2 - 1]


# -- steps -----------------------------------------------------------------------------------------


def test_every_half_step_is_painted_as_numpy_assigns_and_in_the_colours_of_its_clusters(
    open_page: OpenPage,
) -> None:
    page = open_page(f"?{STEPS}")
    ready(page)
    run = run_of()
    assert run.image is not None
    np.testing.assert_array_equal(picture(page)[..., :3], run.image.pixels)
    for at in range(1, 2 * run.n_steps + 2):
        press(page, "Half a step forward")
        assert position(page) == at
        step = (at - 1) // 2
        pixels = features(run.image.pixels.reshape(-1, 3), "rgb")[:, None]
        distances = ((pixels - run.centroids[step][run.drawn]) ** 2).sum(axis=2)
        labels = run.drawn[distances.argmin(axis=1)].reshape(run.image.pixels.shape[:2])
        found, wanted = picture(page)[..., :3], colors_at(run, at)[labels]
        assert (found != wanted).any(axis=2).mean() < 1e-4, at  # centroids are sent rounded
    np.testing.assert_array_equal(picture(page)[..., :3], run.palette[-1][run.labels(-1)])


def test_the_end_has_the_segmentations_counts_from_the_same_start(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}")
    ready(page)
    press(page, "To the end")
    assert "At rest" in sentence(page)
    run = run_of()
    seg = kmseg.segment(kmseg.sample_image("flower"), run.manual)
    names = [
        f"Cluster {number}, {kmseg.settings.to_hex(color)}, {share:.1%}: put in focus"
        for number, (color, share) in enumerate(zip(seg.palette, seg.shares, strict=True), 1)
    ]
    buttons = page.locator(".swatches button")
    assert [button.get_attribute("title") for button in buttons.all()] == names
    buttons.nth(1).click()
    page.get_by_text(f"In focus: cluster 2 · {seg.pixel_counts[1]:,} pixels").wait_for()


def test_back_and_forward_show_the_same_pictures(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}")
    ready(page)
    forward = {}
    for _ in range(8):
        press(page, "Half a step forward")
        forward[position(page)] = (picture(page).tobytes(), sentence(page))
    for at in range(8, 0, -1):
        assert position(page) == at
        assert (picture(page).tobytes(), sentence(page)) == forward[at]
        press(page, "Half a step back")


def test_the_sentences_count_all_pixels(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}")
    ready(page)
    run = run_of()
    n_pixels = int(run.pixel_counts[0].sum())
    assert sentence(page) == "4 seeds, drawn by k-means++. No pixel belongs to a cluster yet."
    go(page, 1)
    assert sentence(page).startswith(f"Assign: each of {n_pixels:,} pixels joins the nearest")
    go(page, 2)
    assert f"at most {run.moved[1]:.3g} away; inertia fell by" in sentence(page)
    go(page, 3)
    share = run.changed[1] / n_pixels
    assert sentence(page).startswith(f"Assign: {run.changed[1]:,} pixels ({share:.1%}) changed")


def test_playing_goes_to_rest_and_may_be_paused(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}")
    ready(page)
    last = 2 * run_of().n_steps + 1
    page.get_by_label("Speed, half-steps a second").select_option("10")
    press(page, "Play")
    eventually(page, lambda: position(page) > 1, "It does not play.")
    press(page, "Pause")
    paused = position(page)
    assert 1 < paused < last
    press(page, "Play")
    eventually(page, lambda: position(page) == last, "It does not come to rest.")
    page.get_by_role("button", name="Play", exact=True).wait_for()
    page.wait_for_url(re.compile(f"step={last}"))


def test_pixels_that_changed_flash_unless_the_visitor_wants_no_motion(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}")
    ready(page)
    count = "canvas => canvas.getAnimations().length"
    go(page, 3)
    assert page.locator(".flash").evaluate(count) == 1
    changed = (pixels_of(page.locator(".flash"))[..., 3] > 0).sum()
    run = run_of()
    assert changed == (run.labels(1) != run.labels(0)).sum()
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_function("matchMedia('(prefers-reduced-motion: reduce)').matches")
    eventually(page, lambda: page.locator(".flash").evaluate(count) == 0, "The flash stays.")
    go(page, 5)
    assert page.locator(".flash").evaluate(count) == 0


def test_zoom_and_layout_and_focus_work_on_a_step(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}&step=3", height=900)
    ready(page)
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("group", name="Zoom").get_by_text("2 ×").wait_for()
    page.get_by_role("radio", name="Swipe", exact=True).check()
    assert page.locator(SEGMENTATION).evaluate("canvas => canvas.style.clipPath") != ""
    page.locator(".swatches button").first.click()
    veil = pixels_of(page.locator(".right canvas.veil:not(.region)"))
    np.testing.assert_array_equal(veil[..., 3] == 0, run_of().labels(1) == 0)
    press(page, "Half a step forward")
    press(page, "Half a step forward")
    veil = pixels_of(page.locator(".right canvas.veil:not(.region)"))
    np.testing.assert_array_equal(veil[..., 3] == 0, run_of().labels(2) == 0)
    for name in ("Merge", "Mask", "Cut-out"):  # they act on the segmentation's clusters
        assert not page.get_by_role("button", name=name, exact=True).is_visible()


def test_full_screen_has_the_sentence_and_steps(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}&step=2", height=900)
    ready(page)
    page.get_by_role("button", name="Full screen").click()
    page.locator(".viewer.full").wait_for()
    page.locator("[data-play=forward]").click()
    assert position(page) == 3
    shown = page.locator(".caption .sentence")
    assert shown.is_visible() and shown.inner_text() == sentence(page)


def test_another_view_shows_the_segmentation_again(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}&step=1")
    ready(page)
    choose(page, "Explore")
    settings = kmseg.Settings(n_clusters=4, color_space="rgb", width=300)
    seg = kmseg.segment(kmseg.sample_image("flower"), settings)
    np.testing.assert_array_equal(picture(page)[..., :3], seg.palette[seg.labels])
    assert "step=" not in page.url
    assert page.locator(".caption").inner_text().startswith("4 clusters")
    choose(page, "Watch")
    ready(page)
    assert position(page) == 1


# -- keys and links --------------------------------------------------------------------------------


def test_keys_play_and_step_where_no_other_control_uses_them(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}")
    ready(page)
    last = 2 * run_of().n_steps + 1
    keyboard = page.keyboard
    page.evaluate("document.activeElement.blur()")
    for key, at in (
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("End", last),
        ("Home", 0),
    ):
        keyboard.press(key)
        assert position(page) == at, key
    keyboard.press("Space")
    page.get_by_role("button", name="Pause", exact=True).wait_for()
    keyboard.press("Space")
    page.get_by_role("button", name="Play", exact=True).wait_for()
    # The slider of K uses the arrow keys itself.
    go(page, 2)
    page.get_by_role("slider", name="K, number of clusters").press("ArrowRight")
    settle(page)
    page.wait_for_url(re.compile("n_clusters=5"))


def test_a_link_opens_at_its_step_of_its_start(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}&start=3&step=4")
    ready(page)
    assert position(page) == 4
    attempt = trace(
        kmseg.sample_image("flower"),
        kmseg.Settings(n_clusters=4, color_space="rgb", width=300),
        attempt=2,
    )
    np.testing.assert_array_equal(picture(page)[..., :3], attempt.palette[1][attempt.labels(1)])
    query = parse_qs(urlsplit(page.url).query)
    assert query["start"] == ["3"] and query["step"] == ["4"]
    press(page, "To the start")
    assert "(start 3)" in sentence(page)
    press(page, "Other seeds")
    page.wait_for_url(re.compile("start=4"))
    eventually(page, lambda: "(start 4)" in sentence(page), "There is no other start.")


def test_another_k_is_another_run(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}&step=3")
    ready(page)
    set_k(page, 6)
    eventually(page, lambda: sentence(page).startswith("6 seeds"), "The run is an old one.")
    assert position(page) == 0 and page.locator(".swatches button").count() == 6


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

# Move the chosen centroid by keys: PageDown chooses the first.
PLANE = re.compile("^Colours and centroids")


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
    plane = page.get_by_role("application", name=PLANE)
    box = plane.bounding_box()
    assert box
    for y in range(12, int(box["height"]) - 10, 10):
        for x in range(12, int(box["width"]) - 10, 10):
            page.mouse.move(box["x"] + x, box["y"] + y)
            if plane.evaluate("canvas => canvas.style.cursor") == "grab":
                return x, y
    pytest.fail("No centroid can be taken.")


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


# -- without a server ------------------------------------------------------------------------------


def test_stepping_works_while_the_server_is_stopped(browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    with served_page(tmp_path) as server:
        page.goto(f"{server.url}/?v=1&{STEPS}")
        wait_until_idle(page)
        ready(page)
    page.locator("#kmseg-connection").get_by_text(re.compile("^Reconnecting…")).wait_for()
    run = run_of()
    for at in range(1, 2 * run.n_steps + 2):
        press(page, "Half a step forward")
        assert position(page) == at
    np.testing.assert_array_equal(picture(page)[..., :3], run.palette[-1][run.labels(-1)])
    press(page, "Show draws")
    assert sentence(page).startswith("Seed 1 of 4")
    go(page, 0)
    go(page, 3)
    before = picture(page)
    plane = page.get_by_role("application", name=PLANE)
    plane.focus()
    plane.press("PageDown")
    plane.press("Shift+ArrowLeft")
    assert (picture(page) != before).any()
    context.close()


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


# -- the page --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_picture_sentence_and_curve_are_in_sight_together(
    open_page: OpenPage, size: dict[str, Any]
) -> None:
    page = open_page("?picture=china&n_clusters=8", **size)
    choose(page, "Watch")
    ready(page)
    bottom = page.viewport_size["height"] if size is DESKTOP else 844 - 104  # type: ignore[index]

    def seen(selector: str) -> float:
        box = page.locator(selector).bounding_box()
        assert box
        top, end = max(box["y"], 0), min(box["y"] + box["height"], bottom)
        return max(end - top, 0) / box["height"]

    parts = (".right .pane", ".steps .sentence", ".player", ".curve")
    said = "Picture, sentence, controls and curve are not in sight together."
    eventually(page, lambda: min(map(seen, parts)) > 0.8 and seen(".curve") == 1, said)


def test_the_browsers_decoder_and_numbers_are_pythons(open_page: OpenPage) -> None:
    run = run_of(n_clusters=7, color_space="oklab")
    packed = base64.b64encode(pack_trace(run, np.arange(7))).decode()
    page = open_page("?width=20")
    files = modules.sources()
    paths = ("ui/components/steps/unpack.js", "ui/components/steps/words.js")
    functions = [modules.as_function(name, files[name]) for name in modules.in_order(files, *paths)]
    source = "\n".join(
        [
            "const modules = {}",
            *functions,
            f"export const {{ unpackTrace }} = modules['{paths[0]}']",
            f"export const {{ power }} = modules['{paths[1]}']",
        ]
    )
    numbers = [0.0, 1.0, 12.345, 999.4, 999.6, 123456.7, 999_999.0, 1e6, 3.744e8, 9.996e9, 0.01234]
    found = page.evaluate(
        "async ([source, packed, moves, k, d, numbers]) => {"
        "const { unpackTrace, power } = await import("
        "`data:text/javascript,${encodeURIComponent(source)}`);"
        "const trace = await unpackTrace(packed, moves, k, d);"
        "const lists = Object.entries(trace).filter(([, value]) => value.length !== undefined);"
        "return [Object.fromEntries(lists.map(([name, list]) => [name, [...list]])),"
        " numbers.map(power)] }",
        [source, packed, run.n_steps, 7, 3, numbers],
    )
    lists, powers = found
    assert powers == [text.power(number) for number in numbers]
    assert lists["inertia"] == run.inertia.tolist()
    np.testing.assert_array_equal(lists["afterMove"], inertia_after_moves(run))
    assert lists["counts"] == run.pixel_counts.ravel().tolist()
    assert lists["palette"] == run.palette.ravel().tolist()
    assert lists["changed"] == run.changed.tolist()
    np.testing.assert_allclose(
        lists["centroids"], run.centroids.ravel(), rtol=0, atol=PRECISION / 2
    )
