"""The clusters of a segmentation as an SVG drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kmseg.output.coordinates import path_data
from kmseg.regions.outlines import outlines
from kmseg.settings import to_hex

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation


def svg(seg: Segmentation, smoothing: float) -> bytes:
    """One path for each cluster, with its colour. A unit is a pixel.

    Renderers blend the edge of each shape with what lies behind it, so the background shines
    through where two shapes meet. Exact edges are drawn without blending. Beneath smooth shapes
    lies a copy of them without blending, so that each edge is blended with its neighbour's colour.

    Parameters
    ----------
    seg : Segmentation
    smoothing : float
        As for :func:`kmseg.regions.outlines.outlines`, which also says what is raised.
    """
    drawn = outlines(seg.labels, smoothing)
    height, width = drawn.size
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    ]
    if smoothing > 0:
        lines += [
            '<use id="underlay" xlink:href="#clusters" shape-rendering="crispEdges"/>',
            '<g id="clusters" fill-rule="evenodd">',
        ]
    else:
        lines += ['<g id="clusters" fill-rule="evenodd" shape-rendering="crispEdges">']
    clusters = np.repeat(drawn.clusters, np.diff(drawn.polygon_starts))  # of each ring
    for cluster, (name, share) in enumerate(zip(seg.names, seg.shares, strict=True)):
        fill = to_hex(seg.palette[cluster])
        path = path_data(drawn, np.flatnonzero(clusters == cluster))
        title = f"Cluster {name}: {fill}, {share:.1%}"
        lines.append(f'<path fill="{fill}" d="{path}"><title>{title}</title></path>')
    return "\n".join([*lines, "</g>", "</svg>", ""]).encode()
