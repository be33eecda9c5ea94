"""The view "Files": files to download, made on request."""

from __future__ import annotations

from functools import partial
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import streamlit as st

from kmseg.output import export
from kmseg.samples import SAMPLES
from kmseg.settings import SAMPLE_PREFIX
from kmseg.settings.scale import parse_scale
from kmseg.ui import failures, naming, offline, store
from kmseg.ui.groups import spelled
from kmseg.ui.session import session
from kmseg.ui.shortening import shortened
from kmseg.ui.views.view import Option, Place, View, ViewContext, choose

# The longest side of the picture in a saved page, in pixels.
PAGE_SIDE: Final = Option(
    "page_side", {str(side): f"{side:,} pixels" for side in (offline.SIDE, 1024, 4096)}
)
# Smoothing of outlines.
SMOOTHING: Final = Option(
    "smoothing",
    {str(export.SMOOTHING): "0.4 pixels", "1": "1 pixel", "2": "2 pixels", "0": "none"},
)


def show(context: ViewContext) -> None:
    """Draw a button for each file."""
    seg = context.merged
    st.caption(
        "Files have the full size of the clustered picture, except page, figure and animations. An "
        "animation shows plain Lloyd at work, and takes a few seconds. Transparent pixels "
        "stay transparent. Cluster numbers and colours are those of the table."
    )
    button(export.ARCHIVE, context, icon=":material/folder_zip:")
    for group in export.Group:
        if group == export.Group.PAGE:
            _page(context)
            continue
        st.markdown(f"**{group}**")
        downloads = tuple(each for each in export.DOWNLOADS if each.group == group)
        if group == export.Group.OUTLINES:
            downloads = export.outlines(_smoothing())
        elif group == export.Group.OBJECTS:
            downloads = of_objects(context)
        with st.grid("auto", min_column_width=220, gap="small"):
            for download in downloads:
                button(download, context)
            focused = _wholly_in_focus(context) if group == export.Group.LABELS else []
            if focused:
                for make in export.CLUSTER_DOWNLOADS.values():
                    button(make(seg, *focused), context)
        if group == export.Group.LABELS and not focused:
            st.caption(
                "For the mask or cut-out of some clusters, click them in the picture first. The "
                "ZIP has a mask of every cluster."
            )


def of_objects(context: ViewContext) -> tuple[export.Download, ...]:
    """Files of objects, with the scale of the link."""
    key = context.picture.key
    # As a saved page, a report does not name the file of an upload.
    source = f"{SAMPLE_PREFIX}{key}" if key in SAMPLES else "PICTURE"
    made = {each.key: each for each in export.with_scale(parse_scale(session.scale), source)}
    return tuple(
        made.get(each.key, each) for each in export.DOWNLOADS if each.group == export.Group.OBJECTS
    )


def _smoothing() -> float:
    """Draw the choice of the smoothing of outlines; returns it in pixels."""
    st.caption(
        "Drawings for Inkscape, QuPath and the like: neighbours share their borders, without gaps "
        "or overlaps. Smoothing turns staircases of pixels into lines. No region disappears, and "
        "areas in the file are those before smoothing."
    )
    return float(choose("Smoothing", SMOOTHING.titles, SMOOTHING.name, labelled=True))


def _page(context: ViewContext) -> None:
    """Draw the choice of a size, and the button for the page in one file."""
    st.markdown(f"**{export.Group.PAGE}**")
    st.caption(
        "One HTML file with the pictures, the clusters and the colour cloud, to show somebody a "
        "picture of your own. A double click opens it, and it needs no connection. The camera's "
        "data, such as place and time, are not in it."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        title = "Longest side of the picture in the file"
        side = choose(title, PAGE_SIDE.titles, PAGE_SIDE.name, labelled=True)
        button(offline.page(int(side), link=_link(context)), context)


def _link(context: ViewContext) -> str:
    """The address of this page with the settings; empty if the browser did not send it."""
    if not st.context.url:
        return ""
    query = dict(parse_qsl(context.address, keep_blank_values=True))
    query |= context.merged.settings.to_query()
    if context.picture.key not in SAMPLES:
        query["picture"] = "upload"  # any upload: the reader has another file
    merged = context.merged.untidied or context.merged
    query["merge"] = spelled(tuple(own for own in merged.members if len(own) > 1))
    page = urlsplit(st.context.url)
    path = f"{page.path.rstrip('/')}/"
    return page._replace(path=path, query=urlencode(shortened(query)), fragment="").geturl()


def _wholly_in_focus(context: ViewContext) -> list[int]:
    """Numbers of the merged clusters whose members are all in focus."""
    focus = set(context.focus)
    return [n for n, members in enumerate(context.merged.members) if focus.issuperset(members)]


def button(download: export.Download, context: ViewContext, icon: str | None = None) -> None:
    """Draw the button for a file."""
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


VIEW: Final = View(
    key="download",
    title="Files",
    place=Place.DOWNLOAD,
    show=show,
    options=(PAGE_SIDE, SMOOTHING),
    needs_focus=True,
)
