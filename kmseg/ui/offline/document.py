"""Writes the HTML file: the page's own components, the data that they show, and Plotly.

The file forbids itself all requests by its Content-Security-Policy, and allows no script but its
own, by their hashes. Names and other texts may come from strangers: they are escaped.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
from functools import lru_cache
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kmseg.color import COLOR_SPACES
from kmseg.output import captions, cloud, encode, names
from kmseg.output.labelcodec import encode_labels
from kmseg.output.units import cluster_units
from kmseg.settings import LINK_VERSION, to_hex
from kmseg.ui.components.assets import asset, data_url, plotly_source, style_sheet
from kmseg.ui.components.cloud.cloud import cloud_data, pack_points
from kmseg.ui.components.component import message
from kmseg.ui.components.modules import bundle
from kmseg.ui.components.table.table import table_data
from kmseg.ui.components.viewer.viewer import ViewerData, ViewerUnits
from kmseg.version import __version__

if TYPE_CHECKING:
    from kmseg.picture.image import Image
    from kmseg.segmentation import Segmentation

# Most points of the cloud, as on the page.
_N_POINTS: Final = 6000
# An original that is not reduced is lossless if that takes at most this many bytes.
_MAX_EXACT: Final = 500_000
# The focus is stored in the file's address only with a link's version.
_SEGMENTATION: Final = f"v={LINK_VERSION}"
_COMPONENTS: Final = ("viewer", "table", "cloud")
_BYTES: Final = "application/octet-stream"


def document(seg: Segmentation, picture: str, side: int, link: str, source: str) -> bytes:
    """The HTML file of a segmentation; see :func:`kmseg.ui.offline.page`.

    Parameters
    ----------
    seg : Segmentation
        With its ``image``.
    picture : str
        File name of the picture; its extension is left out.
    side : int
    link, source : str
    """
    seg = captions.without_profiles(seg)
    image = seg.image
    assert image is not None
    name = names.title(picture) or "picture"
    viewer = _viewer(seg, image, name, side)
    units = cluster_units(seg)
    values = None if units is None else [units.summary(n) for n in range(seg.n_clusters)]
    data = {
        "viewer": message(viewer),
        "table": message(table_data(seg, _SEGMENTATION, values)),
        "cloud": _cloud(seg),
    }
    texts = {
        "name": name,
        "settings": captions.full(seg),
        "size": _size(seg, image, viewer),
        "version": __version__,
    }
    return _fill(
        {key: html.escape(text) for key, text in texts.items()}
        | {"data": _script_json(data), "origin": _origin(seg, link, source)}
    )


def _viewer(seg: Segmentation, image: Image, name: str, side: int) -> ViewerData:
    # As on the page, "clusters" are those before merging: a group's labels are its first member.
    rows, columns = image.grid(side)
    labels = seg.in_members(seg.labels_at(rows, columns))
    n_clusters = sum(map(len, seg.members))
    colors = [to_hex(color) for color in seg.palette]
    color_of = {c: color for own, color in zip(seg.members, colors, strict=True) for c in own}
    space = COLOR_SPACES[seg.settings.color_space]
    return ViewerData(
        original=data_url(_original(image, len(columns)), "image/webp"),
        labels=data_url(encode_labels(labels, n_clusters), _BYTES),
        nearest=None,
        width=len(columns),
        height=len(rows),
        full=(image.width, image.height),
        region=None,
        picture=name,
        segmentation=_SEGMENTATION,
        palette=[color_of[cluster] for cluster in range(n_clusters)],
        groups=seg.members,
        colors=colors,
        names=seg.names,
        counts=seg.pixel_counts.tolist(),
        k=n_clusters,
        ks=(n_clusters, n_clusters),
        color_space=space.key,
        spaces=[],
        answers=0,
        stale=False,
        space=space.key,
        coordinates=space.coordinates,
        units=None if image.scale is None else ViewerUnits(*image.scale.ends),
        alt=f"Original: {name}",
        description=f"Segmentation of {name}; the table below has its clusters",
        hint="",
        pick=False,
        notify=False,
        focus="",
        outline=(),
        file=None,
        visit="",
        offline=True,
    )


def _original(image: Image, width: int) -> bytes:
    pixels, alpha = image.averaged(width)
    if alpha is not None:
        pixels = np.dstack((pixels, alpha))
    if width == image.width and len(exact := encode.webp(pixels, exact=True)) <= _MAX_EXACT:
        return exact
    return encode.webp(pixels)


def _cloud(seg: Segmentation) -> dict[str, Any]:
    drawn = cloud.color_cloud(seg, cloud.points(seg.histogram, "rgb", _N_POINTS))
    points = data_url(pack_points(drawn), _BYTES)
    # The script sets the address of Plotly, which it unpacks when the cloud comes into sight.
    return message(cloud_data(drawn, "color", seg.members, _SEGMENTATION, "cloud", "", points))


def _size(seg: Segmentation, image: Image, viewer: ViewerData) -> str:
    counted = f"All {seg.pixel_counts.sum():,} pixels were clustered"
    if seg.pixel_counts.sum() < image.width * image.height:
        others = "are transparent" if image.scale is None else "have no value"
        counted = f"{seg.pixel_counts.sum():,} pixels were clustered, the others {others}"
    full = f"{image.width:,} × {image.height:,} pixels"
    if (viewer.width, viewer.height) == (image.width, image.height):
        return f"{counted}. The picture has its full size, {full}."
    return (
        f"{counted}, and the numbers are those of all of them. The picture has {full}; it is shown "
        f"here with {viewer.width:,} × {viewer.height:,}."
    )


def _origin(seg: Segmentation, link: str, source: str) -> str:
    """HTML that leads back to where the file was made."""
    if link:
        return f'<p><a href="{html.escape(link)}">Open these settings in kmseg</a></p>'
    if seg.carried:
        return "<p>The clusters were carried over from another picture or a palette.</p>"
    reading = seg.image.reading if seg.image is not None else None
    given = () if reading is None else (reading,)
    command = seg.settings.to_command_line(source, "posix", *given).removesuffix(" --json")
    return f"<p>The command that repeats it:</p><pre>{html.escape(command)}</pre>"


def _script_json(value: object) -> str:
    """JSON that can stand in a script element."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False).replace("<", "\\u003c")


@lru_cache(maxsize=1)
def _fixed() -> dict[str, str]:
    """The parts that are the same in every file."""
    script = f"\n{bundle(*_COMPONENTS)}\n{_text('offline.js')}"
    if "</script" in script or "<!--" in script:
        raise ValueError("The script would end early in HTML.")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    parts = {name: asset(f"{name}/{name}.html") for name in _COMPONENTS}
    styles = {f"{name}_style": style_sheet(name) for name in _COMPONENTS}
    # A fixed time, so that equal segmentations give equal files.
    plotly = gzip.compress(plotly_source(), 9, mtime=0)
    return (
        parts
        | styles
        | {
            "style": _text("offline.css"),
            "script": script,
            "script_hash": f"'sha256-{digest}'",
            "plotly": base64.b64encode(plotly).decode(),
        }
    )


def _fill(parts: dict[str, str]) -> bytes:
    filled = Template(_text("offline.html")).substitute(_fixed() | parts)
    return filled.encode(errors="replace")


@lru_cache
def _text(name: str) -> str:
    return files("kmseg.ui.offline").joinpath(name).read_text(encoding="utf-8")
