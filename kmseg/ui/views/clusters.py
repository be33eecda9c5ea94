"""The view "Clusters": a table, largest cluster first."""

from __future__ import annotations

from typing import Final

from kmseg.output.units import cluster_units
from kmseg.ui.components.table.table import cluster_table
from kmseg.ui.views.view import Place, View, ViewContext


def show(context: ViewContext) -> None:
    """Draw the table; merged clusters share a row."""
    units = cluster_units(context.merged, context.picture.scale)
    numbers = range(context.merged.n_clusters)
    values = None if units is None else [units.summary(number) for number in numbers]
    cluster_table(context.merged, "table", context.address, values)


VIEW: Final = View(key="clusters", title="Clusters", place=Place.EXPLORE, show=show)
