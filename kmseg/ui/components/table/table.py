"""The clusters as a table whose rows are put in focus by a click."""

from __future__ import annotations

import streamlit as st

from kmseg.color import COLOR_SPACES
from kmseg.segmentation import Segmentation
from kmseg.settings import to_hex
from kmseg.ui.components.assets import asset

_mount = st.components.v2.component(
    "kmseg_table",
    html=asset("table/table.html"),
    css=asset("table/table.css"),
    js=asset("shared/focus.js") + asset("table/table.js"),
)


def cluster_table(seg: Segmentation, key: str, segmentation: str) -> None:
    """Show a segmentation's clusters, largest first.

    Parameters
    ----------
    seg : Segmentation
        With or without merged clusters.
    key : str
    segmentation : str
        Names the segmentation before merging: what is in focus belongs to it.
    """
    space = COLOR_SPACES[seg.settings.color_space]
    columns = [
        {"title": "Cluster", "kind": "name", "help": "Click a row to put its cluster in focus"},
        {"title": "Hex", "kind": "hex", "help": "Mean colour of the cluster's pixels"},
        {"title": "Pixels", "kind": "", "help": "How many pixels it has"},
        {"title": "Share", "kind": "share", "help": "Part of all clustered pixels"},
    ] + [
        {"title": name, "kind": "", "help": f"Centroid, {name} of {space.title}"}
        for name in seg.settings.coordinate_names
    ]
    rows = [
        {
            "name": name,
            "group": list(members),
            "color": to_hex(color),
            "pixels": int(pixels),
            "share": f"{share:.1%}",
            "values": [f"{value:.1f}" for value in centroid],
        }
        for name, members, color, pixels, share, centroid in zip(
            seg.names,
            seg.members,
            seg.palette,
            seg.pixel_counts,
            seg.shares,
            seg.centroids,
            strict=True,
        )
    ]
    _mount(
        key=key,
        data={
            "segmentation": segmentation,
            "count": sum(map(len, seg.members)),
            "note": f"Largest first; a click puts a cluster in focus. The centroids, on the "
            f"right, are in {space.title}.",
            "columns": columns,
            "rows": rows,
        },
    )
