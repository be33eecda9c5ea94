"""Whether the sheet finds hidden numerals, and how long sheet and ladder take.

    python tests/benchmarks/explore_views.py PHOTO... [--plates 60]

Plates: numerals, seeds and palettes by chance, kmseg's own palettes and others drawn at random
(hues 28 to 180 degrees apart, lightness and chroma shared, hue bands 10 to 30 degrees wide), most
of them as JPEG with noise. A plate counts as read if the numeral's dots are one cluster, or two
together, of one of the first three proposals, with an intersection over union of at least 0.8.

Photos: seconds from the histogram to all tiles of the sheet and its ranking, and to the ladder from
K = 2 to 10; the tiles' least agreement with what adopting them gives, pixel by pixel. The peer is
scikit-learn's `KMeans(n_init=10)` on the colours of the same views, weighted; the first view of
each colour space is timed and taken for the others.
"""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import cv2
import numpy as np
from common import ATTEMPTS, header, machine, parser, row, timed
from numpy.typing import NDArray
from sklearn.cluster import KMeans

import kmseg
from kmseg import explore
from kmseg.color import features
from kmseg.samples.plates import PALETTES, Palette, draw_plate, lch_to_srgb
from oracles import numeral_overlap

FIRST = 3
READ = 0.8


def in_gamut(hues: tuple[float, float], palette: Palette) -> bool:
    """Whether sRGB holds these hues at every lightness and chroma of the palette."""
    mixes = itertools.product(palette.lightness, palette.chroma, np.linspace(*hues, 5))
    colors = lch_to_srgb(np.array(list(mixes)))
    return bool((colors >= 0).all() and (colors <= 1).all())


def random_palette(rng: np.random.Generator) -> Palette:
    while True:
        hue = rng.uniform(0, 360)
        other = hue + rng.uniform(28, 180) * rng.choice((-1, 1))
        bands = [(first, first + rng.uniform(10, 30)) for first in (hue, other)]
        chroma, lightness = rng.uniform(18, 40), rng.uniform(40, 60)
        palette = Palette(
            "random",
            (bands[0],),
            (bands[1],),
            (chroma, chroma + rng.uniform(4, 10)),
            (lightness, lightness + rng.uniform(18, 34)),
        )
        if all(in_gamut(band, palette) for band in bands):
            return palette


def photographed(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """With noise, as JPEG."""
    noisy = np.clip(pixels + rng.normal(0, rng.uniform(0, 4), pixels.shape), 0, 255)
    quality = (cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 95)))
    packed = cv2.imencode(".jpg", noisy.astype(np.uint8)[..., ::-1], quality)[1]
    return np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1])


def read_plates(n_plates: int) -> None:
    rng = np.random.default_rng(2026)
    read: dict[tuple[str, int], list[bool]] = {}
    for number in range(n_plates):
        own = number % 2 == 0
        palette = (
            list(PALETTES.values())[number // 2 % len(PALETTES)] if own else random_palette(rng)
        )
        plate = draw_plate(str(rng.integers(0, 100)), palette, int(rng.integers(10**6)))
        pixels = photographed(plate.pixels, rng) if rng.random() < 0.7 else plate.pixels
        image = kmseg.Image(pixels)
        seen = _seen(image)
        for k in (3, 4):
            wanted = explore.views(kmseg.Settings(n_clusters=k))
            best = explore.ranked(list(explore.sheet(*seen, wanted)))[:FIRST]
            found = max(
                numeral_overlap(
                    kmseg.segment(image, proposal.tile.settings).labels,
                    plate.numeral_mask,
                    plate.dots_mask,
                )
                for proposal in best
            )
            read.setdefault(("kmseg's" if own else "random", k), []).append(found >= READ)
    header("palettes", "K", "plates", f"read in the first {FIRST}")
    for (name, k), found in sorted(read.items()):
        row(name, k, len(found), f"{np.mean(found):.0%}")


def peer_seconds(histogram: kmseg.ColorHistogram, wanted: list[kmseg.Settings]) -> float:
    total = 0.0
    for _, group in itertools.groupby(wanted, lambda settings: settings.color_space):
        views = list(group)
        X = features(histogram.colors, views[0].color_space, views[0].channels)
        model = KMeans(views[0].n_clusters, n_init=ATTEMPTS, random_state=0)
        total += timed(model.fit, X, sample_weight=histogram.counts)[0] * len(views)
    return total


def time_photo(photo: Path) -> None:
    image = kmseg.read_image(photo)
    seen = histogram, _ = _seen(image)
    wanted = explore.views(kmseg.Settings())
    times = []
    for _ in range(3):
        start = time.perf_counter()
        tiles = list(explore.sheet(*seen, wanted))
        explore.ranked(tiles)
        times.append(time.perf_counter() - start)
    grid = image.grid(explore.TILE_SIDE)
    agreement = min(
        float((kmseg.segment(image, tile.settings).labels_at(*grid) == tile.labels).mean())
        for tile in tiles
    )
    ladders = [
        timed(lambda: list(explore.ladder(*seen, wanted[0], range(2, 11))))[0] for _ in range(3)
    ]
    peer = peer_seconds(histogram, wanted)
    row(
        photo.name,
        f"{image.width * image.height / 1e6:.1f}",
        histogram.n_colors,
        f"{np.median(times):.2f}",
        f"{agreement:.2%}",
        f"{np.median(ladders):.2f}",
        f"{peer:.0f} s ×{peer / np.median(times):.0f}",
    )


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("photos", nargs="*", type=Path)
    arguments.add_argument("--plates", type=int, default=60)
    options = arguments.parse_args()
    print(machine("scikit-learn"))
    list(
        explore.ladder(*_seen(kmseg.sample_image("china")), kmseg.Settings(), range(2, 4))
    )  # what is loaded once
    if options.photos:
        header("photo", "MP", "colours", "sheet s", "agreement", "ladder s", "scikit-learn, sheet")
        for photo in options.photos:
            time_photo(photo)
    if options.plates:
        read_plates(options.plates)


def _seen(image: kmseg.Image) -> tuple[kmseg.ColorHistogram, NDArray[np.int32]]:
    histogram = kmseg.color_histogram(image)
    return histogram, explore.tile_grid(image, histogram)


if __name__ == "__main__":
    main()
