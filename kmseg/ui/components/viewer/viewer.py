"""Original and segmentation at the same size, down to single pixels, painted in the browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from kmseg.ui.components.component import register

_mount = register("viewer")

Verb = Literal["mask", "cutout", "merge", "split", "focus", "k", "space"]
"""What the viewer may ask for: :func:`viewer`, ``on_action``."""


@dataclass(frozen=True, slots=True)
class ViewerRegion:
    """A part of the picture, as large as the screen shows it.

    Attributes
    ----------
    x, y, width, height : int
        Where it lies in the full picture, in pixels.
    original, labels : str
        Addresses of the part of the picture, and of its labels, see
        :mod:`kmseg.output.labelcodec`. Both may have fewer pixels than the part.
    exact : bool
        Whether the original has the part's exact pixels.
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
    """How the browser finds the preview's labels by itself: each pixel's nearest centroid.

    Attributes
    ----------
    pixels : str
        Address of the preview's exact pixels, in stripes below it.
    stripes : int
        Number i of n begins at row ``i * height // n``.
    centroids : list of K lists of D float
    columns : sequence of D int
        The coordinates of the colour space that the centroids consist of.
    checksum : int
        Of the labels, see :func:`kmseg.output.labelcodec.checksum`.
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
        Its address, and the name to save it under.
    id : str
        Differs from request to request; the browser saves each once.
    """

    url: str
    name: str
    id: str


@dataclass(frozen=True, slots=True)
class ViewerUnits:
    """The values of a gray file of more than 8 bits.

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
        What it is, in one sentence.
    """

    key: str
    title: str
    summary: str


@dataclass(frozen=True, slots=True)
class ViewerData:
    """Data sent to the viewer.

    Clusters are those before merging, groups those after it. Both count from 0.

    Attributes
    ----------
    original, labels : str
        Addresses of the preview, and of its labels, see :mod:`kmseg.output.labelcodec`.
    nearest : ViewerNearest or None
        How to do without the labels; None where they depend on more than a pixel's colour.
    width, height : int
        Size of the preview, in pixels.
    full : tuple of two int
        Width and height of what was clustered, in pixels.
    region : ViewerRegion or None
        The part in more detail that the viewer asked for.
    picture, segmentation : str
        Identify the picture and the segmentation: another picture resets the zoom, another
        segmentation the focus. The second is the segmentation's part of the address.
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
        K as it is set.
    ks : tuple of two int
        The least and the greatest K.
    color_space : str
        Key of the colour space as it is set.
    spaces : list of ViewerSpace
        Those to choose from.
    answers : int
        Number of the last change of K or colour space that the viewer has asked for; 0 before the
        first.
    stale : bool
        Whether this is an earlier segmentation than the one that is set, which failed.
    space : str
        Key of the colour space of the readout, in which the picture was clustered.
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
        Whether the server needs to know the focus.
    focus : str
        The focus that the server knows, as in the address: numbers from 1, joined by dots.
    file : ViewerFile or None
    visit : str
        Differs from session to session, such as after the server was started anew.
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
        then ``{"x", "y"}``, in parts of width and height.
    on_action : callable
        Called when the viewer asks for something. ``st.session_state[key].action`` is then
        ``{"what", "clusters"}``, with a :data:`Verb` and the clusters in focus. For ``"k"`` and
        ``"space"`` it has the new value under the same name instead, ``"number"`` to answer to, and
        ``"final"``: whether this is a choice and not a value that a drag passes.
    key : str
        ``st.session_state[key].region`` is ``[x0, y0, x1, y1, columns]`` in a run in which the
        viewer asks for a part, in pixels of the full size; it takes so many columns of the screen.
        It is an empty list if what was sent before was not found.
    """
    _mount(
        data,
        key=key,
        on_picked_change=on_pick,
        on_region_change=lambda: None,
        on_action_change=on_action,
    )
