"""What people take away: pictures, masks, tables, palettes, and all of it as one archive.

Everything is written from arrays, so nothing of the original file's metadata travels along.
"""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kmseg.errors import ImageError
from kmseg.output import render
from kmseg.segmentation import Segmentation
from kmseg.settings import LINK_VERSION, to_hex

MAX_STEM: Final = 56
PNG: Final = "image/png"
SETTINGS: Final = "Settings, JSON"

# What the formats hold: WebP 14 bits a side, libjpeg's JPEG_MAX_DIMENSION, the rest 31 bits.
MAX_SIDE: Final = {"webp": 16_383, "jpg": 65_500, "jpeg": 65_500, "": 2**31 - 1}


def stem(seg: Segmentation, picture: str) -> str:
    """The beginning of every file name: picture, space, channels, K and seed.

    Only letters, digits, ``-``, ``_`` and ``.``, so that it is a file name everywhere.
    """
    name = re.sub(r"[^A-Za-z0-9-]+", "-", picture.rpartition(".")[0] or picture).strip("-")
    chosen = seg.settings
    tail = f"{chosen.color_space}_c{chosen.channels}_k{seg.n_clusters}_s{chosen.seed}"
    return f"{name[: MAX_STEM - len(tail) - 1].strip('-') or 'picture'}_{tail}"


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Gray (H, W), RGB (H, W, 3) or RGBA (H, W, 4) pixels as PNG."""
    return encode(pixels, "png")


def jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """RGB pixels as JPEG without chroma subsampling."""
    import cv2

    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    options = (cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling)
    return encode(pixels, "jpg", options)


def encode(pixels: NDArray[np.uint8], extension: str, options: tuple[int, ...] = ()) -> bytes:
    """Pixels in the format that OpenCV's encoders know by this extension.

    Raises
    ------
    ImageError
        If the format does not hold pictures as large.
    """
    import cv2

    most = MAX_SIDE.get(extension, MAX_SIDE[""])
    if max(pixels.shape[:2]) > most:
        raise ImageError(
            f"{extension}: holds at most {most} pixels a side, not "
            f"{pixels.shape[1]} x {pixels.shape[0]}; choose png"
        )
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    swap = {1: cv2.COLOR_GRAY2BGR, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}[channels]
    ordered = pixels if channels == 1 else cv2.cvtColor(pixels, swap)
    return cv2.imencode(f".{extension}", ordered, options)[1].tobytes()


def indexed_png(labels: NDArray[np.int16], colors: NDArray[np.uint8]) -> bytes:
    """Labels as an indexed PNG: a pixel's value is its cluster, the palette the clusters' colours.

    Parameters
    ----------
    labels : ndarray of int16, shape (H, W)
        -1, transparent, becomes index K with a tRNS entry.
    colors : ndarray of uint8, shape (K, 3)
        At most 256, with one more for transparency if any pixel needs it.
    """
    height, width = labels.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each begins with its filter: 0, none
    rows[:, 1:] = labels
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # 8 bits, indices of a palette
    chunks = {b"IHDR": header, b"PLTE": colors.tobytes()}
    if labels.min() < 0:
        rows[:, 1:][labels < 0] = len(colors)
        chunks[b"PLTE"] += bytes(3)
        chunks[b"tRNS"] = b"\xff" * len(colors) + b"\0"
    # Labels come in runs: to look for nothing else is quickest, and smallest for photos.
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)
    chunks |= {b"IDAT": packer.compress(rows.data) + packer.flush(), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks.items()
    )


def cluster_rows(seg: Segmentation) -> list[dict[str, Any]]:
    """One row a cluster: number, hex, r, g, b, centroid by coordinate, pixels, share.

    Numbers count from 1; a cluster that others were merged into has theirs too, "1+3".
    """
    return [
        {"cluster": int(name) if name.isdigit() else name, "hex": to_hex(color)}
        | dict(zip("rgb", map(int, color), strict=True))
        | {
            f"centroid {name}": round(float(value), 4)
            for name, value in zip(seg.settings.coordinate_names, centroid, strict=True)
        }
        | {"pixels": int(pixels), "share": round(float(share), 6)}
        for name, color, centroid, pixels, share in zip(
            seg.names, seg.palette, seg.centroids, seg.pixel_counts, seg.shares, strict=True
        )
    ]


def counts_csv(seg: Segmentation) -> bytes:
    """:func:`cluster_rows` as CSV."""
    rows = cluster_rows(seg)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, rows[0], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


def palette_gpl(seg: Segmentation) -> bytes:
    """The palette for GIMP, Inkscape and Krita."""
    lines = [
        f"{red:3d} {green:3d} {blue:3d}\tCluster {number} {share:.1%}"
        for number, ((red, green, blue), share) in enumerate(
            zip(seg.palette.tolist(), seg.shares, strict=True), start=1
        )
    ]
    return "\n".join(["GIMP Palette", "Name: kmseg", "Columns: 8", "#", *lines, ""]).encode()


def palette_css(seg: Segmentation) -> bytes:
    """The palette as CSS custom properties."""
    lines = [f"  --cluster-{i}: {to_hex(c)};" for i, c in enumerate(seg.palette, start=1)]
    return "\n".join([":root {", *lines, "}", ""]).encode()


def palette_json(seg: Segmentation) -> bytes:
    """The palette as a JSON list, one object a cluster."""
    keys = ("cluster", "hex", "pixels", "share")
    return _json([{key: row[key] for key in keys} for row in cluster_rows(seg)])


def settings_json(seg: Segmentation, focus: tuple[int, ...] = ()) -> bytes:
    """Everything needed to repeat the segmentation, what it gave, and how it was looked at.

    ``view`` has the clusters in focus and those that were merged, by their numbers from 1 before
    merging.
    """
    merged = [[cluster + 1 for cluster in group] for group in seg.members if len(group) > 1]
    view = {"focus": [cluster + 1 for cluster in sorted(focus)], "merged": merged}
    return _json({"v": LINK_VERSION} | report(seg) | {"view": view})


def report(seg: Segmentation) -> dict[str, Any]:
    """A segmentation in numbers, ready for JSON; what is unknown is None.

    ``size`` is [W, H] of what was clustered.
    """
    return {
        "settings": seg.settings.to_dict(),
        "size": None if seg.image is None else [seg.image.width, seg.image.height],
        "unique_colors": seg.histogram.n_colors,
        "pixel_counts": seg.pixel_counts.tolist(),
        "palette": [to_hex(color) for color in seg.palette],
        "centroids": seg.centroids.tolist(),
        "inertia": seg.inertia,
        "attempts": list(seg.attempts),
        "n_iter": seg.n_iter,
        "converged": seg.converged,
        "global_optimum": seg.global_optimum,
        "seconds": {step: round(seconds, 6) for step, seconds in seg.seconds.items()},
    }


@dataclass(frozen=True, slots=True)
class File:
    """One file to take away: what it is called, and how it is made of a segmentation."""

    title: str
    name: str
    mime: str
    make: Callable[[Segmentation], bytes]


def files(seg: Segmentation, picture: str, focus: tuple[int, ...] = ()) -> list[File]:
    """Every file but the masks.

    Parameters
    ----------
    seg : Segmentation
    picture : str
        Name of the picture, for the files' names.
    focus : tuple of int
        The clusters in focus before merging, numbered from 0: they are noted in the settings.
    """
    start = stem(seg, picture)

    def segmented(seg: Segmentation) -> bytes:
        return png(render.painted(seg.labels, render.palette(seg)))

    def ranks(seg: Segmentation) -> bytes:
        return png(render.painted(seg.labels, render.palette(seg, "gray")))

    def settings(seg: Segmentation) -> bytes:
        return settings_json(seg, focus)

    def side_by_side(seg: Segmentation) -> bytes:
        return png(render.side_by_side(seg))

    def labels(seg: Segmentation) -> bytes:
        return indexed_png(seg.labels, seg.palette)

    return [
        File("Segmented picture", f"{start}_segmented.png", PNG, segmented),
        File("Gray ranks", f"{start}_gray.png", PNG, ranks),
        File("Side by side, gray ranks", f"{start}_side-by-side.png", PNG, side_by_side),
        File("Labels, pixel value = cluster", f"{start}_labels.png", PNG, labels),
        File("Counts, CSV", f"{start}_counts.csv", "text/csv", counts_csv),
        File("Palette, GIMP", f"{start}_palette.gpl", "text/plain", palette_gpl),
        File("Palette, CSS", f"{start}_palette.css", "text/css", palette_css),
        File("Palette, JSON", f"{start}_palette.json", "application/json", palette_json),
        File(SETTINGS, f"{start}_settings.json", "application/json", settings),
    ]


def mask_file(seg: Segmentation, picture: str, *clusters: int) -> File:
    """The mask of some clusters, 255 where a pixel is in one; they count from 0."""

    def mask(seg: Segmentation) -> bytes:
        return png(render.mask(seg.labels, clusters))

    return File(_of("Mask", seg, clusters), _named(seg, picture, "mask", clusters), PNG, mask)


def cutout_file(seg: Segmentation, picture: str, *clusters: int) -> File:
    """The original where a pixel is in one of the clusters, and transparency elsewhere."""

    def cutout(seg: Segmentation) -> bytes:
        if seg.image is None:
            raise ValueError("a segmentation of a ColorHistogram has no picture")
        alpha = render.mask(seg.labels, clusters)
        return png(np.dstack((np.where(alpha[..., None] > 0, seg.image.pixels, 0), alpha)))

    return File(
        _of("Cut-out", seg, clusters), _named(seg, picture, "cutout", clusters), PNG, cutout
    )


def _of(what: str, seg: Segmentation, clusters: tuple[int, ...]) -> str:
    names = ", ".join(seg.names[cluster] for cluster in clusters)
    return f"{what} of cluster{'' if len(clusters) == 1 else 's'} {names}"


def _named(seg: Segmentation, picture: str, what: str, clusters: tuple[int, ...]) -> str:
    numbers = [f"{cluster + 1:03d}" for cluster in clusters]
    shown = numbers if len(numbers) <= 3 else [*numbers[:2], "etc"]
    return f"{stem(seg, picture)}_{what}{'_'.join(shown)}.png"


def archive(seg: Segmentation, picture: str, focus: tuple[int, ...] = ()) -> File:
    """All files and masks as one ZIP, the settings as ``settings.json``."""

    def zipped(seg: Segmentation) -> bytes:
        masks = [mask_file(seg, picture, cluster) for cluster in range(seg.n_clusters)]
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as out:
            for file in (*files(seg, picture, focus), *masks):
                name = "settings.json" if file.title == SETTINGS else file.name
                packed = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
                out.writestr(zipfile.ZipInfo(name), file.make(seg), packed)
        return buffer.getvalue()

    return File("Everything, ZIP", f"{stem(seg, picture)}.zip", "application/zip", zipped)


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()
