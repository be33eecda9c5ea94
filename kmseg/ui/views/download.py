"""The view "Take away": files, made when they are asked for, and code to repeat the result."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import streamlit as st

from kmseg.output import export
from kmseg.ui import failures
from kmseg.ui.store import cache
from kmseg.ui.views.view import Context, Group, View

# Stands for the picture's path in the command and the script.
_FILE_NAME: Final = "picture.png"


def show(context: Context) -> None:
    """Draw a button for each file, and the command and the script."""
    seg, settings = context.merged, context.seg.settings
    st.caption(
        "At the full size that was clustered. Transparent pixels stay transparent; numbers, "
        "colours and order are those of the table."
    )
    archive, *files = _files(context)
    with st.grid("auto", min_column_width=220, gap="small"):
        _button(archive, context, icon=":material/folder_zip:")
        for file in files:
            _button(file, context)
    focused = list(_files_of_focus(context))
    if focused:
        with st.container(horizontal=True):
            for file in focused:
                _button(file, context)
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


def _files(context: Context) -> list[export.File]:
    """The archive, then the files in it but the masks."""
    arguments = context.merged, context.picture.name, context.focus
    return [export.archive(*arguments), *export.files(*arguments)]


def _files_of_focus(context: Context) -> Iterator[export.File]:
    """Mask and cut-out of the clusters that are wholly in focus; none if there are none."""
    focus = set(context.focus)
    chosen = [n for n, members in enumerate(context.merged.members) if focus.issuperset(members)]
    if chosen:
        yield export.mask_file(context.merged, context.picture.name, *chosen)
        yield export.cutout_file(context.merged, context.picture.name, *chosen)


def _button(file: export.File, context: Context, icon: str | None = None) -> None:
    make = partial(cache.file, context.picture, context.merged, file)
    st.download_button(
        file.title,
        failures.in_download(make, file.title),
        file.name,
        file.mime,
        on_click="ignore",
        key=f"download {file.title}",
        width="stretch",
        icon=icon,
    )


VIEW: Final = View(
    key="take-away", title="Take away", group=Group.DOWNLOAD, show=show, needs_focus=True
)
