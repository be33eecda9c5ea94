"""The command line in a pipeline: what it reads, what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kmseg
from kmseg.cli import main
from kmseg.output.encode import png
from kmseg.settings import FIELDS
from oracles import image_at

ROOT = Path(__file__).resolve().parent.parent
Capture = pytest.CaptureFixture[str]
PHOTO = png(image_at("china", 60).pixels)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a photo."""
    (tmp_path / "photo.png").write_bytes(PHOTO)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(
    folder: Path, *arguments: str, data: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "kmseg", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        input=data,
        capture_output=True,
    )


# -- input -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["-", "/dev/stdin", "/proc/self/fd/0"])
def test_standard_input_is_read(folder: Path, source: str) -> None:
    done = run(folder, "-i", source, "--json", data=PHOTO)
    assert (done.returncode, done.stderr) == (0, b"")
    seg = kmseg.segment(kmseg.read_image(PHOTO), kmseg.Settings(n_clusters=3))
    assert json.loads(done.stdout)["pixel_counts"] == seg.pixel_counts.tolist()


def test_files_from_standard_input_have_a_name(folder: Path) -> None:
    done = run(folder, "-i", "-", "--save", "counts", data=PHOTO)
    assert done.stdout.decode().strip() == "stdin_bgr_call_k3_s0_counts.csv"


def test_a_named_pipe_is_read(folder: Path, capsys: Capture) -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_bytes(PHOTO))
    writer.start()
    assert main(["-i", "pipe", "--json"]) == 0
    writer.join()
    assert json.loads(capsys.readouterr().out)["size"] == [60, 40]


def test_an_endless_stream_is_refused(folder: Path, capsys: Capture) -> None:
    assert main(["-i", "/dev/zero"]) == 2
    assert "larger than 50 MB" in capsys.readouterr().err


def test_an_empty_or_closed_standard_input_is_refused(folder: Path) -> None:
    assert b"-i: The file is empty" in run(folder, "-i", "-").stderr
    shell = f"exec {sys.executable} -m kmseg -i - <&-"
    done = subprocess.run(
        ["sh", "-c", shell],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and done.stderr.startswith("kmseg: -i: ")
    assert done.stderr.count("\n") == 1


def test_a_terminal_is_no_picture(folder: Path) -> None:
    import pty

    main_end, terminal = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "kmseg", "-i", "-"],
        stdin=terminal,
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    os.close(main_end)
    os.close(terminal)
    assert done.returncode == 2 and "terminal" in done.stderr and done.stderr.count("\n") == 1


def test_a_sample_is_read_by_its_key(folder: Path, capsys: Capture) -> None:
    assert main(["-i", "sample:plate-6", "-s", "hsv", "-c", "0", "--json", "--save", "counts"]) == 0
    captured = capsys.readouterr()
    settings = kmseg.Settings(color_space="hsv", channels="0", n_clusters=3)
    seg = kmseg.segment(kmseg.sample_image("plate-6"), settings)
    assert json.loads(captured.out)["pixel_counts"] == seg.pixel_counts.tolist()
    assert captured.err.strip() == "plate-6_hsv_c0_k3_s0_counts.csv"


# -- output ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "cp1251"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
)
def test_text_failed_on_a_narrow_encoding(folder: Path, environment: dict[str, str]) -> None:
    """The coordinate "S·cos H", the help, and a name in another script."""
    (folder / "照片.png").write_bytes(PHOTO)
    for arguments in (
        ["-i", "照片.png", "-s", "hsv-circular"],
        ["-i", "照片.png", "--save", "counts"],
        ["-i", "无.png"],
        ["--help"],
    ):
        done = run(folder, *arguments, **environment)
        assert done.returncode == (2 if "无.png" in arguments else 0)
        assert b"Traceback" not in done.stderr
        assert done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [["-i", "photo.png", "-n", "255"], ["--help"]])
def test_a_closed_pipe_ended_in_a_traceback(folder: Path, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "kmseg", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=writing,
        stderr=subprocess.PIPE,
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 141 or "--help" in arguments  # argparse ignores errors of its output


def test_a_full_disk_behind_standard_output_is_one_line(folder: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "kmseg", "-i", "photo.png"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 2 and done.stderr.startswith("kmseg: standard output ")
    assert done.stderr.count("\n") == 1


def test_the_version_is_printed(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"kmseg {kmseg.__version__}\n"


# -- corrections and refusals ----------------------------------------------------------------------


def noted(capsys: Capture, line: str) -> tuple[dict[str, Any], str]:
    """The answer, and the one line on standard error."""
    assert main([*line.split(), "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("kmseg: ") and captured.err.count("\n") == 1
    return json.loads(captured.out), captured.err


def test_fewer_clusters_than_asked_for_were_kept_silent(folder: Path, capsys: Capture) -> None:
    colors = np.array([[[0, 0, 0], [255, 0, 0], [0, 255, 0]]], np.uint8)
    (folder / "three.png").write_bytes(png(colors))
    found, said = noted(capsys, "-i three.png -n 8")
    assert len(found["pixel_counts"]) == 3
    assert "-n: " in said and "3 clusters, not 8" in said


def test_attempts_that_a_manual_start_does_not_make_are_said(folder: Path, capsys: Capture) -> None:
    _, said = noted(capsys, "-i photo.png -n 2 --centroids 000000,ffffff --attempts 10")
    assert said.startswith("kmseg: --attempts: ")


def test_a_message_names_the_option_and_not_the_field(folder: Path, capsys: Capture) -> None:
    for field in FIELDS.values():
        assert main(["-i", "photo.png", field.flags[-1], "?"]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"kmseg: {field.flags[0]}: ")
        assert not any(f"{other}=" in said for other in FIELDS)
