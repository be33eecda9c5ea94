"""From a key press on K to the new segmentation on the screen, beside a page that computes nothing.

    python tests/benchmarks/page_latency.py PHOTO [--presses 30]

The photo is uploaded through kmseg's page, and Arrow Right takes K from 2 up to 32: every press is
a K that its session has not seen, so nothing of it is in a cache. The bare page (bare_page.py) has
the same slider and two pictures of the same size, and changes by turns between two segmentations
that are encoded already: kmseg's own previews at K = 16 and 17. The pages take turns press by
press, in one browser; times are medians.

The clock runs in the page: from the key's event until the picture's new address is known (the
server has answered), until the picture is loaded and decoded, and until the frame that shows it is
out. kmseg's picture is painted from its labels in the page.
"""

from __future__ import annotations

import base64
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import ROOT, header, machine, parser, row
from pages import FRAME_SHOWN, chromium, rest, served, upload, wait_for_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MOST_PRESSES = 30  # K from 2 to 32
STAGES = ("address", "decoded", "painted")
OURS = ".viewer"
BARE = "[data-testid=stImage] img >> nth=1"
# A picture or a canvas as an address that contains it.
AS_FILE = """(picture, kind) => {
  const canvas = document.createElement("canvas")
  canvas.width = picture.naturalWidth || picture.width
  canvas.height = picture.naturalHeight || picture.height
  canvas.getContext("2d").drawImage(picture, 0, 0)
  return canvas.toDataURL(kind, 0.92)
}"""
WATCH = f"""shown => addEventListener("keydown", event => {{
  const elapsed = () => performance.now() - event.timeStamp
  const own = shown.localName !== "img"
  const painted = () => shown.dataset.shown === shown.dataset.asked
  window.shown = new Promise((resolve, reject) => {{
    let times
    const end = () => {{
      times.decoded = elapsed()
      return {FRAME_SHOWN}.then(() => resolve({{ ...times, painted: elapsed() }}))
    }}
    new MutationObserver((_, observer) => {{
      times ??= {{ address: elapsed() }}
      if (own && !painted()) return
      observer.disconnect()
      if (own) end()
      else shown.decode().then(end, reject)
    }}).observe(shown, {{ attributeFilter: own ? ["data-asked", "data-shown"] : ["src"] }})
    setTimeout(reject, 60000, "no new picture within a minute")
  }})
}}, true)"""


def opened(browser: Browser, url: str, shown: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(url)
    page.get_by_role("slider", name="K, number of clusters").wait_for(timeout=120_000)
    page.locator(shown).wait_for(timeout=120_000)
    rest(page)
    return page


def press(page: Page) -> None:
    page.get_by_role("slider", name="K, number of clusters").press("ArrowRight")


def press_and_time(page: Page) -> dict[str, float]:
    """Milliseconds from the key to each stage."""
    press(page)
    times: dict[str, float] = page.evaluate("window.shown")
    rest(page)
    return times


def save_previews(page: Page, folder: Path) -> None:
    """What kmseg's page shows now, and with one cluster more."""

    def save(name: str, selector: str, kind: str) -> None:
        address = page.locator(f"{OURS} {selector}").first.evaluate(AS_FILE, kind)
        (folder / name).write_bytes(base64.b64decode(address.partition(",")[2]))

    save("original", ".left img", "image/jpeg")
    save("even", "canvas.segmentation", "image/png")
    press(page)
    page.get_by_text("17 clusters").first.wait_for()
    rest(page)
    save("odd", "canvas.segmentation", "image/png")


def measure(browser: Browser, ours: str, folder: Path, photo: Path, presses: int) -> None:
    page = opened(browser, f"{ours}/?v=1&n_clusters=16", OURS)
    upload(page, photo)
    save_previews(page, folder)
    page.context.close()
    shutil.copy(ROOT / "kmseg/ui/components/shared/layout.css", folder)

    with served("tests/benchmarks/bare_page.py", str(folder)) as bare:
        wait_for_server(bare)
        pages = {
            "kmseg": opened(browser, f"{ours}/?v=1&n_clusters=2", OURS),
            "bare Streamlit": opened(browser, bare, BARE),
        }
        upload(pages["kmseg"], photo)
        watched = {"kmseg": OURS, "bare Streamlit": BARE}
        for name, selector in watched.items():
            pages[name].locator(selector).evaluate(WATCH)
        boxes = {"kmseg": f"{OURS} .right .pane", "bare Streamlit": BARE}
        found: dict[str, list[dict[str, float]]] = {name: [] for name in pages}
        for _ in range(presses):
            for name, page in pages.items():
                found[name].append(press_and_time(page))

        header("page", "picture shown", *(f"{stage} ms" for stage in STAGES), "slowest ms")
        for name, times in found.items():
            box: Any = pages[name].locator(boxes[name]).bounding_box()
            medians = [statistics.median(time[stage] for time in times) for stage in STAGES]
            row(
                name,
                f"{box['width']:.0f} × {box['height']:.0f}",
                *(f"{median:.0f}" for median in medians),
                f"{max(time['painted'] for time in times):.0f}",
            )
        own, other = (
            statistics.median(time["painted"] for time in times) for times in found.values()
        )
        print(f"\nkmseg's page takes {own / other:.2f} times as long, over {presses} presses.")
        for page in pages.values():
            page.context.close()


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("photo", type=Path)
    arguments.add_argument("--presses", type=int, default=MOST_PRESSES, help="at most 30")
    options = arguments.parse_args()
    if not 1 <= options.presses <= MOST_PRESSES:
        arguments.error(f"--presses: 1 to {MOST_PRESSES}, or a K would be seen again")
    print(machine("streamlit", "playwright"))
    with (
        chromium() as browser,
        tempfile.TemporaryDirectory() as folder,
        served("streamlit_app.py") as url,
    ):
        wait_for_server(url)
        measure(browser, url, Path(folder), options.photo, options.presses)


if __name__ == "__main__":
    main()
