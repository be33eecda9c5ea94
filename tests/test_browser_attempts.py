"""The view Attempts in a real browser: tiles, differences, strips, and the way to the steps."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

import kmseg
from kmseg import explore
from kmseg.tracing import trace
from visitor import OpenPage, eventually, pixels_of, settle
from watching import FLOWER, PHONE, go, picture, position, ready, sentence

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

ATTEMPTS = f"{FLOWER.replace('n_clusters=4', 'n_clusters=6')}&view=attempts"
SETTINGS = kmseg.Settings(n_clusters=6, color_space="rgb", width=300)
TILE = ".attempts[aria-label^=Attempts] .card"
STOP = re.compile("^(Stop|Continue)$")


@cache
def expected() -> tuple[list[explore.Attempt], list[explore.Comparison]]:
    image = kmseg.sample_image("flower").resized(300)
    histogram = kmseg.color_histogram(image)
    grid = explore.tile_grid(image, histogram)
    made = list(explore.attempts(histogram, grid, SETTINGS, range(12)))
    return made, explore.compared(histogram, made)


def complete(page: Page, n: int = 12) -> None:
    """Wait until all tiles are shown."""
    page.locator(TILE).nth(n - 1).wait_for(timeout=60_000)
    page.get_by_text(f"{n} attempts ended at the").wait_for()


def card(page: Page, number: int) -> Locator:
    return page.locator(TILE).filter(has=page.get_by_text(f"Attempt {number}", exact=True))


def choose(page: Page, number: int) -> Locator:
    """Click a tile; returns it."""
    card(page, number).locator(".choose").click()
    return card(page, number)


def differing() -> int:
    """Number, from 1, of the attempt that differs most from the best."""
    return int(np.argmax([each.differing for each in expected()[1]])) + 1


def n_dots(page: Page) -> list[int]:
    strips = page.locator(".distribution svg[role=img]").all()
    return [strip.locator("circle").count() for strip in strips]


def test_tiles_are_the_attempts_and_one_is_marked_as_the_best(open_page: OpenPage) -> None:
    page = open_page(f"?{ATTEMPTS}")
    complete(page)
    made, compared = expected()
    for attempt, comparison in zip(made, compared, strict=True):
        tile = card(page, attempt.number + 1)
        image = pixels_of(tile.locator(".image"))
        np.testing.assert_array_equal(image[..., :3], attempt.palette[attempt.labels])
        words = tile.inner_text()
        assert ("★ best" in words) == (comparison.excess == 0 == comparison.differing)
        assert f"{attempt.n_iter} iteration" in words
    assert page.locator(".best").count() == 1


def test_the_differences_of_a_chosen_tile_light_up_and_may_be_put_out(open_page: OpenPage) -> None:
    page = open_page(f"?{ATTEMPTS}")
    complete(page)
    number = differing()
    comparison = expected()[1][number - 1]
    tile = choose(page, number)
    lit = tile.locator(".differences")
    assert lit.is_visible()
    np.testing.assert_array_equal(pixels_of(lit)[..., 3] > 0, comparison.differs)
    assert f"{comparison.differing:,} pixels" in tile.inner_text()
    tile.get_by_label("Light up the differences").uncheck()
    assert not lit.is_visible()
    other = choose(page, number % 12 + 1)
    assert other.get_attribute("class") and "chosen" in str(other.get_attribute("class"))
    assert not tile.get_by_role("button", name="Step through it").is_visible()


@pytest.mark.parametrize("size", [PHONE, {}], ids=["phone", "desktop"])
def test_stepping_through_a_tile_opens_its_steps(
    open_page: OpenPage, size: dict[str, object]
) -> None:
    page = open_page(f"?{ATTEMPTS}", **size)
    complete(page)
    number = differing()
    tile = choose(page, number)
    tile.get_by_role("button", name="Step through it").click()
    page.wait_for_url(re.compile(rf"start={number}\b"))
    settle(page)
    ready(page)
    assert position(page) == 0
    assert number == 1 or f"(start {number})" in sentence(page)
    run = trace(kmseg.sample_image("flower"), SETTINGS, attempt=number - 1)
    go(page, 2 * run.n_steps + 1)
    np.testing.assert_array_equal(picture(page)[..., :3], run.palette[-1][run.labels(-1)])
    page.go_back()
    page.wait_for_url(re.compile("view=attempts"))
    complete(page)


def test_the_strips_fill_while_the_page_is_idle(open_page: OpenPage) -> None:
    page = open_page(f"?{ATTEMPTS}&seed=5")
    eventually(page, lambda: n_dots(page) == [30, 30], "The strips are not filled.", 60)
    page.get_by_role("button", name=STOP).wait_for(state="detached")
    words = page.locator(".distribution").inner_text()
    assert "random seeds" in words and "k-means++ seeds" in words
    assert "inertia above the best" in page.locator(".distribution").text_content()  # type: ignore[operator]
    assert "made" not in words


def test_the_work_can_be_stopped_and_continued(open_page: OpenPage) -> None:
    page = open_page("?picture=china&n_clusters=32&color_space=cielab&view=attempts")
    page.get_by_role("button", name="Stop", exact=True).click(timeout=60_000)
    page.get_by_role("button", name="Continue", exact=True).wait_for()
    page.get_by_text("12 attempts ended at the").wait_for(timeout=60_000)
    settle(page)
    stopped = n_dots(page)
    assert sum(stopped) < 60
    page.get_by_role("button", name="Continue", exact=True).click()
    eventually(page, lambda: sum(n_dots(page)) > sum(stopped), "It does not continue.", 60)


def test_a_bad_start_is_found_and_can_be_stepped_through(open_page: OpenPage) -> None:
    page = open_page(f"?{ATTEMPTS}&init=random")
    complete(page)
    page.get_by_role("button", name="Find a bad start").click()
    found = page.get_by_text(re.compile(r"A bad start: attempt \d+ ends"))
    found.wait_for(timeout=60_000)
    number = int(re.findall(r"attempt (\d+)", found.inner_text())[0])
    pair = page.get_by_role("group", name="The best attempt and a bad start")
    assert pair.locator(".card").count() == 2
    pair.get_by_role("button", name="Step through it").click()
    page.wait_for_url(re.compile(r"init=random"))
    settle(page)
    ready(page)
    assert number == 1 or f"(start {number})" in sentence(page)


def test_keys_choose_a_tile_and_step_through_it(open_page: OpenPage) -> None:
    page = open_page(f"?{ATTEMPTS}")
    complete(page)
    first = card(page, 1).locator(".choose")
    first.focus()
    first.press("Enter")
    assert first.get_attribute("aria-pressed") == "true"
    step = card(page, 1).get_by_role("button", name="Step through it")
    for _ in range(3):
        page.keyboard.press("Tab")
        if step.evaluate("button => button.matches(':focus')"):
            break
    page.keyboard.press("Enter")
    settle(page)
    ready(page)
