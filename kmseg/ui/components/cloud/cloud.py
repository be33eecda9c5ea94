"""The colour cloud on the page: a 3-D scatter that keeps its camera while the settings change."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
import streamlit as st

from kmseg.output import figures
from kmseg.ui.components import assets

_HTML = """
<div class="kmseg-cloud">
  <div class="kmseg-cloud-plot" role="img" tabindex="0"></div>
  <p class="kmseg-cloud-note" role="status">Loading the 3-D view…</p>
  <div class="kmseg-cloud-foot">
    <span class="kmseg-cloud-hint kmseg-cloud-mouse">Drag to turn, click then scroll to zoom.
      Keys: arrows, + and −.</span>
    <span class="kmseg-cloud-hint kmseg-cloud-touch">Tap the cloud, then drag to turn it.
      Tap outside to let go.</span>
    <button type="button" data-do="reset">Reset view</button>
    <button type="button" data-do="save">Save picture</button>
  </div>
</div>
"""

# Plotly's style sheet goes into the document's head, from where it does not reach a shadow root;
# hence no isolation, and class names that all start with "kmseg-cloud".
_mount = st.components.v2.component(
    "kmseg_cloud",
    html=_HTML,
    css=assets.asset("cloud/cloud.css"),
    js=assets.asset("shared/address.js")
    + assets.asset("shared/focus.js")
    + assets.asset("cloud/cloud.js"),
    isolate_styles=False,
)


def colour_cloud(
    cloud: figures.Cloud,
    paint: figures.Paint,
    members: Sequence[Sequence[int]],
    names: Sequence[str],
    segmentation: str,
    key: str,
) -> None:
    """Show a colour cloud.

    Parameters
    ----------
    cloud
        What to draw.
    paint
        ``"color"`` for the true colours of the points, ``"cluster"`` for their cluster's.
    members, names
        For each cluster, those that it was merged of, and what it is called.
    segmentation
        Names the segmentation before merging: what is in focus belongs to it.
    key
        Names this cloud on the page; the camera is remembered under it.
    """
    n, k = len(cloud.points), len(cloud.centroids)
    axes = f"{', '.join(cloud.axes[:2])} and {cloud.axes[2]}"
    _mount(
        key=key,
        data={
            "key": key,
            "plotly": assets.plotly_url(),
            "points": assets.media_url(
                _pack_points(cloud), "application/octet-stream", f"{key}.points"
            ),
            "labels": base64.b64encode(cloud.labels.astype("<u2").tobytes()).decode(),
            "palette": figures.css_colors(cloud.palette),
            "paint": paint,
            "groups": [list(group) for group in members],
            "names": list(names),
            "segmentation": segmentation,
            "count": sum(map(len, members)),
            "figure": figures.cloud_frame(cloud),
            "summary": (
                f"3-D scatter of {n:,} colours over the axes {axes}, with"
                f" {k} numbered cluster centre{'s' if k != 1 else ''}."
            ),
        },
    )


def _pack_points(cloud: figures.Cloud) -> bytes:
    """Pack what stays the same while K or the paint changes, so that it is sent only once.

    Five float32 or uint32 columns of P values (x, y, z, diameter, pixels), then P times three bytes
    of sRGB; all little-endian.
    """
    columns = [
        np.ascontiguousarray(cloud.points.T, "<f4"),
        figures.marker_sizes(cloud.counts).astype("<f4"),
        cloud.counts.astype("<u4"),
        np.ascontiguousarray(cloud.colors, np.uint8),
    ]
    return b"".join(column.tobytes() for column in columns)
