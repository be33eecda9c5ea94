"""Commands that the README and the page print run as printed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import kmseg
from kmseg.output.encode import encode, jpeg, png
from kmseg.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.replace("\\\n", "").splitlines()
    if "-m kmseg" in line
]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder like a fresh clone with its virtual environment, and the pictures of the README."""
    (tmp_path / "kmseg").symlink_to(ROOT / "kmseg")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    small = kmseg.sample_image("china").resized(120).pixels
    (tmp_path / "photo.jpg").write_bytes(jpeg(small, 90))
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "first.jpg").write_bytes(jpeg(small[:60], 90))
    (tmp_path / "scans" / "second.jpg").write_bytes(jpeg(small[20:], 90))
    (tmp_path / "plate.png").write_bytes(png(kmseg.sample_image("plate-6").pixels))
    (tmp_path / "slide.tif").write_bytes(encode(small, "tif"))
    return tmp_path


def run(clone: Path, command: str) -> str:
    done = subprocess.run(["sh", "-c", command], cwd=clone, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), command
    return done.stdout


def test_every_command_of_the_readme_runs_as_printed(clone: Path) -> None:
    assert len(COMMANDS) >= 3
    for command in COMMANDS:
        run(clone, command)


def test_no_command_of_the_readme_needs_an_activated_environment() -> None:
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL):
        assert not re.search(r"(^|\s)python -m", block)


SETTINGS = Settings(
    color_space="hsv",
    channels="02",
    n_clusters=2,
    init="manual",
    centroids=((255, 0, 0), (0, 0, 0)),
)


@pytest.mark.parametrize("name", ["it's a (photo) & more.png", '$HOME `x` "y".png', "sample:china"])
def test_the_command_of_the_page_runs_as_printed(clone: Path, name: str) -> None:
    if not name.startswith("sample:"):
        (clone / name).write_bytes((clone / "plate.png").read_bytes())
    assert '"settings"' in run(clone, SETTINGS.to_command_line(name))


def as_windows_reads(line: str) -> list[str]:
    """The arguments of a program started from a line typed into ``cmd.exe``.

    First ``cmd.exe``: outside double quotes, a caret is removed and the character after it is text.
    Then the C runtime, by Microsoft's "Parsing C command-line arguments".
    """
    text, quoted, at = "", False, 0
    while at < len(line):
        if line[at] == "^" and not quoted:
            at += 1
        else:
            quoted ^= line[at] == '"'
            assert quoted or line[at] not in "&|<>()", "cmd.exe would act on this character"
            assert line[at] != "%", "cmd.exe would put a variable here"
        text += line[at]
        at += 1
    arguments, current, quoted = [], "", False
    for part in re.findall(r'\\*"|\\+|[^\\"]', text):
        if part.endswith('"'):
            backslashes = len(part) - 1
            current += "\\" * (backslashes // 2)
            if backslashes % 2:
                current += '"'
            else:
                quoted = not quoted
        elif part == " " and not quoted:
            arguments.append(current)
            current = ""
        else:
            current += part
    return [*arguments, current]


@pytest.mark.parametrize(
    "name",
    [
        "plain.png",
        "my photo.png",
        "C:\\Users\\Me & You\\a (1).png",
        "100%.png",
        "%PATH% & calc.png",
        'a "quoted" name.png',
        "ends in a backslash \\",
        "50% \\\\server\\",
        "^caret!.png",
    ],
)
def test_the_command_for_windows_is_read_as_meant(name: str) -> None:
    words = as_windows_reads(SETTINGS.to_command_line(name, "cmd"))
    assert words[:4] == [".venv\\Scripts\\python", "-m", "kmseg", "-i"]
    assert words[4] == name
    assert words[1:] == shlex.split(SETTINGS.to_command_line(name))[1:]


def test_colours_are_quoted_for_powershell_too() -> None:
    assert '--centroids "#ff0000,#000000"' in SETTINGS.to_command_line("a.png", "cmd")


def test_the_script_of_a_sample_reads_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script = Settings(width=40, n_clusters=2).to_script("kmseg", "sample:flower")
    namespace: dict[str, kmseg.Segmentation] = {}
    exec(script, namespace)
    expected = kmseg.segment(kmseg.sample_image("flower"), kmseg.Settings(width=40, n_clusters=2))
    assert namespace["seg"].inertia == expected.inertia
