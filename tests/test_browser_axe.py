"""The page for everybody: what axe-core finds, names, sizes of targets, small windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import kmseg
from kmseg.ui.views import VIEWS, View
from kmseg.ui.views.view import Place
from test_browser_layout import (
    CONTENT,
    HEIGHT_TO_SEE,
    PROJECTOR,
    scrolled,
    shown_height,
    wait_until_still,
)
from visitor import OpenPage, eventually, open_view, painted, resize, show_in, wait_for_cloud

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


PLATE = "picture=plate-5&color_space=hsv&channels=01&n_clusters=3"
MANY = "picture=flower&n_clusters=32&width=200"
PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}
DESKTOP = {"width": 1280, "height": 900}

IMPACTS = {"moderate", "serious", "critical"}

# Parts of Streamlit's own page that axe-core finds fault with, and why they are left out.
NOT_OURS: dict[str, str] = {}


RUN_AXE = """async ([excluded, options]) => {
  const { violations } = await axe.run(excluded.length ? { exclude: excluded } : document, options)
  return violations.flatMap(({ id, impact, nodes }) => nodes.map(({ target, html }) =>
    [impact, `${id} (${impact}): ${target} ${html.slice(0, 150)}`]))
}"""


def violations(page: Page, *rules: str) -> list[str]:
    """What axe-core finds by these rules, or by all: moderate or worse, outside NOT_OURS."""
    from axe_playwright_python.base import AXE_FILE_PATH

    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
    options = {
        "resultTypes": ["violations"],
        "rules": {"target-size": {"enabled": True}},
        **({"runOnly": list(rules)} if rules else {}),
    }
    found = page.evaluate(RUN_AXE, [[[selector] for selector in NOT_OURS], options])
    return [said for impact, said in found if impact in IMPACTS]


@pytest.mark.parametrize(
    ("size", "least", "schemes"),
    [(PHONE, 40, ("light", "dark")), (PROJECTOR, 24, ("dark", "light"))],
    ids=["phone", "projector"],
)
def test_every_view_is_in_sight_and_without_faults_small_targets_and_sideways_scrolling(
    open_page: OpenPage, size: dict[str, Any], least: int, schemes: tuple[str, str]
) -> None:
    """What axe-core finds at least moderate; targets for a finger or for a pointer.

    The parts that all views share are checked in both colour schemes. Views have the same colours
    on a phone as on a projector, so each of these is checked in one of the schemes.
    """
    first, scheme = schemes
    page = open_page("?picture=plate-74&n_clusters=8&focus=2.7", color_scheme=first, **size)
    painted(page)
    found = {"shared": violations(page, "color-contrast")}
    show_in(page, scheme)
    shown_first, *others = VIEWS.values()
    for view in (*others, shown_first):
        open_view(page, view)
        content = page.locator(CONTENT[view.key]).first
        content.wait_for(timeout=60_000)
        if view.key == "cloud":
            wait_for_cloud(page)
        small = [f"too small: {target}" for target in page.evaluate(TOO_SMALL, least)]
        found[view.key] = small + beside(page) + violations(page)
        if size is PROJECTOR:
            found[view.key] += out_of_sight(page, view, content)
            continue
        # The width of a desktop at 200 percent, and of a turned phone.
        resize(page, 640, 360)
        said = f"The view {view.key} has parts beside a window of 640 pixels."
        eventually(page, lambda: beside(page) == [], said)
        resize(page, size["width"], size["height"])
    assert {key: faults for key, faults in found.items() if faults} == {}


def out_of_sight(page: Page, view: View, content: Locator) -> list[str]:
    """What is not in sight after a view was opened, or while the page is at its top."""
    wait_until_still(page)
    viewer = page.locator(".viewer")
    hidden = ["content"] if shown_height(page, content) < HEIGHT_TO_SEE else []
    # Compare has its own pictures.
    if view.place != Place.COMPARE and shown_height(page, viewer) < HEIGHT_TO_SEE:
        hidden.append("pictures")
    page.mouse.move(640, 600)
    page.mouse.wheel(0, -10_000)
    eventually(page, lambda: scrolled(page) == 0, "The page does not scroll to its top.")
    return hidden + (["content, at the top"] if shown_height(page, content) <= 0 else [])


def beside(page: Page) -> list[str]:
    """What lies beside the page's window or beside its main part."""
    assert page.viewport_size
    pixels: list[int] = page.locator("[data-testid=stMain]").evaluate(
        "(main, width) => [document.documentElement.scrollWidth - width,"
        " main.scrollWidth - main.clientWidth]",
        page.viewport_size["width"],
    )
    return [
        f"{n} pixels lie beside the {part}"
        for part, n in zip(("window", "main part"), pixels, strict=True)
        if n > 0
    ]


def test_axe_core_would_find_a_fault_in_a_component(open_page: OpenPage) -> None:
    page = open_page(f"?{PLATE}")
    painted(page)
    page.locator(".focused").evaluate("line => (line.style.opacity = 0.3)")
    page.get_by_role("button", name="Fit").evaluate("button => button.replaceChildren()")
    faults = " ".join(violations(page))
    assert "color-contrast" in faults and "button-name" in faults


# -- names -----------------------------------------------------------------------------------------


def test_names_of_swatches_and_rows_said_neither_what_they_do_nor_the_share_once(
    open_page: OpenPage,
) -> None:
    page = open_page(f"?{PLATE}&view=clusters&focus=2")
    painted(page)
    settings = kmseg.Settings(color_space="hsv", channels="01", n_clusters=3)
    seg = kmseg.segment(kmseg.sample_image("plate-5"), settings)
    rows = page.get_by_role("table", name="Clusters").get_by_role("row")
    for number, (color, share) in enumerate(zip(seg.palette, seg.shares, strict=True), 1):
        pressed = number == 2
        text = f"Cluster {number}, {kmseg.settings.to_hex(color)}, {share:.1%}: put in focus"
        assert page.get_by_role("button", name=text, exact=True, pressed=pressed).count() == 1
        row = rows.nth(number)
        told = row.aria_snapshot()
        assert told.count(f"{share:.1%}") == told.count(kmseg.settings.to_hex(color)) == 2, told
        text = f"Cluster {number}: put in focus"
        assert row.get_by_role("button", name=text, exact=True, pressed=pressed).count() == 1


# -- sizes -----------------------------------------------------------------------------------------

# Names and sizes of the components' controls that are too small; that of a radio is its label's.
TOO_SMALL = """least => {
  const CONTROLS = "button, input:not([type=file]), select, summary, a[href]"
  const found = []
  const search = root => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) search(element.shadowRoot)
      const ours = root !== document || element.closest(".kmseg-cloud")
      if (!ours || !element.matches(CONTROLS)) continue
      if (!element.checkVisibility()) continue
      const target = element.type === "radio" ? element.closest("label") : element
      const { width, height } = target.getBoundingClientRect()
      if (Math.min(width, height) > least - 0.5) continue
      const name = element.getAttribute("aria-label") ?? target.textContent.trim()
      found.push(`${name}: ${width.toFixed()} x ${height.toFixed()}`)
    }
  }
  search(document)
  return found
}"""


@pytest.mark.parametrize(("size", "least"), [(PHONE, 40), (DESKTOP, 24)], ids=["phone", "desktop"])
def test_at_k_32_swatches_ran_out_of_the_strip_and_shares_misled(
    open_page: OpenPage, size: dict[str, Any], least: int
) -> None:
    page = open_page(f"?{MANY}&focus=2.30", **size)
    painted(page)
    assert page.evaluate(TOO_SMALL, least) == []
    assert violations(page) == []
    strip = page.locator(".swatches")
    assert strip.evaluate("strip => strip.scrollWidth <= strip.clientWidth")
    boxes = [box for box in (b.bounding_box() for b in strip.locator("button").all()) if box]
    assert len(boxes) == 32
    widths = [box["width"] for box in boxes]
    lines = len({round(box["y"]) for box in boxes})
    if size is PHONE:
        assert lines > 1 and max(widths) - min(widths) < 1
    else:
        assert lines == 1 and widths == sorted(widths, reverse=True) and widths[0] > widths[-1]
    for button in strip.locator("button").all():
        assert button.evaluate("b => b.scrollWidth <= b.clientWidth"), "a number is cut off"


def test_the_ninth_swatch_stood_alone_on_a_second_line(open_page: OpenPage) -> None:
    page = open_page(f"?{MANY.replace('32', '9')}", **PHONE)
    painted(page)
    boxes = page.locator(".swatches button").evaluate_all(
        "buttons => buttons.map(b => b.getBoundingClientRect()).map(({ y, width }) => [y, width])"
    )
    tops = [round(top) for top, _ in boxes]
    assert sorted(map(tops.count, set(tops))) == [4, 5]
    widths = [width for _, width in boxes]
    assert min(widths) >= 40 and max(widths) - min(widths) < 1
    page.set_viewport_size({"width": 844, "height": 390})
    n_lines = "buttons => new Set(buttons.map(b => b.getBoundingClientRect().y)).size"
    said = "The swatches do not fit on one line of the turned phone."
    swatches = page.locator(".swatches button")
    eventually(page, lambda: swatches.evaluate_all(n_lines) == 1, said)


def test_on_a_phone_the_table_shows_cluster_share_and_pixels_and_scrolls_to_the_rest(
    open_page: OpenPage,
) -> None:
    page = open_page(f"?{MANY}&view=clusters", **PHONE)
    painted(page)
    table = page.get_by_role("table", name="Clusters")
    table.scroll_into_view_if_needed()
    head = {cell.inner_text(): cell for cell in table.get_by_role("columnheader").all()}
    assert list(head) == ["Cluster", "Share", "Pixels", "Hex", "B", "G", "R"]

    def box(title: str) -> dict[str, float]:
        found = head[title].bounding_box()
        assert found
        return dict(found)

    before = box("Cluster")
    for title in ("Cluster", "Share", "Pixels"):
        assert box(title)["x"] >= 0 and box(title)["x"] + box(title)["width"] <= 390
    head["R"].scroll_into_view_if_needed()
    assert box("R")["x"] + box("R")["width"] <= 390
    assert box("Cluster")["x"] == pytest.approx(before["x"], abs=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
