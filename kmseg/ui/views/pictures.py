"""The view "Pictures": one set of clusters on several pictures, so that shares are comparable."""

from __future__ import annotations

import base64
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

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
from kmseg.ui.shortening import MAX_CODEBOOK
from kmseg.ui.views.view import Option, Place, View, ViewContext, choose

if TYPE_CHECKING:
    from kmseg.segmentation import Codebook, Segmentation
    from kmseg.settings import Settings

BY: Final = Option(
    "pictures_by",
    {
        "this": "Clusters of this picture",
        "all": "One palette for all",
        "file": "Kept clusters",
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
KEEP_HELP: Final = (
    "Kept clusters stay the same whatever the settings are, and are in the link: somebody else can "
    "use them on pictures of their own."
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
        left, right = st.columns([3, 1], vertical_alignment="center")
        left.caption(same, help=HELP)
        if by != "file":
            right.button(
                "Keep these clusters",
                key="keep",
                on_click=partial(_keep, codebook),
                help=KEEP_HELP,
                width="stretch",
            )
        elif len(session.kept) > MAX_CODEBOOK:
            left.caption("These clusters are too many for a link: hand on the file instead.")
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
        reading = replace(context.picture.reading.whole, frame=0)
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
    st.file_uploader(
        "settings.json, or a palette as GPL, CSS or JSON",
        ["json", "gpl", "css"],
        key=Key.CODEBOOK,
        on_change=failures.in_callback(partial(_keep_file, context.seg.settings), "Kept clusters"),
        help=FILE_HELP,
    )
    return saved.unpacked(session.kept) if session.kept else None


def _keep(codebook: Codebook) -> None:
    session.kept = saved.packed(codebook)
    session.set_option(BY.name, "file")


def _keep_file(settings: Settings) -> None:
    """Keep the clusters of the uploaded file; a palette's are in the space of the settings."""
    file = session.uploaded(Key.CODEBOOK)
    if file is None:
        return
    space, channels = settings.color_space, settings.channels
    try:
        codebook = saved.read_codebook(file.getvalue(), space=space, channels=channels)
    except SettingsError:  # saved settings have a space of their own
        codebook = saved.read_codebook(file.getvalue())
    session.kept = saved.packed(codebook)


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
    rows: dict[str, list[object]] = {
        "Segmentation": [_data_address(store.thumbnail(*each)) for each in shown],
        "Picture": [picture.name for picture, _ in shown],
        "Pixels": [int(seg.pixel_counts.sum()) for _, seg in shown],
    }
    shares = {
        f"{name} {to_hex(shown[0][1].palette[at])}": [seg.shares[at] for _, seg in shown]
        for at, name in enumerate(names)
    }
    config: dict[str, Any] = {"Segmentation": st.column_config.ImageColumn()}
    config |= {name: st.column_config.NumberColumn(format="percent") for name in shares}
    st.dataframe(rows | shares, column_config=config, hide_index=True)


def _data_address(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def _archive(pictures: list[store.Picture], codebook: Codebook) -> None:
    """Make the files of all pictures when a button is pressed, and say how far that is."""
    if not st.button(
        "Make a ZIP of all: labels, pictures and counts", key="zip", icon=":material/folder_zip:"
    ):
        return
    named = [(naming.file_name_of(picture), picture) for picture in pictures]
    bar = st.progress(0.0)

    def advance(done: int) -> None:
        bar.progress(done / len(named), f"Picture {done + 1} of {len(named)}")

    content = store.carried_archive(named, codebook, advance)
    bar.empty()
    st.download_button(
        f"Download the ZIP ({len(content) / 1e6:.1f} MB)",
        content,
        f"kmseg_carried-{codebook.digest}.zip",
        "application/zip",
        on_click="ignore",
        icon=":material/download:",
        type="primary",
    )


VIEW: Final = View(key="pictures", title="Pictures", place=Place.COMPARE, show=show, options=(BY,))
