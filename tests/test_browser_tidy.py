"""Tidied clusters in a browser: what is painted is what Python makes, also after Back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import kmseg
from visitor import OpenPage, painted, render_of, set_k, settle, shown_pixels

if TYPE_CHECKING:
    from playwright.sync_api import Page

PLATE = "?v=1&picture=plate-5&color_space=hsv&channels=01"


def assert_shows(page: Page, smallest_region: int, n_clusters: int, *merged: list[int]) -> None:
    """The picture, its swatches and the table are those of these settings."""
    settings = kmseg.Settings(color_space="hsv", channels="01", n_clusters=n_clusters)
    seg = kmseg.segment(kmseg.sample_image("plate-5"), settings)
    seg = seg.merged(merged).tidied(smallest_region)
    np.testing.assert_array_equal(shown_pixels(page, "segmentation")[..., :3], render_of(seg))
    assert page.locator(".swatches button").all_inner_texts() == seg.names


def test_labels_of_colours_were_painted_although_regions_had_been_removed(
    open_page: OpenPage,
) -> None:
    page = open_page(f"{PLATE}&n_clusters=3&smallest_region=60")
    painted(page)
    assert_shows(page, 60, 3)
    set_k(page, 4)
    settle(page)
    assert_shows(page, 60, 4)
    page.go_back()
    page.get_by_text("3 clusters, ").wait_for()
    settle(page)
    assert_shows(page, 60, 3)


def test_merged_clusters_are_tidied(open_page: OpenPage) -> None:
    page = open_page(f"{PLATE}&n_clusters=4&smallest_region=60")
    painted(page)
    for name in ("2", "4"):
        page.locator(".swatches button", has_text=name).click()
    page.locator("[data-do=merge]").click()
    page.get_by_text("3 clusters, ").wait_for()
    settle(page)
    assert_shows(page, 60, 4, [1, 3])
    page.locator("[data-do=split]").click()
    page.get_by_text("4 clusters, ").wait_for()
    settle(page)
    assert_shows(page, 60, 4)
