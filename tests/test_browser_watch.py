"""The place Watch in a real browser: steps, keys, links, and what is in sight."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

import kmseg
from kmseg.color import features
from kmseg.output.tracecodec import PRECISION, inertia_after_moves, pack_trace
from kmseg.tracing import trace
from kmseg.ui import text
from kmseg.ui.components import modules
from visitor import OpenPage, choose, eventually, pixels_of, set_k, settle
from watching import (
    PHONE,
    SEGMENTATION,
    STEPS,
    colors_at,
    go,
    picture,
    position,
    press,
    ready,
    run_of,
    sentence,
)

DESKTOP = {"width": 1280, "height": 720}


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
    assert "Converged: no centroid would move further than epsilon" in sentence(page)
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
    assert f"the furthest by {run.moved[1]:.3g}; inertia fell by" in sentence(page)
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


def test_back_returns_to_the_run_and_the_step_before(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}")
    ready(page)
    go(page, 3)
    page.wait_for_url(re.compile("step=3"))
    press(page, "Other seeds")
    page.wait_for_url(re.compile("start=2"))
    settle(page)
    eventually(page, lambda: "(start 2)" in sentence(page), "There is no other start.")
    page.go_back()
    page.wait_for_url(re.compile("^(?!.*start=)"))
    settle(page)
    eventually(page, lambda: position(page) == 3, "The step before is not shown.")
    wanted = run_of()
    np.testing.assert_array_equal(picture(page)[..., :3], wanted.palette[0][wanted.labels(1)])


def test_another_k_is_another_run(open_page: OpenPage) -> None:
    page = open_page(f"?{STEPS}&step=3")
    ready(page)
    set_k(page, 6)
    eventually(page, lambda: sentence(page).startswith("6 seeds"), "The run is an old one.")
    assert position(page) == 0 and page.locator(".swatches button").count() == 6


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
    # Nothing covers the sentence, as the pictures did on a phone, where they stay in sight.
    on_top = """sentence => {
      const { left, top, bottom } = sentence.getBoundingClientRect()
      const hit = y => sentence.getRootNode().elementFromPoint(left + 5, y)
      return hit(top + 3) === sentence && hit(bottom - 3) === sentence
    }"""
    covered = "The sentence is covered."
    eventually(page, lambda: page.locator(".steps .sentence").evaluate(on_top), covered)


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
