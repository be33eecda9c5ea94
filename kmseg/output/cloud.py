"""The colour cloud: a picture's colours and a segmentation's centroids in three dimensions.

Nothing here draws. :func:`frame` returns a dictionary in Plotly's figure format, to which the page
adds the points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kmseg.color import COLOR_SPACES, features
from kmseg.color.conversions import linear_light
from kmseg.histogram import ColorHistogram
from kmseg.segmentation import Segmentation
from kmseg.settings import to_hex

Ranges = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]

# Diameters in CSS pixels: a colour of one pixel, and the most frequent colour.
SMALLEST_MARKER: Final = 2.5
LARGEST_MARKER: Final = 9.0
# Length of a range divided by the largest extent of the colours, so that no point lies on an edge.
_MARGIN: Final = 1.05
# The initial camera, in Plotly's units: the scene is a cube of side 1.
_CAMERA: Final[dict[str, Any]] = {
    "eye": {"x": 1.35, "y": 1.35, "z": 0.85},
    "center": {"x": 0.0, "y": 0.0, "z": -0.08},
    "up": {"x": 0.0, "y": 0.0, "z": 1.0},
}


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The part of a cloud that depends on the picture and the axes, but not on the clusters.

    Attributes
    ----------
    space : str
        Key of the colour space whose three coordinates are the axes.
    coordinates : ndarray of float64, shape (U, 3)
        Coordinates of all U colours of the histogram.
    chosen : ndarray of intp, shape (P,)
        Indices of the representative colours.
    counts : ndarray of int64, shape (P,)
        Pixels that each chosen colour represents.
    ranges : tuple of three (low, high)
        Ranges of the axes around all colours, equally long, so that distances are to scale.
    """

    space: str
    coordinates: NDArray[np.float64]
    chosen: NDArray[np.intp]
    counts: NDArray[np.int64]
    ranges: Ranges


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """Colours of a picture and their clusters, ready to be drawn.

    Attributes
    ----------
    points : ndarray of float64, shape (P, 3)
        Coordinates of the representative colours.
    counts : ndarray of int64, shape (P,)
        Pixels that each point represents, at least 1.
    colors : ndarray of uint8, shape (P, 3)
        sRGB colours of the points.
    labels : ndarray of integers, shape (P,)
        Cluster of each point, 0 to K - 1.
    centroids : ndarray of float64, shape (K, 3)
        Coordinates of the cluster centres.
    palette : ndarray of uint8, shape (K, 3)
        sRGB colours of the clusters.
    pixel_counts : ndarray of int64, shape (K,)
        Pixels of each cluster.
    names : list of K str
        Names of the clusters, such as ``"1"`` or ``"2+3"``.
    axes : tuple of three str
        Titles of the axes.
    ranges : tuple of three (low, high)
        Ranges of the axes, in the units of the coordinates; the same for every K.
    """

    points: NDArray[np.float64]
    counts: NDArray[np.int64]
    colors: NDArray[np.uint8]
    labels: NDArray[np.integer[Any]]
    centroids: NDArray[np.float64]
    palette: NDArray[np.uint8]
    pixel_counts: NDArray[np.int64]
    names: list[str]
    axes: tuple[str, str, str]
    ranges: Ranges


def points(histogram: ColorHistogram, space: str, n_points: int) -> Points:
    """Choose colours that represent all colours of a picture.

    Parameters
    ----------
    histogram : ColorHistogram
    space : str
        Key of a colour space with three coordinates.
    n_points : int
        The greatest number of points.

    Returns
    -------
    Points
    """
    coordinates = features(histogram.colors, space)
    chosen, counts = histogram.representatives(n_points)
    return Points(space, coordinates, chosen, counts, _equal_ranges(coordinates))


def _equal_ranges(coordinates: NDArray[np.float64]) -> Ranges:
    """Ranges of equal length around the coordinates, at least 1."""
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    half = max(_MARGIN / 2 * float((high - low).max()), 0.5)
    first, second, third = ((m - half, m + half) for m in ((low + high) / 2).tolist())
    return first, second, third


def color_cloud(seg: Segmentation, points: Points) -> Cloud:
    """Combine the points of a picture with a segmentation of it.

    Parameters
    ----------
    seg : Segmentation
    points : Points
        Points of ``seg.histogram``.

    Returns
    -------
    Cloud
        On axes that are clustered channels, centroids have the coordinates of the clustering. On
        other axes, they are the means of the clusters' pixels. A cluster without pixels has its
        colour there.
    """
    histogram, space = seg.histogram, COLOR_SPACES[points.space]
    sums = [
        np.bincount(seg.color_labels, histogram.counts * column, seg.n_clusters)
        for column in points.coordinates.T
    ]
    mass = np.bincount(seg.color_labels, histogram.counts, seg.n_clusters)
    centroids = np.column_stack(sums) / np.maximum(mass, 1)[:, None]
    if not mass.all():
        centroids[mass == 0] = features(seg.palette[mass == 0], points.space)
    if points.space == seg.settings.color_space:
        centroids[:, list(space.selected(seg.settings.channels))] = seg.centroids
    return Cloud(
        points=points.coordinates[points.chosen],
        counts=points.counts,
        colors=histogram.colors[points.chosen],
        labels=seg.color_labels[points.chosen],
        centroids=centroids,
        palette=seg.palette,
        pixel_counts=seg.pixel_counts,
        names=seg.names,
        axes=(space.coordinates[0], space.coordinates[1], space.coordinates[2]),
        ranges=points.ranges,
    )


def ink(color: NDArray[np.uint8]) -> str:
    """Choose black or white for text on a colour.

    Parameters
    ----------
    color : ndarray of uint8, shape (3,)
        sRGB.

    Returns
    -------
    str
        ``"#000000"`` or ``"#ffffff"``: the one with the higher contrast ratio (WCAG 2.2).
        ``inkOn`` in the viewer's ``colors.js`` makes the same choice.
    """
    luminance = float(linear_light(color) @ (0.2126, 0.7152, 0.0722))
    black = (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05)
    return "#000000" if black else "#ffffff"


def marker_sizes(counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Size points by the number of pixels that they represent.

    The area grows with the logarithm of the count. In a photo, a few colours have tens of thousands
    of pixels and many have one, and all must stay visible.

    Parameters
    ----------
    counts : ndarray of int64, shape (P,)
        Pixels of each point, at least 1.

    Returns
    -------
    ndarray of float32, shape (P,)
        Diameters in CSS pixels, `SMALLEST_MARKER` to `LARGEST_MARKER`.
    """
    logs = np.log1p(np.asarray(counts, np.float64))
    low, high = np.log1p(1.0), max(float(logs.max(initial=0.0)), np.log1p(2.0))
    weight = np.clip((logs - low) / (high - low), 0, 1)
    area: NDArray[np.float64] = SMALLEST_MARKER**2 + weight * (
        LARGEST_MARKER**2 - SMALLEST_MARKER**2
    )
    return np.sqrt(area).astype(np.float32)


def frame(cloud: Cloud) -> dict[str, Any]:
    """Describe the cloud's figure without its points and the page's theme.

    Parameters
    ----------
    cloud : Cloud

    Returns
    -------
    dict
        A Plotly figure of plain numbers, strings, lists and dictionaries. Its trace has no
        coordinates, colours or sizes yet. The browser adds them, and sets each point's
        ``customdata`` to its colour as a number, its pixel count and the name of its cluster. The
        centroids are annotations, which Plotly draws over the scene, so points never hide them.
    """
    x, y, z = cloud.axes
    trace: dict[str, Any] = {
        "type": "scatter3d",
        "mode": "markers",
        "name": "colours",
        "marker": {"opacity": 1, "line": {"width": 0}},
        "hovertemplate": (
            "<b>#%{customdata[0]:06x}</b><br>"
            f"{x} %{{x:.4~g}} · {y} %{{y:.4~g}} · {z} %{{z:.4~g}}<br>"
            "%{customdata[1]:,} pixels · cluster %{customdata[2]}<extra></extra>"
        ),
    }
    scene: dict[str, Any] = {
        "aspectmode": "cube",
        "dragmode": False,  # the page turns the cloud itself
        "camera": _CAMERA,
        "annotations": [_tag(cloud, index) for index in range(len(cloud.names))],
    }
    for letter, title, limits in zip("xyz", cloud.axes, cloud.ranges, strict=True):
        scene[f"{letter}axis"] = {
            "title": {"text": title},
            "range": list(limits),
            "nticks": 5,
            "showbackground": False,
            "showspikes": False,
            "zeroline": False,
        }
    layout = {
        "scene": scene,
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "showlegend": False,
        "hovermode": "closest",
    }
    return {"data": [trace], "layout": layout}


def _tag(cloud: Cloud, index: int) -> dict[str, Any]:
    """The annotation at a centroid: the cluster's name on its colour."""
    name, (x, y, z) = cloud.names[index], cloud.centroids[index].tolist()
    count, total = int(cloud.pixel_counts[index]), int(cloud.pixel_counts.sum())
    ink_color = ink(cloud.palette[index])
    first, second, third = cloud.axes
    return {
        "x": x,
        "y": y,
        "z": z,
        "text": f"<b>{name}</b>",
        "hovertext": (
            f"<b>Cluster {name}</b><br>{first} {x:.4g} · {second} {y:.4g} · {third} {z:.4g}"
            f"<br>{count:,} pixels · {count / total:.1%}"
        ),
        "showarrow": False,
        "bgcolor": to_hex(cloud.palette[index]),
        "bordercolor": ink_color,
        "borderwidth": 2,
        "borderpad": 1,
        "width": 9 + 9 * len(name),
        "height": 18,
        "font": {"color": ink_color, "size": 13},
    }
