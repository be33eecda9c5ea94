"""The checks' own start: which Python will do, and which browser is taken."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

import browser
import check


def fake(path: Path, script: str) -> str:
    """An executable file that plays a browser."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def only_these(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose only browsers are those that the test puts on PATH."""
    monkeypatch.setattr(browser, "PLACES", ())
    monkeypatch.setattr(browser, "APPS", ())
    monkeypatch.setattr(browser, "_playwrights_own", lambda: "")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("KMSEG_CHROMIUM", raising=False)
    return tmp_path


WORKS = "echo '<html></html>'"


def test_the_browser_named_in_the_environment_goes_first(
    only_these: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = fake(only_these / "chromium", WORKS)
    assert browser.find_chromium() == on_path
    named = fake(only_these / "mine", WORKS)
    monkeypatch.setenv("KMSEG_CHROMIUM", named)
    assert browser.find_chromium() == named


@pytest.mark.parametrize("broken", ["exit 1", "exit 0", "echo '<html></html>'; exit 1"])
def test_a_browser_that_does_not_start_is_passed_over(only_these: Path, broken: str) -> None:
    fake(only_these / "chromium", broken)
    assert browser.find_chromium() is None
    works = fake(only_these / "google-chrome", WORKS)
    assert browser.find_chromium() == works


def test_a_browser_that_hangs_is_stopped_with_its_children(tmp_path: Path) -> None:
    hangs = fake(tmp_path / "chromium", "/bin/sleep 60 & /bin/sleep 60")
    start = time.monotonic()
    assert not browser.starts(hangs, seconds=0.5)
    assert time.monotonic() - start < 20


def test_no_browser_at_all_is_said_in_a_sentence() -> None:
    assert "apt-get install chromium" in browser.MISSING
    assert "KMSEG_CHROMIUM" in browser.MISSING


def test_an_old_python_is_told_which_one_is_needed() -> None:
    assert "3.10" in check.too_old((3, 10, 13))
    assert not check.too_old((3, 11, 0))
    assert not check.too_old((4, 0))


def test_the_checks_start_with_the_standard_library_alone() -> None:
    # -I and -S leave out site-packages and tests/, as on a machine with nothing installed.
    code = f"import runpy; runpy.run_path({check.__file__!r})"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_changed_requirements_are_installed_again(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("numpy")
    second.write_text("pytest")
    before = check.digest((first, second))
    second.write_text("pytest>=9")
    assert check.digest((first, second)) != before
