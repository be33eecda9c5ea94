"""Charts of a segmentation described as plain Plotly data.

Nothing here draws: each function returns a dictionary in Plotly's own figure format, which a page,
a notebook or ``plotly.io`` can render. Colours are always written as ``rgb(r,g,b)``: Streamlit
recolours the hexadecimal values ``#000001`` to ``#000040`` in the charts it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Paint = Literal["color", "cluster"]
Ranges = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
Ints = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.floating[Any]]
Bytes = npt.NDArray[np.uint8]

SMALLEST_MARKER = 2.5
LARGEST_MARKER = 9.0
"""Diameters, in CSS pixels, of a point that stands for one pixel and of the most frequent one."""

CAMERA: dict[str, Any] = {
    "eye": {"x": 1.35, "y": 1.35, "z": 0.85},
    "center": {"x": 0.0, "y": 0.0, "z": -0.08},
    "up": {"x": 0.0, "y": 0.0, "z": 1.0},
}
"""Where the cloud is looked at from before the visitor turns it."""


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """Colours of a picture and their clusters, ready to be drawn in three dimensions.

    Attributes
    ----------
    points
        (P, 3) coordinates of the representative colours, in the units of ``axes``.
    counts
        (P,) pixels that each point stands for, at least 1.
    colors
        (P, 3) uint8 true sRGB colours of the points.
    labels
        (P,) cluster of each point, 0 to K - 1.
    centroids
        (K, 3) coordinates of the cluster centres, in the units of ``axes``.
    palette
        (K, 3) uint8 sRGB colours in which the clusters are painted.
    pixel_counts
        (K,) pixels of each cluster.
    axes
        Titles of the three axes.
    ranges
        Fixed ``(low, high)`` per axis, so that the scene keeps still when K changes; ``None``
        fits the axes to the data.
    """

    points: Floats
    counts: Ints
    colors: Bytes
    labels: Ints
    centroids: Floats
    palette: Bytes
    pixel_counts: Ints
    axes: tuple[str, str, str]
    ranges: Ranges | None = None

    def __post_init__(self) -> None:
        n, k = len(self.points), len(self.centroids)
        expected = {
            "points": (n, 3),
            "counts": (n,),
            "colors": (n, 3),
            "labels": (n,),
            "centroids": (k, 3),
            "palette": (k, 3),
            "pixel_counts": (k,),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(
                    f"Cloud.{name} has shape {getattr(self, name).shape}, expected {shape}."
                )


def css_colors(colors: Bytes) -> list[str]:
    """Write colours as CSS.

    Parameters
    ----------
    colors
        (N, 3) uint8 sRGB.

    Returns
    -------
    list of str
        N strings ``rgb(r,g,b)``.
    """
    return [f"rgb({r},{g},{b})" for r, g, b in np.asarray(colors).tolist()]


def ink(colors: Bytes) -> list[str]:
    """Choose black or white, whichever is easier to read on each colour.

    Parameters
    ----------
    colors
        (N, 3) uint8 sRGB.

    Returns
    -------
    list of str
        N strings, black where the WCAG contrast with black is the higher one, else white.
    """
    s = np.asarray(colors, np.float64) / 255
    linear = np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    black = (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05)
    return ["rgb(0,0,0)" if b else "rgb(255,255,255)" for b in black.tolist()]


def marker_sizes(counts: Ints) -> npt.NDArray[np.float32]:
    """Size points by how many pixels they stand for.

    The area grows with the logarithm of the count: a photo has a few colours shared by tens of
    thousands of pixels and many that occur once, and both have to stay visible.

    Parameters
    ----------
    counts
        (P,) pixels per point, at least 1.

    Returns
    -------
    ndarray
        (P,) float32 diameters in CSS pixels, `SMALLEST_MARKER` to `LARGEST_MARKER`.
    """
    logs = np.log1p(np.asarray(counts, np.float64))
    low, high = np.log1p(1.0), max(float(logs.max(initial=0.0)), np.log1p(2.0))
    weight = np.clip((logs - low) / (high - low), 0, 1)
    area: Floats = SMALLEST_MARKER**2 + weight * (LARGEST_MARKER**2 - SMALLEST_MARKER**2)
    return np.sqrt(area).astype(np.float32)


def cloud_frame(cloud: Cloud) -> dict[str, Any]:
    """Describe the cloud's figure without its points.

    This is the part that is small: the style of the points' trace, the centroids, the axes, the
    camera. :func:`cloud_figure` adds the points; a web page sends them separately, packed.

    Parameters
    ----------
    cloud
        What to draw.

    Returns
    -------
    dict
        Plotly figure. The centroids are tags with the cluster's number (from 1): Plotly draws them
        over the scene, so that points in front of a centroid never hide it.
    """
    total = max(int(cloud.pixel_counts.sum()), 1)
    x, y, z = cloud.axes
    points: dict[str, Any] = {
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
    tags = [
        {
            "x": at[0],
            "y": at[1],
            "z": at[2],
            "text": f"<b>{number}</b>",
            "hovertext": (
                f"<b>Cluster {number}</b><br>{x} {at[0]:.4g} · {y} {at[1]:.4g} · {z} {at[2]:.4g}"
                f"<br>{count:,} pixels · {count / total:.1%}"
            ),
            "showarrow": False,
            "bgcolor": fill,
            "bordercolor": line,
            "borderwidth": 2,
            "borderpad": 1,
            "width": 9 + 9 * len(str(number)),
            "height": 18,
            "font": {"color": line, "size": 13},
        }
        for number, (at, count, fill, line) in enumerate(
            zip(
                cloud.centroids.tolist(),
                cloud.pixel_counts.tolist(),
                css_colors(cloud.palette),
                ink(cloud.palette),
                strict=True,
            ),
            start=1,
        )
    ]
    scene: dict[str, Any] = {
        "aspectmode": "cube",
        "dragmode": "turntable",
        "camera": CAMERA,
        "annotations": tags,
    }
    for i, (name, title) in enumerate(zip("xyz", cloud.axes, strict=True)):
        axis: dict[str, Any] = {
            "title": {"text": title},
            "nticks": 5,
            "showbackground": False,
            "showspikes": False,
            "zeroline": False,
        }
        if cloud.ranges is not None:
            axis["range"] = list(cloud.ranges[i])
        scene[f"{name}axis"] = axis
    layout = {
        "scene": scene,
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "showlegend": False,
        "hovermode": "closest",
        "paper_bgcolor": "rgba(0,0,0,0)",
    }
    return {"data": [points], "layout": layout}


def cloud_figure(cloud: Cloud, paint: Paint) -> dict[str, Any]:
    """Describe the cloud's complete figure.

    Parameters
    ----------
    cloud
        What to draw.
    paint
        ``"color"`` for the true colours of the points, ``"cluster"`` for their cluster's.

    Returns
    -------
    dict
        Plotly figure; its long lists are arrays, which ``plotly.graph_objects.Figure`` and
        ``plotly.io`` accept.
    """
    figure = cloud_frame(cloud)
    if paint == "color":
        shades = css_colors(cloud.colors)
    elif paint == "cluster":
        palette = css_colors(cloud.palette)
        shades = [palette[label] for label in cloud.labels.tolist()]
    else:
        raise ValueError(f'paint is "color" or "cluster", not {paint!r}.')
    points = figure["data"][0]
    points["x"], points["y"], points["z"] = np.ascontiguousarray(cloud.points.T, np.float32)
    points["marker"] |= {"color": shades, "size": marker_sizes(cloud.counts)}
    rgb = cloud.colors.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    points["customdata"] = np.stack([rgb, cloud.counts, cloud.labels + 1], axis=1)
    return figure
