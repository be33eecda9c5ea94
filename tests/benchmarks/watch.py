"""Stepping through k-means in the browser: payload, frames, drags, and exact counts after a drag.

    python tests/benchmarks/watch.py PHOTO [--drags 60]

The photo is uploaded through kmseg's page and Watch is opened. For K = 8 and K = 32 it prints

- payload: bytes of the message with the run (as JSON), beside the preview;
- frame: milliseconds to make and paint one half-step, over all half-steps; this is the time in
  which the browser's thread is blocked, with picture, colours, curve and sentence;
- play: half-steps a second when 60 of them, or the whole run, are played without pauses, each
  shown by a frame of its own;
- drag: milliseconds from a pointer's event until the frame that shows the picture is out;
- exact: milliseconds from letting a centroid go until the exact counts are shown.
"""

from __future__ import annotations

import base64
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from common import header, machine, parser, row
from pages import FRAME_SHOWN, chromium, rest, served, upload, wait_for_server

import kmseg
from kmseg.output.tracecodec import pack_trace

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FRAMES = """async steps => {
  const slider = steps.querySelector("input[type=range]")
  const times = []
  for (let position = 1; position <= Number(slider.max); position++) {
    slider.value = position
    const begin = performance.now()
    slider.dispatchEvent(new Event("input"))
    times.push(performance.now() - begin)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return times
}"""
PLAY = f"""async steps => {{
  const slider = steps.querySelector("input[type=range]")
  const last = Math.min(Number(slider.max), 60)
  const begin = performance.now()
  for (let position = 1; position <= last; position++) {{
    slider.value = position
    slider.dispatchEvent(new Event("input"))
    await {FRAME_SHOWN}
  }}
  return 1000 * last / (performance.now() - begin)
}}"""
GRAB = """canvas => {
  const { left, top, width, height } = canvas.getBoundingClientRect()
  for (let y = 8; y < height; y += 4) {
    for (let x = 8; x < width; x += 4) {
      const place = { clientX: left + x, clientY: top + y, bubbles: true }
      canvas.dispatchEvent(new PointerEvent("pointermove", place))
      if (canvas.style.cursor === "grab") return [left + x, top + y]
    }
  }
}"""
DRAG_TIMES = f"""canvas => {{
  canvas.times = []
  canvas.addEventListener("pointermove", async event => {{
    if (!event.buttons) return
    const begin = event.timeStamp
    await {FRAME_SHOWN}
    canvas.times.push(performance.now() - begin)
  }})
}}"""

# From the release of a pointer until the sentence has exact numbers again.
EXACT = """sentence => {
  let begin
  addEventListener("pointerup", () => begin = performance.now(), { once: true, capture: true })
  return { done: new Promise(resolve => new MutationObserver((_, observer) => {
    if (!sentence.textContent.startsWith("Assign")) return
    observer.disconnect()
    resolve(performance.now() - begin)
  }).observe(sentence, { childList: true })) }
}"""


def measure(browser: Browser, url: str, photo: Path, n_clusters: int, drags: int) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{url}/?v=1&n_clusters={n_clusters}")
    page.get_by_role("slider", name="K, number of clusters").wait_for()
    rest(page)
    upload(page, photo)
    page.get_by_role("radio", name="Watch", exact=True).click()
    steps = page.locator(".steps:not([hidden])")
    steps.wait_for()
    rest(page)
    frames = steps.evaluate(FRAMES)
    speed = steps.evaluate(PLAY)
    dragged, exact = drag(page, drags)
    row(
        n_clusters,
        len(frames),
        f"{payload(photo, n_clusters) / 1000:.1f} KB",
        *(f"{value:.1f}" for value in (statistics.median(frames), np.percentile(frames, 95))),
        f"{speed:.0f}",
        *(f"{value:.0f}" for value in (statistics.median(dragged), np.percentile(dragged, 95))),
        f"{statistics.median(exact):.0f}",
        f"{max(exact):.0f}",
    )
    page.context.close()


def drag(page: Page, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each move of a drag, and from each release to the exact counts."""
    canvas = page.locator(".steps canvas")
    canvas.scroll_into_view_if_needed()
    canvas.evaluate(DRAG_TIMES)
    exact = []
    for _ in range(5):
        x, y = canvas.evaluate(GRAB)
        page.mouse.move(x, y)
        page.mouse.down()
        for i in range(count // 5):
            page.mouse.move(x + 2 * i, y + i)
            page.wait_for_timeout(60)
        waiting = page.locator(".steps .sentence").evaluate_handle(EXACT)
        page.mouse.up()
        exact.append(waiting.evaluate("({ done }) => done"))
        rest(page)
    return canvas.evaluate("canvas => canvas.times"), exact


def payload(photo: Path, n_clusters: int) -> int:
    """Bytes of the run in base64, which is nearly all of the message."""
    settings = kmseg.Settings(n_clusters=n_clusters)
    run = kmseg.trace(kmseg.read_image(photo), settings)
    return len(base64.b64encode(pack_trace(run, np.arange(run.n_clusters))))


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("photo", type=Path)
    arguments.add_argument("--drags", type=int, default=60, help="moves of the pointer")
    given = arguments.parse_args()
    print(machine("streamlit"))
    header(
        "K",
        "half-steps",
        "payload",
        "frame, ms",
        "95 %",
        "play, 1/s",
        "drag, ms",
        "95 %",
        "exact, ms",
        "most",
        numbers_from=0,
    )
    with (
        tempfile.TemporaryDirectory() as home,
        chromium() as browser,
        served("streamlit_app.py", HOME=home) as url,
    ):
        wait_for_server(url)
        for n_clusters in (8, 32):
            measure(browser, url, given.photo, n_clusters, given.drags)


if __name__ == "__main__":
    main()
