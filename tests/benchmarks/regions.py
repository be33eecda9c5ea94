"""How long tidying and measuring regions take, after the labels.

    python tests/benchmarks/regions.py PHOTO...

Photos are clustered in CIELAB. Times are the best of three, in milliseconds, of all cores: removing
regions of less than 50 pixels, the same and filling the holes of a cluster, and measuring all
regions before tidying.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from common import header, machine, parser, row, timed

import kmseg
from kmseg.regions.measure import measure
from kmseg.regions.tidy import tidy

SMALLEST = 50


def best(*call: Any) -> str:
    return f"{1000 * min(timed(*call)[0] for _ in range(3)):.0f}"


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("photos", type=Path, nargs="+")
    options = arguments.parse_args()
    print(machine())
    header("photo", "megapixels", "K", "regions", "kept", "small", "and holes", "measured")
    for photo in options.photos:
        image = kmseg.read_image(photo)
        for n_clusters in (6, 16):
            settings = kmseg.Settings(color_space="cielab", n_clusters=n_clusters)
            labels = kmseg.segment(image, settings).labels
            n_regions, n_kept = (
                measure(each, image.pixels).n_regions for each in (labels, tidy(labels, SMALLEST))
            )
            row(
                photo.parts[-4] if len(photo.parts) > 3 else photo.stem,
                f"{labels.size / 1e6:.1f}",
                n_clusters,
                f"{n_regions:,}",
                f"{n_kept:,}",
                best(tidy, labels, SMALLEST),
                best(tidy, labels, SMALLEST, [1]),
                best(measure, labels, image.pixels),
            )


if __name__ == "__main__":
    main()
