"""A Chromium for the browser tests: find one that starts, download one, or say how to install one.

Run as a script, it prints the path of a Chromium that starts. If there is none, Playwright
downloads its own into its cache. The system's package manager is used only where the environment
variable CI is set or KMSEG_INSTALL_BROWSER is 1; elsewhere the command is printed instead.
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
    "--no-sandbox",  # Chromium's sandbox does not start for root, as in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a camera that shows a test picture
]
# Seconds that a test waits for the page: a shared machine may be slow.
PATIENCE = 90
# An attribute of the document's root while the server owes an answer; set by the tests' tabs.
MARK = "data-owed-an-answer"
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

# The caller's PATH may be almost empty; package managers and their scripts need these folders.
USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin"
# A bare system has no font, and text without one has no real width.
PACKAGE_MANAGERS = {
    "apt-get": ("update", "install -y --no-install-recommends chromium fonts-liberation"),
    "dnf": ("install -y chromium",),
    "apk": ("add chromium",),
    "pacman": ("-Sy --noconfirm chromium",),
    "brew": ("install --cask google-chrome",),
}


def starts(executable: str, seconds: float = 30) -> bool:
    """Whether the browser opens an empty page without a window within the time."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        arguments = ["--headless", *FLAGS, f"--user-data-dir={scratch}/profile", "--dump-dom"]
        with Path(scratch, "page").open("w+") as page:
            # A file, not a pipe: the browser's children could hold a pipe open past the timeout.
            command = [executable, *arguments, "about:blank"]
            code = _run(command, seconds, stdout=page, stderr=subprocess.DEVNULL)
            page.seek(0)
            return code == 0 and "<html" in page.read()


def candidates() -> Iterator[str]:
    """Paths where a Chromium may be, the likeliest and fastest to check first."""
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


def obtain_chromium() -> str | None:
    """A Chromium that starts: one that is there, Playwright's own, or, if allowed, the system's."""
    return find_chromium() or _download() or (_install_system_package() if may_install() else None)


def may_install() -> bool:
    """Whether the system's package manager may be used without asking."""
    return bool(os.environ.get("CI")) or os.environ.get("KMSEG_INSTALL_BROWSER") == "1"


def missing() -> str:
    """What to do where there is no Chromium, with the install command for this machine."""
    manager = next((name for name in PACKAGE_MANAGERS if _location(name)), None)
    if manager is None:
        install = "Install Chromium or Google Chrome,"
    else:
        sudo = "" if manager == "brew" or os.geteuid() == 0 else "sudo "
        command = " && ".join(f"{sudo}{manager} {step}" for step in PACKAGE_MANAGERS[manager])
        install = (
            f"Install one with `{command}`,"
            " have the checks run that with `python3 tests/check.py --install-browser`,"
        )
    return (
        f"The browser tests need Chromium, and none was found that starts. {install}"
        " or name one in the environment variable KMSEG_CHROMIUM."
    )


def wait_until_idle(page: Page, seconds: float = PATIENCE) -> None:
    """Wait until the page is connected, its script has finished and the server owes no answer."""
    idle = (
        f"html:not([{MARK}])"
        ' [data-testid="stApp"][data-test-script-state="notRunning"]'
        '[data-test-connection-state="CONNECTED"]'
    )
    page.wait_for_selector(idle, state="attached", timeout=seconds * 1000)


def _playwrights_own() -> str:
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            return playwright.chromium.executable_path
    except Exception:  # Playwright is not installed or has no driver for this system
        return ""


def _download() -> str | None:
    """Download Playwright's Chromium into its cache, and return a Chromium that starts."""
    _say("No Chromium that starts was found; downloading Playwright's.")
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    # Without a timeout, a network that drops packets would block the checks.
    environment = os.environ | {"PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "15000"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return find_chromium() if _run(command, 600, env=environment, **quiet) == 0 else None


def _install_system_package() -> str | None:
    """Install Chromium with the system's package manager, and return one that starts."""
    _say("Playwright's Chromium does not start here; installing the system's package.")
    for name, steps in PACKAGE_MANAGERS.items():
        commands = [_as_administrator(name, step.split()) for step in steps]
        if all(commands):
            for command in commands:
                _run(command, 900, stdout=sys.stderr, stdin=subprocess.DEVNULL)
            if path := find_chromium():
                return path
    return None


def _location(name: str) -> str | None:
    return shutil.which(name, path=USUAL_PATH)


def _as_administrator(name: str, arguments: list[str]) -> list[str]:
    """The package manager's command with the rights it needs; empty if it or they are missing."""
    manager = _location(name)
    if manager is None:
        return []
    setting = ["/usr/bin/env", f"PATH={USUAL_PATH}", "DEBIAN_FRONTEND=noninteractive"]
    command = [*setting, manager, *arguments]
    if name == "brew" or os.geteuid() == 0:
        return command
    sudo = _location("sudo")
    if sudo and _run([sudo, "-n", "true"], 10, stderr=subprocess.DEVNULL) == 0:
        return [sudo, "-n", *command]
    return []


def _run(command: list[str], seconds: float, **options: object) -> int | None:
    """The command's exit code; None if it cannot start or exceeds the timeout, which kills it."""
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
    path = obtain_chromium()
    if path is None:
        sys.exit(missing())
    print(path)
