"""Records in a session's state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from kmseg.picture.reading import Reading

Groups = tuple[tuple[int, ...], ...]
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class RegionRequest:
    """The viewer's request for a region of a picture in more detail.

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
        Width of the region on the screen, in device pixels; not validated.
    """

    picture: str
    reading: Reading
    width: int
    box: Box
    n_columns: int


@dataclass(frozen=True, slots=True)
class ClusterState:
    """A segmentation's merged and focused clusters, numbered from 0.

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
    """The viewer's request for a mask or a cut-out.

    Attributes
    ----------
    kind : str
        A key of :data:`kmseg.output.export.CLUSTER_DOWNLOADS`.
    clusters : tuple of int
        Clusters before merging, numbered from 0.
    number : int
        Unique number of the request.
    """

    kind: str
    clusters: tuple[int, ...]
    number: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """An uploaded file that was refused.

    Attributes
    ----------
    file : str
        Id of the file.
    name : str
    sentence : str
        The reason, and what to do.
    again : str
        What "Try again" does: "open" it again, "send" it again, or "" if neither would help.
    """

    file: str
    name: str
    sentence: str
    again: Literal["", "open", "send"]
