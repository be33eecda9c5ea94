"""The view "Files": files to download, made on request."""

from __future__ import annotations

from functools import partial
from typing import Final

import streamlit as st

from kmseg.output import export
from kmseg.ui import failures, naming, store
from kmseg.ui.views.view import Place, View, ViewContext


def show(context: ViewContext) -> None:
    """Draw a button for each file."""
    seg = context.merged
    st.caption(
        "Files have the full size of the clustered picture, except figure and animations. An "
        "animation shows plain Lloyd at work, and takes a few seconds. Transparent pixels "
        "stay transparent. Cluster numbers and colours are those of the table."
    )
    _button(export.ARCHIVE, context, icon=":material/folder_zip:")
    for group in export.Group:
        st.markdown(f"**{group}**")
        with st.grid("auto", min_column_width=220, gap="small"):
            for download in export.DOWNLOADS:
                if download.group == group:
                    _button(download, context)
            focused = _wholly_in_focus(context) if group == export.Group.LABELS else []
            if focused:
                for make in export.CLUSTER_DOWNLOADS.values():
                    _button(make(seg, *focused), context)
        if group == export.Group.LABELS and not focused:
            st.caption(
                "For the mask or cut-out of some clusters, click them in the picture first. The "
                "ZIP has a mask of every cluster."
            )


def _wholly_in_focus(context: ViewContext) -> list[int]:
    """Numbers of the merged clusters whose members are all in focus."""
    focus = set(context.focus)
    return [n for n, members in enumerate(context.merged.members) if focus.issuperset(members)]


def _button(download: export.Download, context: ViewContext, icon: str | None = None) -> None:
    seg, picture = context.merged, context.picture
    name = naming.file_name_of(picture)
    make = partial(store.file, picture, seg, download, export.Context(name, context.focus))
    st.download_button(
        download.title,
        failures.in_download(make, download.title),
        export.file_name(seg, name, download),
        download.mime,
        on_click="ignore",
        key=f"download {download.key}",
        width="stretch",
        icon=icon,
    )


VIEW: Final = View(key="download", title="Files", place=Place.DOWNLOAD, show=show, needs_focus=True)
