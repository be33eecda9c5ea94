"""A picture larger than memory, from start to end of the command: time and memory per megapixel.

    python tests/benchmarks/gigapixel.py PHOTO... [--megapixels 60,250,1000] [--k 8]
        [--compression zlib] [--folder DIR] [--repeats 3]

Mosaics of the photos, each as it is, mirrored and turned over by turns, are written as tiled
BigTIFFs to the folder (1.2 GB for 1,000 megapixels; they are kept, and used again). The command
segments them part by part (so they must have more than 50 megapixels) and saves labels and counts.
Beside them, in turns, the same command for the photo nearest to 16 megapixels, as a JPEG of quality
90, in memory. Memory is the sum of the resident sets of the processes, at its highest of some
twenty looks a second. At the end, labels of cut-outs are compared with those of the same pixels in
memory.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import psutil
import tifffile
from common import ROOT, header, machine, parser, row
from numpy.typing import NDArray
from PIL import Image

import kmseg

TILE = 256
CELL = 2304, 4096  # rows and columns of a photo's place in the mosaic
USUAL = 16e6  # pixels of the photo that is read into memory
N_CUTS, CUT = 8, 1500  # cut-outs, and their sides
LOOK_SECONDS = 0.05
LIMITS = {
    "KMSEG_MAX_MEGAPIXELS": "100000",
    "KMSEG_MAX_MEGABYTES": "100000",
    "KMSEG_MAX_SIDE": "1000000",
}


def cell(photo: Path, turn: int) -> NDArray[np.uint8]:
    """A photo's place in the mosaic: its middle, repeated if the photo is too small."""
    with Image.open(photo) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    pixels = pixels[:: -1 if turn & 1 else 1, :: -1 if turn & 2 else 1]
    times = [-(-need // has) for need, has in zip(CELL, pixels.shape, strict=False)]
    pixels = np.tile(pixels, (*times, 1))
    top, left = ((has - need) // 2 for need, has in zip(CELL, pixels.shape, strict=False))
    return pixels[top : top + CELL[0], left : left + CELL[1]]


def tiles(photos: list[Path], down: int, across: int) -> Iterator[NDArray[np.uint8]]:
    """The mosaic's tiles, by rows; a row of photos is in memory at a time."""
    places = cycle([(photo, turn) for turn in range(4) for photo in photos])
    for _ in range(down):
        band = np.hstack([cell(*next(places)) for _ in range(across)])
        for y in range(0, CELL[0], TILE):
            for x in range(0, band.shape[1], TILE):
                yield np.ascontiguousarray(band[y : y + TILE, x : x + TILE])


def mosaic(path: Path, photos: list[Path], megapixels: float, compression: str) -> None:
    """Write a mosaic of at least this size."""
    n_cells = megapixels * 1e6 / (CELL[0] * CELL[1])
    across = max(1, round((n_cells * CELL[0] / CELL[1]) ** 0.5))
    down = -(-int(np.ceil(n_cells)) // across)
    options = {"compressionargs": {"level": 90}} if compression == "jpeg" else {"predictor": True}
    tifffile.imwrite(
        path,
        tiles(photos, down, across),
        bigtiff=True,
        shape=(down * CELL[0], across * CELL[1], 3),
        dtype=np.uint8,
        tile=(TILE, TILE),
        photometric="rgb",
        compression=compression,
        metadata=None,
        maxworkers=2,
        **options,
    )


def run(picture: Path, folder: Path, k: int) -> tuple[float, float]:
    """Seconds and the most megabytes of the command for a picture."""
    options = ["-n", str(k), "--trusted", "--force", "--save", "labels,counts,settings"]
    command = [sys.executable, "-m", "kmseg", "-i", str(picture), *options, "--out", str(folder)]
    started, most = time.perf_counter(), 0.0
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | LIMITS, stdout=subprocess.DEVNULL
    ) as process:
        own = psutil.Process(process.pid)
        while process.poll() is None:
            most = max(most, resident(own))
            time.sleep(LOOK_SECONDS)
    assert process.returncode == 0
    return time.perf_counter() - started, most


def resident(process: psutil.Process) -> float:
    """Megabytes of a process and its descendants."""
    total = 0
    try:
        for each in (process, *process.children(recursive=True)):
            total += each.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total / 1e6


def differing(picture: Path, folder: Path) -> int:
    """Pixels of cut-outs whose labels differ from those in memory."""
    codebook = kmseg.read_codebook(next(folder.glob("*_settings.json")))
    with tifffile.TiffFile(picture) as tiff:
        height, width = tiff.pages[0].shape[:2]
    generator = np.random.default_rng(0)
    wrong = 0
    for _ in range(N_CUTS):
        top, left = (int(generator.integers(0, side - CUT)) for side in (height, width))
        place = slice(top, top + CUT), slice(left, left + CUT)
        seg = codebook.predict(kmseg.Image(part(picture, place)))
        found = part(next(folder.glob("*_labels.tif")), place)
        wrong += int(np.count_nonzero(found != seg.labels + 1))
    return wrong


def part(path: Path, place: tuple[slice, slice]) -> NDArray[np.uint8]:
    """Rows and columns of a tiled TIFF, by a decoder that shares no code with ours."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        found = np.zeros([s.stop - s.start for s in place] + list(page.shape[2:]), page.dtype)
        across = -(-page.shape[1] // page.tilewidth)
        for y in range(place[0].start // TILE, (place[0].stop - 1) // TILE + 1):
            for x in range(place[1].start // TILE, (place[1].stop - 1) // TILE + 1):
                index = y * across + x
                tiff.filehandle.seek(page.dataoffsets[index])
                data = tiff.filehandle.read(page.databytecounts[index])
                tile = page.decode(data, index, jpegtables=page.jpegtables)[0][0]
                tile = tile[..., 0] if found.ndim == 2 else tile
                top, left = y * TILE - place[0].start, x * TILE - place[1].start
                rows = slice(max(0, top), min(top + TILE, found.shape[0]))
                columns = slice(max(0, left), min(left + TILE, found.shape[1]))
                found[rows, columns] = tile[
                    rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
                ]
    return found


def usual(photos: list[Path], folder: Path) -> Path:
    """The photo nearest to 16 megapixels, as a JPEG."""
    sizes = {}
    for photo in photos:
        with Image.open(photo) as opened:
            sizes[photo] = opened.width * opened.height
    chosen = min(photos, key=lambda photo: abs(sizes[photo] - USUAL))
    path = folder / "photo.jpg"
    with Image.open(chosen) as opened:
        opened.convert("RGB").save(path, quality=90)
    return path


def options_of(arguments: argparse.ArgumentParser) -> argparse.Namespace:
    arguments.add_argument("photos", type=Path, nargs="+")
    arguments.add_argument("--megapixels", default="60,250,1000")
    arguments.add_argument("--k", type=int, default=8)
    arguments.add_argument("--compression", default="zlib", choices=("zlib", "jpeg", "zstd", "lzw"))
    arguments.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    arguments.add_argument("--repeats", type=int, default=3)
    return arguments.parse_args()


def main() -> None:
    options = options_of(parser(__doc__))
    print(machine("tifffile", "imagecodecs"))
    mosaics = []
    for megapixels in map(float, options.megapixels.split(",")):
        path = options.folder / f"mosaic_{megapixels:g}_{options.compression}.tif"
        if not path.exists():
            mosaic(path, options.photos, megapixels, options.compression)
        mosaics.append(path)
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        small = usual(options.photos, Path(scratch))
        outputs = {path: Path(scratch) / path.stem for path in (small, *mosaics)}
        run(small, outputs[small], options.k)  # compiles, and reads libraries from the disk
        found: dict[Path, list[tuple[float, float]]] = {path: [] for path in outputs}
        for _ in range(options.repeats):
            for path, output in outputs.items():
                found[path].append(run(path, output, options.k))
        header("picture", "MP", "s", "ms per MP", "memory MB", "file MB", "labels that differ")
        for path, runs in found.items():
            with Image.open(path) as opened:
                megapixels = opened.width * opened.height / 1e6
            seconds = statistics.median(seconds for seconds, _ in runs)
            wrong = ""
            if path != small:
                wrong = f"{differing(path, outputs[path])} of {N_CUTS * CUT**2:,}"
            row(
                path.name,
                f"{megapixels:.1f}",
                f"{seconds:.1f}",
                f"{1e3 * seconds / megapixels:.1f}",
                f"{max(memory for _, memory in runs):.0f}",
                f"{path.stat().st_size / 1e6:.0f}",
                wrong,
            )


if __name__ == "__main__":
    Image.MAX_IMAGE_PIXELS = None
    main()
