"""Short links: what is left out of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kmseg.settings import LINK_VERSION

# Most characters of a codebook in a link: about 20 clusters. Longer ones are left out.
MAX_CODEBOOK: Final = 1400

DEFAULTS: Final[dict[str, dict[str, str]]] = {
    "1": {
        "color_space": "bgr",
        "channels": "all",
        "n_clusters": "4",
        "init": "k-means++",
        "centroids": "",
        "attempts": "10",
        "max_iter": "300",
        "epsilon": "0.01",
        "stop": "both",
        "seed": "0",
        "engine": "exact",
        "width": "0",
        "smallest_region": "0",
        "fill_holes": "",
        "frame": "1",
        "levels": "auto",
        "view": "clusters",
        "layout": "side",
        "paint": "colors",
        "cloud_space": "rgb",
        "cloud_paint": "color",
        "sheet_shown": "all",
        "sheet_k": "same",
        "attempts_shown": "12",
        "code": "opencv",
        "pins_paint": "own",
        "pictures_by": "this",
        "page_side": "2048",
        "smoothing": "0.4",
    }
}
"""For each version of links, what a missing parameter means.

Links that were shared live for ever: never change an entry. A parameter whose default changes gets
another version.
"""


def shortened(query: Mapping[str, str]) -> dict[str, str]:
    """A link's query without empty values and defaults; :func:`completed` is the inverse."""
    defaults = DEFAULTS.get(query.get("v", LINK_VERSION), {})
    return {name: value for name, value in query.items() if value and defaults.get(name) != value}


def completed(query: Mapping[str, str]) -> dict[str, str]:
    """A link's query with the defaults of its version."""
    return DEFAULTS.get(query.get("v", LINK_VERSION), {}) | dict(query)
