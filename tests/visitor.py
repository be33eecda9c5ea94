"""A visitor's actions on the page, and what the page then shows."""

from __future__ import annotations

import base64
import csv
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest

import kmseg
from browser import PATIENCE, wait_until_idle
from kmseg.output import render

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from kmseg.ui.views import View

OpenPage = Callable[..., "Page"]

READ_PICTURE = """async picture => {
  let canvas = picture
  if (picture.localName === "img") {
    await picture.decode()
    canvas = document.createElement("canvas")
    canvas.width = picture.naturalWidth
    canvas.height = picture.naturalHeight
    canvas.getContext("2d").drawImage(picture, 0, 0)
  }
  const context = canvas.getContext("2d")
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height)
  let text = ""
  for (let i = 0; i < data.length; i += 32768) {
    text += String.fromCharCode(...data.subarray(i, i + 32768))
  }
  return [canvas.width, canvas.height, btoa(text)]
}"""

PICTURES = {
    "original": ".left img.original:not(.region)",
    "segmentation": "canvas.segmentation:not(.region)",
    "veil": ".right canvas.veil:not(.region)",
    "region": "canvas.segmentation.region",
}


def shown_pixels(page: Page, name: str) -> np.ndarray:
    """The RGBA pixels of one of the viewer's pictures, read in the browser."""
    painted(page)
    return pixels_of(page.locator(PICTURES[name]))


def pixels_of(element: Locator) -> np.ndarray:
    """The RGBA pixels of an image or a canvas."""
    width, height, data = element.evaluate(READ_PICTURE)
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)


def settle(page: Page, delay: float = 100) -> None:
    """Wait until the page is idle, and again after the milliseconds in which a rerun may begin."""
    wait_until_idle(page)
    page.wait_for_timeout(delay)
    wait_until_idle(page)


def socket_frames(page: Page, direction: Literal["Sent", "Received"]) -> list[bytes]:
    """The messages to or from the server from now on; the list grows."""
    frames: list[bytes] = []
    devtools = page.context.new_cdp_session(page)
    devtools.on(
        f"Network.webSocketFrame{direction}",
        lambda event: frames.append(base64.b64decode(event["response"]["payloadData"])),
    )
    devtools.send("Network.enable")
    return frames


def eventually(
    page: Page, condition: Callable[[], bool], said: str, seconds: float = PATIENCE
) -> None:
    """Wait until a condition holds; after the time, the test fails and says what did not come."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(said)
        page.wait_for_timeout(40)


def show_in(page: Page, scheme: Any) -> None:
    """Change the system's colour scheme, which the page follows."""
    page.emulate_media(color_scheme=scheme)
    app = page.locator("[data-testid=stApp]")
    background = "app => getComputedStyle(app).backgroundColor.match(/[0-9]+/)[0] < 128"
    said = f"The page is not {scheme}."
    eventually(page, lambda: app.evaluate(background) == (scheme == "dark"), said)


def resize(page: Page, width: int, height: int) -> None:
    """Change the size of the window, and wait until the page has it."""
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function("width => innerWidth === width", arg=width)


def painted(page: Page) -> None:
    """Wait until the viewer shows the data it was last sent."""
    viewer = page.locator(".viewer")
    shown = "({ dataset: { asked, shown, updating } }) => shown && shown === asked && !updating"
    said = "The viewer did not paint the data it was sent."
    eventually(page, lambda: bool(viewer.evaluate(shown)), said)


def answered(page: Page) -> None:
    """Wait until the server has handled all changes of K and colour space, and the page is idle."""
    busy = "({ dataset: { updating } }) => updating === 'waiting'"
    viewer = page.locator(".viewer")
    eventually(page, lambda: not viewer.evaluate(busy), "The server did not answer a change.")
    settle(page)


def wait_until_held(page: Page) -> None:
    """Wait until the browser holds the exact pixels of the preview."""
    viewer = page.locator(".viewer")
    said = "The browser does not hold the preview's pixels."
    eventually(page, lambda: bool(viewer.get_attribute("data-held")), said)


def wait_for_cloud(page: Page) -> None:
    """Wait until the cloud is drawn and its camera can be turned."""
    plot = "document.querySelector('.kmseg-cloud-plot')"
    drawn = f"Boolean({plot}?._fullLayout?.scene?._scene?.getCamera())"
    # Not by wait_for_function, which the policy of a saved page forbids.
    eventually(page, lambda: bool(page.evaluate(drawn)), "The cloud was not drawn.")


def choose(page: Page, label: str) -> None:
    """Click one option of a segmented control."""
    page.get_by_role("radio", name=label, exact=True).click()
    settle(page)


def open_view(page: Page, view: View) -> None:
    """Open a view by its place and its part of that place."""
    if not page.get_by_role("radio", name=view.place, exact=True).is_checked():
        choose(page, view.place)
    part = page.get_by_role("radio", name=view.title, exact=True)
    if part.count() and not part.is_checked():
        choose(page, view.title)


def pick(page: Page, label: str, option: str) -> None:
    """Choose an option from a select box.

    Its list closes if the field is scrolled or redrawn, so the click is repeated.
    """
    from playwright.sync_api import TimeoutError as PlaywrightTimeout

    field = page.get_by_label(label, exact=True).first
    wanted = page.get_by_role("option", name=option, exact=True)
    for left in reversed(range(10)):
        field.click()
        try:
            wanted.click(timeout=3000)
            break
        except PlaywrightTimeout:
            if not left:
                raise


def select(page: Page, label: str, option: str) -> None:
    """Choose an option from a select box and wait for the result."""
    pick(page, label, option)
    settle(page)


def choose_picture(page: Page, name: str) -> None:
    """Click a picture of the strip, the visitor's own or a sample, and wait for the result."""
    page.locator(".album").get_by_role("button", name=name, exact=True).click()
    page.locator(f".viewer .original[alt='Original: {name}']").first.wait_for(state="attached")
    settle(page)


def open_files(page: Page, *files: Path | dict[str, Any]) -> None:
    """Give files to the page, as paths or as dictionaries of name, mimeType and buffer."""
    page.locator(".album[data-session]").wait_for()  # the browser keeps them from then on
    page.locator(".st-key-uploads input[type=file]").set_input_files(list(files))  # type: ignore[arg-type]


def press_arrows(slider: Locator, steps: int) -> None:
    """Move a slider by steps, to the left if negative."""
    slider.focus()
    for _ in range(abs(steps)):
        slider.press("ArrowRight" if steps > 0 else "ArrowLeft")


def slide(page: Page, label: str, steps: int) -> None:
    """Move one of Streamlit's sliders by steps, and wait for the result."""
    press_arrows(page.get_by_role("slider", name=label), steps)
    settle(page, delay=300)  # it reports after 0.2 seconds


def step_k(page: Page, steps: int) -> None:
    """Move the slider of K below the pictures by steps, and wait for the result."""
    press_arrows(page.get_by_role("slider", name="K, number of clusters"), steps)
    answered(page)


def set_k(page: Page, k: int) -> None:
    """Move the slider of K below the pictures to a value, and wait for the result."""
    slider = page.get_by_role("slider", name="K, number of clusters")
    step_k(page, k - int(slider.input_value()))


def choose_space(page: Page, title: str) -> None:
    """Choose a colour space below the pictures and wait for the result."""
    page.get_by_role("combobox", name="Colour space", exact=True).select_option(label=title)
    answered(page)


def enter(page: Page, label: str, value: object) -> None:
    """Type a value into a field and press Enter."""
    field = page.get_by_label(label, exact=True)
    field.fill(str(value))
    field.press("Enter")
    settle(page)


def download(page: Page, button: str) -> tuple[str, bytes]:
    """Click a button of the view "Download"; return the file's name and content."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button, exact=True).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def counts(page: Page) -> list[dict[str, str]]:
    """The rows of the table of counts, from the page's CSV download."""
    if page.get_by_role("button", name="Counts (CSV)").count() == 0:
        choose(page, "Download")
    _, content = download(page, "Counts (CSV)")
    return list(csv.DictReader(io.StringIO(content.decode())))


def upload(page: Page, path: Path) -> None:
    """Upload the fixture `photo` and wait until it is segmented."""
    open_files(page, path)
    page.get_by_text("10.7 MP").wait_for(timeout=60_000)
    settle(page)


def render_of(seg: kmseg.Segmentation) -> np.ndarray:
    """The picture of a segmentation that the viewer should show."""
    return render.painted(seg.labels, seg.palette)
