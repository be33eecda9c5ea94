"""What the tests of the place Watch share: its run in Python, and a visitor's actions in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

import kmseg
from kmseg.tracing import Trace, trace
from visitor import pixels_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

FLOWER = "picture=flower&width=300&n_clusters=4&color_space=rgb"
STEPS = f"{FLOWER}&view=steps"
SEGMENTATION = "canvas.segmentation:not(.region)"
PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}
# The name of the canvas on which centroids are moved.
PLANE = re.compile("^Colours and centroids")


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
