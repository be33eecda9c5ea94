"""Original and segmentation: what the viewer is sent, and what it asks for."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Final

import streamlit as st

from kmseg.color import COLOR_SPACES
from kmseg.output import export
from kmseg.segmentation import Segmentation
from kmseg.settings import to_hex
from kmseg.ui import link
from kmseg.ui import store as cache
from kmseg.ui.components.assets import media_url
from kmseg.ui.components.viewer.viewer import viewer
from kmseg.ui.controls import controls
from kmseg.ui.views.views import count

# What reaches a browser within 10 ms it lays out in one go, the table longest. So what follows a
# new segmentation waits, in seconds, until that can be fetched and painted.
HEAD_START: Final = 0.05


def show(picture: cache.Picture, seg: Segmentation, merged: Segmentation, notify: bool) -> None:
    """Original and segmentation; with ``notify`` the server hears of a change of focus."""
    original, labels, shown = cache.previews(picture, seg)
    manual = seg.settings.init == "manual"
    shares = ", ".join(
        f"{to_hex(color)} {share:.0%}"
        for color, share in zip(merged.palette[:6], merged.shares[:6], strict=True)
    )
    space = COLOR_SPACES[seg.settings.color_space]
    viewer(
        {
            "original": media_url(*original, "viewer.original"),
            "labels": media_url(labels, "image/png", "viewer.labels"),
            "width": shown[0],
            "height": shown[1],
            "full": list(cache.size(picture, seg)),
            "region": _region(picture, seg),
            "picture": f"{picture.key} {seg.settings.width}",
            "segmentation": link.address(picture.key, seg.settings),
            "palette": [to_hex(color) for color in seg.palette],
            "groups": [list(group) for group in merged.members],
            "colors": [to_hex(color) for color in merged.palette],
            "names": merged.names,
            "counts": merged.pixel_counts.tolist(),
            "k": st.session_state["n_clusters"],
            "ks": list(link.PAGE_RANGES["n_clusters"]),
            "space": space.key,
            "coordinates": list(space.coordinates),
            "alt": f"Original: {picture.name}",
            "description": f"Segmentation of {picture.name} into "
            f"{count(merged.n_clusters, 'cluster')}: {shares}",
            "hint": f" · a click sets starting colour {st.session_state['start_slot']}"
            if manual
            else "",
            "pick": manual,
            "notify": notify,
            "focus": link.spelled((link.focus(),)),
            "file": _asked_file(picture, seg),
        },
        on_pick=partial(controls.pick_start_color, picture),
        on_action=partial(_act, seg),
    )
    if st.session_state.get("painted") != (picture.key, seg.settings):
        st.session_state["painted"] = picture.key, seg.settings
        time.sleep(HEAD_START)


def _region(picture: cache.Picture, seg: Segmentation) -> dict[str, Any] | None:
    """The part that the viewer last asked for, as long as it shows the same picture."""
    asked = getattr(st.session_state.get("viewer"), "region", None)
    if isinstance(asked, list) and len(asked) == 4 and all(isinstance(n, int) for n in asked):
        st.session_state["region"] = picture.key, seg.settings.width, tuple(asked)
    *of, wanted = st.session_state.get("region", ("", 0, ()))
    if of != [picture.key, seg.settings.width]:
        return None
    (x, y, *_), original, labels = cache.region(picture, seg, wanted)
    return {
        "x": x,
        "y": y,
        "original": media_url(original, "image/png", "viewer.region.original"),
        "labels": media_url(labels, "image/png", "viewer.region.labels"),
    }


def _act(seg: Segmentation) -> None:
    """Do what the viewer was asked to do with the clusters in focus."""
    action = st.session_state["viewer"].action
    if action["what"] == "k":
        least, most = link.PAGE_RANGES["n_clusters"]
        if isinstance(action.get("k"), int):
            st.session_state["n_clusters"] = min(max(action["k"], least), most)
        return
    chosen = {
        cluster
        for cluster in action["clusters"]
        if isinstance(cluster, int) and 0 <= cluster < seg.n_clusters
    }
    groups = link.merges(seg.n_clusters)
    apart = tuple(group for group in groups if not chosen & set(group))
    if action["what"] == "merge":
        together = chosen.union(*(group for group in groups if chosen & set(group)))
        st.session_state["merge"] = (*apart, tuple(sorted(together)))
    elif action["what"] == "split":
        st.session_state["merge"] = apart
    elif action["what"] == "focus":
        st.session_state["focus"] = tuple(sorted(chosen))
    elif action["what"] in ("mask", "cutout") and chosen:
        st.session_state["file"] = action["what"], tuple(sorted(chosen)), time.time_ns()


def _asked_file(picture: cache.Picture, seg: Segmentation) -> dict[str, Any] | None:
    """A mask or cut-out that was just asked for; its clusters are those before merging."""
    if "file" not in st.session_state:
        return None
    what, clusters, number = st.session_state.pop("file")
    make = export.mask_file if what == "mask" else export.cutout_file
    file = make(seg, picture.name, *clusters)
    url = media_url(cache.file(picture, seg, file), file.mime, "viewer.file")
    return {"url": url, "name": file.name, "id": str(number)}
