"""Drawn samples, simulated colour vision and animations in a real browser."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import expect

import kmseg
from kmseg.samples import SAMPLES
from test_browser_axe import show_in, violations
from visitor import OpenPage, choose_picture, download, painted, render_of, settle, shown_pixels

PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}
VISION = "?picture=plate-6&color_space=rgb&n_clusters=3&view=sheet&sheet_shown=vision"


def test_a_sample_on_which_k_means_fails_says_why_below_the_strip(open_page: OpenPage) -> None:
    page = open_page("")
    why = page.locator(".album .why")
    assert why.is_hidden()
    failing = page.get_by_role("list", name="When k-means fails")
    expect(failing.get_by_role("listitem")).to_have_count(6)
    choose_picture(page, "Hue that wraps")
    expect(why).to_have_text(SAMPLES["wrapped-hue"].why)
    settle(page)
    painted(page)
    settings = kmseg.Settings(**SAMPLES["wrapped-hue"].settings)  # type: ignore[arg-type]
    seg = kmseg.segment(kmseg.sample_image("wrapped-hue"), settings)
    np.testing.assert_array_equal(shown_pixels(page, "segmentation")[..., :3], render_of(seg))
    choose_picture(page, SAMPLES["flower"].title)
    expect(why).to_be_hidden()


@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_simulations_of_colour_vision_have_no_fault(
    open_page: OpenPage, size: dict[str, Any]
) -> None:
    page = open_page(VISION, **size)
    painted(page)
    pictures = page.locator(".kmseg-seen img")
    page.get_by_role("img", name="Clusters", exact=True).wait_for(timeout=60_000)
    assert (
        pictures.evaluate_all("all => all.map(({ naturalWidth }) => naturalWidth > 100)")
        == [True] * 5
    )
    for scheme, rules in (("dark", ["color-contrast"]), ("light", [])):
        show_in(page, scheme)
        assert violations(page, *rules) == []
    page.get_by_role("button", name="Use these settings").click()
    settle(page)
    assert "color_space=hsv" in page.url and "sheet_shown=vision" in page.url


def test_an_animation_is_downloaded(open_page: OpenPage) -> None:
    page = open_page("?picture=stained-cells&color_space=cielab&n_clusters=3&view=download")
    run = kmseg.trace(
        kmseg.sample_image("stained-cells"), kmseg.Settings(color_space="cielab", n_clusters=3)
    )
    name, content = download(page, "Animation (GIF)")
    assert name == "stained-cells_cielab_call_k3_s0_animation.gif"
    with Pillow.open(io.BytesIO(content)) as file:
        assert getattr(file, "n_frames", 1) == 2 * run.n_steps + 2
