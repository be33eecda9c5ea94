"""Ctrl-C while a picture is clustered, in a real process."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from select import select

import pytest

from kmseg.kmeans.engines import ENGINES

ROOT = Path(__file__).resolve().parent.parent
# One attempt on these samples takes minutes in some engines.
FIT = """
import sys
import numpy as np
from kmseg.kmeans import fit

X = np.random.default_rng(0).integers(0, 256, (3_000_000, 3)).astype(float)
options = {"n_clusters": 200, "attempts": 100, "stop": "iterations", "max_iter": 1000}
fit(X[:1000], n_clusters=3, attempts=1, engine=sys.argv[1])
for end in (False, False, True):
    print("started", flush=True)
    try:
        fit(X, **options, engine=sys.argv[1])
    except KeyboardInterrupt:
        if end:
            raise
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_ctrl_c_does_not_wait_for_the_end_of_an_attempt(engine: str) -> None:
    command = [sys.executable, "-c", FIT, engine]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for seconds in (0.05, 0.5, 2.0):
                # After each interrupt but the last, the process starts again.
                if seconds > 0.05:
                    assert select([process.stdout], [], [], 15)[0]
                assert process.stdout.readline() == "started\n"
                time.sleep(seconds)  # the moment of the signal, not a wait for something
                assert process.poll() is None
                process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=15)
        finally:
            process.kill()
    assert process.returncode == -signal.SIGINT
    assert error.splitlines()[-1] == "KeyboardInterrupt"
