"""The view "Take away": files, made when they are asked for, and code to repeat the result."""

from __future__ import annotations

from functools import partial
from typing import Final

import streamlit as st

from kmseg.output import export
from kmseg.ui import failures
from kmseg.ui.store import cache
from kmseg.ui.views.view import Group, View, ViewContext

# Stands for the picture's path in the command and the script.
_FILE_NAME: Final = "picture.png"


def show(context: ViewContext) -> None:
    """Draw a button for each file, and the command and the script."""
    seg, settings = context.merged, context.seg.settings
    st.caption(
        "At the full size that was clustered. Transparent pixels stay transparent; numbers, "
        "colours and order are those of the table."
    )
    with st.grid("auto", min_column_width=220, gap="small"):
        _button(export.ARCHIVE, context, icon=":material/folder_zip:")
        for download in export.DOWNLOADS:
            _button(download, context)
    if focused := _wholly_in_focus(context):
        with st.container(horizontal=True):
            for make in export.CLUSTER_DOWNLOADS.values():
                _button(make(seg, *focused), context)
    else:
        st.caption(
            "Click clusters in the picture to put them in focus: then their mask and their cut-out "
            "can be taken too. The archive has a mask of each."
        )
    if seg.merges:
        st.caption("Merged clusters are in the files and in the link, not in these:")
    repeat, script = st.columns(2)
    with repeat:
        st.markdown("**The same on the command line**")
        st.code(settings.to_command_line(_FILE_NAME), language="bash", wrap_lines=True)
    with script:
        st.markdown("**The same in Python**")
        st.code(settings.to_python(_FILE_NAME), language="python")


def _wholly_in_focus(context: ViewContext) -> list[int]:
    """Numbers of the merged clusters whose every member is in focus."""
    focus = set(context.focus)
    return [n for n, members in enumerate(context.merged.members) if focus.issuperset(members)]


def _button(download: export.Download, context: ViewContext, icon: str | None = None) -> None:
    seg, picture = context.merged, context.picture
    make = partial(cache.file, picture, seg, download, export.Context(picture.name, context.focus))
    st.download_button(
        download.title,
        failures.in_download(make, download.title),
        export.file_name(seg, picture.name, download),
        download.mime,
        on_click="ignore",
        key=f"download {download.key}",
        width="stretch",
        icon=icon,
    )


VIEW: Final = View(
    key="take-away", title="Take away", group=Group.DOWNLOAD, show=show, needs_focus=True
)
