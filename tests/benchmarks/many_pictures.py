"""Many pictures: a plain loop against threads, processes and a Dask cluster of three processes.

    python tests/benchmarks/many_pictures.py                     # 500 pictures of 1 megapixel
    python tests/benchmarks/many_pictures.py --pictures 20 --side 300 --tiny 500

Pictures are crops of photos from scikit-image and scikit-learn, and of those in /tmp/photos if
there are some, scaled to one size and saved as JPEG and PNG. Each way runs in a process of its own
over the same files, with a label picture for each. The table shows wall time and its ratio to the
loop, the share of all cores that were busy (of the whole machine, so nothing else should run), and
the largest PSS of all processes and of the largest worker. All results are compared with those of
the loop. The other parts are: the overhead of one thread over the loop, in turns within one process
(medians of five); growth; 20,000 tiny pictures; and what pooling colours into cells costs a shared
palette.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import psutil
from common import header, inertia, machine, parser, row
from PIL import Image as Pillow

import kmseg
import many
from kmseg.batch import palette, work
from kmseg.batch.scheduling import Pool, opened
from kmseg.batch.series import Series
from kmseg.batch.sources import found
from kmseg.cli.saving import Kinds
from kmseg.picture.apart import read_image_apart
from kmseg.tally import Tally

PHOTOS = Path("/tmp/photos")
SETTINGS = kmseg.Settings(n_clusters=8)
WAYS = ("loop", "threads", "processes", "cluster")
PARTS = ("ways", "overhead", "growth", "tiny", "cells")


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--pictures", type=int, default=500)
    options.add_argument("--side", type=int, default=1155, help="width; the height is 3/4 of it")
    options.add_argument("--tiny", type=int, default=20_000, help="how many tiny pictures")
    options.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options.add_argument("--one", nargs=3, help="used by the script itself: way, pictures, results")
    options.add_argument("--trusted", action="store_true")
    given = options.parse_args()
    if given.one:
        print(json.dumps(measured(*given.one, given.trusted)))
        return
    print(machine("dask", "distributed", "opencv-python-headless", "pillow"))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        pictures = folder / "pictures"
        saved(pictures, given.pictures, given.side)
        parts: dict[str, Callable[[], None]] = {
            "ways": lambda: ways(folder, pictures),
            "overhead": lambda: overhead(folder, pictures),
            "growth": lambda: growth(folder, pictures, given.pictures),
            "tiny": lambda: tiny(folder, given.tiny),
            "cells": lambda: cells(pictures),
        }
        for part in given.parts:
            parts[part]()


# -- the tables ------------------------------------------------------------------------------------


def ways(folder: Path, pictures: Path) -> None:
    header("way", "decoded", "s", "× loop", "cores busy", "all, MB", "a worker, MB", numbers_from=2)
    for trusted in (False, True):
        loop = 0.0
        for way in WAYS:
            out = folder / f"{way} {trusted}"
            run = apart(way, pictures, out, trusted)
            loop = loop or run["seconds"]
            row(
                way,
                "in the worker" if trusted else "apart",
                f"{run['seconds']:.1f}",
                f"{run['seconds'] / loop:.2f}",
                f"{run['busy']:.0%}",
                f"{run['memory']:.0f}",
                f"{run['largest']:.0f}",
            )
            same(folder / f"loop {trusted}", out)


def overhead(folder: Path, pictures: Path) -> None:
    header("decoded", "loop, s", "one thread, s", "ratio", numbers_from=1)
    sources = found([str(pictures)])[:60]
    tasks = [work.Task(source) for source in sources]
    for trusted in (False, True):
        how = work.How(SETTINGS, trusted=trusted)
        times: dict[str, list[float]] = {"loop": [], "pool": []}
        with opened("threads", 1) as pool:
            for turn in range(-1, 5):  # the first one warms up
                for way, own in times.items():
                    out = folder / f"overhead {way} {turn} {trusted}"
                    saving = work.Saving(str(out), Kinds(("labels",)).downloads)
                    start = time.perf_counter()
                    if way == "loop":
                        loop(how, saving, tasks)
                    else:
                        Series(sources, how, saving).run(lambda: kept(pool))
                    if turn >= 0:
                        own.append(time.perf_counter() - start)
        plain, pooled = (statistics.median(own) for own in times.values())
        where = "in the worker" if trusted else "apart"
        row(where, f"{plain:.2f}", f"{pooled:.2f}", f"{pooled / plain:.3f}")


def growth(folder: Path, pictures: Path, n: int) -> None:
    header("pictures", "s", "ms each", numbers_from=0)
    for count in sorted({1, 10, 100, n} & set(range(n + 1))):
        part = folder / f"first {count}"
        part.mkdir()
        for path in sorted(pictures.rglob("*.*"))[:count]:
            shutil.copy(path, part)
        run = apart("threads", part, folder / f"results {count}", False)
        row(count, f"{run['seconds']:.2f}", f"{1000 * run['seconds'] / count:.1f}")


def tiny(folder: Path, n: int) -> None:
    """The loop is timed on a tenth of the pictures."""
    header("tiny pictures", "way", "s", "ms each", numbers_from=2)
    for way, count in (("loop", n // 10), ("threads", n)):
        pictures = folder / f"tiny {way}"
        saved(pictures, count, 24)
        run = apart(way, pictures, folder / f"tiny results {way}", True)
        row(f"{count:,}", way, f"{run['seconds']:.1f}", f"{1000 * run['seconds'] / count:.2f}")
    with opened("threads") as pool:
        start = time.perf_counter()
        done = sum(1 for _ in pool.results(abs, range(n)))
        each = (time.perf_counter() - start) / done
    print(f"\nscheduler alone: {1e6 * each:.0f} µs for each item")


def cells(pictures: Path) -> None:
    """What a fit on cells costs a shared palette: inertia over all colours of the series."""
    tally = Tally()
    for source in found([str(pictures)]):
        tally.add(work.histogram(work.How(SETTINGS, trusted=True), source.path))
    colours = tally.histogram()
    start = time.perf_counter()
    exact = palette.fit(colours, SETTINGS)
    middle = time.perf_counter()
    palette.MOST_COLOURS = 0  # type: ignore[misc]
    pooled = palette.fit(colours, SETTINGS)
    end = time.perf_counter()
    plain, costs = (inertia_of(colours, fitted) for fitted in (exact, pooled))
    print(
        f"\nshared palette: {exact.n_colours:,} colours in {middle - start:.1f} s; "
        f"{pooled.n_cells:,} cells in {end - middle:.1f} s, inertia {costs / plain:.6f} times"
    )


def inertia_of(colours: kmseg.ColorHistogram, fitted: palette.Shared) -> float:
    """The plain sum over all pixels; centroids are in BGR."""
    return inertia(colours, fitted.codebook.centroids[:, ::-1])


# -- one way ---------------------------------------------------------------------------------------


def apart(way: str, pictures: Path, out: Path, trusted: bool) -> dict[str, float]:
    """Run this script for one way in a process of its own."""
    command = [sys.executable, __file__, "--one", way, str(pictures), str(out)]
    answer = subprocess.run(
        command + ["--trusted"] * trusted, check=True, stdout=subprocess.PIPE, text=True
    )
    run: dict[str, float] = json.loads(answer.stdout)
    return run


def measured(way: str, pictures: str, results: str, trusted: bool) -> dict[str, float]:
    """Seconds of one way without the start of its workers, and what it used."""
    how = work.How(SETTINGS, trusted=trusted)
    sources = found([pictures])
    saving = work.Saving(results, Kinds(("labels",)).downloads)
    memory = Memory()
    with pool_of(way) as pool:
        for _ in pool.results(partial(_warm, how), [sources[0].path] * 2 * pool.n_workers):
            pass
        _warm(how, sources[0].path)
        busy = psutil.cpu_times()
        start = time.perf_counter()
        with memory:
            if way == "loop":
                loop(how, saving, [work.Task(source) for source in sources])
            else:
                Series(sources, how, saving).run(lambda: kept(pool))
        seconds = time.perf_counter() - start
        after = psutil.cpu_times()
    total = sum(after) - sum(busy)
    idle = after.idle - busy.idle + getattr(after, "iowait", 0) - getattr(busy, "iowait", 0)
    used = {"seconds": seconds, "busy": 1 - idle / total}
    return used | {"memory": memory.together, "largest": memory.largest}


def loop(how: work.How, saving: work.Saving, tasks: list[work.Task]) -> None:
    """What somebody would write: read, segment, save."""
    for task in tasks:
        path = task.source.path
        content = Path(path).read_bytes()
        image = kmseg.read_image(content) if how.trusted else read_image_apart(content)
        seg = kmseg.segment(image, how.settings)
        for download in saving.downloads(seg):
            name = work.export.file_name(seg, task.source.picture, download)
            target = Path(saving.out, task.source.folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(download.make(seg, work.export.Context(task.source.picture)))


@contextmanager
def pool_of(way: str) -> Iterator[Pool]:
    if way != "cluster":
        where = "processes" if way == "processes" else "threads"
        with opened(where, 1 if way in ("one thread", "loop") else None) as pool:
            yield pool
        return
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place,
        many.cluster(Path(place), 3) as address,
        opened(address) as pool,
    ):
        many.until(lambda: len(pool._client.nthreads()) == 3)
        yield pool


@contextmanager
def kept(pool: Pool) -> Iterator[Pool]:
    yield pool


def _warm(how: work.How, path: str) -> None:
    work.segmented(how, path)


class Memory(AbstractContextManager["Memory"]):
    """The largest PSS in MB, sampled: of all processes, and of the largest but the main one."""

    def __init__(self) -> None:
        self.together = self.largest = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _sample(self) -> None:
        here = psutil.Process()
        while not self._end.wait(0.5):
            sizes = [size_of(each) for each in here.children(recursive=True)]
            own = size_of(here)
            self.together = max(self.together, own + sum(sizes))
            self.largest = max(self.largest, *sizes, own if not sizes else 0)


def size_of(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss / 1e6)
    except psutil.Error:
        return 0.0


def same(first: Path, second: Path) -> None:
    """Fail unless two folders have the same label pictures."""
    read: Callable[[Path], dict[str, bytes]] = lambda folder: {  # noqa: E731
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.png")
    }
    assert read(first) == read(second), f"{second} differs"


# -- the pictures ----------------------------------------------------------------------------------


def saved(folder: Path, n: int, side: int) -> None:
    """Save n crops of photos as JPEG and PNG files, ten folders of them."""
    photos = many.photos()
    for path in sorted(PHOTOS.rglob("*.[jp][pn]g"))[:20]:
        photo = Pillow.open(path).convert("RGB")
        photo.thumbnail((3000, 3000))
        photos.append(photo)
    draw = np.random.default_rng(0)
    for number in range(n):
        photo = photos[number % len(photos)]
        part = int(min(photo.size) * draw.uniform(0.5, 0.95))
        left, top = (int(draw.integers(0, size - part + 1)) for size in photo.size)
        crop = photo.crop((left, top, left + part, top + part * 3 // 4))
        path = folder / f"{number % 10}" / f"{number:06}.{'jpg' if number % 3 else 'png'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        crop.resize((side, side * 3 // 4)).save(path)


if __name__ == "__main__":
    main()
