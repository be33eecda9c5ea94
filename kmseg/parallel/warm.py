"""Load the compiled functions before the first request; on a new machine this compiles them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kmseg.kmeans.engines import ENGINES
from kmseg.picture.image import Image
from kmseg.regions.counting import region_counts
from kmseg.regions.outlines import outlines
from kmseg.segmentation import segment
from kmseg.settings import Settings
from kmseg.tracing import trace


def warm_up() -> None:
    """Load what most pictures need: the exact engine with three columns."""
    segment(_noise(64), Settings())


def warm_up_the_rest() -> None:
    """Load what other settings and pictures need."""
    # First a picture with too many colours for int8, then a small one with transparent pixels.
    for image in (_noise(64), replace(_noise(8), opaque=np.eye(8) == 0)):
        for settings in (
            Settings(channels="01"),
            Settings(color_space="gray"),
            Settings(color_space="lab", channels="0"),
            *(Settings(engine=name) for name, engine in ENGINES.items() if engine.preload),
        ):
            segment(image, settings)
        trace(image, Settings())
        seg = segment(image, Settings(smallest_region=4, fill_holes=(1,)))
        seg.regions()
        region_counts(seg.labels, seg.n_clusters)
        seg = segment(image, Settings())
        seg.labels_at(slice(None), slice(None))
        numbers = np.arange(seg.histogram.n_colors, dtype=np.int32)
        seg.histogram.values_at(image.pixels, numbers)
        outlines(seg.labels, smoothing=1)


def _noise(side: int) -> Image:
    return Image(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8))
