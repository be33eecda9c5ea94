"""Downloads: pictures, masks, tables, palettes, and an archive of all of them.

To add a download, add an entry to :data:`DOWNLOADS`. Files are written from arrays, so they contain
no metadata of the original file. Clusters in files are numbered from 1.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final

from kmseg.output import animation, names, objects, render, tables
from kmseg.output.encode import PICTURE_TYPES, PNG, labels_png, photo, png
from kmseg.output.figure import figure
from kmseg.output.render import Pixels
from kmseg.output.report import settings_json

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation

SMOOTHING: Final = 0.4
"""Smoothing of outlines in pixels: it makes staircases of pixels lines, and discs stay round."""


class Group(StrEnum):
    """Headings under which the page lists downloads."""

    PAGE = "The page in one file"
    PICTURES = "Pictures"
    LABELS = "Labels and masks"
    OUTLINES = "Outlines"
    NUMBERS = "Numbers"
    PALETTES = "Palettes"
    OBJECTS = "Objects: connected regions of a cluster"


@dataclass(frozen=True, slots=True)
class Context:
    """Inputs of a download other than the segmentation.

    Attributes
    ----------
    picture : str
        File name of the picture, from which the names of files in an archive are made.
    focus : tuple of int
        Clusters in focus, numbered from 0 before merging, for the settings file.
    """

    picture: str
    focus: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Download:
    """One kind of file to download.

    Attributes
    ----------
    key : str
        Identifier of lower-case letters and underscores.
    title : str
        Label on the page.
    mime : str
        MIME type.
    suffix : str
        End of the file name after the stem, including the extension, such as ``"_gray.png"``.
    make : callable
        ``make(seg, context)`` returns the file's content.
    group : Group
    draw : callable, optional
        ``draw(seg)`` returns the pixels of a picture that may be saved in a lossy format. None for
        pictures whose exact values matter, such as labels.
    in_archive : bool
        Whether the archive contains it; files that take seconds to make are left out.
    """

    key: str
    title: str
    mime: str
    suffix: str
    make: Callable[[Segmentation, Context], bytes]
    group: Group = Group.NUMBERS
    draw: Callable[[Segmentation], Pixels] | None = None
    in_archive: bool = True

    @property
    def extension(self) -> str:
        """The file name's extension, without its dot."""
        return self.suffix.rpartition(".")[2]

    def encoded_as(self, extension: str) -> Download:
        """This download in another picture format; unchanged if its exact values matter.

        Parameters
        ----------
        extension : str
            A key of :data:`kmseg.output.encode.PICTURE_TYPES`.
        """
        draw = self.draw
        if draw is None or extension == self.extension:
            return self
        return replace(
            self,
            mime=PICTURE_TYPES[extension],
            suffix=f"{self.suffix.rpartition('.')[0]}.{extension}",
            make=lambda seg, _: photo(draw(seg), extension),
        )


def _exact(
    key: str, title: str, draw: Callable[[Segmentation], Pixels], group: Group = Group.PICTURES
) -> Download:
    """A picture that is always a PNG."""
    suffix = f"_{key.replace('_', '-')}.png"
    return Download(key, title, PNG, suffix, lambda seg, _: png(draw(seg)), group)


def _drawn(key: str, title: str, draw: Callable[[Segmentation], Pixels]) -> Download:
    """A picture for viewing, which may be saved in a lossy format."""
    return replace(_exact(key, title, draw), draw=draw)


def _animation(kind: animation.Format, title: str) -> Download:
    return Download(
        f"animation_{kind}",
        title,
        f"image/{kind}",
        f"_animation.{kind}",
        lambda seg, _: animation.of_segmentation(seg, kind),
        Group.PICTURES,
        in_archive=False,
    )


def _svg(smoothing: float, seg: Segmentation, _: Context) -> bytes:
    from kmseg.output.svg import svg  # slow to import, as is GeoJSON

    return svg(seg, smoothing)


def _geojson(smoothing: float, seg: Segmentation, _: Context) -> bytes:
    from kmseg.output.geojson import geojson

    return geojson(seg, smoothing)


def outlines(smoothing: float = SMOOTHING) -> tuple[Download, ...]:
    """Drawings of all regions; they are in no archive, as some pictures have too many regions.

    Parameters
    ----------
    smoothing : float
        As for :func:`kmseg.regions.outlines.outlines`, in pixels.
    """
    kinds = (
        ("svg", "Clusters (SVG)", "image/svg+xml", partial(_svg, smoothing)),
        ("geojson", "Regions (GeoJSON)", "application/geo+json", partial(_geojson, smoothing)),
    )
    return tuple(
        Download(key, title, mime, f"_outlines.{key}", make, Group.OUTLINES, in_archive=False)
        for key, title, mime, make in kinds
    )


def _palette(key: str, title: str, mime: str, make: Callable[[Segmentation], bytes]) -> Download:
    suffix = f"_palette.{key.removeprefix('palette_')}"
    return Download(key, title, mime, suffix, lambda seg, _: make(seg), Group.PALETTES)


def _objects(
    key: str,
    title: str,
    mime: str,
    extension: str,
    make: Callable[[Segmentation, Context], bytes],
) -> Download:
    """A file of regions; a picture may have so many that the archive leaves it out."""
    suffix = f"_{key.replace('_', '-')}{extension}"
    return Download(key, title, mime, suffix, make, Group.OBJECTS, in_archive=False)


def _table(pixels_per_mm: float, seg: Segmentation, _: Context) -> bytes:
    return objects.objects_csv(seg, pixels_per_mm)


def _report(pixels_per_mm: float, source: str, seg: Segmentation, context: Context) -> bytes:
    from kmseg.output.printout import printout

    return printout(seg, context.picture, source, pixels_per_mm)


def with_scale(pixels_per_mm: float = 0.0, source: str = "PICTURE") -> tuple[Download, Download]:
    """The table of objects, and the report of them to print.

    Parameters
    ----------
    pixels_per_mm : float
        The scale of the clustered picture; 0 if it is not known.
    source : str
        What the command in the report calls the picture.
    """
    table = partial(_table, pixels_per_mm)
    report = partial(_report, pixels_per_mm, source)
    return (
        _objects("objects", "Objects (CSV)", "text/csv", ".csv", table),
        _objects("objects_report", "Report to print (HTML)", "text/html", ".html", report),
    )


_TABLE, _REPORT = with_scale()
DOWNLOADS: Final[tuple[Download, ...]] = (
    _exact("segmented", "Segmented picture", render.segmented),
    _exact("gray", "Shades of grey", partial(render.segmented, paint="gray")),
    _drawn(
        "side_by_side_colors",
        "Side by side, colours",
        lambda seg: render.side_by_side(seg, "colors"),
    ),
    _drawn("side_by_side_gray", "Side by side, shades of grey", render.side_by_side),
    _drawn("boundaries", "Boundaries over the original", render.boundaries),
    _drawn("figure", "Figure with titles", figure),
    _animation("gif", "Animation (GIF)"),
    _animation("webp", "Animation (WebP)"),
    Download(
        "labels",
        "Labels in colour (pixel value = cluster)",
        PNG,
        "_labels.png",
        lambda seg, _: labels_png(render.numbers(seg), render.number_colors(seg)),
        Group.LABELS,
    ),
    _exact(
        "labels_gray",
        "Labels in grey (pixel value = cluster)",
        render.numbers,
        Group.LABELS,
    ),
    *outlines(),
    Download(
        "counts", "Counts (CSV)", "text/csv", "_counts.csv", lambda s, _: tables.counts_csv(s)
    ),
    Download(
        "settings",
        "Settings (JSON)",
        "application/json",
        "_settings.json",
        lambda seg, context: settings_json(seg, context.focus, context.picture),
    ),
    _palette("palette_gpl", "Palette (GIMP)", "text/plain", tables.palette_gpl),
    _palette("palette_css", "Palette (CSS)", "text/css", tables.palette_css),
    _palette("palette_json", "Palette (JSON)", "application/json", tables.palette_json),
    _TABLE,
    _objects(
        "objects_labels",
        "Objects as labels (TIFF)",
        "image/tiff",
        ".tif",
        lambda seg, _: objects.objects_tiff(seg),
    ),
    _objects(
        "objects_coco",
        "Objects (COCO JSON)",
        "application/json",
        ".json",
        lambda seg, context: objects.objects_coco(seg, context.picture),
    ),
    replace(
        _drawn("objects_numbered", "Objects with numbers", objects.objects_overlay),
        group=Group.OBJECTS,
        in_archive=False,
    ),
    _REPORT,
)
"""Downloads of a whole segmentation, in the order of the page."""


def mask(seg: Segmentation, *clusters: int) -> Download:
    """A mask of clusters, numbered from 0: 255 inside them, 0 elsewhere."""
    return _of_clusters("mask", "Mask", seg, clusters, lambda s: render.mask(s.labels, clusters))


def cutout(seg: Segmentation, *clusters: int) -> Download:
    """The original inside clusters, numbered from 0, and transparent elsewhere."""
    return _of_clusters("cutout", "Cut-out", seg, clusters, lambda s: render.cutout(s, clusters))


CLUSTER_DOWNLOADS: Final[dict[str, Callable[..., Download]]] = {"mask": mask, "cutout": cutout}
"""Downloads of chosen clusters by key, as functions of a segmentation and its clusters."""


def _of_clusters(
    key: str,
    title: str,
    seg: Segmentation,
    clusters: tuple[int, ...],
    draw: Callable[[Segmentation], Pixels],
) -> Download:
    called = ", ".join(seg.names[cluster] for cluster in clusters)
    plural = "" if len(clusters) == 1 else "s"
    made = _exact(key, f"{title} of cluster{plural} {called}", draw, Group.LABELS)
    members = [member for cluster in clusters for member in seg.members[cluster]]
    return replace(made, suffix=names.of_clusters(key, members))


def _archive(seg: Segmentation, context: Context) -> bytes:
    masks = [mask(seg, cluster) for cluster in range(seg.n_clusters)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for download in (*(each for each in DOWNLOADS if each.in_archive), *masks):
            name = file_name(seg, context.picture, download)
            if download.key == "settings":
                name = "settings.json"
            packing = zipfile.ZIP_STORED if download.mime == PNG else zipfile.ZIP_DEFLATED
            # A ZipInfo has a fixed date, so equal segmentations give equal archives.
            archive.writestr(zipfile.ZipInfo(name), download.make(seg, context), packing)
    return buffer.getvalue()


ARCHIVE: Final = Download("archive", "Download all (ZIP)", "application/zip", ".zip", _archive)
"""All files of :data:`DOWNLOADS` but animations, outlines and objects; masks of all clusters."""


def file_name(seg: Segmentation, picture: str, download: Download) -> str:
    """The name of a downloaded file; ``picture`` is the picture's file name."""
    digest = seg.clusters.digest if seg.carried else ""
    merges = (seg.untidied or seg).merges
    stem = names.stem(picture, seg.settings, seg.n_clusters, merges, digest)
    return stem + download.suffix
