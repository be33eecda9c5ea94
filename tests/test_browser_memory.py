"""Merges and focus are kept for each segmentation while a visit lasts, in browser and server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from visitor import OpenPage, choose, painted, settle, step_k

if TYPE_CHECKING:
    from playwright.sync_api import Page


PLATE = "picture=plate-5&color_space=hsv&channels=01&n_clusters=5"


def in_address(page: Page, name: str) -> str:
    return parse_qs(urlsplit(page.url).query).get(name, [""])[0]


def state(page: Page) -> tuple[str, str, list[str]]:
    """Focus and merges of the address, and what the viewer calls the clusters in focus."""
    settle(page)
    painted(page)
    pressed = page.locator(".swatches [aria-pressed=true]").all_inner_texts()
    return in_address(page, "focus"), in_address(page, "merge"), pressed


def focus(page: Page, *names: str) -> None:
    for name in names:
        page.locator(".swatches").get_by_role("button", name=f"Cluster {name},").click()


def to_k(page: Page, k: int) -> None:
    now = int(in_address(page, "n_clusters") or 4)
    step_k(page, k - now)
    page.wait_for_url(re.compile(f"n_clusters={k}"))


@pytest.mark.parametrize("view", ["clusters", "take-away"], ids=["told late", "told at once"])
def test_leaving_k_and_coming_back_lost_focus_and_merges(open_page: OpenPage, view: str) -> None:
    page = open_page(f"?{PLATE}&view={view}")
    painted(page)
    focus(page, "1", "3")
    page.get_by_role("button", name="Merge", exact=True).click()
    page.wait_for_url(re.compile("merge=1.3"))
    settle(page)
    focus(page, "2")
    before = state(page)
    assert before[:2] == ("1.2.3", "1.3") and sorted(before[2]) == ["1+3", "2"]
    to_k(page, 6)
    assert state(page) == ("", "", [])
    focus(page, "4")
    at_six = state(page)
    assert at_six == ("4", "", ["4"])
    to_k(page, 5)
    assert state(page) == before
    to_k(page, 6)
    assert state(page) == at_six
    choose(page, "Download")
    to_k(page, 5)
    assert state(page) == before
    page.get_by_text("Mask of clusters").first.wait_for()  # the server knows the focus, too


def test_back_and_links_win_over_what_is_remembered(open_page: OpenPage) -> None:
    page = open_page(f"?{PLATE}")
    painted(page)
    to_k(page, 6)
    to_k(page, 5)
    focus(page, "1", "3")
    page.get_by_role("button", name="Merge", exact=True).click()
    page.wait_for_url(re.compile("merge=1.3"))
    merged = state(page)
    to_k(page, 6)
    page.go_back()
    assert state(page) == merged
    page.go_back()  # to where nothing was merged; the focus is that of the same entry
    settle(page)
    assert in_address(page, "merge") == ""
    page.go_back()
    page.go_back()
    assert state(page) == ("", "", [])  # as the first entry has it, though K is 5 there, too
    assert in_address(page, "n_clusters") == "5"
