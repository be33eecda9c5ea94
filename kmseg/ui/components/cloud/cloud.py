"""The colour cloud on the page: a 3-D scatter that keeps its camera while the settings change."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from kmseg.output.cloud import Cloud, frame, marker_sizes
from kmseg.settings import to_hex
from kmseg.ui.components.assets import media_url, plotly_url
from kmseg.ui.components.component import register

Paint = Literal["color", "cluster"]

# Plotly adds its style sheet to the document's head, which does not apply in a shadow root. So the
# component's styles are not isolated, and all its class names start with "kmseg-cloud".
_mount = register("cloud", isolate_styles=False)


@dataclass(frozen=True, slots=True)
class CloudData:
    """Data sent to the cloud.

    Attributes
    ----------
    key : str
        Name of this cloud; the browser keeps its camera under it.
    plotly, points : str
        Addresses of the Plotly library and of the points as :func:`pack_points` packs them.
    labels : str
        Group of each point, little-endian uint16 in base64.
    palette : list of str
        Colour of each group, ``"#rrggbb"``.
    paint : {"color", "cluster"}
        Whether points have their own colours or those of their clusters.
    groups : sequence of sequences of int
        The clusters, from 0, that are merged into each group.
    names : sequence of str
        Names of the groups.
    segmentation : str
        The segmentation's part of the address; the focus belongs to it.
    count : int
        Number of clusters before merging.
    figure : dict
        The Plotly figure without its points.
    summary : str
        Text alternative.
    """

    key: str
    plotly: str
    points: str
    labels: str
    palette: list[str]
    paint: Paint
    groups: Sequence[Sequence[int]]
    names: Sequence[str]
    segmentation: str
    count: int
    figure: dict[str, Any]
    summary: str


def color_cloud(
    cloud: Cloud, paint: Paint, groups: Sequence[Sequence[int]], segmentation: str, key: str
) -> None:
    """Show a colour cloud.

    Parameters
    ----------
    cloud : Cloud
    paint : {"color", "cluster"}
        Whether points have their own colours or those of their clusters.
    groups : sequence of sequences of int
        The clusters before merging, from 0, that each cluster of the cloud consists of.
    segmentation : str
        The segmentation's part of the address; the focus belongs to it.
    key : str
        Name of this cloud on the page; the browser keeps its camera under it.
    """
    points = media_url(pack_points(cloud), "application/octet-stream", f"{key}.points")
    _mount(cloud_data(cloud, paint, groups, segmentation, key, plotly_url(), points), key=key)


def cloud_data(
    cloud: Cloud,
    paint: Paint,
    groups: Sequence[Sequence[int]],
    segmentation: str,
    key: str,
    plotly: str,
    points: str,
) -> CloudData:
    """The data of a cloud; the parameters are those of :func:`color_cloud` and `CloudData`."""
    n, k = len(cloud.points), len(cloud.centroids)
    axes = f"{', '.join(cloud.axes[:2])} and {cloud.axes[2]}"
    centres = f"{k} numbered cluster centre{'' if k == 1 else 's'}"
    return CloudData(
        key=key,
        plotly=plotly,
        points=points,
        labels=base64.b64encode(cloud.labels.astype("<u2").tobytes()).decode(),
        palette=[to_hex(color) for color in cloud.palette],
        paint=paint,
        groups=groups,
        names=cloud.names,
        segmentation=segmentation,
        count=sum(map(len, groups)),
        figure=frame(cloud),
        summary=f"3-D scatter of {n:,} colours over the axes {axes}, with {centres}.",
    )


def pack_points(cloud: Cloud) -> bytes:
    """Pack the data that does not depend on K or the paint, so that browsers fetch it only once.

    Parameters
    ----------
    cloud : Cloud

    Returns
    -------
    bytes
        Little-endian, for P points: P float32 each of x, y, z and the diameter in CSS pixels,
        P uint32 of pixel counts, and P times three bytes of sRGB.
    """
    columns = [
        np.ascontiguousarray(cloud.points.T, "<f4"),
        marker_sizes(cloud.counts).astype("<f4"),
        cloud.counts.astype("<u4"),
        np.ascontiguousarray(cloud.colors, np.uint8),
    ]
    return b"".join(column.tobytes() for column in columns)
