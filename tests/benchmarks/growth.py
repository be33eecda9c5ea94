"""How time and memory grow with the picture: one photo at 1, 2, 4, 8 and 16 megapixels.

    python tests/benchmarks/growth.py PHOTO [--k 8] [--repeats 7]

The photo is shrunk by area to each size that it can fill, which makes colours that it did not have;
the last line is the photo as it is. Read is `image.pixels.sum()`; labels are those of every pixel.
Sizes alternate; times are medians. Memory is how far the resident set of a fresh process rises
above the decoded picture and loaded code, at its highest, through histogram, fit and labels (the
kernel's own mark, so on Linux only).
"""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from common import exact_settings, header, machine, parser, row, timed

import kmseg

SIZES = (1, 2, 4, 8, 16)


def shrunk(image: kmseg.Image, megapixels: float) -> kmseg.Image:
    """The picture at this size, or as it is if it has no more pixels than that."""
    scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
    if scale >= 1:
        return image
    size = round(scale * image.width), round(scale * image.height)
    pixels = cv2.resize(image.pixels, size, interpolation=cv2.INTER_AREA)
    return kmseg.Image(np.asarray(pixels, np.uint8))


def whole(image: kmseg.Image, n_clusters: int) -> None:
    assert kmseg.segment(image, exact_settings(n_clusters)).labels.shape


def resident(mark: str) -> float:
    """Megabytes: "VmRSS" now, "VmHWM" at the highest since the mark was reset."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(mark):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"no {mark} on this system")


def rise(photo: Path, megapixels: float, n_clusters: int) -> float:
    """Megabytes; to be called in a fresh process."""
    image = shrunk(kmseg.read_image(photo), megapixels)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    whole(kmseg.Image(noise), n_clusters)
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    whole(image, n_clusters)
    return resident("VmHWM") - before


def measure(image: kmseg.Image, n_clusters: int) -> dict[str, float]:
    """Seconds of each step, once; and what they are divided by."""
    read, _ = timed(image.pixels.sum)
    counting, histogram = timed(kmseg.color_histogram, image)
    refit, _ = timed(kmseg.segment, histogram, exact_settings(n_clusters))
    seg = kmseg.segment(image, exact_settings(n_clusters), histogram=histogram)
    labelling, _ = timed(lambda: seg.labels)
    return {
        "read": read,
        "histogram": counting,
        "refit": refit,
        "labels": labelling,
        "colours": histogram.n_colors,
        "iterations": seg.n_iter or 1,
    }


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("photo", type=Path)
    arguments.add_argument("--k", type=int, default=8)
    arguments.add_argument("--repeats", type=int, default=7)
    options = arguments.parse_args()
    print(machine("opencv-python-headless"))

    image = kmseg.read_image(options.photo)
    full = image.width * image.height / 1e6
    sizes = [*(size for size in SIZES if size < full), full]
    images = [shrunk(image, size) for size in sizes]
    for picture in images:
        whole(picture, options.k)  # compiled, its memory touched
    found: dict[tuple[int, str], list[float]] = defaultdict(list)
    for _ in range(options.repeats):
        for index, picture in enumerate(images):
            for step, value in measure(picture, options.k).items():
                found[index, step].append(value)

    linux = sys.platform == "linux"
    header(
        *("MP", "read ms", "histogram ms", "labels ms", "(histogram + labels) / read"),
        *("colours", f"refit ms, K = {options.k}", "iterations", "ns per colour and iteration"),
        "memory MB",
        numbers_from=0,
    )
    for index, picture in enumerate(images):
        read, counting, refit, labelling, n_colors, n_iter = (
            statistics.median(found[index, step])
            for step in ("read", "histogram", "refit", "labels", "colours", "iterations")
        )
        memory = "–"
        if linux:
            with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
                memory = (
                    f"{fresh.submit(rise, options.photo, sizes[index], options.k).result():.0f}"
                )
        row(
            f"{picture.width * picture.height / 1e6:.1f}",
            *(f"{1e3 * seconds:.1f}" for seconds in (read, counting, labelling)),
            f"{(counting + labelling) / read:.1f}",
            f"{n_colors:.0f}",
            f"{1e3 * refit:.0f}",
            f"{n_iter:.0f}",
            f"{1e9 * refit / (n_colors * n_iter):.0f}",
            memory,
        )


if __name__ == "__main__":
    main()
