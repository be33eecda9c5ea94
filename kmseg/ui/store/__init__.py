"""What the page keeps between its runs: pictures, and what was computed from them."""

from kmseg.ui.store.caches import drop_idle, gauges, measured
from kmseg.ui.store.opening import upload
from kmseg.ui.store.pictures import Picture, pixels, sample
from kmseg.ui.store.prefetch import in_foreground, prefetch_neighbours
from kmseg.ui.store.preview import (
    REGION_SIDE,
    Box,
    color_cloud,
    file,
    previews,
    region,
    residual,
    within,
)
from kmseg.ui.store.results import segmentation, size
from kmseg.ui.store.series import ladder, sheet, tile

__all__ = [
    "REGION_SIDE",
    "Box",
    "Picture",
    "color_cloud",
    "drop_idle",
    "file",
    "gauges",
    "in_foreground",
    "ladder",
    "measured",
    "pixels",
    "prefetch_neighbours",
    "previews",
    "region",
    "residual",
    "sample",
    "segmentation",
    "sheet",
    "size",
    "tile",
    "upload",
    "within",
]
