"""How good the exact engine's clusterings are, beside scikit-learn's best of ten starts.

    python tests/benchmarks/inertia.py PHOTO... [--k 8 16 32] [--seeds 4]

One run for each photo, K and seed: the exact engine with the settings that engines.py times, and
scikit-learn's `KMeans(n_init=10, tol=0)` on the colours, weighted by their counts. The ratio is
exact over scikit-learn, below 1 where the exact engine found the tighter clusters. Both inertias
are recomputed by one function, colour by colour. Five photos make sixty runs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from common import ATTEMPTS, exact_settings, header, inertia, machine, parser, row
from sklearn.cluster import KMeans

import kmseg

LEVEL = 1e-4


def ratio(histogram: kmseg.ColorHistogram, n_clusters: int, seed: int) -> float:
    """Inertia of the exact engine over scikit-learn's."""
    model = KMeans(n_clusters, n_init=ATTEMPTS, tol=0, random_state=seed)
    model.fit(histogram.colors.astype(np.float64), sample_weight=histogram.counts)
    exact = kmseg.segment(histogram, exact_settings(n_clusters, seed))
    return inertia(histogram, exact.centroids) / inertia(histogram, model.cluster_centers_)


def summary(name: str, ratios: list[float]) -> None:
    found = np.array(ratios)
    row(
        name,
        len(found),
        f"{np.exp(np.log(found).mean()):.6f}",
        f"{np.percentile(found, 95):.6f}",
        f"{found.max():.6f}",
        f"{(found < 1).mean():.0%}",
        f"{(found <= 1 + LEVEL).mean():.0%}",
    )


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("photos", nargs="+", type=Path)
    arguments.add_argument("--k", nargs="+", type=int, default=[8, 16, 32])
    arguments.add_argument("--seeds", type=int, default=4)
    options = arguments.parse_args()
    print(machine("scikit-learn"))

    ratios: dict[int, list[float]] = {k: [] for k in options.k}
    header("photo", "colours", "K", *(f"seed {seed}" for seed in range(options.seeds)))
    for photo in options.photos:
        histogram = kmseg.color_histogram(kmseg.read_image(photo))
        for k in options.k:
            found = [ratio(histogram, k, seed) for seed in range(options.seeds)]
            row(photo.name, histogram.n_colors, k, *(f"{value:.6f}" for value in found))
            ratios[k] += found

    header(
        "K",
        "runs",
        "geometric mean",
        "95th percentile",
        "maximum",
        "won",
        f"won or within {LEVEL:g}",
    )
    for k, found in ratios.items():
        summary(str(k), found)
    summary("all", [value for found in ratios.values() for value in found])


if __name__ == "__main__":
    main()
