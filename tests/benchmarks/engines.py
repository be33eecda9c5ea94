"""How fast the exact engine is, beside the calls that people know, in one run.

    python tests/benchmarks/engines.py PHOTO... [--k 4 8 16 32 64] [--repeats 3]

Refit: histogram in memory -> centroids, counts, palette and inertia, ten attempts. Cold: pixels ->
histogram, the same, and a label for every pixel. The peers:

- `cv2.kmeans` as in the article (20 iterations or 0.1) on float32 pixels, from random and from
  k-means++ centres: ONE attempt, times ten (`--linear` shows that ten take ten times as long);
- scikit-learn's `KMeans(n_init=10, tol=0)` on the colours, weighted by their counts: its refit has
  the histogram, and its cold time includes our counting and our looking up of labels;
- scikit-learn's `KMeans(n_init=10)` on pixels: one start, times ten; only up to 5 megapixels;
- the same by scikit-learn-intelex, where it is installed, at all sizes.

Exact engine and peers alternate, each round with a seed of its own; times are medians. A peer whose
one call takes over two minutes is called once. One attempt out of ten is compared by time alone:
inertia is set beside ten starts on the colours, both recomputed by one function, colour by colour.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from common import ATTEMPTS, exact_settings, header, inertia, machine, parser, row, timed
from numpy.typing import NDArray
from sklearn.cluster import KMeans

import kmseg

try:
    from sklearnex.cluster import KMeans as IntelKMeans  # type: ignore[import-not-found]
except ImportError:
    IntelKMeans = None

CRITERIA: Final = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.1)
ARTICLE_STOP: Final[dict[str, Any]] = {"max_iter": 20, "epsilon": 0.1}
STARTS: Final = {
    "random": cv2.KMEANS_RANDOM_CENTERS,
    "k-means++": cv2.KMEANS_PP_CENTERS,
}
MOST_PIXELS: Final = 5_200_000
PATIENCE: Final = 120.0

Pixels = NDArray[np.float32]


class Run(NamedTuple):
    """Seconds for ten attempts, and centroids."""

    refit: float
    cold: float
    centroids: NDArray[Any]


Peer = Callable[[kmseg.Image, kmseg.ColorHistogram, int, int], Run]


def exact(image: kmseg.Image, histogram: kmseg.ColorHistogram, settings: kmseg.Settings) -> Run:
    refit, seg = timed(kmseg.segment, histogram, settings)
    cold, _ = timed(lambda: kmseg.segment(image, settings).labels)
    return Run(refit, cold, seg.centroids)


def float_pixels(image: kmseg.Image) -> Pixels:
    return image.pixels.reshape(-1, 3).astype(np.float32)


def opencv(pixels: Pixels, n_clusters: int, attempts: int, start: str, seed: int) -> Any:
    """The article's call, but for the number of attempts."""
    cv2.setRNGSeed(seed)
    labels: Any = None
    return cv2.kmeans(pixels, n_clusters, labels, CRITERIA, attempts, STARTS[start])[2]


def by_opencv(start: str) -> Peer:
    def run(image: kmseg.Image, _: kmseg.ColorHistogram, n_clusters: int, seed: int) -> Run:
        before, pixels = timed(float_pixels, image)
        one, centroids = timed(opencv, pixels, n_clusters, 1, start, seed)
        return Run(ATTEMPTS * one, before + ATTEMPTS * one, centroids)

    return run


def by_colours(
    image: kmseg.Image, histogram: kmseg.ColorHistogram, n_clusters: int, seed: int
) -> Run:
    colors = histogram.colors.astype(np.float64)
    model = KMeans(n_clusters, n_init=ATTEMPTS, tol=0, random_state=seed)
    before, _ = timed(kmseg.color_histogram, image)
    refit, _ = timed(model.fit, colors, sample_weight=histogram.counts)
    after, _ = timed(histogram.values_at, image.pixels, model.labels_)
    return Run(refit, before + refit + after, model.cluster_centers_)


def by_pixels(estimator: Any) -> Peer:
    def run(image: kmseg.Image, _: kmseg.ColorHistogram, n_clusters: int, seed: int) -> Run:
        before, pixels = timed(float_pixels, image)
        model = estimator(n_clusters, n_init=1, random_state=seed)
        one, _ = timed(model.fit, pixels)
        return Run(ATTEMPTS * one, before + ATTEMPTS * one, model.cluster_centers_)

    return run


EXACT: Final = "exact"
COLOURS: Final = "sklearn, colours"
ONLY_SMALL: Final = "sklearn, pixels"
PEERS: Final[dict[str, Peer]] = {f"cv2, {start}": by_opencv(start) for start in STARTS} | {
    COLOURS: by_colours,
    ONLY_SMALL: by_pixels(KMeans),
    "intelex, pixels": by_pixels(IntelKMeans),
}


def peers_for(image: kmseg.Image) -> list[str]:
    """Those that are installed and that the picture is not too large for."""
    left_out = {ONLY_SMALL} if image.width * image.height > MOST_PIXELS else set()
    return [name for name in PEERS if name not in left_out and (IntelKMeans or "intel" not in name)]


def measure(
    image: kmseg.Image, n_clusters: int, repeats: int, stop: dict[str, Any]
) -> tuple[dict[str, tuple[float, float]], float]:
    """Median (refit, cold) of the exact engine and each peer; inertia over that of COLOURS."""
    histogram = kmseg.color_histogram(image)
    exact(image, histogram, exact_settings(n_clusters, **stop))  # compiled, its memory touched
    runs: dict[str, list[Run]] = defaultdict(list)
    ratios: list[float] = []
    names = peers_for(image)
    for seed in range(repeats):
        for name in list(names):
            own = exact(image, histogram, exact_settings(n_clusters, seed, **stop))
            seconds, peer = timed(PEERS[name], image, histogram, n_clusters, seed)
            runs[EXACT].append(own)
            runs[name].append(peer)
            if seconds > PATIENCE:
                names.remove(name)
            if name == COLOURS:
                tightest = inertia(histogram, peer.centroids)
                ratios.append(inertia(histogram, own.centroids) / tightest)
    medians = {
        name: (statistics.median(r.refit for r in done), statistics.median(r.cold for r in done))
        for name, done in runs.items()
    }
    return medians, statistics.median(ratios)


def show_linear(photo: Path, n_clusters: int) -> None:
    """Ten attempts of the article's call beside one, which is the mean of ten calls of its own."""
    pixels = float_pixels(kmseg.read_image(photo))
    for start in STARTS:
        ten, _ = timed(opencv, pixels, n_clusters, ATTEMPTS, start, 0)
        ones = [timed(opencv, pixels, n_clusters, 1, start, seed)[0] for seed in range(ATTEMPTS)]
        one = statistics.mean(ones)
        print(
            f"\n`cv2.kmeans`, {start}, {photo.name}, K = {n_clusters}: one attempt {one:.2f} s "
            f"({min(ones):.2f} to {max(ones):.2f}), ten in one call {ten:.2f} s, "
            f"{ten / one:.1f} times as long",
            flush=True,
        )


def show_summary(ratios: dict[int, dict[str, list[tuple[float, float]]]]) -> None:
    """How many times as long each peer takes, over the photos."""
    header("K", "peer", "photos", "refit: median", "worst", "cold: median", "worst", numbers_from=2)
    for k, by_peer in ratios.items():
        for name, pairs in by_peer.items():
            refit, cold = zip(*pairs, strict=True)
            cells = (f"{f(x):.0f}" for x in (refit, cold) for f in (statistics.median, min))
            row(k, name, len(pairs), *cells)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("photos", nargs="+", type=Path)
    arguments.add_argument("--k", nargs="+", type=int, default=[4, 8, 16, 32, 64])
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument(
        "--article-stop", action="store_true", help="the exact engine stops as the article does"
    )
    arguments.add_argument(
        "--linear", action="store_true", help="time ten attempts too, on the first photo and K"
    )
    options = arguments.parse_args()
    stop = ARTICLE_STOP if options.article_stop else {}
    print(machine("opencv-python-headless", "scikit-learn", "scikit-learn-intelex"))
    settings = exact_settings(options.k[0], **stop)
    print(f"Exact engine: at most {settings.max_iter} iterations, epsilon {settings.epsilon}.")
    print("A peer's cell: seconds for ten attempts, then its refit and cold time over the exact's.")
    if options.linear:
        show_linear(options.photos[0], options.k[0])

    ratios: dict[int, dict[str, list[tuple[float, float]]]] = {k: {} for k in options.k}
    inertias: dict[int, list[float]] = {k: [] for k in options.k}
    header(
        *("photo", "MP", "colours", "K", "refit ms", "cold ms"),
        *PEERS,
        f"inertia over {COLOURS}",
    )
    for photo in options.photos:
        image = kmseg.read_image(photo)
        megapixels = f"{image.width * image.height / 1e6:.1f}"
        n_colors = kmseg.color_histogram(image).n_colors
        for k in options.k:
            medians, inertia_ratio = measure(image, k, options.repeats, stop)
            refit, cold = medians[EXACT]
            cells = []
            for name in PEERS:
                if name not in medians:
                    cells.append("–" if name == ONLY_SMALL else "not installed")
                    continue
                faster = medians[name][0] / refit, medians[name][1] / cold
                ratios[k].setdefault(name, []).append(faster)
                cells.append(f"{medians[name][0]:.2f} s ×{faster[0]:.0f} ×{faster[1]:.0f}")
            inertias[k].append(inertia_ratio)
            row(
                *(photo.name, megapixels, n_colors, k, f"{1e3 * refit:.0f}", f"{1e3 * cold:.0f}"),
                *cells,
                f"{inertia_ratio:.5f}",
            )

    show_summary(ratios)
    header("K", f"inertia over {COLOURS}: median", "worst")
    for k, found in inertias.items():
        row(k, f"{statistics.median(found):.5f}", f"{max(found):.5f}")


if __name__ == "__main__":
    main()
