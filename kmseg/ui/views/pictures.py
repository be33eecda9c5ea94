"""The view "Pictures": one set of clusters on several pictures, so that shares are comparable."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from kmseg import saved
from kmseg.color import COLOR_SPACES
from kmseg.errors import SettingsError
from kmseg.picture.levels import common_levels
from kmseg.picture.reading import Reading
from kmseg.samples import SAMPLES
from kmseg.settings import to_hex
from kmseg.ui import failures, naming, store, text
from kmseg.ui.components.assets import media_url
from kmseg.ui.components.compare.compare import ComparePane, compare
from kmseg.ui.picture_names import picture_name, upload_name
from kmseg.ui.session import Key, session
from kmseg.ui.views.view import Option, Place, View, ViewContext, choose

if TYPE_CHECKING:
    from kmseg.segmentation import Codebook, Segmentation

BY: Final = Option(
    "pictures_by",
    {
        "this": "Clusters of this picture",
        "all": "One palette for all",
        "file": "Clusters of a saved file",
    },
)
# Most pictures on one page.
MAX_PICTURES: Final = 24

HELP: Final = """
Each pixel goes to the nearest of the same centroids on every picture. Numbers and colours stay, so
shares are comparable: a cluster that a picture lacks has 0%. *One palette for all* is a fit on the
pixels of all pictures taken together.
"""
FILE_HELP: Final = (
    "A settings.json of Download has the exact centroids and levels; a palette (GPL, CSS, JSON) "
    "has its rounded colours, in the colour space and channels of the settings."
)


def show(context: ViewContext) -> None:
    """Draw the choice of clusters and pictures, the pictures, and a table of shares."""
    by = choose("Clusters", BY.titles, BY.name)
    names = _chosen_pictures(context)
    with failures.shown("pictures"):
        codebook = _codebook(context, by, names)
        if codebook is None:
            return
        reading = Reading(levels=codebook.levels or "auto")
        found = _found(context, names, reading)
        shown = [(picture, store.carried(picture, codebook)) for picture in found]
        if not shown:
            st.caption("Choose pictures, or open some of your own.")
            return
        space = COLOR_SPACES[codebook.space].title
        same = f"{len(codebook.colours)} clusters in {space}, the same on every picture."
        st.caption(same, help=HELP)
        _table(shown)
        compare(
            [_pane(number, *each) for number, each in enumerate(shown, start=1)], key=Key.PICTURES
        )
        _archive([picture for picture, _ in shown], codebook)


def _found(context: ViewContext, names: list[str], reading: Reading) -> list[store.Picture]:
    """The pictures of these names that the session has."""
    return [picture for name in names if (picture := context.find(name, reading)) is not None]


def _chosen_pictures(context: ViewContext) -> list[str]:
    """Names, in a link, of the pictures to show; the open one comes first."""
    own = list(dict.fromkeys(map(upload_name, session.own_files.values())))
    titles = {name: _title(context, name) for name in own}
    titles |= {key: sample.title for key, sample in SAMPLES.items()}
    here = picture_name(context.picture.key)
    chosen = st.multiselect(
        "Pictures",
        list(titles),
        default=list(dict.fromkeys((here, *own)))[:MAX_PICTURES],
        format_func=titles.__getitem__,
        max_selections=MAX_PICTURES,
        key=f"pictures {len(own)}",
    )
    return sorted(chosen, key=lambda name: name != here)


def _title(context: ViewContext, name: str) -> str:
    picture = context.find(name, Reading())
    return name if picture is None else picture.name


def _codebook(context: ViewContext, by: str, names: list[str]) -> Codebook | None:
    if by == "all":
        reading = replace(context.picture.reading, frame=0)
        found = _found(context, names, reading)
        ends = [picture.scale for picture in found if picture.scale is not None]
        levels = common_levels((scale.low, scale.high) for scale in ends)
        if levels is not None:
            found = _found(context, names, replace(reading, levels=levels))
        if not found:
            return None
        return replace(store.pooled_codebook(found, context.seg.settings), levels=levels)
    if by == "this":
        return store.codebook(context.picture, context.merged)
    file = st.file_uploader(
        "settings.json, or a palette as GPL, CSS or JSON",
        ["json", "gpl", "css"],
        key=Key.CODEBOOK,
        help=FILE_HELP,
    )
    if file is None:
        return None
    settings = context.seg.settings
    space, channels = settings.color_space, settings.channels
    try:
        return saved.read_codebook(file.getvalue(), space=space, channels=channels)
    except SettingsError:  # saved settings have a space of their own
        return saved.read_codebook(file.getvalue())


def _pane(number: int, picture: store.Picture, seg: Segmentation) -> ComparePane:
    width, height = store.preview_size(picture, seg)
    return ComparePane(
        title=picture.name,
        lines=[f"inertia {text.power(seg.inertia)}"],
        image=media_url(store.pane(picture, seg, seg.palette), "image/png", f"carried {number}"),
        width=width,
        height=height,
        full_width=picture.width,
        colors=[to_hex(color) for color in seg.palette],
        shares=seg.shares.tolist(),
        query={},
    )


def _table(shown: list[tuple[store.Picture, Segmentation]]) -> None:
    """Shares by picture and cluster; it sorts by a click on a column, and downloads as CSV."""
    names = shown[0][1].names
    rows = {
        "Picture": [picture.name for picture, _ in shown],
        "Pixels": [int(seg.pixel_counts.sum()) for _, seg in shown],
    }
    shares = {
        f"{name} {to_hex(shown[0][1].palette[at])}": [seg.shares[at] for _, seg in shown]
        for at, name in enumerate(names)
    }
    config = {name: st.column_config.NumberColumn(format="percent") for name in shares}
    st.dataframe(rows | shares, column_config=config, hide_index=True)


def _archive(pictures: list[store.Picture], codebook: Codebook) -> None:
    named = [(naming.file_name_of(picture), picture) for picture in pictures]
    st.download_button(
        "Labels, pictures and counts of all (ZIP)",
        failures.in_download(partial(store.carried_archive, named, codebook), "ZIP of pictures"),
        f"kmseg_carried-{codebook.digest}.zip",
        "application/zip",
        on_click="ignore",
        icon=":material/folder_zip:",
    )


VIEW: Final = View(key="pictures", title="Pictures", place=Place.COMPARE, show=show, options=(BY,))
