"""From starting the server to the first segmentation on a visitor's screen.

    python tests/benchmarks/cold_start.py [--repeats 5]

The browser is up before the clock starts, and goes to the page as soon as the server answers, with
a profile that has seen nothing. Each round starts the server three times:

- the very first start with neither compiled code nor Python's bytecode, as after an installer that
  leaves bytecode to the first start: NUMBA_CACHE_DIR and PYTHONPYCACHEPREFIX are empty;
- the first start after `pip install`, which writes the bytecode of what it installs: the folder of
  NUMBA_CACHE_DIR is empty;
- any later start: with what the last one compiled, after it has come to rest.

Beside them a Streamlit page that computes nothing (bare_page.py, two pictures): what the server and
the browser take by themselves.

Files stay in the system's cache throughout: a disk that has to be read first comes on top. Editing
the package meanwhile makes a later start compile again.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import ROOT, header, machine, parser, row
from pages import FRAME_SHOWN, chromium, served, wait_for_server

import kmseg
from kmseg.output import encode

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NO_BYTECODE = "first, no bytecode"
NOT_COMPILED = "first after pip install"
LATER = "later"
BARE = "bare Streamlit page"
OURS = ".viewer[data-shown]"
BARE_PICTURE = "[data-testid=stImage] >> nth=1 >> img"
STAGES = ("answers", "connected", "painted")

PAINTED = f"""shown => Promise.resolve(shown.decode?.()).then(() => {FRAME_SHOWN})
  .then(() => (performance.timeOrigin + performance.now()) / 1000)"""


def start(
    browser: Browser,
    image: str,
    *command: str,
    rest: Path | None = None,
    **environment: str,
) -> dict[str, float]:
    """Seconds from the start of the server to each stage; then wait until `rest` stays as it is."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    begin = time.time()
    with served(*command, **environment) as url:
        wait_for_server(url)
        found = {"answers": time.time() - begin}
        page.goto(url, wait_until="commit")
        page.wait_for_selector('[data-test-connection-state="CONNECTED"]', state="attached")
        found["connected"] = time.time() - begin
        shown: Any = page.wait_for_selector(image, timeout=180_000)
        found["painted"] = shown.evaluate(PAINTED) - begin
        if rest:
            wait_until_unchanged(rest)
        context.close()
    return found


def wait_until_unchanged(folder: Path, seconds: float = 8) -> None:
    """Until no file has come for as long as no loop takes to compile."""
    count, since = -1, time.monotonic()
    while time.monotonic() < since + seconds:
        now = sum(1 for _ in folder.rglob("*"))
        if now != count:
            count, since = now, time.monotonic()
        time.sleep(0.1)


def bare_folder(folder: Path) -> Path:
    """What bare_page.py shows: a sample and its segmentation, made beforehand."""
    pictures = folder / "pictures"
    pictures.mkdir()
    seg = kmseg.segment(kmseg.sample_image("china"))
    painted = encode.png(seg.palette[seg.labels])
    for name, data in (("original", encode.png(seg.image.pixels)), ("even", painted)):
        (pictures / name).write_bytes(data)
    shutil.copy(ROOT / "kmseg/ui/components/shared/layout.css", pictures)
    return pictures


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--repeats", type=int, default=5)
    options = arguments.parse_args()
    print(machine("streamlit", "playwright"))
    found: dict[str, list[dict[str, float]]] = defaultdict(list)

    def run(name: str, rest: Path | None = None, **environment: str) -> None:
        record(name, start(browser, OURS, "streamlit_app.py", rest=rest, **environment))

    def record(name: str, times: dict[str, float]) -> None:
        found[name].append(times)
        row(name, *(f"{times[stage]:.2f}" for stage in STAGES))

    header("start of the server", *(f"{stage} s" for stage in STAGES))
    with chromium() as browser:
        for _ in range(options.repeats):
            with tempfile.TemporaryDirectory() as folder:
                fresh = {
                    "NUMBA_CACHE_DIR": str(Path(folder, "other")),
                    "PYTHONPYCACHEPREFIX": str(Path(folder, "bytecode")),
                }
                run(NO_BYTECODE, **fresh)
                compiled = Path(folder, "compiled")
                for name in (NOT_COMPILED, LATER):
                    run(name, compiled, NUMBA_CACHE_DIR=str(compiled))
                pictures = bare_folder(Path(folder))
                bare = "tests/benchmarks/bare_page.py"
                record(BARE, start(browser, BARE_PICTURE, bare, str(pictures)))

    header("medians", *(f"{stage} s" for stage in STAGES), "fastest s", "slowest s")
    for name, times in found.items():
        painted = [time["painted"] for time in times]
        medians = [statistics.median(time[stage] for time in times) for stage in STAGES]
        row(name, *(f"{seconds:.2f}" for seconds in (*medians, min(painted), max(painted))))


if __name__ == "__main__":
    main()
