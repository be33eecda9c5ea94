"""Original and segmentation at the same size, down to single pixels, painted in the browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from kmseg.ui.components.component import register

_mount = register("viewer")

ClusterVerb = Literal["mask", "cutout", "merge", "split", "focus"]
Verb = Literal[ClusterVerb, "k", "space", "pick", "region", "outline", "refresh"]
"""The viewer's actions, see ``on_actions`` of :func:`viewer`."""


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
    outline : sequence of pairs of float
        Corners of the region of interest, as fractions of the picture's width and height: two of a
        rectangle, or more of a polygon; empty for the whole picture.
    file : ViewerFile or None
    visit : str
        Identifier of the session; it changes when the server is restarted.
    offline : bool
        Whether there is no server, as in a saved page: what needs one is hidden.
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
    outline: Sequence[Sequence[float]]
    file: ViewerFile | None
    visit: str
    offline: bool = False


def viewer(data: ViewerData, on_actions: Callable[[], None], key: str = "viewer") -> None:
    """Show a picture and its segmentation.

    Layout, paint, zoom and focus change in the browser, without a message to the server.

    Parameters
    ----------
    data : ViewerData
    on_actions : callable
        Called when the viewer sends actions. ``st.session_state[key].actions`` is then a list of
        dictionaries, ordered by their increasing ``"number"``. An action is sent again
        with later ones until ``data.answers`` reaches its number. ``"what"`` is a :data:`Verb`:

        - ``"k"`` or ``"space"``: under the same name the new value; and ``"final"``, which is false
          for intermediate values of a drag.
        - ``"pick"``, a click on the original, if ``data.pick``: ``"x"`` and ``"y"`` as fractions of
          width and height.
        - ``"region"``, to show a region in more detail: ``"box"``, its left, top, right and bottom
          in pixels of the full size; and ``"columns"``, its width on the screen in device pixels.
        - ``"outline"``, another region of interest: ``"corners"``, as in ``data.outline``.
        - ``"refresh"``, because an address sent before was not found: no more keys.
        - a :data:`ClusterVerb`: ``"clusters"``, those in focus, and their ``"segmentation"``, which
          is ``data.segmentation`` of the segmentation that is displayed.
    key : str
    """
    _mount(data, key=key, on_actions_change=on_actions)
