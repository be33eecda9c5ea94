"""Fixtures of the browser tests, and Hypothesis profiles.

Browser tests use `open_page`, which serves the page and opens it in a real browser. At the end it
fails the test if the browser or the server reported any problem.
"""

from __future__ import annotations

import gc
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM, default_int_handler
from signal import signal as set_handler
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from hypothesis import settings
from PIL import Image as Pillow

import kmseg
from browser import FLAGS, find_chromium, missing, wait_until_idle
from kmseg.settings import LINK_VERSION
from tabs import Tabs

if TYPE_CHECKING:
    from playwright.sync_api import (
        Browser,
        BrowserType,
        ConsoleMessage,
        Page,
        Request,
        Response,
    )

ROOT = Path(__file__).resolve().parent.parent
STREAMLIT = (sys.executable, "-m", "streamlit")

# A picture may be replaced before the browser requests it. Only pictures shown at the end count.
PICTURE = re.compile(r"/media/\w+\.(png|jpe?g)")
BROKEN_PICTURES = """[...document.images]
  .filter(image => image.complete && !image.naturalWidth).map(image => image.src)"""

# A shell that runs the checks in the background makes them ignore Ctrl-C, and the programs that
# they start would inherit that.
set_handler(SIGINT, default_int_handler)

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run a browser test that fails on a shared machine, as CI's, once more; the summary says so.

    There, a page may take longer than any test waits. Elsewhere a failure counts at once.
    """
    if os.environ.get("CI"):
        for item in items:
            if item.path.name.startswith("test_browser_"):
                item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_collection_finish() -> None:
    """Exempt all that is loaded by now from garbage collection: Streamlit collects in each run."""
    gc.collect()
    gc.freeze()


@dataclass(frozen=True)
class PageServer:
    """A running Streamlit server: its address and its log file."""

    url: str
    log: Path

    def tail(self, characters: int = 4000) -> str:
        """The end of the log."""
        return self.log.read_text(errors="replace")[-characters:]


@contextmanager
def served_page(
    home: Path, *, port: int = 0, program: Sequence[str] = STREAMLIT, **environment: str
) -> Iterator[PageServer]:
    """Serve the page from this checkout on a port of the loopback interface; 0 takes a free one."""
    port = port or free_port()
    server = PageServer(f"http://127.0.0.1:{port}", home / "log")
    options = {"address": "127.0.0.1", "port": port, "headless": "true", "fileWatcherType": "none"}
    arguments = [f"--server.{name}={value}" for name, value in options.items()]
    command = [*program, "run", "streamlit_app.py", *arguments]
    with server.log.open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"HOME": str(home), "PYTHONUNBUFFERED": "1"} | environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for_health(server, process)
        yield server
    finally:
        _stop(process)


@pytest.fixture(scope="session")
def page_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """One server for all browser tests of a pytest worker."""
    with served_page(tmp_path_factory.mktemp("server")) as server:
        yield server


def chromium_or_fail() -> str:
    """The path of a Chromium that starts; without one the test fails and says what to do."""
    path = find_chromium()
    if path is None:
        pytest.fail(missing(), pytrace=False)
    return path


@pytest.fixture(scope="session")
def chromium() -> Iterator[tuple[BrowserType, str]]:
    """Playwright's Chromium, and the path of the one to launch."""
    path = chromium_or_fail()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium, path


@pytest.fixture(scope="session")
def browser(chromium: tuple[BrowserType, str]) -> Iterator[Browser]:
    """One browser for the session, in which each context is a profile of its own."""
    launcher, path = chromium
    browser = launcher.launch(executable_path=path, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def tabs(browser: Browser, page_server: PageServer) -> Tabs:
    """The tabs of all browser tests of a pytest worker."""
    return Tabs(browser, page_server.url)


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo as a camera takes it: a JPEG of 10.7 megapixels with noise."""
    china = kmseg.sample_image("china").pixels
    large = cv2.resize(china, (4000, 2669), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    large += np.random.default_rng(0).integers(-4, 5, large.shape, np.int16)
    path = tmp_path_factory.mktemp("photo") / "from my camera.jpg"
    Pillow.fromarray(np.clip(large, 0, 255).astype(np.uint8)).save(path, quality=92)
    return path


@dataclass
class PageOpener:
    """Opens pages and collects the problems that are reported while they are open."""

    tabs: Tabs
    server: PageServer
    problems: list[str] = field(default_factory=list)

    def __call__(
        self,
        path: str = "",
        *,
        width: int = 1280,
        height: int = 900,
        color_scheme: str = "light",
        save_data: bool = True,
        fresh: bool = False,
        **context_options: Any,
    ) -> Page:
        """Open a page of this size and colour scheme, and wait until it is idle.

        Unless it should save data, the page fetches its preview's exact pixels in the background.
        Each page of a test has a profile without any data. Its tab is used again by later tests,
        unless it should be fresh, for a test that changes more of it than `Tab.clear` removes. A
        query gets the version of links if it has none: the page would take it for empty.
        """
        if path.startswith("?") and not re.search(r"[?&]v=", path):
            path = f"?v={LINK_VERSION}&{path[1:]}"
        tab = self.tabs.take(context_options, fresh)
        page = tab.prepare(width, height, color_scheme, save_data)
        self._listen(page)
        page.goto(f"{self.server.url}/{path.removeprefix('/')}")
        wait_until_idle(page)
        return page

    def close(self) -> None:
        """Leave all pages; a picture on them that did not load is a problem too."""
        for page in self.tabs.pages:
            broken = page.evaluate(BROKEN_PICTURES)
            self.problems += [f"picture that did not load: {url}" for url in broken]
        self.tabs.give_back()

    def _listen(self, page: Page) -> None:
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.on("request", lambda request: self._on_address(request.url))
        page.on("websocket", lambda websocket: self._on_address(websocket.url))
        page.on("requestfailed", self._on_failure)
        page.on("response", self._on_response)

    def _on_console(self, message: ConsoleMessage) -> None:
        where = message.location.get("url", "")
        if message.type == "error" and not PICTURE.search(where):
            self.problems.append(f"console error: {message.text} ({where})")

    def _on_address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.netloc and parts.netloc != urlsplit(self.server.url).netloc:
            self.problems.append(f"request to another host: {url}")

    def _on_failure(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a picture was replaced while it loaded
            self.problems.append(f"failed request: {request.url} ({request.failure})")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400 and not PICTURE.search(response.url):
            self.problems.append(f"failed request: {response.url} ({response.status})")


@pytest.fixture
def open_page(
    request: pytest.FixtureRequest, tabs: Tabs, page_server: PageServer
) -> Iterator[PageOpener]:
    """A function that opens the page; any problem reported meanwhile fails the test.

    A test that causes a problem on purpose declares it by a regular expression:
    ``@pytest.mark.expects_problem("413")``.
    """
    opener = PageOpener(tabs, page_server)
    log_before = page_server.log.stat().st_size
    yield opener
    opener.close()
    log = page_server.log.read_bytes()[log_before:].decode(errors="replace")
    if "Traceback (most recent call last)" in log:
        opener.problems.append(f"traceback in the server's log:\n{log[-4000:]}")
    expected = [mark.args[0] for mark in request.node.iter_markers("expects_problem")]
    opener.problems = [p for p in opener.problems if not any(re.search(e, p) for e in expected)]
    if opener.problems:
        pytest.fail("\n".join(opener.problems), pytrace=False)


def free_port() -> int:
    """A port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_health(
    server: PageServer, process: subprocess.Popen[bytes], seconds: float = 60
) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"The page's server did not start. Its log ends:\n{server.tail()}", pytrace=False)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the server and its children, which share its process group."""
    for signal, seconds in ((SIGTERM, 10), (SIGKILL, 10)):
        try:
            os.killpg(process.pid, signal)
            process.wait(seconds)
        except (ProcessLookupError, PermissionError):
            return
        except subprocess.TimeoutExpired:
            continue
