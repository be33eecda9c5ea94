"""A Chromium for the browser tests: find one that starts, or install one.

Run as a script, it prints the path of the one it found or installed, and otherwise a sentence
that says what to install.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

FLAGS = [
    "--no-sandbox",  # Chromium's own sandbox does not start for root, as in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a camera that shows a test picture
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
    "/opt/google/chrome/chrome",
    "/snap/bin/chromium",
)
APPS = (
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Chromium.app/Contents/MacOS/Chromium",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
MISSING = (
    "The browser tests need Chromium, and none was found that starts: install Chromium or Google"
    " Chrome (on Debian: apt-get install chromium; on macOS: brew install --cask google-chrome),"
    " or name one in the environment variable KMSEG_CHROMIUM."
)

# PATH may hold next to nothing; package managers and their scripts need the usual places.
USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin"
# The font is there because a bare system has none, and text without one has no true width.
PACKAGE_MANAGERS = {
    "apt-get": ("update", "install -y --no-install-recommends chromium fonts-liberation"),
    "dnf": ("install -y chromium",),
    "apk": ("add chromium",),
    "pacman": ("-Sy --noconfirm chromium",),
    "brew": ("install --cask google-chrome",),
}


def starts(executable: str, seconds: float = 30) -> bool:
    """Whether the browser opens an empty page without a window, in time."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        arguments = ["--headless", *FLAGS, f"--user-data-dir={scratch}/profile", "--dump-dom"]
        with Path(scratch, "page").open("w+") as page:
            # A file, not a pipe: the browser's children would hold a pipe open past the limit.
            command = [executable, *arguments, "about:blank"]
            code = _run(command, seconds, stdout=page, stderr=subprocess.DEVNULL)
            page.seek(0)
            return code == 0 and "<html" in page.read()


def candidates() -> Iterator[str]:
    """Where a Chromium may be, the likeliest and cheapest to look at first."""
    yield os.environ.get("KMSEG_CHROMIUM", "")
    yield from filter(None, map(shutil.which, NAMES))
    yield from PLACES
    for folder in (Path("/Applications"), Path("~/Applications").expanduser()):
        yield from (str(folder / app) for app in APPS)
    yield _playwrights_own()


def find_chromium() -> str | None:
    """The first candidate that starts."""
    seen = {""}
    for path in candidates():
        if path not in seen and os.access(path, os.X_OK) and starts(path):
            return path
        seen.add(path)
    return None


def install_chromium() -> str | None:
    """Install a Chromium, Playwright's own or else the system's, and find it."""
    _say("No Chromium that starts was found; asking Playwright for its own.")
    own = [sys.executable, "-m", "playwright", "install", "chromium"]
    # A network that swallows packets, rather than refusing, must not hold up the checks.
    environment = os.environ | {"PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "15000"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if _run(own, 600, env=environment, **quiet) == 0 and (path := find_chromium()):
        return path
    _say("That gave none that starts; asking the system's package manager.")
    for name, steps in PACKAGE_MANAGERS.items():
        commands = [_with_rights(name, step.split()) for step in steps]
        if all(commands):
            for command in commands:
                _run(command, 900, stdout=sys.stderr, stdin=subprocess.DEVNULL)
            if path := find_chromium():
                return path
    return None


def wait_until_idle(page: Page, seconds: float = 30) -> None:
    """Wait until the page is connected and its script has come to rest."""
    idle = (
        '[data-testid="stApp"][data-test-script-state="notRunning"]'
        '[data-test-connection-state="CONNECTED"]'
    )
    page.wait_for_selector(idle, state="attached", timeout=seconds * 1000)


def _playwrights_own() -> str:
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            return playwright.chromium.executable_path
    except Exception:  # not installed, no driver for this system: then it has none to offer
        return ""


def _with_rights(name: str, arguments: list[str]) -> list[str]:
    """The command with the rights it needs; empty where it or the rights are missing."""
    manager = shutil.which(name, path=USUAL_PATH)
    if manager is None:
        return []
    setting = ["/usr/bin/env", f"PATH={USUAL_PATH}", "DEBIAN_FRONTEND=noninteractive"]
    command = [*setting, manager, *arguments]
    if name == "brew" or os.geteuid() == 0:
        return command
    sudo = shutil.which("sudo", path=USUAL_PATH)
    if sudo and _run([sudo, "-n", "true"], 10, stderr=subprocess.DEVNULL) == 0:
        return [sudo, "-n", *command]
    return []


def _run(command: list[str], seconds: float, **options: object) -> int | None:
    """The command's exit code; None when it cannot start or is stopped for taking too long."""
    try:
        process = subprocess.Popen(command, start_new_session=True, **options)  # type: ignore
    except OSError:
        return None
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    path = find_chromium() or install_chromium()
    if path is None:
        sys.exit(MISSING)
    print(path)
