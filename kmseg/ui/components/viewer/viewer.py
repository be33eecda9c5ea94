"""Original and segmentation at the same size, down to single pixels, painted in the browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from kmseg.ui.components.component import register

_mount = register("viewer")

Verb = Literal["mask", "cutout", "merge", "split", "focus", "k", "space"]
"""The viewer's actions, see ``on_action`` of :func:`viewer`."""


@dataclass(frozen=True, slots=True)
class ViewerRegion:
    """A region of the picture at the resolution of the screen.

    Attributes
    ----------
    x, y, width, height : int
        Position and size in the full picture, in pixels.
    original, labels : str
        Addresses of the region's pixels and of its labels, see :mod:`kmseg.output.labelcodec`.
        Both may be reduced.
    exact : bool
        Whether the original is lossless and not reduced.
    """

    x: int
    y: int
    width: int
    height: int
    original: str
    labels: str
    exact: bool


@dataclass(frozen=True, slots=True)
class ViewerNearest:
    """Data with which the browser computes the preview's labels: each pixel's nearest centroid.

    Attributes
    ----------
    pixels : str
        Base address of the preview's exact pixels, which are sent in stripes.
    stripes : int
        Number of stripes n; stripe i begins at row ``i * height // n``.
    centroids : list of K lists of D float
    columns : sequence of D int
        Indices of the clustered coordinates of the colour space.
    checksum : int
        :func:`kmseg.output.labelcodec.checksum` of the labels.
    """

    pixels: str
    stripes: int
    centroids: list[list[float]]
    columns: Sequence[int]
    checksum: int


@dataclass(frozen=True, slots=True)
class ViewerFile:
    """A file that the browser saves.

    Attributes
    ----------
    url, name : str
        Address, and name of the saved file.
    id : str
        Identifier of the request; the browser saves each request's file once.
    """

    url: str
    name: str
    id: str


@dataclass(frozen=True, slots=True)
class ViewerUnits:
    """The values of a gray file with more than 8 bits.

    Attributes
    ----------
    black, white : float
        The values of levels 0 and 255; the levels between are spaced evenly.
    decimals : int
        Decimals that 256 levels can distinguish.
    """

    black: float
    white: float
    decimals: int


@dataclass(frozen=True, slots=True)
class ViewerSpace:
    """A colour space that can be chosen.

    Attributes
    ----------
    key, title : str
        As in :data:`kmseg.color.COLOR_SPACES`.
    summary : str
        One-sentence description.
    """

    key: str
    title: str
    summary: str


@dataclass(frozen=True, slots=True)
class ViewerData:
    """Data sent to the viewer.

    "Clusters" are those before merging, "groups" those after it. Both are numbered from 0.

    Attributes
    ----------
    original, labels : str
        Addresses of the preview and of its labels, see :mod:`kmseg.output.labelcodec`.
    nearest : ViewerNearest or None
        Data to compute the labels from; None if they depend on more than a pixel's colour.
    width, height : int
        Size of the preview, in pixels.
    full : tuple of two int
        Width and height of the clustered picture, in pixels.
    region : ViewerRegion or None
        The region that the viewer requested in more detail.
    picture, segmentation : str
        Identifiers: a new picture resets the zoom, a new segmentation the focus. ``segmentation``
        is the segmentation's part of the address.
    palette : list of K str
        Colour of each cluster, ``"#rrggbb"``.
    groups : sequence of G sequences of int
        The clusters of each group.
    colors : list of G str
        Colour of each group, ``"#rrggbb"``.
    names : list of G str
    counts : list of G int
        Pixels of each group at full size.
    k : int
        The chosen K.
    ks : tuple of two int
        The least and the greatest K.
    color_space : str
        Key of the chosen colour space.
    spaces : list of ViewerSpace
        The colour spaces that can be chosen.
    answers : int
        Number of the last change of K or colour space that the server received; 0 before the first.
    stale : bool
        Whether this is an earlier segmentation because the chosen one failed.
    space : str
        Key of the colour space of the readout, which is that of the clustering.
    coordinates : sequence of str
        Names of the space's coordinates.
    units : ViewerUnits or None
        The file's own values for the readout.
    alt, description : str
        Text alternatives of the original and of the segmentation.
    hint : str
        Text after the caption "Original".
    pick : bool
        Whether a click on the original picks a starting colour.
    notify : bool
        Whether the browser reports every change of focus to the server.
    focus : str
        The focus last reported to the server, as in the address: numbers from 1, joined by dots.
    file : ViewerFile or None
    visit : str
        Identifier of the session; it changes when the server is restarted.
    """

    original: str
    labels: str
    nearest: ViewerNearest | None
    width: int
    height: int
    full: tuple[int, int]
    region: ViewerRegion | None
    picture: str
    segmentation: str
    palette: list[str]
    groups: Sequence[Sequence[int]]
    colors: list[str]
    names: list[str]
    counts: list[int]
    k: int
    ks: tuple[int, int]
    color_space: str
    spaces: list[ViewerSpace]
    answers: int
    stale: bool
    space: str
    coordinates: Sequence[str]
    units: ViewerUnits | None
    alt: str
    description: str
    hint: str
    pick: bool
    notify: bool
    focus: str
    file: ViewerFile | None
    visit: str


def viewer(
    data: ViewerData,
    on_pick: Callable[[], None],
    on_action: Callable[[], None],
    key: str = "viewer",
) -> None:
    """Show a picture and its segmentation.

    Layout, paint, zoom and focus change in the browser, without a message to the server.

    Parameters
    ----------
    data : ViewerData
    on_pick : callable
        Called after a click on the original, if ``data.pick``. ``st.session_state[key].picked`` is
        then ``{"x", "y"}``, as fractions of width and height.
    on_action : callable
        Called for each action of the viewer. ``st.session_state[key].action`` is then ``{"what",
        "clusters"}``, with a :data:`Verb` and the clusters in focus. For ``"k"`` and ``"space"``,
        it has instead the new value under the same name; ``"number"``, which ``answers`` returns;
        and ``"final"``, which is false for intermediate values of a drag.
    key : str
        ``st.session_state[key].region`` is ``[x0, y0, x1, y1, columns]`` in a run in which the
        viewer requests a region: its box in pixels of the full size, and its width on the screen in
        device pixels. It is an empty list if an address sent before was not found.
    """
    _mount(
        data,
        key=key,
        on_picked_change=on_pick,
        on_region_change=lambda: None,
        on_action_change=on_action,
    )
