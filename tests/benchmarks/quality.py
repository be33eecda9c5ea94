"""How near the best known clustering each seed comes, beside other programs, in one run.

    python tests/benchmarks/quality.py PHOTO... [--k 8 16 32 64] [--seeds 8] [--width W]
        [--checkout FOLDER] [--peers] [--long ATTEMPTS] [--best FILE]

Every engine clusters the picture's colours, weighted by their numbers of pixels, with ten attempts,
once for each seed, and the engines take turns:

- kmseg, and with --checkout another version of it, each in a process of its own;
- with --peers: scikit-learn's `KMeans(n_init=10, tol=0)`, and `bkmeans` and `flspp`, best of ten
  runs of theirs, where they are installed.

Ratios are inertia over the least inertia known: that of all runs here, of one with --long attempts,
and of earlier runs with the same --best file. One function computes every inertia, colour by
colour. Times are refits, from the histogram to centroids; their ratios are over kmseg's.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from common import ATTEMPTS, ROOT, header, inertia, machine, parser, row, timed
from numpy.typing import NDArray
from sklearn.cluster import KMeans

import kmseg

HERE: Final = "kmseg"
OTHER: Final = "kmseg, other version"


class Run(NamedTuple):
    seconds: float
    centroids: NDArray[Any]


Engine = Callable[[kmseg.ColorHistogram, int, int], Run]


class Version:
    """A version of kmseg in a process of its own."""

    def __init__(self, checkout: Path) -> None:
        server = [sys.executable, str(Path(__file__).with_name("refit_server.py"))]
        # With a safe path, Python does not look for the package beside the script first.
        environment = {"PYTHONSAFEPATH": "1", "PYTHONPATH": str(checkout.resolve())}
        self._process = subprocess.Popen(
            server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | environment
        )

    def ask(self, *request: object) -> Any:
        assert self._process.stdin and self._process.stdout
        pickle.dump(request, self._process.stdin)
        self._process.stdin.flush()
        return pickle.load(self._process.stdout)

    def refit(self, _: kmseg.ColorHistogram, n_clusters: int, seed: int) -> Run:
        return Run(*self.ask(n_clusters, seed, ATTEMPTS))


def by_sklearn(histogram: kmseg.ColorHistogram, n_clusters: int, seed: int) -> Run:
    model = KMeans(n_clusters, n_init=ATTEMPTS, tol=0, random_state=seed)
    colors = histogram.colors.astype(np.float64)
    seconds, _ = timed(model.fit, colors, sample_weight=histogram.counts)
    return Run(seconds, model.cluster_centers_)


def best_of_ten(estimator: Any) -> Engine:
    def run(histogram: kmseg.ColorHistogram, n_clusters: int, seed: int) -> Run:
        colors, counts = histogram.colors.astype(np.float64), histogram.counts.astype(np.float64)
        total, least, centroids = 0.0, np.inf, colors[:0]
        for attempt in range(ATTEMPTS):
            model = estimator(n_clusters=n_clusters, random_state=ATTEMPTS * seed + attempt)
            seconds, _ = timed(model.fit, colors, sample_weight=counts)
            total += seconds
            if model.inertia_ < least:
                least, centroids = model.inertia_, model.cluster_centers_
        return Run(total, np.asarray(centroids))

    return run


def installed_peers() -> dict[str, Engine]:
    """The engines of --peers that can be imported; names those that cannot."""
    peers: dict[str, Engine] = {"scikit-learn": by_sklearn}
    for module, name in (("bkmeans", "BKMeans"), ("flspp", "FLSpp")):
        try:
            peers[module] = best_of_ten(getattr(import_module(module), name))
        except ImportError:
            print(f"{module} is not installed: left out.")
    return peers


def long_run(histogram: kmseg.ColorHistogram, n_clusters: int, seed: int, attempts: int) -> float:
    """The inertia of a run with more attempts than settings allow."""
    colors, counts = histogram.colors.astype(np.float64), histogram.counts
    found = kmseg.kmeans.fit(colors, counts, n_clusters=n_clusters, attempts=attempts, seed=seed)
    return inertia(histogram, found.centroids)


class Ratios(NamedTuple):
    """Of one engine on one picture with one K, by seed: inertia over the least known, seconds."""

    inertias: NDArray[np.float64]
    seconds: NDArray[np.float64]


def measure(
    histogram: kmseg.ColorHistogram,
    engines: dict[str, Engine],
    n_clusters: int,
    n_seeds: int,
    others: list[float],
) -> tuple[dict[str, Ratios], float]:
    """Run the engines in turn; returns their ratios, and the least inertia known with others'."""
    runs: dict[str, list[Run]] = defaultdict(list)
    for seed in range(n_seeds):
        for name, engine in engines.items():
            runs[name].append(engine(histogram, n_clusters, seed))
    found = {
        name: np.array([inertia(histogram, run.centroids) for run in done])
        for name, done in runs.items()
    }
    least = min([*others, *(float(values.min()) for values in found.values())])
    ratios = {
        name: Ratios(values / least, np.array([run.seconds for run in runs[name]]))
        for name, values in found.items()
    }
    return ratios, least


def show_summary(results: dict[int, dict[str, list[Ratios]]]) -> None:
    header("K", "engine", "runs", "median", "95 %", "worst", "time over kmseg's", numbers_from=2)
    for k, by_engine in results.items():
        for name, pictures in by_engine.items():
            values = np.concatenate([ratios.inertias for ratios in pictures])
            times = [np.median(ratios.seconds) for ratios in pictures]
            own = [np.median(ratios.seconds) for ratios in by_engine[HERE]]
            slower = np.exp(np.mean(np.log(np.divide(times, own))))
            figures = (np.median(values), np.percentile(values, 95), values.max())
            row(k, name, len(values), *(f"{x:.5f}" for x in figures), f"{slower:.2f}")


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("photos", nargs="+", type=Path)
    arguments.add_argument("--k", nargs="+", type=int, default=[8, 16, 32, 64])
    arguments.add_argument("--seeds", type=int, default=8)
    arguments.add_argument("--width", type=int, help="reduce wider pictures to this many pixels")
    arguments.add_argument("--checkout", type=Path, help="another version of kmseg")
    arguments.add_argument("--peers", action="store_true", help="run other programs too")
    arguments.add_argument("--long", type=int, default=0, help="attempts of one more run of kmseg")
    arguments.add_argument("--best", type=Path, help="JSON file of the least inertias known")
    options = arguments.parse_args()
    print(machine("scikit-learn", "bkmeans", "flspp"))

    versions = {HERE: Version(ROOT)}
    if options.checkout:
        versions[OTHER] = Version(options.checkout)
    engines: dict[str, Engine] = {name: version.refit for name, version in versions.items()}
    engines |= installed_peers() if options.peers else {}
    known: dict[str, float] = {}
    if options.best and options.best.exists():
        known = json.loads(options.best.read_text())

    results: dict[int, dict[str, list[Ratios]]] = {k: defaultdict(list) for k in options.k}
    header("photo", "colours", "K", *(f"{name}: median, worst, ms" for name in engines))
    for photo in options.photos:
        image = kmseg.read_image(photo)
        if options.width and image.width > options.width:
            image = image.resized(options.width)
        histogram = kmseg.color_histogram(image)
        for version in versions.values():
            version.ask(str(photo.resolve()), options.width)
        content = sha256(histogram.colors.tobytes() + histogram.counts.tobytes()).hexdigest()[:16]
        for k in options.k:
            for version in versions.values():
                version.ask(k, 0, ATTEMPTS)  # compiled, its memory touched
            key = f"{content} {k}"
            others = [known[key]] if key in known else []
            if options.long:
                others.append(long_run(histogram, k, options.seeds, options.long))
            ratios, known[key] = measure(histogram, engines, k, options.seeds, others)
            cells = []
            for name, found in ratios.items():
                results[k][name].append(found)
                values, ms = found.inertias, 1e3 * np.median(found.seconds)
                cells.append(f"{np.median(values):.5f} {values.max():.5f} {ms:.0f}")
            row(photo.name, histogram.n_colors, k, *cells)
    if options.best:
        options.best.write_text(json.dumps(known, indent=0))
    show_summary(results)


if __name__ == "__main__":
    main()
