"""The main area around the pictures: what was clustered, and the views of one segmentation."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from kmseg.color import COLOR_SPACES
from kmseg.errors import BusyError, KmsegError
from kmseg.kmeans import Progress
from kmseg.kmeans.engines import ENGINES
from kmseg.output import export
from kmseg.parallel.gate import Waiting
from kmseg.segmentation import Segmentation
from kmseg.settings import Settings
from kmseg.ui import link
from kmseg.ui import store as cache
from kmseg.ui.components.assets import asset
from kmseg.ui.components.cloud.cloud import colour_cloud
from kmseg.ui.components.table.table import cluster_table
from kmseg.ui.controls import controls
from kmseg.ui.server import incidents
from kmseg.ui.server.gates import stop_if_cancelled as still_wanted

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

# Titles of the page's choices, by their names in a link.
VIEWS: Final = {
    "clusters": "Clusters",
    "cloud": "Colour cloud",
    "sheet": "Colour spaces",
    "ladder": "K ladder",
    "residual": "Residual",
    "hue": "Hue",
    "take-away": "Take away",
}
CLOUD_PAINTS: Final = {"color": "True colours", "cluster": "Cluster"}

CLOUD_POINTS: Final = 6000
# Work that is done sooner shows nothing but a spinner.
PATIENCE: Final = 1.0
# How often what is shown of work changes, in seconds.
LOOK: Final = 0.1

SUMMARY_HELP: Final = """
**Attempts**: k-means can end in different places, so it is started several times; the start that
ends with the lowest inertia is shown.

**Iteration**: each colour goes to its nearest centroid, then each centroid to the mean of its
colours. *Not yet at rest*: more iterations would still move them.

**Inertia**, or compactness: the sum, over all pixels, of the squared distance to the nearest
centroid. Lower is tighter. It can only be compared for the same picture, size and channels.

**RMS**: the same per pixel, the root of the mean squared distance, in units of the colour space.

**Global optimum**: proven; no other clustering into K has a lower inertia.
"""


def heading(query: dict[str, str]) -> None:
    """What this page is, where its controls are, and its link."""
    title, copy = st.columns([4, 1], vertical_alignment="center")
    with title:
        st.html(f"<style>{asset('shared/page.css')}</style>")
        st.markdown(
            "**kmseg** shows what k-means makes of a picture's colours. Open yours in the sidebar."
        )
    with copy:
        link.copy_link(query)
    link.show_corrections(query)


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
def at_work(settings: Settings) -> Iterator[tuple[Progress, Waiting]]:
    """While an engine works or others have their turn: how far it is, and a way out.

    What is yielded is to be called as attempts are done, and while it waits. There Streamlit ends
    a run that the visitor has overtaken by changing a control or by pressing Stop.
    """
    place, started, shown = st.empty(), time.monotonic(), 0.0
    bar: DeltaGenerator | None = None

    def show(part: float, text: str) -> None:
        nonlocal bar, shown
        now = time.monotonic()
        if now - shown < LOOK:
            return
        shown = now
        still_wanted()
        if now - started < PATIENCE:
            return
        if bar is None:
            with place.container(horizontal=True, vertical_alignment="bottom"):
                bar = st.progress(0.0)
                if settings.engine != "exact":
                    st.button("Stop and use the exact engine", on_click=controls.use_exact_engine)
        bar.progress(part, text)

    def progress(done: int, attempts: int) -> None:
        name = ENGINES[settings.engine].title.partition(",")[0]
        step = f"attempt {done + 1} of {attempts}" if done < attempts else "last steps"
        show(done / attempts, f"{name}: {step}")

    def waiting(ahead: int) -> None:
        show(0.0, "Waiting for a turn: " + (count(ahead, "other") if ahead else "next") + ".")

    with st.spinner("Segmenting…", show_time=True):
        yield progress, waiting
    if bar is not None:
        place.empty()


def failure(error: KmsegError) -> None:
    """Why there is no segmentation, and what to do."""
    st.error(str(error))
    if isinstance(error, BusyError):
        incidents.note("busy", "fit")
        st.button("Try again", key="try again")


def count(number: int, noun: str) -> str:
    """Such as "1 cluster", "12,000 colours"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def summary(
    picture: cache.Picture, seg: Segmentation, merged: Segmentation, wanted: Settings
) -> None:
    """One line on what was clustered, and a sentence for whatever is not as was asked."""
    width, height = cache.size(picture, seg)
    hidden = width * height - seg.histogram.n_pixels
    attempts = len(seg.attempts) if seg.settings.engine == "exact" else seg.settings.attempts
    tried = "1 attempt" if attempts == 1 else f"best of {attempts} attempts"
    parts = [
        f"{width} × {height}",
        f"{width * height / 1e6:.3g} MP" if width * height >= 10_000 else "",
        count(seg.histogram.n_colors, "colour"),
        f"{count(hidden, 'transparent pixel')} left out" if hidden else "",
        ENGINES[seg.settings.engine].title,
        "" if seg.global_optimum else tried,
        count(seg.n_iter, "iteration") if seg.n_iter else "",
        "" if seg.converged is not False else "not yet at rest",
        "global optimum, whatever the seed" if seg.global_optimum else "",
        f"{'before merging: ' * (merged is not seg)}inertia {seg.inertia:.5g}",
        f"RMS {math.sqrt(seg.inertia / seg.histogram.n_pixels):.3g}",
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
            f"K is {seg.n_clusters}, not {wanted.n_clusters}: the picture has only "
            f"{count(seg.n_clusters, 'value')} in these channels."
        )
    if names:
        notes.append(
            f"Constant in this picture, so of no help in telling its pixels apart: "
            f"{', '.join(names)} of {space.title}."
        )
    if seg.settings.width != wanted.width:
        notes.append(
            f"{ENGINES[wanted.engine].title} visits every pixel in every attempt, so the "
            f"page gives it the picture at {seg.settings.width} pixels width, not "
            f"{wanted.width or picture.width}. The exact engine takes all of it."
        )
    if seg.settings.attempts != wanted.attempts:
        notes.append(
            f"{ENGINES[wanted.engine].title} makes at most {seg.settings.attempts} "
            f"attempts on this page, not {wanted.attempts}."
        )
    return notes


def clusters(picture: cache.Picture, seg: Segmentation, merged: Segmentation) -> None:
    """A table of the clusters, largest first."""
    cluster_table(merged, "table", link.address(picture.key, seg.settings))


def cloud(picture: cache.Picture, seg: Segmentation, merged: Segmentation) -> None:
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
    drawn = cache.color_cloud(picture, merged, axes, CLOUD_POINTS)
    colour_cloud(
        drawn,
        "cluster" if paint == "cluster" else "color",
        merged.members,
        merged.names,
        link.address(picture.key, seg.settings),
        key="cloud",
    )
    points, colors = count(len(drawn.points), "point"), count(seg.histogram.n_colors, "colour")
    st.caption(
        f"{points} for the {colors} of {count(seg.histogram.n_pixels, 'pixel')}: the commonest "
        "colour of each small cube of RGB, larger where there are more pixels. The numbered ones "
        "are the centroids; a click on any puts its cluster in focus"
        + (f"; only {_listed(seg)} of {space.title} were clustered." if partly else ".")
    )


def _listed(seg: Segmentation) -> str:
    return ", ".join(seg.settings.channel_names).replace("*", "\\*")


def take_away(picture: cache.Picture, seg: Segmentation, focus: tuple[int, ...]) -> None:
    """Downloads, made when they are asked for, and ways to repeat the segmentation."""
    archive = export.archive(seg, picture.name, focus)
    st.caption(
        "At the full size that was clustered. Transparent pixels stay transparent; numbers, "
        "colours and order are those of the table."
    )
    with st.grid("auto", min_column_width=220, gap="small"):
        _download(archive, picture, seg, icon=":material/folder_zip:")
        for file in export.files(seg, picture.name, focus):
            _download(file, picture, seg)
    chosen = [
        number for number, members in enumerate(seg.members) if focus and set(members) <= set(focus)
    ]
    if chosen:
        with st.container(horizontal=True):
            for make in (export.mask_file, export.cutout_file):
                file = make(seg, picture.name, *chosen)
                _download(file, picture, seg)
    else:
        st.caption(
            "Click clusters in the picture to put them in focus: then their mask and their cut-out "
            "can be taken too. The archive has a mask of each."
        )
    if seg.merges:
        st.caption("Merged clusters are in the files and in the link, not in these:")
    repeat, script = st.columns(2)
    name = "picture.png"
    with repeat:
        st.markdown("**The same on the command line**")
        st.code(seg.settings.to_command_line(name), language="bash", wrap_lines=True)
    with script:
        st.markdown("**The same in Python**")
        st.code(seg.settings.to_python(name), language="python")


def _download(file: export.File, picture: cache.Picture, seg: Segmentation, **options: Any) -> None:
    st.download_button(
        file.title,
        partial(cache.file, picture, seg, file),
        file.name,
        file.mime,
        on_click="ignore",
        key=f"download {file.title}",
        width="stretch",
        **options,
    )
