"""The main area: pictures, what was clustered, and the views of one segmentation."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from kmseg import export
from kmseg.color import COLOR_SPACES
from kmseg.kmeans import Progress
from kmseg.segmentation import Segmentation
from kmseg.settings import Settings, to_hex
from kmseg.ui import cache, controls
from kmseg.ui.assets import asset
from kmseg.ui.cloud import colour_cloud
from kmseg.ui.viewer import viewer

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

# Titles of the page's choices, by their names in a link.
PAINTS: Final = {"colors": "Cluster colours", "gray": "Gray ranks"}
VIEWS: Final = {"clusters": "Clusters", "cloud": "Colour cloud", "take-away": "Take away"}
CLOUD_PAINTS: Final = {"color": "True colours", "cluster": "Cluster"}

CLOUD_POINTS: Final = 6000
# What reaches a browser within 10 ms it lays out in one go, the table longest. So what follows a
# new segmentation waits, in seconds, until that can be fetched and painted.
HEAD_START: Final = 0.05
# Work that is done sooner shows nothing but a spinner.
PATIENCE: Final = 1.0

SUMMARY_HELP: Final = """
**Attempts**: k-means can end in different places, so it is started several times; the start that
ends with the lowest inertia is shown.

**Iteration**: each colour goes to its nearest centroid, then each centroid to the mean of its
colours. *Not yet at rest*: more iterations would still move them.

**Inertia**, or compactness: the sum, over all pixels, of the squared distance to the nearest
centroid. Lower is tighter. It can only be compared for the same picture, size and channels.

**RMS distance**: the same per pixel, the square root of the mean, in units of the colour space.

**Global optimum**: proven; no other clustering into K has a lower inertia.
"""


def heading() -> None:
    """What this page is, and where its controls are."""
    st.html(f"<style>{asset('page.css')}</style>")
    st.markdown(
        "**kmseg** shows what k-means makes of a picture's colours. Open yours in the sidebar."
    )


def choose(label: str, titles: dict[str, str], key: str, *, labelled: bool = False) -> str:
    """One of a few choices, side by side; the key is its name in a link."""
    chosen = st.segmented_control(
        label,
        list(titles),
        key=key,
        required=True,
        format_func=titles.__getitem__,
        persist_state="session",
        label_visibility="visible" if labelled else "collapsed",
    )
    return chosen or next(iter(titles))


@contextmanager
def at_work(settings: Settings) -> Iterator[Progress]:
    """While a reference engine works: how far it is, and a way out.

    What is yielded is to be called after each attempt. Every call shows something, and there
    Streamlit ends a run that the visitor has overtaken by changing a control or by pressing Stop.
    """
    place, started = st.empty(), time.monotonic()
    bar: DeltaGenerator | None = None

    def show(done: int, attempts: int) -> None:
        nonlocal bar
        if done == attempts or time.monotonic() - started < PATIENCE:
            place.empty()
            return
        if bar is None:
            with place.container(horizontal=True, vertical_alignment="bottom"):
                bar = st.progress(0.0)
                st.button("Stop and use the exact engine", on_click=controls.use_exact_engine)
        name = controls.ENGINE_TITLES[settings.engine].partition(",")[0]
        bar.progress(done / attempts, f"{name}: attempt {done + 1} of {attempts}")

    with st.spinner("Segmenting…", show_time=True):
        yield show
    place.empty()


def pictures(picture: cache.Picture, seg: Segmentation, paint: str) -> None:
    """Original and segmentation side by side."""
    original, segmentation, size = cache.previews(picture, seg, paint)
    manual = seg.settings.init == "manual"
    shares = ", ".join(
        f"{to_hex(color)} {share:.0%}"
        for color, share in zip(seg.palette[:6], seg.shares[:6], strict=True)
    )
    viewer(
        original,
        segmentation,
        size,
        caption=f"{_count(seg.n_clusters, 'cluster')}, "
        + ("each in its mean colour" if paint == "colors" else "black is the largest"),
        description=f"Segmentation of {picture.name} into {_count(seg.n_clusters, 'cluster')}: "
        f"{shares}",
        on_pick=partial(controls.pick_start_color, picture) if manual else None,
        hint=f" · a click sets starting colour {st.session_state['start_slot']}" if manual else "",
    )
    if st.session_state.get("painted") != (picture.key, seg.settings, paint):
        st.session_state["painted"] = picture.key, seg.settings, paint
        time.sleep(HEAD_START)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def summary(picture: cache.Picture, seg: Segmentation, wanted: Settings) -> None:
    """One line on what was clustered, and a sentence for whatever is not as was asked."""
    assert seg.image is not None
    hidden = seg.image.width * seg.image.height - seg.histogram.n_pixels
    attempts = len(seg.attempts) if seg.settings.engine == "exact" else seg.settings.attempts
    tried = "1 attempt" if attempts == 1 else f"best of {attempts} attempts"
    parts = [
        f"{seg.image.width} × {seg.image.height}",
        f"{seg.image.width * seg.image.height / 1e6:.3g} MP",
        _count(seg.histogram.n_colors, "colour"),
        f"{_count(hidden, 'transparent pixel')} left out" if hidden else "",
        controls.ENGINE_TITLES[seg.settings.engine],
        "" if seg.global_optimum else tried,
        _count(seg.n_iter, "iteration") if seg.n_iter else "",
        "" if seg.converged is not False else "not yet at rest",
        "global optimum, whatever the seed" if seg.global_optimum else "",
        f"inertia {seg.inertia:.6g}",
        f"RMS distance {math.sqrt(seg.inertia / seg.histogram.n_pixels):.3g}",
        f"fitted in {1000 * seg.seconds['fit']:,.0f} ms",
    ]
    st.caption(" · ".join(filter(None, parts)), help=SUMMARY_HELP)
    for note in _notes(picture, seg, wanted):
        st.info(note)


def _notes(picture: cache.Picture, seg: Segmentation, wanted: Settings) -> list[str]:
    names = [name.replace("*", "\\*") for name in seg.constant_channels]
    space = COLOR_SPACES[seg.settings.color_space]
    notes = []
    if seg.n_clusters < wanted.n_clusters:
        notes.append(
            f"K is {seg.n_clusters}, not {wanted.n_clusters}: the picture has no more than "
            f"{_count(seg.n_clusters, 'different value')} in these channels."
        )
    if names:
        notes.append(
            f"Constant in this picture, so of no help in telling its pixels apart: "
            f"{', '.join(names)} of {space.title}."
        )
    if seg.settings.width != wanted.width:
        notes.append(
            f"{controls.ENGINE_TITLES[wanted.engine]} visits every pixel in every attempt, so the "
            f"page gives it the picture at {seg.settings.width} pixels width, not "
            f"{wanted.width or picture.image.width}. The exact engine takes all of it."
        )
    return notes


def clusters(seg: Segmentation) -> None:
    """A table and a bar chart of the clusters, largest first."""
    table = [
        {"swatch": _swatch(row["hex"])}
        | {name: value for name, value in row.items() if name not in ("r", "g", "b")}
        | {"share": 100 * share}
        for row, share in zip(export.cluster_rows(seg), seg.shares, strict=True)
    ]
    space = COLOR_SPACES[seg.settings.color_space]
    columns = {
        "swatch": st.column_config.ImageColumn("", width=40),
        "cluster": st.column_config.NumberColumn("Cluster", width=60),
        "hex": st.column_config.TextColumn("Hex", width=80),
        "pixels": st.column_config.NumberColumn("Pixels", format="localized"),
        "share": st.column_config.NumberColumn("Share", format="%.1f %%"),
    }
    for name in seg.settings.coordinate_names:
        columns[f"centroid {name}"] = st.column_config.NumberColumn(
            name, format="%.1f", help=f"Centroid, {name} of {space.title}"
        )
    st.caption(f"Largest first. The centroids are in {space.title}.")
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.dataframe(
            table,
            hide_index=True,
            column_config=columns,
            height="content",
            alt=f"The {seg.n_clusters} clusters with colour, centroid, pixels and share",
        )
    with right:
        st.html(_bars(seg))


def _swatch(color: str) -> str:
    square = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24'><rect x='1' y='1' "
        f"width='22' height='22' rx='4' fill='{color}' stroke='gray'/></svg>"
    )
    return "data:image/svg+xml," + square.replace("#", "%23").replace("<", "%3C").replace(
        ">", "%3E"
    )


def _bars(seg: Segmentation) -> str:
    """Pixels of each cluster as bars in the clusters' own colours."""
    most = seg.pixel_counts[0]
    rows = "".join(
        f'<div style="display:contents"><span style="text-align:right">{number}</span>'
        f'<span><span style="display:block;height:1.15rem;border-radius:3px;min-width:3px;'
        f"width:{100 * pixels / most:.2f}%;background:{to_hex(color)};"
        f'box-shadow:0 0 0 1px rgba(128,128,128,.65)"></span></span>'
        f'<span style="text-align:right">{share:.1%}</span></div>'
        for number, (color, pixels, share) in enumerate(
            zip(seg.palette, seg.pixel_counts, seg.shares, strict=True), start=1
        )
    )
    label = escape(f"Bar chart: pixels of each of {seg.n_clusters} clusters, largest first")
    return (
        f'<div role="img" aria-label="{label}" style="display:grid;align-items:center;'
        "grid-template-columns:max-content 1fr max-content;gap:.4rem .6rem;font-size:.875rem;"
        f'font-variant-numeric:tabular-nums">{rows}</div>'
    )


def cloud(picture: cache.Picture, seg: Segmentation) -> None:
    """Pixel colours and centroids in three dimensions."""
    space = COLOR_SPACES[seg.settings.color_space]
    where, partly = "rgb", len(seg.settings.channel_names) < len(space.channels)
    left, right = st.columns(2)
    with left:
        if len(space.coordinates) == 3:
            spaces = {"rgb": "RGB", "clustered": space.title}
            where = choose("Axes", spaces, "cloud_space", labelled=True)
        else:
            st.caption(f"{space.title} has one channel: the axes are those of RGB.")
    with right:
        paint = choose("Points painted by", CLOUD_PAINTS, "cloud_paint", labelled=True)
    axes = space.key if where == "clustered" else "rgb"
    drawn = cache.color_cloud(picture, seg, axes, CLOUD_POINTS)
    colour_cloud(drawn, "cluster" if paint == "cluster" else "color", key="cloud")
    st.caption(
        f"{len(drawn.points):,} points stand for the {seg.histogram.n_colors:,} colours of "
        f"{seg.histogram.n_pixels:,} pixels: the commonest colour of each small cube of RGB, "
        "larger where there are more pixels. The numbered ones are the centroids"
        + (f"; only {_listed(seg)} of {space.title} were clustered." if partly else ".")
    )


def _listed(seg: Segmentation) -> str:
    return ", ".join(seg.settings.channel_names).replace("*", "\\*")


def take_away(picture: cache.Picture, seg: Segmentation, paint: str) -> None:
    """Downloads, made when they are asked for, and ways to repeat the segmentation."""
    archive = export.archive(seg, picture.name, paint)
    st.caption(
        "At the full size that was clustered. Transparent pixels stay transparent; numbers, "
        "colours and order are those of the table."
    )
    with st.grid("auto", min_column_width=220, gap="small"):
        _download(archive, seg, icon=":material/folder_zip:")
        for file in export.files(seg, picture.name, paint):
            _download(file, seg)
    mask_of, _ = st.columns([2, 3])
    with mask_of.container(horizontal=True, vertical_alignment="bottom"):
        number = st.number_input("Mask of cluster", 1, seg.n_clusters, key="mask_cluster")
        _download(export.mask_file(seg, picture.name, number - 1), seg)
    repeat, script = st.columns(2)
    name = "picture.png"
    with repeat:
        st.markdown("**The same on the command line**")
        st.code(seg.settings.to_command_line(name), language="bash", wrap_lines=True)
    with script:
        st.markdown("**The same in Python**")
        st.code(seg.settings.to_python(name), language="python")


def _download(file: export.File, seg: Segmentation, **options: Any) -> None:
    st.download_button(
        file.title,
        partial(_made, file, seg),
        file.name,
        file.mime,
        on_click="ignore",
        key=f"download {file.title}",
        width="stretch",
        **options,
    )


def _made(file: export.File, seg: Segmentation) -> bytes:
    return file.make(replace(seg))  # the labels go with the copy
