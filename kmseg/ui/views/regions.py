"""The view "Objects": connected regions of the clusters, tidied, measured and listed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import streamlit as st

from kmseg.errors import RegionsError
from kmseg.output import export
from kmseg.segmentation.tidy import smallest_pixels
from kmseg.settings import FIELDS, Settings, to_hex
from kmseg.settings.scale import format_scale, parse_scale
from kmseg.ui import failures, naming, store, text
from kmseg.ui.components.objects.objects import Fillable, ObjectCluster, ObjectsData, objects
from kmseg.ui.session import Key, session
from kmseg.ui.views import download
from kmseg.ui.views.view import Place, View, ViewContext

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation

HELP: Final = """
An object is a region: pixels of one cluster that touch along their edges. Its measurements have the
names and definitions of scikit-image's `regionprops`; x and y start at 0 in the upper left.

**Smallest region**: smaller regions join the neighbour with the longest shared border, the
smallest first. In pixels, or in per cent of the picture, such as 0.05%.

**Fill holes**: what a cluster encloses becomes a part of it. A coin is a hole of the ground too, so
choose the clusters.

**Perimeter** is the length of the line through the border pixels' centres. **Eccentricity** is that
of the ellipse with the same second moments: 0 for a circle, 1 for a line.
"""


def show(context: ViewContext) -> None:
    """Draw the controls, the list of objects, and files of them."""
    try:
        found, refused = store.objects(context.picture, context.merged), ""
    except RegionsError as error:
        found, refused = store.Objects("", "", 0, 0), str(error)
    data = _data(context, found, refused)
    objects(data, failures.in_callback(_act, "Tidying"), key=Key.OBJECTS)
    smoothing = float(session.option(download.SMOOTHING.name) or export.SMOOTHING)
    st.caption("Files of all objects, whatever the filters:", help=HELP)
    with st.grid("auto", min_column_width=160, gap="small"):
        for each in (*download.of_objects(context), *export.outlines(smoothing)):
            download.button(each, context)


def _data(context: ViewContext, found: store.Objects, refused: str) -> ObjectsData:
    after, picture = context.merged, context.picture
    painted = context.seg if after.untidied is None else after  # as in the viewer
    counts = store.n_regions(picture, after)
    n_pixels = int(after.pixel_counts.sum())
    smallest = after.settings.smallest_region
    listed = replace(export.DOWNLOADS[0], suffix="_objects-listed.csv")
    return ObjectsData(
        segmentation=context.address,
        count=context.seg.n_clusters,
        labels=store.previews(picture, painted).labels,
        table=found.table,
        numbers=found.numbers,
        refused=refused,
        n=sum(counts),
        width=found.width,
        height=found.height,
        full=store.size(picture, after),
        pixels=n_pixels,
        clusters=[
            ObjectCluster(name, members, to_hex(color), count)
            for name, members, color, count in zip(
                after.names, after.members, after.palette, counts, strict=True
            )
        ],
        fillable=_fillable(after.untidied or after, after.settings),
        smallest=FIELDS["smallest_region"].kind.to_link(smallest),
        least=smallest_pixels(smallest, n_pixels),
        stated=format_scale(store.pixels_per_mm(picture, after)),
        told=_told(picture, after, sum(counts)),
        file=export.file_name(after, naming.file_name_of(picture), listed),
        answers=session.objects_answers,
        visit=session.visit,
    )


def _fillable(before: Segmentation, settings: Settings) -> list[Fillable]:
    filled = set(before.rows_of(number - 1 for number in settings.fill_holes))
    return [
        Fillable(name, to_hex(color), number, row in filled)
        for row, (name, color, number) in enumerate(
            zip(before.names, before.palette, before.numbers, strict=True)
        )
    ]


def _told(picture: store.Picture, seg: Segmentation, n: int) -> str:
    """What tidying did, such as "105 regions, 22 after tidying"."""
    if seg.untidied is None:
        return text.count(n, "region")
    before = sum(store.n_regions(picture, seg.untidied))
    return f"{text.count(before, 'region')}, {n:,} after tidying"


def _act() -> None:
    """Handle the actions that were not handled before, see :func:`objects`."""
    for action in session.event(Key.OBJECTS, "actions"):
        number = action["number"]
        if not isinstance(number, int) or number <= session.objects_answers:
            continue
        session.objects_answers = number
        match action:
            case {"what": "tidy", "smallest": str(smallest), "holes": [*holes]}:
                session.set_tidying(Settings(smallest_region=smallest, fill_holes=tuple(holes)))
            case {"what": "scale", "scale": str(scale)}:
                session.scale = format_scale(parse_scale(scale))
            case {"what": "refresh"}:
                pass  # it only needs a run


VIEW: Final = View(key="regions", title="Objects", place=Place.REGIONS, show=show)
