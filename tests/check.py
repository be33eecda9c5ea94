"""Every check of the project in one command: format, lint, types, tests.

    python3 tests/check.py [--install-browser] [arguments for pytest]

It needs Python 3.11 or newer and no packages: it creates `.venv` at the project's root and installs
the dependencies of the project and its checks into it. The browser tests need a Chromium. If none
starts, Playwright downloads one into its cache. A system package is installed only with
`--install-browser` or where the environment variable CI is set; elsewhere the command is printed.

Only the standard library is imported here, because nothing else is there on a first run.
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
INSTALL_BROWSER = "--install-browser"

CHECKS = (
    ("Format", ["ruff", "format", "--check", "."]),
    ("Lint", ["ruff", "check", "."]),
    ("Lint, JavaScript", ["oxlint", "--deny-warnings", "kmseg"]),
    ("Types", ["mypy", "--config-file", ".mypy.ini"]),
)
# Fills the cache of compiled code, which each worker of the tests would compile for itself.
COMPILE = "from kmseg.parallel import warm; warm.warm_up(); warm.warm_up_the_rest()"

# Without groups, loadgroup hands tests out one by one, so that all workers get slow ones. Three
# keep two cores busy: many tests wait, for a server, a browser or the end of an interval.
TESTS = ["pytest", "-n", "3", "--dist", "loadgroup", "-r", "fER"]


class CannotRun(Exception):
    """The checks cannot start; the message says what to do."""


def too_old(version: tuple[int, ...]) -> str:
    """What to tell people with a Python that is too old; empty for any other."""
    if version[:2] >= OLDEST:
        return ""
    have, want = (".".join(map(str, v[:2])) for v in (version, OLDEST))
    return f"The checks need Python {want} or newer, but this is {have}: run them with a newer one."


def digest(paths: tuple[Path, ...]) -> str:
    """A hash of the files' content."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


def environment() -> dict[str, str]:
    """This environment without the variables that make .venv's Python use other packages.

    Nor does any keep it from saving bytecode: each of the many processes would compile the sources.
    """
    stray = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    stray |= {"PYTHONDONTWRITEBYTECODE"}
    return {name: value for name, value in os.environ.items() if name not in stray}


def run(arguments: list[str], **extra: str) -> bool:
    """Run a module with .venv's Python at the project's root; return whether it succeeded."""
    command = [str(PYTHON), "-m", *arguments]
    if arguments[0] == "oxlint":  # a program, not a module
        command = [str(VENV / "bin" / "oxlint"), *arguments[1:]]
    return subprocess.run(command, cwd=ROOT, env=environment() | extra).returncode == 0


def heading(text: str) -> None:
    print(f"\n== {text}", flush=True)


def make_venv() -> None:
    """Create .venv if it is missing, and check that its Python works."""
    if not VENV.exists():
        if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
            raise CannotRun(
                "This Python cannot create virtual environments: install its venv module"
                " (on Debian: apt-get install python3-venv) and run the checks again."
            )
        heading("Creating .venv")
        command = [sys.executable, "-m", "venv", str(VENV)]
        if subprocess.run(command, env=environment()).returncode:
            raise CannotRun(
                "Creating .venv failed: fix the error above, delete .venv and try again."
            )
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
    """Install the requirements into .venv, unless nothing changed since the last time."""
    wanted = digest(REQUIREMENTS)
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    heading("Installing requirements (takes minutes the first time)")
    files = [argument for path in REQUIREMENTS for argument in ("-r", str(path))]
    if not run(["pip", "install", "--quiet", "--disable-pip-version-check", *files]):
        raise CannotRun("Installing failed for the reason above; check the network connection.")
    STAMP.write_text(wanted)


def obtain_chromium(install: bool) -> str:
    """The path of a Chromium that starts, or nothing; ``install`` allows a system package."""
    command = [str(PYTHON), str(ROOT / "tests" / "browser.py")]
    extra = {"KMSEG_INSTALL_BROWSER": "1"} if install else {}
    found = subprocess.run(command, env=environment() | extra, stdout=subprocess.PIPE, text=True)
    return found.stdout.strip()


def main(arguments: list[str]) -> int:
    """Run every check; 0 if all succeeded, 1 otherwise."""
    for_pytest = [argument for argument in arguments if argument != INSTALL_BROWSER]
    make_venv()
    install()
    heading("Browser")
    chromium = obtain_chromium(INSTALL_BROWSER in arguments)
    print(chromium or "Continuing without one: the browser tests will fail.", flush=True)

    compiling = subprocess.Popen([str(PYTHON), "-c", COMPILE], cwd=ROOT, env=environment())
    failed = []
    for name, command in CHECKS:
        heading(name)
        if not run(command):
            failed.append(name)
    compiling.wait()
    heading("Tests" + (f" (failed so far: {', '.join(failed)})" if failed else ""))
    if not run([*TESTS, *for_pytest], **({"KMSEG_CHROMIUM": chromium} if chromium else {})):
        failed.append("Tests")
    # If every check succeeded, the last line is pytest's count.
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
