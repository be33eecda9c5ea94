"""The place Compare in a real browser."""

from __future__ import annotations

import re

import numpy as np
import pytest

import kmseg
from kmseg.output import render
from visitor import OpenPage, choose, pixels_of, set_k, settle

PINNED = "?picture=flower&color_space=rgb&view=pins&pins=" + "%7C".join(
    f"picture%3Dflower%26color_space%3Drgb%26n_clusters%3D{k}" for k in (4, 6, 10)
)


def test_k_4_6_10_are_each_as_they_should_be_and_large_enough_for_a_class(
    open_page: OpenPage,
) -> None:
    page = open_page(PINNED, width=1280, height=720)
    images = page.locator(".compare img")
    images.nth(2).wait_for()
    for k, image in zip((4, 6, 10), images.all(), strict=True):
        box = image.bounding_box()
        assert box and box["width"] >= 380
        settings = kmseg.Settings(color_space="rgb", n_clusters=k)
        seg = kmseg.segment(kmseg.sample_image("flower"), settings)
        wanted = render.painted(seg.labels, seg.palette)[..., :3]
        np.testing.assert_array_equal(pixels_of(image)[..., :3], wanted)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_panes_zoom_and_move_together(open_page: OpenPage) -> None:
    page = open_page(PINNED)
    sheets = page.locator(".compare .sheet")
    sheets.nth(2).wait_for()
    page.locator(".compare").get_by_role("button", name="Zoom in").click()
    transforms = {sheet.evaluate("e => getComputedStyle(e).transform") for sheet in sheets.all()}
    (transform,) = transforms
    assert transform.startswith("matrix(1.5, 0, 0, 1.5")
    pane = page.locator(".compare .pane").nth(1)
    pane.focus()
    pane.press("ArrowRight")
    (moved,) = {sheet.evaluate("e => getComputedStyle(e).transform") for sheet in sheets.all()}
    assert moved != transform


@pytest.mark.parametrize("layout", ["Swipe", "Blend"])
def test_two_pins_are_laid_over_each_other(open_page: OpenPage, layout: str) -> None:
    page = open_page(PINNED)
    page.locator(".compare .sheet").nth(2).wait_for()
    page.locator(".compare").get_by_role("radio", name=layout).check(force=True)
    assert page.locator(".compare .pane").count() == 1
    page.get_by_label("Right or upper picture").select_option("2")
    page.get_by_label("How much of each is shown").fill("25")
    over = page.locator(".compare .over")
    style = "e => getComputedStyle(e)." + ("clipPath" if layout == "Swipe" else "opacity")
    assert "25%" in over.evaluate(style) or over.evaluate(style) == "0.25"
    assert "K = 10" in (over.locator("img").get_attribute("alt") or "")


def test_what_is_pinned_is_compared_removed_and_opened(open_page: OpenPage) -> None:
    page = open_page("?picture=flower&width=100&n_clusters=3")
    page.get_by_role("button", name="Pin", exact=True).click()
    page.get_by_role("button", name="Pinned", exact=True).wait_for()
    set_k(page, 5)
    page.get_by_role("button", name="Pin", exact=True).click()
    settle(page)
    choose(page, "Compare")
    page.locator(".compare figure").nth(1).get_by_text("agree with the first").wait_for()
    page.get_by_role("button", name=re.compile("Make first")).click()
    settle(page)
    titles = page.locator(".compare figure strong")
    assert titles.all_inner_texts() == ["1 · K = 5", "2 · K = 3"]
    page.locator(".compare figure").nth(1).get_by_role("link", name="Open").click()
    page.wait_for_url(re.compile("n_clusters=3"))
    settle(page)
    assert "pins=" in page.url
    choose(page, "Compare")
    page.get_by_role("button", name="Remove 1 · K = 5").click()
    settle(page)
    assert page.locator(".compare figure").count() == 1
    page.get_by_role("button", name="Remove all pins").click()
    page.get_by_text("Nothing is pinned yet").wait_for()
