"""Every check of the project in one command: format, lint, types, tests.

    python3 tests/check.py [arguments for pytest]

It needs Python 3.11 or newer and nothing installed: it makes `.venv` at the project's root,
installs into it what the project and its checks need, and sees to a Chromium for the browser
tests. Only the standard library is imported here, because nothing else is there on a first run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = (ROOT / "requirements.txt", ROOT / "tests" / "requirements.txt")
STAMP = VENV / "installed-for-checks"
OLDEST = (3, 11)

CHECKS = (
    ("Format", ["ruff", "format", "--check", "."]),
    ("Lint", ["ruff", "check", "."]),
    ("Lint, JavaScript", ["oxlint", "--deny-warnings", "kmseg"]),
    ("Types", ["mypy", "--config-file", ".mypy.ini"]),
)
# All browser tests go to one worker, which starts with them: two browsers at once draw too slowly.
TESTS = ["pytest", "-n", "2", "--dist", "loadgroup"]


class CannotRun(Exception):
    """The checks cannot even start; the message says what to do."""


def too_old(version: tuple[int, ...]) -> str:
    """The sentence for a Python that is too old, or nothing."""
    if version[:2] >= OLDEST:
        return ""
    have, want = (".".join(map(str, v[:2])) for v in (version, OLDEST))
    return f"The checks need Python {want} or newer, and this is {have}: run them with a newer one."


def digest(paths: tuple[Path, ...]) -> str:
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


def environment() -> dict[str, str]:
    """This environment without what would lead .venv's Python to packages of another one."""
    stray = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    return {name: value for name, value in os.environ.items() if name not in stray}


def run(arguments: list[str], **extra: str) -> bool:
    """Run a module of .venv's Python at the project's root; say whether it succeeded."""
    command = [str(PYTHON), "-m", *arguments]
    if arguments[0] == "oxlint":  # a program, not a module
        command = [str(VENV / "bin" / "oxlint"), *arguments[1:]]
    return subprocess.run(command, cwd=ROOT, env=environment() | extra).returncode == 0


def heading(text: str) -> None:
    print(f"\n== {text}", flush=True)


def make_venv() -> None:
    if not VENV.exists():
        if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
            raise CannotRun(
                "This Python cannot make virtual environments: install its venv module"
                " (on Debian: apt-get install python3-venv) and run the checks again."
            )
        heading("Making .venv")
        command = [sys.executable, "-m", "venv", str(VENV)]
        if subprocess.run(command, env=environment()).returncode:
            raise CannotRun("Making .venv failed: delete it, see to the error above, try again.")
    probe = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    try:
        works = subprocess.run([PYTHON, "-c", probe], env=environment()).returncode == 0
    except OSError:
        works = False
    if not works:
        raise CannotRun(
            "The Python in .venv does not start, is older than 3.11 or has no pip:"
            " delete .venv and run the checks again."
        )


def install() -> None:
    wanted = digest(REQUIREMENTS)
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    heading("Installing what the project and its checks need (minutes, the first time)")
    files = [argument for path in REQUIREMENTS for argument in ("-r", str(path))]
    if not run(["pip", "install", "--quiet", "--disable-pip-version-check", *files]):
        raise CannotRun("Installing failed; pip says why above. Is the network there?")
    STAMP.write_text(wanted)


def ensure_chromium() -> str:
    """The path of a Chromium that starts, installed if need be, or nothing."""
    command = [str(PYTHON), str(ROOT / "tests" / "browser.py")]
    found = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True)
    return found.stdout.strip()


def main(arguments: list[str]) -> int:
    make_venv()
    install()
    heading("Browser")
    chromium = ensure_chromium()
    print(chromium or "Going on without one: the browser tests will fail.", flush=True)

    failed = []
    for name, command in CHECKS:
        heading(name)
        if not run(command):
            failed.append(name)
    heading("Tests" + (f" (failed so far: {', '.join(failed)})" if failed else ""))
    if not run([*TESTS, *arguments], **({"KMSEG_CHROMIUM": chromium} if chromium else {})):
        failed.append("Tests")
    # When all is well, the last line is pytest's own count.
    if failed:
        print(f"\nFailed: {', '.join(failed)}.", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    complaint = too_old(sys.version_info)
    if complaint:
        sys.exit(complaint)
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotRun as reason:
        sys.exit(str(reason))
    except KeyboardInterrupt:
        sys.exit(130)
