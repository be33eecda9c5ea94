"""Small real pictures in folders, runs over them, and a Dask cluster of processes on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import skimage
from PIL import Image as Pillow

import kmseg
from kmseg.batch.ledger import JOURNAL, SUMMARY
from kmseg.batch.scheduling import opened
from kmseg.batch.series import Result, Series
from kmseg.batch.sources import found
from kmseg.batch.work import How, Saving
from kmseg.cli.saving import Kinds

# Slow enough that a run can be disturbed before its end.
SETTINGS = kmseg.Settings(n_clusters=8, engine="lloyd", attempts=10, seed=3)
SAVED = ("labels", "counts", "palette-json")
ROOT = Path(__file__).resolve().parent.parent
PHOTOS = ("astronaut.png", "coffee.png", "chelsea.png", "ihc.png", "rocket.jpg")
SECONDS = 120  # until a test gives up waiting


def photos() -> list[Pillow.Image]:
    """Photos of two packages."""
    data = Path(skimage.__file__).parent / "data"
    own = [Pillow.open(data / name).convert("RGB") for name in PHOTOS]
    samples = [kmseg.sample_image(key).pixels for key in ("china", "flower")]
    return own + [Pillow.fromarray(pixels) for pixels in samples]


def crops(n: int, side: int, seed: int = 0) -> Iterator[Pillow.Image]:
    """Parts of photos, scaled to this width."""
    draw, whole = np.random.default_rng(seed), photos()
    for number in range(n):
        photo = whole[number % len(whole)]
        part = int(min(photo.size) * draw.uniform(0.3, 0.9))
        left, top = (int(draw.integers(0, size - part + 1)) for size in photo.size)
        box = (left, top, left + part, top + part)
        yield photo.crop(box).resize((side, side * 3 // 4))


def fill(folder: Path, n: int, side: int = 60, parts: int = 3) -> list[Path]:
    """Save crops as PNG and JPEG files in subfolders; returns their paths, sorted."""
    paths = []
    for number, crop in enumerate(crops(n, side)):
        suffix = "jpg" if number % 3 else "png"
        path = folder / f"part {number % parts}" / f"{number:05}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        crop.save(path)
        paths.append(path)
    return sorted(paths)


def contents(folder: Path) -> dict[str, bytes]:
    """All results by their path; without the journal, and without times in the summary."""
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != JOURNAL
    }
    summary = json.loads(found[SUMMARY])
    del summary["seconds"]
    return found | {SUMMARY: json.dumps(summary).encode()}


def start(*arguments: str | Path, cwd: Path | None = None, **options: object) -> Running:
    """Start the command line in a session of its own, as a terminal does."""
    return Running([sys.executable, "-m", "kmseg", *map(str, arguments)], cwd, **options)


class Running:
    """A program that runs, with all its descendants."""

    def __init__(self, command: Sequence[str], cwd: Path | None = None, **options: object) -> None:
        self.process: subprocess.Popen[str] = subprocess.Popen(  # type: ignore[call-overload]
            command,
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **options,
        )

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def interrupt(self) -> None:
        """What a terminal does at Ctrl-C: every process of the group gets the signal."""
        os.killpg(self.process.pid, signal.SIGINT)

    def finish(self) -> tuple[int, str, str]:
        """Exit status, standard output and standard error."""
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, err


@dataclass
class Made:
    """A run in this process: its result, and what it told."""

    out: Path
    result: Result
    notes: list[str]
    n_done: int  # pictures that this run segmented

    @property
    def contents(self) -> dict[str, bytes]:
        return contents(self.out)


def run(
    pictures: Path,
    out: Path,
    settings: kmseg.Settings = SETTINGS,
    *,
    where: str = "threads",
    workers: int | None = None,
    codebook: kmseg.Codebook | None = None,
    trusted: bool = False,
    saved: tuple[str, ...] = SAVED,
    disturb: Callable[[], None] = lambda: None,
    **options: bool,
) -> Made:
    """Segment many pictures; `disturb` is called when three are done."""
    notes: list[str] = []
    done = 0

    def progress(stage: str, n: int, total: int, failed: int) -> None:
        nonlocal done
        if stage == "pictures":
            done += 1
            if done == 4:  # the first call says what was done before
                disturb()

    series = Series(
        found([str(pictures)], out),
        How(settings, codebook, trusted=trusted),
        Saving(str(out), Kinds(saved).downloads),
        progress=progress,
        note=notes.append,
        **options,
    )
    return Made(out, series.run(partial(opened, where, workers)), notes, done - 1)


def n_finished(out: Path) -> int:
    """How many pictures a running run has noted."""
    try:
        return (out / JOURNAL).read_bytes().count(b'\n{"picture"')
    except FileNotFoundError:
        return 0


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so; fails after `SECONDS`."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


@contextmanager
def cluster(folder: Path, n_workers: int) -> Iterator[str]:
    """The address of a scheduler with workers, all processes of their own on loopback."""
    file = folder / "scheduler.json"
    loopback = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0", "--no-dashboard"]
    scheduler = ["distributed.cli.dask_scheduler", *loopback, "--port", "0"]
    worker = ["distributed.cli.dask_worker", *loopback, "--nthreads", "1"]
    running = [_quiet([*scheduler, "--scheduler-file", str(file)], folder)]
    try:
        until(lambda: file.exists() and file.read_text().endswith("}"))
        address: str = json.loads(file.read_text())["address"]
        for _ in range(n_workers):
            running.append(_quiet([*worker, address, "--local-directory", str(folder)], folder))
        yield address
    finally:
        for process in running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(SECONDS)


def _quiet(module: list[str], cwd: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", *module],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
