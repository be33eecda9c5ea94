"""The view "Colour cloud": colours and centroids in three dimensions."""

from __future__ import annotations

from typing import Final

import streamlit as st

from kmseg.color import COLOR_SPACES
from kmseg.ui import store, text
from kmseg.ui.components.cloud.cloud import color_cloud
from kmseg.ui.views.view import Option, Place, View, ViewContext, choose

# Most points that are drawn.
N_POINTS: Final = 6000

AXES: Final = Option("cloud_space", {"rgb": "RGB", "clustered": "The clustered colour space"})
PAINT: Final = Option("cloud_paint", {"color": "Own colour", "cluster": "Cluster"})


def show(context: ViewContext) -> None:
    """Draw the cloud, with controls for its axes and the points' colours."""
    seg = context.seg
    space = COLOR_SPACES[seg.settings.color_space]
    axes = "rgb"
    left, right = st.columns(2)
    with left:
        if len(space.coordinates) < 3:
            st.caption(f"{space.title} has one channel, so the cloud is drawn in RGB.")
        elif "rgb" in (space.key, space.reorders):
            st.caption("The axes are red, green and blue.")
        else:
            titles = AXES.titles | {"clustered": space.title}
            if choose("Axes", titles, AXES.name, labelled=True) == "clustered":
                axes = space.key
    with right:
        paint = choose("Points coloured by", PAINT.titles, PAINT.name, labelled=True)
    drawn = store.color_cloud(context.picture, context.merged, axes, N_POINTS)
    color_cloud(
        drawn,
        "cluster" if paint == "cluster" else "color",
        context.merged.members,
        context.address,
        key="cloud",
    )
    points = text.count(len(drawn.points), "point")
    colors = text.count(seg.histogram.n_colors, "colour")
    pixels = text.count(seg.histogram.n_pixels, "pixel")
    chosen = text.names(", ".join(seg.settings.channel_names))
    partly = len(seg.settings.channel_names) < len(space.channels)
    st.caption(
        f"{points} for {colors} of {pixels}: each is the most frequent colour in a small cube of "
        "RGB, and larger points stand for more pixels. The numbers mark the centroids. Click a "
        "point to focus on its cluster."
        + (f" Only {chosen} of {space.title} took part in the clustering." if partly else "")
    )


VIEW: Final = View(
    key="cloud",
    title="Colour cloud",
    place=Place.EXPLORE,
    show=show,
    options=(AXES, PAINT),
)
