"""Pages served by Streamlit and seen by a real Chromium, for the benchmarks that press keys."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import TYPE_CHECKING

from common import ROOT

from browser import FLAGS, find_chromium, missing, wait_until_idle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# A promise; a message is delivered after the frame in whose callback it was sent.
FRAME_SHOWN = """new Promise(resolve => requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = resolve
  port2.postMessage(0)
}))"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that is up and running."""
    from playwright.sync_api import sync_playwright

    path = find_chromium()
    if path is None:
        sys.exit(missing())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        browser.new_context().new_page().close()  # all of its processes have been started
        yield browser
        browser.close()


@contextmanager
def served(script: str, *arguments: str, **environment: str) -> Iterator[str]:
    """The address of a page served from ROOT, at once; it may not answer yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {"address": "127.0.0.1", "port": port, "headless": "true", "fileWatcherType": "none"}
    command = [sys.executable, "-m", "streamlit", "run", script, "--logger.level=warning"]
    command += [f"--server.{name}={value}" for name, value in options.items()]
    process = subprocess.Popen(
        [*command, "--", *arguments],
        cwd=ROOT,
        # Each variable as the benchmark says: a shell may forbid bytecode.
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": ""} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        _stop(process)


def wait_for_server(url: str, seconds: float = 120) -> None:
    """Wait until the page answers, polling every few milliseconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.005)
    sys.exit(f"{url} did not answer within {seconds} s.")


def upload(page: Page, photo: Path) -> None:
    """Give kmseg's page a photo and wait until all of it is shown."""
    page.locator("input[type=file]").set_input_files(photo)
    page.wait_for_url(re.compile("picture=upload-"), timeout=120_000)
    rest(page)


def rest(page: Page) -> None:
    """Wait until the page is idle, and a little for what the server still tidies up."""
    for _ in range(2):
        wait_until_idle(page)
        page.wait_for_timeout(250)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and whatever it started: they share a process group."""
    for signal in (SIGTERM, SIGKILL):
        try:
            os.killpg(process.pid, signal)
            process.wait(10)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
