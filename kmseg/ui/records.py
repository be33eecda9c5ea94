"""What a session's state consists of, beside numbers and text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from kmseg.picture.reading import Reading

Groups = tuple[tuple[int, ...], ...]
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class RegionRequest:
    """A part of a picture that the viewer asked to see in more detail.

    Attributes
    ----------
    picture : str
        The picture's key.
    reading : Reading
        How it was read.
    width : int
        ``Settings.width`` at which it was clustered.
    box : tuple of int
        Left, top, right and bottom, in pixels of the clustered picture; not validated.
    n_columns : int
        Pixels of the screen that it takes in width; not validated.
    """

    picture: str
    reading: Reading
    width: int
    box: Box
    n_columns: int


@dataclass(frozen=True, slots=True)
class ClusterState:
    """What a visitor made of the clusters of a segmentation, which are numbered from 0.

    Attributes
    ----------
    merges : tuple of tuple of int
        Groups of clusters that are merged.
    focus : tuple of int
        Clusters in focus.
    """

    merges: Groups = ()
    focus: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A mask or a cut-out that the viewer asked for.

    Attributes
    ----------
    kind : str
        A key of :data:`kmseg.output.export.CLUSTER_DOWNLOADS`.
    clusters : tuple of int
        Clusters before merging, numbered from 0.
    number : int
        Distinguishes this request from earlier ones.
    """

    kind: str
    clusters: tuple[int, ...]
    number: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """An uploaded file that is no picture on this page.

    Attributes
    ----------
    file : str
        Id of the file.
    name : str
    sentence : str
        Why, and what to do.
    again : str
        What may help: "" for nothing, "open" to open it again, "send" to send it again.
    """

    file: str
    name: str
    sentence: str
    again: Literal["", "open", "send"]
