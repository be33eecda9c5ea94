"""How long outlines take, how large their files are, and how much memory they need.

    python tests/benchmarks/outlines.py PHOTO...

Each photo is segmented in CIELAB with K = 6, and tidied so that no region has fewer pixels than
``--smallest``. Times are the best of three and contain everything from labels to the file.
"""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
from common import header, machine, parser, row, timed

import kmseg
from kmseg.errors import RegionsError
from kmseg.output import export
from kmseg.regions.outlines import outlines


def peak() -> float:
    """The most memory that the process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(photo: Path, smallest: int) -> None:
    settings = kmseg.Settings(color_space="cielab", n_clusters=6, smallest_region=smallest)
    seg = kmseg.segment(kmseg.read_image(photo), settings)
    name = f"{photo.parts[-4]}" if photo.parent.name == "images" else photo.stem
    megapixels = f"{seg.labels.size / 1e6:.1f}"
    for smoothing in (0, export.SMOOTHING):
        before = peak()
        try:
            drawn = outlines(seg.labels, smoothing)
        except RegionsError as error:
            row(name, megapixels, smallest, "", "", str(error))
            return
        context = export.Context(photo.name)
        cells = [f"{len(drawn.areas):,}", f"{len(drawn.points):,}"]
        for download in export.outlines(smoothing):
            tries = [timed(download.make, seg, context) for _ in range(3)]
            seconds = min(seconds for seconds, _ in tries)
            cells += [f"{seconds:.2f} s", f"{len(tries[0][1]) / 1e6:.1f} MB"]
        row(name, megapixels, smallest, smoothing, *cells, f"{peak() - before:.0f} MB")


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("photos", nargs="+", type=Path)
    arguments.add_argument("--smallest", type=int, nargs="+", default=[50])
    options = arguments.parse_args()
    print(machine())
    outlines(np.zeros((9, 9), np.int16), 1.0)  # compile
    columns = ("photo", "MP", "smallest region", "smoothing", "regions", "points", "SVG", "size")
    header(*columns, "GeoJSON", "size", "more memory")
    for photo in options.photos:
        for smallest in options.smallest:
            measure(photo, smallest)


if __name__ == "__main__":
    main()
