"""The page by keyboard alone, from a photo to its saved mask."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image as Pillow

import kmseg
from oracles import image_at
from visitor import OpenPage, painted, settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


# More Tab stops than there are between two controls of the task.
MOST_STOPS = 60

HAS_FOCUS = "element => element.getRootNode().activeElement === element"

# The element with the keyboard focus: its name, whether it is on the screen, and its ring's width.
FOCUSED = """() => {
  let element = document.activeElement
  while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement
  if (element === document.body) return null
  const box = element.getBoundingClientRect()
  const ours = element.getRootNode() !== document || element.closest(".kmseg-cloud")
  const drawn = element.type === "radio" ? element.nextElementSibling : element
  const { outlineStyle, outlineWidth } = getComputedStyle(drawn)
  return {
    name: element.getAttribute("aria-label") ?? drawn.textContent.trim().slice(0, 40),
    ours: Boolean(ours),
    onScreen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    ring: outlineStyle === "none" ? 0 : parseFloat(outlineWidth),
  }
}"""


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if wanted.count() == 1 and wanted.evaluate(HAS_FOCUS):
            return
    pytest.fail(f"Tab does not lead to {wanted}; it is at {page.evaluate(FOCUSED)}.")


def test_from_a_photo_to_its_mask_by_keyboard_alone(open_page: OpenPage, tmp_path: Path) -> None:
    image = image_at("flower", 300)
    photo = tmp_path / "dahlia.png"
    Pillow.fromarray(image.pixels).save(photo)
    page = open_page()
    painted(page)
    page.on("filechooser", lambda chooser: chooser.set_files(photo))

    tab_to(page, page.get_by_role("button", name="Open a photo"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("picture=upload-"))
    settle(page)
    painted(page)

    # In the order of the page.
    k = page.get_by_role("slider", name=re.compile("^K"))
    tab_to(page, k)
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.get_by_text("5 clusters, ").wait_for()
    settle(page)
    tab_to(page, page.get_by_role("combobox", name="Colour space"))
    page.keyboard.type("Oklab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("color_space=oklab"))
    settle(page)
    painted(page)

    seg = kmseg.segment(image, kmseg.Settings(color_space="oklab", n_clusters=5))
    swatch = page.get_by_role("button", name=re.compile(r"^Cluster 3, #\w{6}, [\d.]+%"))
    tab_to(page, swatch)
    page.keyboard.press("Enter")
    assert swatch.get_attribute("aria-pressed") == "true"
    tab_to(page, page.get_by_role("button", name="Mask", exact=True))
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    assert saved.value.suggested_filename == "dahlia_oklab_call_k5_s0_mask003.png"
    mask = np.asarray(Pillow.open(io.BytesIO(Path(saved.value.path()).read_bytes())))
    np.testing.assert_array_equal(mask, np.where(seg.labels == 2, 255, 0))


def test_a_row_of_the_table_is_put_in_focus_by_space(open_page: OpenPage) -> None:
    page = open_page("?picture=flower&width=100&n_clusters=4&view=clusters")
    painted(page)
    button = page.get_by_role("button", name="Cluster 4: put in focus", exact=True)
    button.focus()
    page.keyboard.press("Space")
    assert button.get_attribute("aria-pressed") == "true"
    page.get_by_text("In focus: cluster 4 · ").wait_for()
    assert button.evaluate(HAS_FOCUS)


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_every_stop_of_tab_in_the_components_is_on_the_screen_and_has_a_ring(
    open_page: OpenPage, color_scheme: str
) -> None:
    page = open_page(
        "?picture=flower&width=100&n_clusters=4&view=clusters&focus=1.2",
        color_scheme=color_scheme,
    )
    painted(page)
    stops = []
    for _ in range(3 * MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is None:
            break
        stops.append(stop)
    ours = [stop for stop in stops if stop["ours"]]
    names = [stop["name"].partition(":")[0] for stop in ours]
    for name in ("Share", "Original", "Segmentation", "Mask", "Cluster 4"):
        assert name in names
    assert [stop for stop in ours if not stop["onScreen"] or stop["ring"] < 2] == []
    # Tab goes through the page from top to bottom.
    order = [names.index(name) for name in ("Original", "Mask", "Cluster 1")]
    assert order == sorted(order)
