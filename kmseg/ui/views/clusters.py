"""The view "Clusters": a table, largest cluster first."""

from __future__ import annotations

from typing import Final

from kmseg.ui import store
from kmseg.ui.components.table.table import cluster_table
from kmseg.ui.views.view import Group, View, ViewContext


def show(context: ViewContext) -> None:
    """Draw the table; merged clusters are one row."""
    values = store.file_values(context.picture, context.merged)
    cluster_table(context.merged, "table", context.address, values)


VIEW: Final = View(key="clusters", title="Clusters", group=Group.EXPLORE, show=show)
