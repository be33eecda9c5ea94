"""Lessons in a real browser: their stops, links that are lessons, and the panel "Share"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np
import pytest
import zxingcpp

from browser import wait_until_idle
from conftest import served_page
from kmseg.ui.handout import HIDEABLE
from kmseg.ui.lessons import LESSONS, Position
from test_browser_layout import CONTENT
from visitor import OpenPage, eventually, open_files, painted, set_k, settle
from watching import PLANE, STEPS, go, picture, position, press, ready, run_of, sentence

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page, ViewportSize

PROJECTOR: ViewportSize = {"width": 1280, "height": 720}
PHONE: ViewportSize = {"width": 390, "height": 844}
# What each name hides, on a page that is wide enough to show it.
HIDDEN = {
    "samples": ".album .samples",
    "places": ".st-key-places",
    "k": ".viewer .k",
    "space": ".viewer .space",
    "looks": ".viewer .looks",
    "shares": ".viewer .swatches",
    "summary": ".st-key-summary",
    "settings": "[data-testid=stSidebar]",
}


def card(page: Page) -> Locator:
    return page.locator(".lesson")


def query(page: Page) -> dict[str, str]:
    return {
        name: values[0]
        for name, values in parse_qs(urlsplit(page.url).query, keep_blank_values=True).items()
    }


def arrive(page: Page, position: Position) -> None:
    """Wait until the page shows a stop."""
    page.wait_for_url(re.compile(rf"lesson={re.escape(position.name)}(&|$)"))
    card(page).get_by_text(f"{position.number} of {len(position.lesson.stops)}").wait_for()
    settle(page)
    page.locator(CONTENT[position.stop.view]).first.wait_for(timeout=60_000)
    painted(page)


def test_every_lesson_is_walked_from_its_link_to_its_end(open_page: OpenPage) -> None:
    """The page is as wide as a projector; each stop is then shown on a phone as well."""
    first, *_ = LESSONS.values()
    page = open_page(f"/?lesson={first.key}", has_touch=True, is_mobile=True, **PROJECTOR)
    at: Position | None = Position(first)
    while at is not None:
        arrive(page, at)
        stop = at.stop
        shown = query(page)
        wanted = stop.settings.to_query() if stop.settings else {}
        assert shown.items() >= {"picture": stop.picture, "view": stop.view, **wanted}.items()
        assert shown.items() >= {**stop.options, "step": shown.get("step", "")}.items() - {
            ("step", "9999"),
            ("step", ""),
        }
        expect_texts(page, at)
        for name in stop.hide:
            assert page.locator(HIDDEN[name]).first.is_hidden(), (at.name, name)
        for size in (PROJECTOR, PHONE, PROJECTOR):
            page.set_viewport_size(size)
            said = f"The card of {at.name} is not in a window of {size['width']} pixels."
            eventually(page, lambda: card_is_in_the_window(page), said)
        at = at.after
        if at is not None:
            card(page).locator(".after").click()
    assert card(page).locator(".after").is_hidden()


def card_is_in_the_window(page: Page) -> bool:
    """Whether all of the card is in the window, and nothing beside it."""
    box, window = card(page).bounding_box(), page.viewport_size
    assert box and window
    fits = box["y"] >= 0 and box["y"] + box["height"] <= window["height"]
    width: float = page.evaluate("document.documentElement.scrollWidth")
    return fits and width <= window["width"]


def expect_texts(page: Page, at: Position) -> None:
    """The card has the texts of its stop, and the answer only on request."""
    found = card(page)
    assert found.get_by_role("heading").inner_text() == at.lesson.title
    assert found.locator(".text").inner_text() == at.stop.text
    assert found.locator(".question").inner_text() == at.stop.question
    assert found.locator(".answer").is_hidden(), at.name
    found.get_by_text("Show answer").click()
    assert found.locator(".answer").inner_text() == at.stop.answer


def test_back_and_the_browsers_back_return_to_the_stop_before(open_page: OpenPage) -> None:
    page = open_page("/?lesson=start.2")
    lesson = LESSONS["start"]
    arrive(page, Position(lesson, 2))
    assert "Converged" in sentence(page)
    card(page).get_by_text("Back", exact=True).click()
    arrive(page, Position(lesson, 1))
    ready(page)
    eventually(page, lambda: position(page) == 0, "The run is not at its start.")
    page.go_back()
    arrive(page, Position(lesson, 2))
    eventually(page, lambda: "Converged" in sentence(page), "The run is not at its end.")


def test_a_lesson_begins_from_the_list_and_can_be_left(open_page: OpenPage) -> None:
    page = open_page("?picture=flower&view=lessons")
    page.get_by_role("link", name=re.compile("When not to use k-means")).click()
    arrive(page, Position(LESSONS["limits"]))
    before = query(page)
    card(page).get_by_role("button", name="Leave the lesson").click()
    card(page).wait_for(state="hidden")
    settle(page)
    after = query(page)
    assert not {"lesson", "hide"} & after.keys()
    assert {
        name: before[name] for name in ("picture", "n_clusters", "view")
    }.items() <= after.items()
    page.get_by_role("radio", name="Watch", exact=True).wait_for()


def test_with_the_server_stopped_runs_are_stepped_and_lessons_answer(
    browser: Browser, tmp_path: Path
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    pages = context.new_page(), context.new_page()
    with served_page(tmp_path) as server:
        for page, link in zip(pages, (f"?v=1&{STEPS}", "?lesson=start.1"), strict=True):
            page.goto(f"{server.url}/{link}")
            wait_until_idle(page)
            ready(page)
    for page, check in zip(pages, (expect_run, expect_lesson), strict=True):
        page.bring_to_front()  # a page behind another draws few frames
        page.locator("#kmseg-connection").get_by_text(re.compile("^Reconnecting…")).wait_for()
        check(page)
    context.close()


def expect_run(page: Page) -> None:
    run = run_of()
    for at in range(1, 6):
        press(page, "Half a step forward")
        assert position(page) == at
    press(page, "To the end")
    np.testing.assert_array_equal(picture(page)[..., :3], run.palette[-1][run.labels(-1)])
    press(page, "Show draws")
    assert sentence(page).startswith("Seed 1 of 4")
    go(page, 0)
    go(page, 3)
    before = picture(page)
    plane = page.get_by_role("application", name=PLANE)
    plane.focus()
    plane.press("PageDown")
    plane.press("Shift+ArrowLeft")
    assert (picture(page) != before).any()


def expect_lesson(page: Page) -> None:
    card(page).get_by_text("Show answer").click()
    assert card(page).locator(".answer").inner_text() == LESSONS["start"].stops[0].answer
    before = picture(page)
    for at in (1, 2, 3):
        press(page, "Half a step forward")
        assert position(page) == at
    assert (picture(page) != before).any()


def test_a_pupils_own_photo_stays_through_the_stops_that_suit_any(
    open_page: OpenPage,
) -> None:
    page = open_page("/?lesson=k.2")
    lesson = LESSONS["k"]
    arrive(page, Position(lesson, 2))
    pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
    content = cv2.imencode(".png", pixels)[1].tobytes()
    open_files(page, {"name": "mine.png", "mimeType": "image/png", "buffer": content})
    own = page.locator(".original[alt='Original: mine.png']").first
    own.wait_for()
    settle(page)
    assert query(page)["n_clusters"] == "6"  # the lesson's settings are kept
    assert query(page)["lesson"] == "k.2"
    card(page).locator(".after").click()
    page.wait_for_url(re.compile("lesson=k.3"))
    settle(page)
    assert query(page)["picture"].startswith("upload-")
    own.wait_for()


# -- links that are lessons ------------------------------------------------------------------------


def open_share(page: Page) -> Locator:
    page.get_by_role("button", name="Share", exact=True).click()
    return page.get_by_role("dialog", name="Share")


def decoded(code: Locator) -> str:
    """The text of the QR code on the page, read from a screenshot of it."""
    image = cv2.imdecode(np.frombuffer(code.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    found = zxingcpp.read_barcode(image)
    return found.text if found else ""


def test_a_link_with_texts_and_hidden_controls_is_made_on_the_page_and_opens(
    open_page: OpenPage,
) -> None:
    page = open_page("?picture=flower&n_clusters=5&layout=swipe&view=clusters")
    panel = open_share(page)
    panel.get_by_text("Make it a lesson").click()
    texts = {
        "Title": "Dahlia <b>&amp; leaves</b>",
        "Text": "First line.\nSecond line.",
        "Question": "Which K?",
        "Answer, shown on request": "K = 5.",
    }
    for label, text in texts.items():
        panel.get_by_label(label).fill(text)
    for name in ("k", "settings", "samples"):
        panel.get_by_label(HIDEABLE[name].title, exact=True).check()
    link = panel.get_by_label("Link to what is on the page").input_value()
    other = open_page("?" + urlsplit(link).query)
    painted(other)
    assert card(other).get_by_role("heading").inner_text() == texts["Title"]
    assert card(other).locator(".text").inner_text() == texts["Text"]
    assert other.get_by_role("radio", name="Swipe").is_checked()
    card(other).get_by_text("Show answer").click()
    assert card(other).locator(".answer").inner_text() == "K = 5."
    for name, selector in HIDDEN.items():
        is_hidden = name in ("k", "settings", "samples")
        assert other.locator(selector).first.is_hidden() == is_hidden, name
    assert query(other)["hide"] == "samples.k.settings"
    assert other.title() == "kmseg: k-means on your picture"
    assert not other.locator(".lesson b").count()


def test_the_qr_code_is_the_link(open_page: OpenPage) -> None:
    page = open_page("?picture=flower&n_clusters=5")
    panel = open_share(page)
    link = panel.get_by_label("Link to what is on the page").input_value()
    panel.get_by_role("button", name="QR code of the link: enlarge").click()
    code = page.get_by_role("img", name="QR code of the link", exact=True)
    eventually(page, lambda: decoded(code) == link, "The QR code is not the link.")
    page.keyboard.press("Escape")
    code.wait_for(state="hidden")
    assert panel.is_visible()


def test_texts_of_a_stranger_stay_in_the_card(open_page: OpenPage) -> None:
    evil = "<img src=x onerror=document.body.remove()>"
    page = open_page(f"?picture=flower&title={evil}&text={evil}&question={evil}&answer={evil}")
    painted(page)
    assert card(page).get_by_role("heading").inner_text() == evil
    html = page.evaluate("document.documentElement.outerHTML")  # without shadow roots
    assert "onerror" not in html
    set_k(page, 3)
    assert query(page)["title"] == evil


def test_the_share_panel_closes_by_escape_and_gives_the_focus_back(open_page: OpenPage) -> None:
    page = open_page("?picture=flower")
    panel = open_share(page)
    assert panel.get_by_role("button", name="Copy link").evaluate("e => e.matches(':focus')")
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    assert page.get_by_role("button", name="Share", exact=True).evaluate("e => e.matches(':focus')")


@pytest.mark.expects_problem("413")
def test_a_link_that_is_too_long_for_a_code_says_so(open_page: OpenPage) -> None:
    page = open_page("?picture=flower")
    panel = open_share(page)
    panel.get_by_text("Make it a lesson").click()
    for name in ("text", "answer"):
        panel.locator(f"[name={name}]").fill("é" * 600)
    panel.get_by_text("too long for a QR code").wait_for()
    assert panel.locator(".enlarge").is_hidden()
    panel.locator("[name=text]").fill("short")
    panel.locator("[name=answer]").fill("short")
    panel.locator(".enlarge").wait_for()
