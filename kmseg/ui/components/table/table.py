"""The clusters as a table; a click on a row puts its cluster in focus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from kmseg.color import COLOR_SPACES
from kmseg.segmentation import Segmentation
from kmseg.settings import to_hex
from kmseg.ui.components.component import register

_mount = register("table")


@dataclass(frozen=True, slots=True)
class Column:
    """A column's header.

    Attributes
    ----------
    title, help : str
        The title and its tooltip.
    kind : {"name", "hex", "share", ""}
        CSS class; empty for numbers.
    """

    title: str
    help: str
    kind: Literal["name", "hex", "share", ""] = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A cluster.

    Attributes
    ----------
    name : str
        Such as ``"1"`` or, for merged clusters, ``"2+3"``.
    group : tuple of int
        The clusters before merging, from 0.
    color : str
        Mean colour, ``"#rrggbb"``.
    pixels : int
    share : str
        Share of all clustered pixels, in percent.
    values : list of str
        Values of the other columns.
    """

    name: str
    group: tuple[int, ...]
    color: str
    pixels: int
    share: str
    values: list[str]


@dataclass(frozen=True, slots=True)
class TableData:
    """Data sent to the table.

    Attributes
    ----------
    segmentation : str
        The segmentation's part of the address; the focus belongs to it.
    count : int
        Number of clusters before merging.
    note : str
        Caption above the table.
    columns : list of Column
        Four columns, one for the file's values if it has any, and one for each coordinate.
    rows : list of Row
        The clusters, largest first unless they were carried over.
    """

    segmentation: str
    count: int
    note: str
    columns: list[Column]
    rows: list[Row]


_VALUES_HELP: Final = (
    "Mean of the cluster's pixels, with the lowest and highest in brackets, in the file's "
    "own units. Values beyond the levels count as the nearest level."
)


def cluster_table(
    seg: Segmentation, key: str, segmentation: str, values: list[str] | None = None
) -> None:
    """Show the clusters of a segmentation; see :func:`table_data`."""
    _mount(table_data(seg, segmentation, values), key=key)


def table_data(seg: Segmentation, segmentation: str, values: list[str] | None = None) -> TableData:
    """The table of a segmentation, largest cluster first unless clusters were carried over.

    Parameters
    ----------
    seg : Segmentation
        With or without merged clusters.
    segmentation : str
        The segmentation's part of the address; the focus belongs to it.
    values : list of str, optional
        Adds a column with each cluster's values in the file's own units.
    """
    space = COLOR_SPACES[seg.settings.color_space]
    names = seg.settings.coordinate_names
    columns = [
        Column("Cluster", "Click a row to put its cluster in focus", "name"),
        Column("Share", "Share of all clustered pixels", "share"),
        Column("Pixels", "Number of pixels"),
        Column("Hex", "Mean colour of the cluster's pixels", "hex"),
        *([Column("Value in the file", _VALUES_HELP)] if values else []),
        *(Column(name, f"Centroid, {name} of {space.title}") for name in names),
    ]
    clusters = zip(
        seg.names,
        seg.members,
        seg.palette,
        seg.pixel_counts,
        seg.shares,
        [[text] for text in values] if values else [[] for _ in seg.names],
        seg.centroids,
        strict=True,
    )
    rows = [
        Row(
            name=name,
            group=members,
            color=to_hex(color),
            pixels=int(pixels),
            share=f"{share:.1%}",
            values=own + [f"{value:.1f}" for value in centroid],
        )
        for name, members, color, pixels, share, own, centroid in clusters
    ]
    order = (
        "In the order of the picture or palette that they come from"
        if seg.carried
        else ("Largest first")
    )
    note = (
        f"{order}; a click puts a cluster in focus. The centroids, on the right, are in "
        f"{space.title}."
    )
    return TableData(segmentation, sum(map(len, seg.members)), note, columns, rows)
