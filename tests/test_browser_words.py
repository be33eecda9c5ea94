"""Links and words in a real browser: the empty address, numbers, and texts for fingers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import kmseg
from kmseg.settings import LINK_VERSION, TIDYING
from kmseg.ui import presets
from kmseg.ui.components.assets import asset
from kmseg.ui.text import percent
from visitor import OpenPage, counts, painted, settle, step_k

if TYPE_CHECKING:
    from playwright.sync_api import Page


def query(page: Page) -> dict[str, str]:
    parsed = parse_qs(urlsplit(page.url).query, keep_blank_values=True)
    return {name: values[0] for name, values in parsed.items()}


def focused(page: Page) -> list[int]:
    marks = page.locator(".swatches button").evaluate_all(
        "buttons => buttons.map(button => button.getAttribute('aria-pressed'))"
    )
    return [number for number, mark in enumerate(marks) if mark == "true"]


def test_a_focus_at_the_empty_address_made_a_link_without_its_picture_and_version(
    open_page: OpenPage,
) -> None:
    page = open_page()
    painted(page)
    assert query(page) == {}
    page.locator(".swatches button").nth(1).click()
    found = query(page)
    whole = presets.of("china").to_query()
    assert found.items() >= {name: whole[name] for name in whole if name not in TIDYING}.items()
    assert (found["v"], found["picture"], found["focus"]) == (LINK_VERSION, "china", "2")
    other = open_page("?" + urlsplit(page.url).query)
    painted(other)
    assert focused(other) == [1]
    seg = kmseg.segment(kmseg.sample_image("china"), presets.of("china"))
    assert [int(row["pixels"]) for row in counts(other)] == seg.pixel_counts.tolist()
    step_k(page, 1)
    page.go_back()
    settle(page)
    painted(page)
    assert query(page)["n_clusters"] == "6"
    assert focused(page) == [1]


def test_nothing_in_an_address_without_its_version_has_a_meaning(open_page: OpenPage) -> None:
    page = open_page("/?layout=swipe&paint=gray&focus=2&n_clusters=3&embed=true")
    painted(page)
    assert page.get_by_role("radio", name="Side by side").is_checked()
    assert page.get_by_role("radio", name="Cluster colours", exact=True).first.is_checked()
    assert focused(page) == []
    assert page.locator(".swatches button").count() == 6
    page.locator(".swatches button").first.click()
    assert query(page)["n_clusters"] == "6"
    assert query(page)["embed"] == "true"


def test_shares_are_written_alike_by_python_and_in_the_browser(open_page: OpenPage) -> None:
    page = open_page("?width=40")
    parts = [(0, 9), (1, 3), (1, 8), (2, 3), (428, 1000), (999_999, 1_000_000), (5, 5)]
    written = page.evaluate(
        """async ([source, parts]) => {
          const { percent } = await import(`data:text/javascript,${encodeURIComponent(source)}`)
          return parts.map(([part, whole]) => percent(part, whole))
        }""",
        [asset("shared/helpers.js"), parts],
    )
    assert written == [percent(part / whole) for part, whole in parts]
