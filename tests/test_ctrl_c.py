"""Ctrl-C ends the command line at any moment, with one line and exit status 130."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kmseg.output.encode import png
from oracles import image_at

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a photo."""
    (tmp_path / "photo.png").write_bytes(png(image_at("china", 60).pixels))
    return tmp_path


STOPPED = "kmseg: stopped by Ctrl-C\n"
# Takes longer than any delay below.
LONG = "-i photo.png --engine opencv -n 255 --attempts 100 --stop iterations --max-iter 100"


def start(folder: Path, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("delay", [0, 0.02, 0.05, 0.08, 0.12, 0.2, 0.3, 0.6, 1.2])
def test_ctrl_c_at_any_time_after_the_start_prints_no_traceback(folder: Path, delay: float) -> None:
    program = start(folder, "-m", "kmseg", *LONG.split())
    time.sleep(delay)
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=60)
    assert out == ""
    if (program.returncode, err) != (130, STOPPED):  # then Python itself was still starting
        assert program.returncode in (1, -signal.SIGINT)
        assert "cli.py" not in err


# Sends itself SIGINT at the nth import after the program has begun.
INTERRUPTED_IMPORT = """
import os, runpy, signal, sys

imports_left = int(sys.argv.pop(1))
begun = False

def hook(event, arguments):
    global begun, imports_left
    if event == "import":
        begun = begun or arguments[0] == "kmseg.cli"
        imports_left -= begun
        if begun and imports_left == 0:
            os.kill(os.getpid(), signal.SIGINT)

sys.addaudithook(hook)
runpy.run_module("kmseg", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("number", [1, 2, 15, 60, 150, 300, 500, 700])
def test_ctrl_c_while_modules_are_imported_prints_no_traceback(folder: Path, number: int) -> None:
    program = start(folder, "-c", INTERRUPTED_IMPORT, str(number), *LONG.split())
    out, err = program.communicate(timeout=60)
    assert (program.returncode, out, err) == (130, "", STOPPED)


# Sends itself SIGINT once a thread has been in the call of cv2.kmeans for a while.
INTERRUPTED_ENGINE = """
import os, runpy, signal, sys, threading, time

def watch():
    seen = 0
    while seen < 100:
        time.sleep(0.01)
        files = [frame.f_code.co_filename for frame in sys._current_frames().values()]
        seen = seen + 1 if any(file.endswith("engines/opencv.py") for file in files) else 0
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=watch, daemon=True).start()
runpy.run_module("kmseg", run_name="__main__", alter_sys=True)
"""


def test_ctrl_c_does_not_wait_for_compiled_code_to_return(folder: Path) -> None:
    """One attempt on this picture takes a minute or more."""
    line = "-i photo.png -w 2500 -n 255 --engine opencv --attempts 1 --stop iterations"
    program = start(folder, "-c", INTERRUPTED_ENGINE, *line.split())
    try:
        out, err = program.communicate(timeout=60)
    finally:
        program.kill()
    assert (program.returncode, out, err) == (130, "", STOPPED)


def test_a_program_that_is_started_to_ignore_ctrl_c_ignores_it(folder: Path) -> None:
    """As nohup and shells do for what runs in the background."""
    ignore = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN);"
    code = ignore + INTERRUPTED_IMPORT
    program = start(folder, "-c", code, "5", "-i", "photo.png", "--json")
    out, err = program.communicate(timeout=60)
    assert (program.returncode, err) == (0, "")
    assert json.loads(out)["size"] == [60, 40]
