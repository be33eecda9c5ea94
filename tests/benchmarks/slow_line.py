"""The page on a slow line: a first and a second visit, changes of K, and zooming in.

    python tests/benchmarks/slow_line.py [PHOTO] [--repeats 3] [--checkout FOLDER]

Chromium emulates a line of 400 kbit/s and 300 ms. PHOTO is a picture of about 12 megapixels;
without it one is drawn. --checkout serves another version of kmseg instead of this one.

- *Something to see* is the browser's first contentful paint. The page is *usable* once the sample's
  segmentation is painted and the control of K is there. The second visit finds the first one's
  files in the browser's cache.
- The photo is uploaded without the line, and a key changes K: from 6 to 7 and to 32, at once and
  again, with other numbers, when the browser holds the preview's exact pixels and needs no labels.
  Times are from the key to the painted picture; bytes are those that came meanwhile.
- Zooming in to 4 ×: bytes until the part in view is painted.

Times and bytes are medians. What comes by WebSocket is counted before it is inflated.
"""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import header, machine, parser, row
from pages import chromium, rest, served, upload, wait_for_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

BYTES_PER_SECOND = 400_000 / 8
LATENCY = 300  # milliseconds
VIEWER = ".viewer"
SLIDER = re.compile(r"^K\b")
PAINTED = "({ dataset }) => dataset.shown !== undefined && dataset.shown === dataset.asked"
# Milliseconds from the next key to the picture that answers it.
WATCH = """viewer => addEventListener("keydown", event => {
  const before = viewer.dataset.shown
  window.shown = new Promise(resolve => new MutationObserver((_, observer) => {
    const { asked, shown } = viewer.dataset
    if (shown === before || shown !== asked) return
    observer.disconnect()
    resolve(performance.now() - event.timeStamp)
  }).observe(viewer, { attributeFilter: ["data-asked", "data-shown"] }))
}, { capture: true, once: true })"""


class Line:
    """A page on the slow line, and the bytes that came over it, by kind."""

    def __init__(self, page: Page) -> None:
        self.bytes: Counter[str] = Counter()
        self._kinds: dict[str, str] = {}
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.on("Network.responseReceived", self._begin)
        self.cdp.on("Network.loadingFinished", self._end)
        self.cdp.on("Network.webSocketFrameReceived", self._frame)
        self.cdp.send("Network.enable")

    def slow(self, slow: bool = True) -> None:
        speed = BYTES_PER_SECOND if slow else -1
        conditions = {"latency": LATENCY if slow else 0, "offline": False}
        conditions |= {"downloadThroughput": speed, "uploadThroughput": speed}
        self.cdp.send("Network.emulateNetworkConditions", conditions)

    def _begin(self, event: Any) -> None:
        name = event["response"]["url"].rpartition("/")[2].partition("?")[0]
        kind = event["type"]
        self._kinds[event["requestId"]] = kind if kind != "Font" else f"Font {name[:12]}"

    def _end(self, event: Any) -> None:
        self.bytes[self._kinds.get(event["requestId"], "?")] += event["encodedDataLength"]

    def _frame(self, event: Any) -> None:
        self.bytes["WebSocket"] += len(event["response"]["payloadData"]) * 3 // 4  # base64


def usable(page: Page) -> None:
    """Wait until the segmentation is painted and K can be changed."""
    page.locator(VIEWER).wait_for(state="attached", timeout=300_000)
    painted(page)
    page.get_by_role("slider", name=SLIDER).first.wait_for(timeout=300_000)


def painted(page: Page) -> None:
    while not page.locator(VIEWER).evaluate(PAINTED):
        page.wait_for_timeout(20)


def visit(context: BrowserContext, url: str) -> tuple[float, float, Counter[str]]:
    """Seconds until there is something to see, until the page is usable; and the bytes by kind."""
    page = context.new_page()
    line = Line(page)
    line.slow()
    begin = time.perf_counter()
    page.goto(url, wait_until="commit", timeout=300_000)
    usable(page)
    seconds = time.perf_counter() - begin
    first = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    came = Counter(line.bytes)
    line.slow(False)
    rest(page)
    page.close()
    return (first or 0) / 1000, seconds, came


def change(page: Page, line: Line, *keys: str) -> tuple[float, int]:
    """Seconds from the last of these keys to the picture that answers it, and the bytes."""
    slider = page.get_by_role("slider", name=SLIDER).first
    slider.focus()
    for key in keys[:-1]:
        slider.press(key)
        rest(page)
        painted(page)
    line.slow()
    line.bytes.clear()
    page.locator(VIEWER).evaluate(WATCH)
    slider.press(keys[-1])
    seconds = page.evaluate("window.shown") / 1000
    came = line.bytes.total()
    line.slow(False)
    rest(page)
    return seconds, came


def held(page: Page, seconds: float = 30) -> bool:
    """Wait until the browser holds the preview's exact pixels, if this version does so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if page.locator(VIEWER).get_attribute("data-held"):
            return True
        page.wait_for_timeout(200)
    return False


def zoom(page: Page, line: Line) -> int:
    """Bytes until the part in view is painted at 4 ×."""
    line.bytes.clear()
    line.slow()
    for _ in range(2):
        page.locator(f"{VIEWER} [data-do=in]").click()
    page.locator(f"{VIEWER} canvas.segmentation.region").wait_for(timeout=600_000)
    page.locator(f"{VIEWER} .left img.region").evaluate("image => image.decode()")
    came = line.bytes.total()
    line.slow(False)
    rest(page)
    return came


def photo_page(browser: Browser, url: str, photo: Path) -> dict[str, float]:
    """Seconds and bytes of what one does with a photo."""
    found: dict[str, float] = {}
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(url)
    usable(page)
    line = Line(page)
    line.slow(False)
    # Stripes of exact pixels do not come before they are wanted here.
    page.route(re.compile(r"/kmseg/preview/\w+/\d+$"), lambda route: route.abort())
    upload(page, photo)
    painted(page)

    def note(name: str, *keys: str) -> None:
        seconds, came = change(page, line, *keys)
        found[f"{name}, s"], found[f"{name}, KB"] = seconds, came / 1000

    note("K = 6 to 7", "Home", *["ArrowRight"] * 5)
    note("K = 7 to 32", "End")
    page.unroute(re.compile(r"/kmseg/preview/\w+/\d+$"))
    change(page, line, "ArrowLeft")
    held(page)
    note("K = 7 to 8, pixels held", "Home", *["ArrowRight"] * 6)
    note("K = 8 to 31, pixels held", "End", "ArrowLeft")
    found["zoom to 4 ×, KB"] = zoom(page, line) / 1000
    page.context.close()
    return found


def measure(browser: Browser, url: str, photo: Path, repeats: int) -> None:
    times: dict[str, list[float]] = defaultdict(list)
    kinds: dict[str, list[Counter[str]]] = defaultdict(list)
    for _ in range(repeats):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        for name in ("first visit", "second visit"):
            first, seconds, came = visit(context, url)
            times[f"{name}, something to see, s"].append(first)
            times[f"{name}, usable, s"].append(seconds)
            times[f"{name}, KB"].append(came.total() / 1000)
            kinds[name].append(came)
        context.close()
        for what, value in photo_page(browser, url, photo).items():
            times[what].append(value)
    header("what", "median", "all")
    for what, values in times.items():
        every = " ".join(f"{value:.1f}" for value in values)
        row(what, f"{statistics.median(values):.1f}", every)
    header("KB by kind", *kinds)
    for kind in sorted({kind for counts in kinds.values() for one in counts for kind in one}):
        medians = (statistics.median(one[kind] for one in counts) for counts in kinds.values())
        row(kind, *(f"{median / 1000:.1f}" for median in medians))


def drawn(folder: Path) -> Path:
    """A photo of 12 megapixels with as many colours as real ones."""
    import cv2
    import numpy as np

    import kmseg

    china = kmseg.sample_image("china").pixels
    large = cv2.resize(china, (4240, 2830), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    large += np.random.default_rng(0).normal(0, 2, large.shape).astype(np.int16)
    path = folder / "photo.jpg"
    cv2.imwrite(str(path), large.clip(0, 255).astype(np.uint8)[..., ::-1])
    return path


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("photo", type=Path, nargs="?")
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--checkout", type=Path, help="another version of kmseg to load")
    options = arguments.parse_args()
    print(machine("streamlit", "playwright"))
    script, environment = "streamlit_app.py", {}
    if options.checkout:
        script = str(options.checkout.resolve() / script)
        # Otherwise Python would find the package of this checkout first.
        environment = {"PYTHONSAFEPATH": "1", "PYTHONPATH": str(options.checkout.resolve())}
    with (
        chromium() as browser,
        tempfile.TemporaryDirectory() as folder,
        served(script, **environment) as url,
    ):
        wait_for_server(url)
        page = browser.new_page()
        page.goto(url)
        usable(page)  # the server has loaded everything
        rest(page)
        page.close()
        measure(browser, url, options.photo or drawn(Path(folder)), options.repeats)


if __name__ == "__main__":
    main()
