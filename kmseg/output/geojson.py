"""The regions of a segmentation as GeoJSON (RFC 7946)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from kmseg.output.coordinates import polygon_coordinates
from kmseg.output.tables import cluster_rows
from kmseg.regions.outlines import outlines

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation

_NOTE: Final = (
    "Coordinates are pixels, not degrees: x to the right, y down, (0, 0) is the top left corner of "
    "the picture. area is in pixels before smoothing."
)


def geojson(seg: Segmentation, smoothing: float) -> bytes:
    """One feature for each region, so that each has its area; ``cluster`` is what they share.

    Parameters
    ----------
    seg : Segmentation
    smoothing : float
        As for :func:`kmseg.regions.outlines.outlines`, which also says what is raised.

    Notes
    -----
    ``region`` is the region's label in :class:`kmseg.regions.Regions`, ``cluster`` its number or
    name as in tables, ``share`` its part of the opaque pixels.
    """
    drawn = outlines(seg.labels, smoothing)
    clusters = [(row["cluster"], row["hex"]) for row in cluster_rows(seg)]
    total = int(seg.pixel_counts.sum())
    height, width = drawn.size
    features = []
    for number, coordinates in enumerate(polygon_coordinates(drawn)):
        cluster, color = clusters[drawn.clusters[number]]
        area = int(drawn.areas[number])
        properties = {"region": number + 1, "cluster": cluster, "color": color}
        properties |= {"area": area, "share": round(area / total, 9)}
        features.append(
            f'{{"type":"Feature","properties":{json.dumps(properties)},'
            f'"geometry":{{"type":"Polygon","coordinates":{coordinates}}}}}'
        )
    head = {"type": "FeatureCollection", "note": _NOTE, "width": width, "height": height}
    start = json.dumps(head).removesuffix("}")
    return (start + ', "features":[\n' + ",\n".join(features) + "\n]}\n").encode()
