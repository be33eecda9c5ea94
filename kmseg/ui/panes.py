"""The viewer of original and segmentation: what it is sent, and what it asks for."""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from kmseg.color import COLOR_SPACES
from kmseg.errors import KmsegError
from kmseg.output import export
from kmseg.segmentation import Segmentation
from kmseg.settings import to_hex
from kmseg.ui import failures, link, store
from kmseg.ui.components.assets import media_url
from kmseg.ui.components.viewer.viewer import (
    ViewerData,
    ViewerFile,
    ViewerRegion,
    ViewerUnits,
    viewer,
)
from kmseg.ui.controls import starts
from kmseg.ui.naming import file_name_of
from kmseg.ui.session import FileRequest, Key, RegionRequest, session
from kmseg.ui.text import count

# Seconds that the rest of the page waits after a new segmentation was sent, so that the browser
# fetches and paints that first. A browser lays out together what arrives within 10 ms, and the
# table takes longest.
HEAD_START: Final = 0.05


def show(picture: store.Picture, seg: Segmentation, merged: Segmentation, notify: bool) -> None:
    """Draw the viewer.

    Parameters
    ----------
    picture : Picture
    seg, merged : Segmentation
        Before and after clusters were merged.
    notify : bool
        Whether the browser must tell the server of every change of focus.
    """
    original, labels, shown = store.previews(picture, seg)
    full = store.size(picture, seg)
    errors: dict[str, KmsegError] = {}
    region = file = None
    with failures.collected(errors, "region"):
        region = _region(picture, seg)
    wanted_file, session.file = session.file, None
    with failures.collected(errors, "file"):
        file = _requested_file(picture, seg, wanted_file)
    manual = seg.settings.init == "manual"
    space = COLOR_SPACES[seg.settings.color_space]
    viewer(
        ViewerData(
            original=media_url(*original, "viewer.original"),
            labels=media_url(labels, "image/png", "viewer.labels"),
            width=shown[0],
            height=shown[1],
            full=full,
            region=region,
            picture=f"{picture.key} {full}",  # the zoom is kept from page to page
            segmentation=link.address(picture.key, picture.reading, seg.settings),
            palette=[to_hex(color) for color in seg.palette],
            groups=merged.members,
            colors=[to_hex(color) for color in merged.palette],
            names=merged.names,
            counts=merged.pixel_counts.tolist(),
            k=session.n_clusters,
            ks=link.PAGE_RANGES["n_clusters"],
            space=space.key,
            coordinates=space.coordinates,
            units=picture.units and ViewerUnits(*picture.units),
            alt=f"Original: {picture.name}",
            description=_description(picture, merged),
            hint=f" · a click sets starting colour {session.start_slot}" if manual else "",
            pick=manual,
            notify=notify,
            focus=link.spelled((session.focus,)),
            file=file,
            visit=session.visit,
        ),
        on_pick=failures.in_callback(partial(starts.pick, picture), "Starting colour"),
        on_action=partial(_act, seg),
    )
    retries = {"file": partial(_request_file, wanted_file)}
    for place, error in errors.items():  # below the viewer, which must not move
        failures.report(error, place, retries.get(place))
    if session.shown != (sent := (picture.key, picture.reading, seg.settings)):
        session.shown = sent
        time.sleep(HEAD_START)


def _description(picture: store.Picture, merged: Segmentation) -> str:
    shares = ", ".join(
        f"{to_hex(color)} {share:.0%}"
        for color, share in zip(merged.palette[:6], merged.shares[:6], strict=True)
    )
    clusters = count(merged.n_clusters, "cluster")
    return f"Segmentation of {picture.name} into {clusters}: {shares}"


def _region(picture: store.Picture, seg: Segmentation) -> ViewerRegion | None:
    """The part at full size that the viewer asked for last, if it shows the same picture."""
    shown = picture.key, picture.reading, seg.settings.width
    box = session.event(Key.VIEWER, "region")
    if isinstance(box, list) and len(box) == 4 and all(isinstance(n, int) for n in box):
        session.region = RegionRequest(*shown, (*box,))
    wanted = session.region
    if wanted is None or (wanted.picture, wanted.reading, wanted.width) != shown:
        return None
    (x, y, *_), original, labels = store.region(picture, seg, wanted.box)
    return ViewerRegion(
        x=x,
        y=y,
        original=media_url(original, "image/png", "viewer.region.original"),
        labels=media_url(labels, "image/png", "viewer.region.labels"),
    )


def _act(seg: Segmentation) -> None:
    """Do what the viewer was asked to do with K or the clusters in focus."""
    action = session.event(Key.VIEWER, "action")
    if action["what"] == "k":
        least, most = link.PAGE_RANGES["n_clusters"]
        if isinstance(action.get("k"), int):
            session.n_clusters = min(max(action["k"], least), most)
        return
    chosen = {
        cluster
        for cluster in action["clusters"]
        if isinstance(cluster, int) and 0 <= cluster < seg.n_clusters
    }
    link.leave_out_missing(seg.n_clusters)
    touched = [group for group in session.merges if chosen & set(group)]
    apart = tuple(group for group in session.merges if group not in touched)
    if action["what"] == "merge":
        session.merges = (*apart, tuple(sorted(chosen.union(*touched))))
    elif action["what"] == "split":
        session.merges = apart
    elif action["what"] == "focus":
        session.focus = tuple(sorted(chosen))
    elif action["what"] in export.CLUSTER_DOWNLOADS and chosen:
        session.file = FileRequest(action["what"], tuple(sorted(chosen)), time.time_ns())


def _request_file(wanted: FileRequest | None) -> None:
    session.file = wanted


def _requested_file(
    picture: store.Picture, seg: Segmentation, wanted: FileRequest | None
) -> ViewerFile | None:
    """A mask or cut-out for the browser to save; its clusters are those before merging."""
    if wanted is None:
        return None
    download = export.CLUSTER_DOWNLOADS[wanted.kind](seg, *wanted.clusters)
    called = file_name_of(picture)
    content = store.file(picture, seg, download, export.Context(called))
    url = media_url(content, download.mime, "viewer.file")
    name = export.file_name(seg, called, download)
    return ViewerFile(url, name, str(wanted.number))
