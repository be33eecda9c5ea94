"""Pictures and computed results, cached between script runs."""

from kmseg.ui.store.addresses import ROUTES
from kmseg.ui.store.attempts import Growth, attempts, attempts_made, compared, drawn_starts
from kmseg.ui.store.caches import drop_idle, forget, gauges, measured, owner
from kmseg.ui.store.cards import card
from kmseg.ui.store.carrying import carried, carried_archive, codebook, pooled_codebook
from kmseg.ui.store.comparing import (
    agreement,
    differences,
    grid_figure,
    pane,
    preview_size,
    thumbnail,
)
from kmseg.ui.store.masks import add_mask, forget_masks, has_mask, with_mask
from kmseg.ui.store.opening import upload
from kmseg.ui.store.pictures import Picture, pixels, sample
from kmseg.ui.store.prefetch import (
    in_foreground,
    prefetch_neighbours,
    request_attempts,
    withdraw_attempts,
)
from kmseg.ui.store.preview import (
    N_STRIPES,
    REGION_SIDE,
    Box,
    Previews,
    code_archive,
    color_cloud,
    color_vision,
    file,
    preview_pixels,
    previews,
    region,
    residual,
    size_of,
    within,
)
from kmseg.ui.store.regions import Objects, n_regions, objects
from kmseg.ui.store.results import pixels_per_mm, segmentation, size, tidied
from kmseg.ui.store.series import ladder, sheet, tile
from kmseg.ui.store.traces import run

__all__ = [
    "N_STRIPES",
    "REGION_SIDE",
    "ROUTES",
    "Box",
    "Growth",
    "Objects",
    "Picture",
    "Previews",
    "add_mask",
    "agreement",
    "attempts",
    "attempts_made",
    "card",
    "carried",
    "carried_archive",
    "code_archive",
    "codebook",
    "color_cloud",
    "color_vision",
    "compared",
    "differences",
    "drawn_starts",
    "drop_idle",
    "file",
    "forget",
    "forget_masks",
    "gauges",
    "grid_figure",
    "has_mask",
    "in_foreground",
    "ladder",
    "measured",
    "n_regions",
    "objects",
    "owner",
    "pane",
    "pixels",
    "pixels_per_mm",
    "pooled_codebook",
    "prefetch_neighbours",
    "preview_pixels",
    "preview_size",
    "previews",
    "region",
    "request_attempts",
    "residual",
    "run",
    "sample",
    "segmentation",
    "sheet",
    "size",
    "size_of",
    "thumbnail",
    "tidied",
    "tile",
    "upload",
    "with_mask",
    "withdraw_attempts",
    "within",
]
