"""The viewer of original and segmentation: sends its data and handles its events."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import Any, Final

from kmseg.color import COLOR_SPACES, offered
from kmseg.errors import KmsegError
from kmseg.output import export
from kmseg.segmentation import Segmentation
from kmseg.settings import PAGE_RANGES, to_hex
from kmseg.ui import failures, link, store
from kmseg.ui.components.assets import media_url
from kmseg.ui.components.viewer.viewer import (
    ViewerData,
    ViewerFile,
    ViewerNearest,
    ViewerRegion,
    ViewerSpace,
    ViewerUnits,
    viewer,
)
from kmseg.ui.controls import part, starts
from kmseg.ui.groups import spelled
from kmseg.ui.naming import file_name_of
from kmseg.ui.records import FileRequest, RegionRequest
from kmseg.ui.session import Key, session
from kmseg.ui.text import count, percent

# Delay in seconds between a new segmentation and the rest of the page, so that the browser fetches
# and paints the segmentation first. Messages that arrive within 10 ms share one layout, of which
# the table takes the most time.
HEAD_START: Final = 0.05


def show(picture: store.Picture, seg: Segmentation, merged: Segmentation, notify: bool) -> None:
    """Draw the viewer.

    Parameters
    ----------
    picture : Picture
    seg, merged : Segmentation
        Before and after clusters were merged and tidied.
    notify : bool
        Whether the browser reports every change of focus to the server.
    """
    errors: dict[str, KmsegError] = {}
    region = file = None
    # Merging changes no label that the browser has, as it groups clusters itself.
    painted = seg if merged.untidied is None else merged
    with failures.collected(errors, "region"):
        region = _region(picture, painted)
    wanted_file, session.file = session.file, None
    with failures.collected(errors, "file"):
        file = _requested_file(picture, painted, wanted_file)
    data = _data(picture, seg, merged, region, file, notify)
    session.sent = data
    _draw(data, picture)
    retries = {"file": partial(_request_file, wanted_file)}
    for place, error in errors.items():  # shown below the viewer, so that it does not move
        failures.report(error, place, retries.get(place))
    _give_head_start(picture, painted)


def _give_head_start(picture: store.Picture, seg: Segmentation) -> None:
    sent = picture.key, picture.reading, seg.settings
    if session.shown != sent:
        session.shown = sent
        time.sleep(HEAD_START)


def show_again() -> None:
    """Draw the last viewer again after a failure, so that its controls stay available."""
    data, shown = session.sent, session.shown
    if not isinstance(data, ViewerData) or shown is None:
        return
    if shown[:2] == (session.picture, session.reading(session.picture)):
        _draw(replace(data, **_settings(), stale=True, pick=False, file=None))


def dragging() -> bool:
    """Whether this run shows an intermediate value of a drag, which the address leaves out."""
    keys = (Key.VIEWER, Key.OBJECTS)
    actions = [action for key in keys for action in session.event(key, "actions") or []]
    return [action["final"] for action in actions if "final" in action][-1:] == [False]


def _draw(data: ViewerData, picture: store.Picture | None = None) -> None:
    """Draw the viewer; clicks on the original need its picture."""
    viewer(data, on_actions=partial(_act, len(data.palette), picture))


def _settings() -> dict[str, Any]:
    """The fields of the viewer's data that depend on the controls."""
    return {
        "k": session.n_clusters,
        "color_space": session.color_space,
        "spaces": [
            ViewerSpace(space.key, space.title, space.summary)
            for space in offered(session.color_space)
        ],
        "answers": session.answers,
    }


def _data(
    picture: store.Picture,
    seg: Segmentation,
    merged: Segmentation,
    region: ViewerRegion | None,
    file: ViewerFile | None,
    notify: bool,
) -> ViewerData:
    previews = store.previews(picture, seg if merged.untidied is None else merged)
    full = store.size(picture, seg)
    manual = seg.settings.init == "manual"
    space = COLOR_SPACES[seg.settings.color_space]
    return ViewerData(
        **_settings(),
        visit=session.visit,
        original=previews.original,
        labels=previews.labels,
        nearest=_nearest(previews),
        width=previews.width,
        height=previews.height,
        full=full,
        region=region,
        picture=f"{picture.key} {full}",  # pages of a file share it, so the zoom is kept
        segmentation=link.address(picture.key, picture.reading, seg.settings),
        palette=[to_hex(color) for color in seg.palette],
        groups=merged.members,
        colors=[to_hex(color) for color in merged.palette],
        names=merged.names,
        counts=merged.pixel_counts.tolist(),
        ks=PAGE_RANGES["n_clusters"],
        stale=False,
        space=space.key,
        coordinates=space.coordinates,
        units=picture.units and ViewerUnits(*picture.units),
        alt=f"Original: {picture.name}",
        description=_description(picture, merged),
        hint=f" · a click sets starting colour {session.start_slot}" if manual else "",
        pick=manual,
        notify=notify,
        focus=spelled((session.focus,)),
        outline=[(x / picture.width, y / picture.height) for x, y in picture.reading.region],
        file=file,
    )


def _description(picture: store.Picture, merged: Segmentation) -> str:
    shares = ", ".join(
        f"{to_hex(color)} {percent(share)}"
        for color, share in zip(merged.palette[:6], merged.shares[:6], strict=True)
    )
    clusters = count(merged.n_clusters, "cluster")
    return f"Segmentation of {picture.name} into {clusters}: {shares}"


def _nearest(previews: store.Previews) -> ViewerNearest | None:
    found = previews.nearest
    if found is None:
        return None
    return ViewerNearest(
        pixels=found.pixels,
        stripes=store.N_STRIPES,
        centroids=found.centroids.tolist(),
        columns=found.columns,
        checksum=found.checksum,
    )


def _region(picture: store.Picture, seg: Segmentation) -> ViewerRegion | None:
    """The region that the viewer requested last, if it is of the same picture."""
    wanted = session.region
    shown = picture.key, picture.reading, seg.settings.width
    if wanted is None or (wanted.picture, wanted.reading, wanted.width) != shown:
        return None
    region = store.region(picture, seg, wanted.box, wanted.n_columns)
    left, top, right, bottom = region.box
    return ViewerRegion(
        x=left,
        y=top,
        width=right - left,
        height=bottom - top,
        original=region.original,
        labels=region.labels,
        exact=region.exact,
    )


def _act(n_clusters: int, picture: store.Picture | None) -> None:
    """Handle the viewer's actions that were not handled before, see :func:`viewer`.

    Parameters
    ----------
    n_clusters : int
        Number of clusters of the viewer's segmentation before merging.
    picture : Picture or None
    """
    for action in session.event(Key.VIEWER, "actions"):
        number = action["number"]
        if not isinstance(number, int) or number <= session.answers:
            continue
        session.answers = number
        match action:
            case {"what": "k", "k": int(k)}:
                least, most = PAGE_RANGES["n_clusters"]
                session.n_clusters = min(max(k, least), most)
            case {"what": "space", "space": str(space)} if space in COLOR_SPACES:
                session.color_space = space
            case {"what": "pick", "x": x, "y": y} if picture is not None:
                pick = partial(starts.pick, picture, x, y)
                failures.in_callback(pick, "Starting colour")()
            case {"what": "outline", "corners": [*corners]} if picture is not None:
                draw = partial(part.draw_region, picture, corners)
                failures.in_callback(draw, "Region")()
            case {"what": "region", "box": box, "columns": int(n_columns)}:
                _request_region(box, n_columns)
            case {"what": "refresh"}:
                pass  # it only needs a run
            case {"clusters": clusters, "segmentation": shown} if shown == session.segmentation:
                chosen = {c for c in clusters if isinstance(c, int) and 0 <= c < n_clusters}
                link.leave_out_missing(n_clusters)
                _act_on_clusters(action["what"], chosen)


def _request_region(box: list[Any], n_columns: int) -> None:
    if session.shown is None or len(box) != 4 or not all(isinstance(n, int) for n in box):
        return
    picture, reading, settings = session.shown
    session.region = RegionRequest(picture, reading, settings.width, (*box,), n_columns)


def _act_on_clusters(what: str, chosen: set[int]) -> None:
    """Merge, split or focus clusters, or request a file of them."""
    touched = [group for group in session.merges if chosen & set(group)]
    apart = tuple(group for group in session.merges if group not in touched)
    if what == "merge":
        session.merges = (*apart, tuple(sorted(chosen.union(*touched))))
    elif what == "split":
        session.merges = apart
    elif what == "focus":
        session.focus = tuple(sorted(chosen))
    elif what in export.CLUSTER_DOWNLOADS and chosen:
        session.file = FileRequest(what, tuple(sorted(chosen)), time.time_ns())


def _request_file(wanted: FileRequest | None) -> None:
    session.file = wanted


def _requested_file(
    picture: store.Picture, seg: Segmentation, wanted: FileRequest | None
) -> ViewerFile | None:
    """A mask or cut-out for the browser to save; its clusters are numbered before merging."""
    if wanted is None:
        return None
    download = export.CLUSTER_DOWNLOADS[wanted.kind](seg, *seg.rows_of(wanted.clusters))
    called = file_name_of(picture)
    content = store.file(picture, seg, download, export.Context(called))
    url = media_url(content, download.mime, "viewer.file")
    name = export.file_name(seg, called, download)
    return ViewerFile(url, name, str(wanted.number))
