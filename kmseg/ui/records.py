"""Records in a session's state."""

from __future__ import annotations

import re
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


@dataclass(frozen=True, slots=True)
class Start:
    """Where a run of k-means begins that the page steps through.

    Attributes
    ----------
    attempt : int
        Number of the attempt, from 1, whose draws are the seeds; a manual start has one.
    centroids : tuple of K tuples of D float, or None
        Centroids to begin from instead: those of another run, of which one was dragged.
    """

    attempt: int = 1
    centroids: tuple[tuple[float, ...], ...] | None = None

    @classmethod
    def parse(cls, text: str) -> Start | None:
        """Parse the form of a link; None if it is malformed.

        Empty for the first attempt, the number of another one, or centroids in hundredths of a
        unit: coordinates joined by dots, centroids by underscores, such as "1250.-300_0.7".
        """
        if not text:
            return cls()
        if re.fullmatch(r"[1-9]\d{0,3}", text, re.ASCII):
            return cls(int(text))
        if not re.fullmatch(r"-?\d{1,6}([._]-?\d{1,6}){1,764}", text, re.ASCII):
            return None
        rows = tuple(tuple(int(value) / 100 for value in row.split(".")) for row in text.split("_"))
        return cls(centroids=rows) if len({len(row) for row in rows}) == 1 else None

    def fits(self, n_clusters: int, n_columns: int) -> bool:
        """Whether a run with this many clusters and coordinates can begin here."""
        rows = self.centroids
        return rows is None or (len(rows), len(rows[0])) == (n_clusters, n_columns)
