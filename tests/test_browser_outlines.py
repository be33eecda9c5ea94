"""Outlines in a real browser: downloaded from the page, and drawn."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

import kmseg
from oracles import decoded
from visitor import OpenPage, choose, download, settle

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SIDE = 600  # of a plate


def drawn(browser: Browser, svg: bytes, background: str, zoom: float = 1) -> np.ndarray:
    """The RGB pixels of the drawing of a plate, as Chromium shows it."""
    side = int(SIDE * zoom)
    page = browser.new_page(viewport={"width": side, "height": side})
    text = svg.decode().replace(f'width="{SIDE}" height="{SIDE}"', f'width="{side}"', 1)
    page.set_content(f"<body style='margin: 0; background: {background}'>{text}")
    picture = decoded(page.screenshot())
    page.close()
    return picture[..., :3]


def test_the_drawing_of_the_page_is_the_segmentation(open_page: OpenPage, browser: Browser) -> None:
    page = open_page("?picture=plate-74&color_space=hsv&channels=02&n_clusters=3&view=download")
    settings = kmseg.Settings(color_space="hsv", channels="02", n_clusters=3)
    seg = kmseg.segment(kmseg.sample_image("plate-74"), settings)
    name, smooth = download(page, "Clusters (SVG)")
    assert name == "plate-74_hsv_c02_k3_s0_outlines.svg"
    for zoom in (0.4, 1, 1.5):  # no line of the background between shapes
        black, white = (
            drawn(browser, smooth, color, zoom)[2:-2, 2:-2] for color in ("#000", "#fff")
        )
        np.testing.assert_array_equal(black, white)

    choose(page, "none")
    settle(page)
    assert "smoothing=0" in page.url
    _, exact = download(page, "Clusters (SVG)")
    np.testing.assert_array_equal(drawn(browser, exact, "#f0f"), seg.palette[seg.labels])
    name, content = download(page, "Regions (GeoJSON)")
    assert name == "plate-74_hsv_c02_k3_s0_outlines.geojson"
    areas = np.zeros(seg.n_clusters, int)
    for feature in json.loads(content)["features"]:
        areas[feature["properties"]["cluster"] - 1] += feature["properties"]["area"]
    np.testing.assert_array_equal(areas, seg.pixel_counts)
