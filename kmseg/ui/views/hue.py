"""A part of the view "Colour spaces": hue as a number compared with hue as an angle."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
import streamlit as st

from kmseg import explore
from kmseg.color import COLOR_SPACES
from kmseg.explore import Tile
from kmseg.ui import store, text
from kmseg.ui.components.gallery.gallery import Entry, gallery
from kmseg.ui.session import session
from kmseg.ui.views.view import ViewContext

# The colour spaces compared, by their channel 0: key, and the tile's title and note.
RAW: Final = "hsv"
ANGLE: Final = "hsv-circular"
_TILES: Final = {
    RAW: (
        "Hue as a number, 0 to 179",
        "Red lies at both ends, so it may be split into two clusters that look alike.",
    ),
    ANGLE: (
        "Hue as an angle",
        "Red stays in one piece: 0° and 360° are the same direction. Pale colours lie close "
        "together.",
    ),
}


def show(context: ViewContext) -> None:
    """Draw both segmentations by hue alone, and the share of pixels on which they agree."""
    st.markdown("**Hue as a number and as an angle.** Click a picture to use its settings.")
    current = explore.automatic(context.wanted)
    tiles = [
        store.tile(context.picture, replace(current, color_space=space, channels="0"))
        for space in _TILES
    ]
    gallery(
        [
            Entry(tile, title, (note,))
            for tile, (title, note) in zip(tiles, _TILES.values(), strict=True)
        ],
        current,
        session.set_settings,
        "Hue as a number and as an angle",
        "hue",
        side=22,
    )
    raw, angle = tiles
    agreement = text.percent(explore.agreement(raw.labels, angle.labels))
    st.caption(
        f"Red clusters: {_n_red(raw)} with hue as a number, {_n_red(angle)} with hue as an angle. "
        f"The two agree on {agreement} of the pixels."
    )


def _n_red(tile: Tile) -> int:
    """Number of clusters within 20 degrees of red, except nearly gray ones."""
    x, y, _ = COLOR_SPACES[ANGLE].convert(tile.palette).T
    return int(((np.hypot(x, y) > 40) & (np.abs(np.arctan2(y, x)) < math.radians(20))).sum())
