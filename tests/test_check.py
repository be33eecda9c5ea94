"""The one command's start: which Python it accepts, and how it gets a browser."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import browser
import check
import conftest


def fake(path: Path, script: str) -> str:
    """A shell script in place of a program."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


WORKS = "echo '<html></html>'"


@pytest.fixture
def only_these(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose only programs are the scripts that the test puts into this folder.

    Playwright's download fails, and sudo asks for no password.
    """
    monkeypatch.setattr(browser, "PLACES", ())
    monkeypatch.setattr(browser, "APPS", ())
    monkeypatch.setattr(browser, "USUAL_PATH", str(tmp_path))
    monkeypatch.setattr(browser, "_playwrights_own", lambda: "")
    monkeypatch.setattr(sys, "executable", fake(tmp_path / "python", "exit 1"))
    fake(tmp_path / "sudo", 'shift; [ "$1" = true ] || exec "$@"')
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("KMSEG_CHROMIUM", "KMSEG_INSTALL_BROWSER", "CI"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def installs_chromium(folder: Path) -> str:
    """A script that logs its arguments and puts a working Chromium into the folder."""
    path = folder / "chromium"
    return (
        f'echo "$*" >> {folder}/log\n'
        f"printf '#!/bin/sh\\necho \"<html></html>\"\\n' > {path}\n"
        f"/bin/chmod +x {path}"
    )


def logged(folder: Path) -> list[str]:
    log = folder / "log"
    return log.read_text().splitlines() if log.exists() else []


def test_the_browser_named_in_the_environment_is_preferred(
    only_these: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = fake(only_these / "chromium", WORKS)
    assert browser.find_chromium() == on_path
    named = fake(only_these / "mine", WORKS)
    monkeypatch.setenv("KMSEG_CHROMIUM", named)
    assert browser.find_chromium() == named


@pytest.mark.parametrize("broken", ["exit 1", "exit 0", "echo '<html></html>'; exit 1"])
def test_a_browser_that_does_not_start_is_skipped(only_these: Path, broken: str) -> None:
    fake(only_these / "chromium", broken)
    assert browser.find_chromium() is None
    works = fake(only_these / "google-chrome", WORKS)
    assert browser.find_chromium() == works


def test_a_browser_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    hangs = fake(tmp_path / "chromium", "/bin/sleep 60 & /bin/sleep 60")
    start = time.monotonic()
    assert not browser.starts(hangs, seconds=0.5)
    assert time.monotonic() - start < 20


def test_system_packages_were_installed_unasked(only_these: Path) -> None:
    fake(only_these / "apt-get", installs_chromium(only_these))
    assert browser.obtain_chromium() is None
    assert logged(only_these) == []
    assert "apt-get update" in browser.missing()
    assert "apt-get install -y --no-install-recommends chromium" in browser.missing()
    assert "python3 tests/check.py --install-browser" in browser.missing()


@pytest.mark.parametrize("user", [0, 1000])
@pytest.mark.parametrize(("name", "value"), [("CI", "true"), ("KMSEG_INSTALL_BROWSER", "1")])
def test_system_packages_are_installed_where_that_is_allowed(
    only_these: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, user: int
) -> None:
    fake(only_these / "apt-get", installs_chromium(only_these))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setenv(name, value)
    assert browser.obtain_chromium() == str(only_these / "chromium")
    steps = [line.split()[0] for line in logged(only_these)]
    assert steps == ["update", "install"]


@pytest.mark.parametrize(("name", "value"), [("CI", ""), ("KMSEG_INSTALL_BROWSER", "0")])
def test_other_values_do_not_allow_system_packages(
    only_these: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    fake(only_these / "apt-get", installs_chromium(only_these))
    monkeypatch.setenv(name, value)
    assert browser.obtain_chromium() is None
    assert logged(only_these) == []


def test_a_sudo_that_asks_for_a_password_is_not_used(
    only_these: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(only_these / "apt-get", installs_chromium(only_these))
    fake(only_these / "sudo", "exit 1")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("CI", "true")
    assert browser.obtain_chromium() is None
    assert logged(only_these) == []
    assert "`sudo apt-get update && sudo apt-get install" in browser.missing()


def test_playwrights_download_is_tried_before_the_package_manager(
    only_these: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(only_these / "python", installs_chromium(only_these))
    fake(only_these / "apt-get", "exit 1")
    monkeypatch.setenv("CI", "true")
    assert browser.obtain_chromium() == str(only_these / "chromium")
    assert logged(only_these) == ["-m playwright install chromium"]


def test_a_machine_with_a_browser_downloads_and_installs_nothing(
    only_these: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = fake(only_these / "chromium", WORKS)
    for name in ("python", "apt-get"):
        fake(only_these / name, installs_chromium(only_these))
    monkeypatch.setenv("CI", "true")
    assert browser.obtain_chromium() == works
    assert logged(only_these) == []


@pytest.mark.usefixtures("only_these")
def test_browser_tests_fail_with_a_sentence_where_there_is_no_browser() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"need Chromium.*Install.*KMSEG_CHROMIUM"):
        conftest.chromium_or_fail()


@pytest.mark.parametrize("allowed", [False, True])
def test_the_flag_reaches_the_browser_script_and_not_pytest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    log = f'echo "$KMSEG_INSTALL_BROWSER $*" >> {tmp_path}/log'
    monkeypatch.setattr(check, "VENV", tmp_path)
    monkeypatch.setattr(check, "PYTHON", Path(fake(tmp_path / "python", log)))
    monkeypatch.setattr(check, "STAMP", tmp_path / "stamp")
    (tmp_path / "bin").mkdir()
    fake(tmp_path / "bin" / "oxlint", log)
    monkeypatch.delenv("KMSEG_INSTALL_BROWSER", raising=False)
    assert check.main([check.INSTALL_BROWSER] * allowed + ["-k", "cloud"]) == 0
    (browser_line,) = [line for line in logged(tmp_path) if line.endswith("browser.py")]
    (pytest_line,) = [line for line in logged(tmp_path) if "-m pytest" in line]
    assert browser_line.startswith("1 " if allowed else " ")
    assert pytest_line.endswith("-k cloud") and check.INSTALL_BROWSER not in pytest_line


def test_a_python_that_is_too_old_is_refused_with_the_version_needed() -> None:
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
