"""A list of objects, the regions of the viewer's segmentation, with filters and tidying."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kmseg.ui.components.component import register

_mount = register("objects")


@dataclass(frozen=True, slots=True)
class ObjectCluster:
    """A cluster whose regions are listed.

    Attributes
    ----------
    name : str
        Such as ``"1"`` or, for merged clusters, ``"2+3"``.
    members : sequence of int
        The clusters before merging and tidying, from 0.
    color : str
        Mean colour, ``"#rrggbb"``.
    count : int
        Number of its regions.
    """

    name: str
    members: Sequence[int]
    color: str
    count: int


@dataclass(frozen=True, slots=True)
class Fillable:
    """A cluster before tidying, whose holes may be filled.

    Attributes
    ----------
    name, color : str
        As in :class:`ObjectCluster`.
    number : int
        Its number in ``Settings.fill_holes``.
    filled : bool
        Whether its holes are filled.
    """

    name: str
    color: str
    number: int
    filled: bool


@dataclass(frozen=True, slots=True)
class ObjectsData:
    """Data sent to the browser.

    Attributes
    ----------
    segmentation : str
        The segmentation's part of the address, to which the focus belongs.
    count : int
        Number of clusters before merging.
    labels : str
        Address of the viewer's labels, to which the objects belong.
    table, numbers : str
        Addresses of the objects, see :mod:`kmseg.output.objectcodec`; empty if they are refused.
    refused : str
        Why; empty if they are not.
    n : int
        Number of objects.
    width, height : int
        Size of the preview, in pixels.
    full : tuple of two int
        Width and height of the picture, in pixels.
    pixels : int
        Number of pixels that are clustered.
    clusters : list of ObjectCluster
        In the order of the table's cluster numbers.
    fillable : list of Fillable
    smallest : str
        The smallest region as in a link.
    least : int
        The same in pixels.
    stated : str
        Pixels per mm that the picture's file states, as in a link; empty if it states none.
    told : str
        What tidying did.
    file : str
        Name of the file of listed objects.
    answers : int
        Number of the last action that the server handled; 0 before the first.
    visit : str
        Identifier of the session; it changes when the server is restarted.
    """

    segmentation: str
    count: int
    labels: str
    table: str
    numbers: str
    refused: str
    n: int
    width: int
    height: int
    full: tuple[int, int]
    pixels: int
    clusters: list[ObjectCluster]
    fillable: list[Fillable]
    smallest: str
    least: int
    stated: str
    told: str
    file: str
    answers: int
    visit: str


def objects(data: ObjectsData, on_actions: Callable[[], None], key: str) -> None:
    """List objects, and offer to tidy.

    Filters and order change in the browser, without a message to the server.

    Parameters
    ----------
    data : ObjectsData
    on_actions : callable
        Called when the list sends actions, as the viewer does. ``"what"`` is

        - ``"tidy"``: ``"smallest"`` as in a link, ``"holes"``, a list of numbers as in
          ``Fillable.number``, and ``"final"``, which is false for intermediate values of a drag;
        - ``"scale"``: ``"scale"`` as in a link, for the files of all objects;
        - ``"refresh"``, because an address sent before was not found.
    key : str
    """
    _mount(data, key=key, on_actions_change=on_actions)
