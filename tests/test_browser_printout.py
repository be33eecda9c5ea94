"""The report of objects, opened from the disk in a real browser without a network, and printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import pytest
import skimage.data

import kmseg
from kmseg.output import export
from test_browser_axe import violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def report(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The report of the coins; a request, console error or page error fails the test."""
    image = kmseg.Image(np.dstack([skimage.data.coins()] * 3))
    settings = kmseg.Settings(color_space="cielab", n_clusters=2, smallest_region=50)
    _, download = export.with_scale(12.5)
    path = tmp_path / "report.html"
    path.write_bytes(download.make(kmseg.segment(image, settings), export.Context("coins.png")))
    problems: list[str] = []
    context = browser.new_context(color_scheme="dark")
    context.set_offline(True)
    page = context.new_page()
    page.on(
        "request", lambda request: problems.append(request.url) if _is_sent(request.url) else None
    )
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(path.as_uri())
    yield page
    context.close()
    assert problems == []


def _is_sent(url: str) -> bool:
    return urlsplit(url).scheme not in ("file", "data")


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_report_of_the_coins_is_printed_on_one_page(report: Page, paper: str) -> None:
    pdf = report.pdf(format=paper)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf)) == 1
    assert re.search(rb"/Subtype\s*/Image", pdf)


def test_the_report_is_light_and_fits_a_phone(report: Page) -> None:
    color = report.evaluate("getComputedStyle(document.body).backgroundColor")
    assert color == "rgb(255, 255, 255)"
    assert report.evaluate("[...document.images].every(one => one.naturalWidth > 0)")
    report.set_viewport_size({"width": 390, "height": 844})
    assert report.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(report) == []


def test_both_pictures_have_the_same_size_and_numbers_lie_in_theirs(report: Page) -> None:
    box = report.locator(".pictures svg").bounding_box()
    original = report.locator(".pictures img").bounding_box()
    assert box and original
    assert (box["width"], box["height"]) == pytest.approx(
        (original["width"], original["height"]), abs=1
    )
    numbers = report.locator(".pictures text")
    assert numbers.count() == report.locator(".objects tbody tr").count() > 20
    for number in numbers.all():
        at = number.bounding_box()
        assert at and box["x"] <= at["x"] and at["x"] + at["width"] <= box["x"] + box["width"]
        assert box["y"] - 2 <= at["y"] and at["y"] + at["height"] <= box["y"] + box["height"] + 2
