"""The files that can be downloaded: pictures, masks, tables, palettes, and one archive of them all.

A new download is one entry in :data:`DOWNLOADS`. Files are written from arrays, so no metadata of
the original file reaches them.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kmseg.output import render, tables
from kmseg.output.encode import PNG, indexed_png, png
from kmseg.output.report import settings_json
from kmseg.segmentation import Segmentation

# Longest stem of a file name, in characters.
MAX_STEM: Final = 56


@dataclass(frozen=True, slots=True)
class Context:
    """What files depend on besides the segmentation.

    Attributes
    ----------
    picture : str
        Name of the picture's file, for the names of files inside an archive.
    focus : tuple of int
        Clusters in focus, numbered from 0 before merging; the settings file lists them.
    """

    picture: str
    focus: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Download:
    """One kind of file to download.

    Attributes
    ----------
    key : str
        Identifies the download; lower-case letters and underscores.
    title : str
        Its label on the page.
    mime : str
        MIME type.
    suffix : str
        End of the file name after the stem, extension included, such as ``"_gray.png"``.
    make : callable
        ``make(seg, context)`` returns the file's content.
    """

    key: str
    title: str
    mime: str
    suffix: str
    make: Callable[[Segmentation, Context], bytes]

    @property
    def extension(self) -> str:
        """The file name's extension, without its dot."""
        return self.suffix.rpartition(".")[2]


DOWNLOADS: Final[tuple[Download, ...]] = (
    Download(
        "segmented",
        "Segmented picture",
        PNG,
        "_segmented.png",
        lambda seg, _: png(render.segmented(seg)),
    ),
    Download(
        "gray",
        "Gray ranks",
        PNG,
        "_gray.png",
        lambda seg, _: png(render.segmented(seg, "gray")),
    ),
    Download(
        "side_by_side",
        "Side by side, gray ranks",
        PNG,
        "_side-by-side.png",
        lambda seg, _: png(render.side_by_side(seg)),
    ),
    Download(
        "labels",
        "Labels, pixel value = cluster",
        PNG,
        "_labels.png",
        lambda seg, _: indexed_png(seg.labels, seg.palette),
    ),
    Download(
        "counts",
        "Counts, CSV",
        "text/csv",
        "_counts.csv",
        lambda seg, _: tables.counts_csv(seg),
    ),
    Download(
        "palette_gpl",
        "Palette, GIMP",
        "text/plain",
        "_palette.gpl",
        lambda seg, _: tables.palette_gpl(seg),
    ),
    Download(
        "palette_css",
        "Palette, CSS",
        "text/css",
        "_palette.css",
        lambda seg, _: tables.palette_css(seg),
    ),
    Download(
        "palette_json",
        "Palette, JSON",
        "application/json",
        "_palette.json",
        lambda seg, _: tables.palette_json(seg),
    ),
    Download(
        "settings",
        "Settings, JSON",
        "application/json",
        "_settings.json",
        lambda seg, context: settings_json(seg, context.focus),
    ),
)
"""Every file of a whole segmentation, in the order in which the page offers them."""


def mask(seg: Segmentation, *clusters: int) -> Download:
    """The mask of clusters, numbered from 0: 255 inside them, 0 elsewhere."""

    def make(seg: Segmentation, _: Context) -> bytes:
        return png(render.mask(seg.labels, clusters))

    return _of_clusters("mask", "Mask", seg, clusters, make)


def cutout(seg: Segmentation, *clusters: int) -> Download:
    """The original inside clusters, numbered from 0, and transparency elsewhere."""

    def make(seg: Segmentation, _: Context) -> bytes:
        return png(render.cutout(seg, clusters))

    return _of_clusters("cutout", "Cut-out", seg, clusters, make)


CLUSTER_DOWNLOADS: Final[dict[str, Callable[..., Download]]] = {"mask": mask, "cutout": cutout}
"""Files of chosen clusters by key: each is called with a segmentation and its clusters."""


def _of_clusters(
    key: str,
    title: str,
    seg: Segmentation,
    clusters: tuple[int, ...],
    make: Callable[[Segmentation, Context], bytes],
) -> Download:
    names = ", ".join(seg.names[cluster] for cluster in clusters)
    plural = "" if len(clusters) == 1 else "s"
    numbers = [f"{cluster + 1:03d}" for cluster in clusters]
    shown = "_".join(numbers if len(numbers) <= 3 else [*numbers[:2], "etc"])
    return Download(key, f"{title} of cluster{plural} {names}", PNG, f"_{key}{shown}.png", make)


def _archive(seg: Segmentation, context: Context) -> bytes:
    masks = [mask(seg, cluster) for cluster in range(seg.n_clusters)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for download in (*DOWNLOADS, *masks):
            name = file_name(seg, context.picture, download)
            if download.key == "settings":
                name = "settings.json"
            packing = zipfile.ZIP_STORED if download.mime == PNG else zipfile.ZIP_DEFLATED
            # A ZipInfo has a fixed date, so equal segmentations give equal archives.
            archive.writestr(zipfile.ZipInfo(name), download.make(seg, context), packing)
    return buffer.getvalue()


ARCHIVE: Final = Download("archive", "Everything, ZIP", "application/zip", ".zip", _archive)
"""Every file of :data:`DOWNLOADS` and a mask of each cluster, in one ZIP."""


def stem(seg: Segmentation, picture: str) -> str:
    """The beginning of every file name: picture, space, channels, K and seed.

    It has only letters, digits, ``-``, ``_`` and ``.``, which every file system accepts.
    """
    name = re.sub(r"[^A-Za-z0-9-]+", "-", picture.rpartition(".")[0] or picture).strip("-")
    chosen = seg.settings
    tail = f"{chosen.color_space}_c{chosen.channels}_k{seg.n_clusters}_s{chosen.seed}"
    return f"{name[: MAX_STEM - len(tail) - 1].strip('-') or 'picture'}_{tail}"


def file_name(seg: Segmentation, picture: str, download: Download) -> str:
    """The name of a downloaded file; ``picture`` is the name of the picture's file."""
    return stem(seg, picture) + download.suffix
