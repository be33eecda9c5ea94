"""How fast and how good the exact engine is, beside the calls that people know, in one run.

    python tests/benchmarks/engines.py PHOTO... [--k 8 32] [--repeats 3]

Refit: histogram in memory -> centroids, counts, palette and inertia, ten attempts. Cold: pixels ->
that and a label for every pixel. `cv2.kmeans` runs one attempt of the article's call (random
centres, 20 iterations or 0.1), times ten, and scikit-learn ten on the colours weighted by their
counts (tol=0). Calls alternate; times are medians. Inertia is recomputed by one function for all,
over every colour.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import kmseg

ATTEMPTS = 10
Floats = NDArray[np.float64]


def inertia(histogram: kmseg.ColorHistogram, centroids: Floats) -> float:
    """The plain sum over all pixels, colour by colour."""
    total = 0.0
    for chunk in np.array_split(np.arange(histogram.n_colors), histogram.n_colors // 50_000 + 1):
        colors = histogram.colors[chunk].astype(float)
        distances = ((colors[:, None] - centroids[None]) ** 2).sum(axis=2).min(axis=1)
        total += float((distances * histogram.counts[chunk]).sum())
    return total


def timed(function: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    result = function(*arguments, **options)
    return time.perf_counter() - start, result


def cold(image: kmseg.Image, settings: kmseg.Settings) -> None:
    """Everything from the pixels to their labels."""
    assert kmseg.segment(image, settings).labels.shape


def opencv(pixels: NDArray[np.float32], n_clusters: int) -> Floats:
    """One attempt of the first article's call."""
    cv2.setRNGSeed(0)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.1)
    best: Any = None
    return cv2.kmeans(pixels, n_clusters, best, criteria, 1, cv2.KMEANS_RANDOM_CENTERS)[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--k", nargs="+", type=int, default=[8, 32])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(
        f"{'photo':28} {'MP':>5} {'colours':>8} {'K':>3} | refit ms  cold ms | cv2 x10 s   ratio"
        "   cold | sklearn s  ratio | inertia/cv2  /sklearn"
    )
    for photo in options.photos:
        image = kmseg.read_image(photo)
        for k in options.k:
            measure(photo.name, image, k, options.repeats)


def measure(name: str, image: kmseg.Image, k: int, repeats: int) -> None:
    """One line of the table."""
    histogram = kmseg.color_histogram(image)
    pixels = image.pixels.reshape(-1, 3).astype(np.float32)
    colors = histogram.colors.astype(float)
    settings = kmseg.Settings(color_space="rgb", n_clusters=k, attempts=ATTEMPTS)
    model = KMeans(k, n_init=ATTEMPTS, tol=0, random_state=0)
    kmseg.segment(histogram, settings)  # compiled, and its memory touched
    times: dict[str, list[float]] = {name: [] for name in ("refit", "cold", "cv2", "sklearn")}
    for _ in range(repeats):
        for _ in range(3):
            seconds, seg = timed(kmseg.segment, histogram, settings)
            times["refit"].append(seconds)
        times["cold"].append(timed(cold, image, settings)[0])
        seconds, cv2_centroids = timed(opencv, pixels, k)
        times["cv2"].append(ATTEMPTS * seconds)
        times["sklearn"].append(timed(model.fit, colors, sample_weight=histogram.counts)[0])
    refit, whole, by_cv2, by_sklearn = (statistics.median(list_) for list_ in times.values())
    own = inertia(histogram, seg.centroids)
    print(
        f"{name[:28]:28} {len(pixels) / 1e6:5.1f} {histogram.n_colors:8d} {k:3d} "
        f"| {1e3 * refit:8.0f} {1e3 * whole:8.0f} "
        f"| {by_cv2:9.1f} {by_cv2 / refit:7.0f} {by_cv2 / whole:6.0f} "
        f"| {by_sklearn:9.2f} {by_sklearn / refit:6.0f} "
        f"| {own / inertia(histogram, cv2_centroids):11.4f} "
        f"{own / inertia(histogram, model.cluster_centers_):9.4f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
