"""A segmentation's clusters as tables and palettes."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from kmseg.output.encode import json_bytes
from kmseg.output.units import cluster_units
from kmseg.settings import to_hex

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation


def cluster_rows(seg: Segmentation) -> list[dict[str, Any]]:
    """One row per cluster: number, hex, r, g, b, centroid by coordinate, pixels, share.

    Numbers start at 1. A merged cluster has the numbers of its members, as in "1+3". For gray
    pictures with more than 8 bits, rows end with the cluster's values in the file's units.
    """
    units = cluster_units(seg)
    rows: list[dict[str, Any]] = [
        {"cluster": int(name) if name.isdigit() else name, "hex": to_hex(color)}
        | dict(zip("rgb", map(int, color), strict=True))
        | {
            f"centroid {coordinate}": round(float(value), 4)
            for coordinate, value in zip(seg.settings.coordinate_names, centroid, strict=True)
        }
        | {"pixels": int(pixels), "share": round(float(share), 6)}
        for name, color, centroid, pixels, share in zip(
            seg.names, seg.palette, seg.centroids, seg.pixel_counts, seg.shares, strict=True
        )
    ]
    if units is not None:
        for number, row in enumerate(rows):
            row["file centroid"] = units.number(units.centroids[number])
            row["file least"] = units.number(units.least[number])
            row["file greatest"] = units.number(units.greatest[number])
    return rows


def counts_csv(seg: Segmentation) -> bytes:
    """:func:`cluster_rows` as CSV (RFC 4180) with a decimal point.

    It is plain ASCII, with "*" for the dot of products. Spreadsheets decode a CSV without a byte
    order mark in the system's legacy code page, and other programs misread the mark.
    """
    rows = cluster_rows(seg)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([name.replace("·", "*") for name in rows[0]])
    writer.writerows(row.values() for row in rows)
    return buffer.getvalue().encode("ascii")


def palette_gpl(seg: Segmentation) -> bytes:
    """The palette in GIMP's format, which Inkscape and Krita also read."""
    lines = [
        f"{red:3d} {green:3d} {blue:3d}\tCluster {name} {share:.1%}"
        for name, (red, green, blue), share in zip(
            seg.names, seg.palette.tolist(), seg.shares, strict=True
        )
    ]
    return "\n".join(["GIMP Palette", "Name: kmseg", "Columns: 8", "#", *lines, ""]).encode()


def palette_css(seg: Segmentation) -> bytes:
    """The palette as CSS custom properties, by ``Segmentation.numbers``."""
    numbered = zip(seg.numbers, seg.palette, strict=True)
    lines = [f"  --cluster-{number}: {to_hex(color)};" for number, color in numbered]
    return "\n".join([":root {", *lines, "}", ""]).encode()


def palette_json(seg: Segmentation) -> bytes:
    """The palette as a JSON list with one object per cluster."""
    keys = ("cluster", "hex", "pixels", "share")
    return json_bytes([{key: row[key] for key in keys} for row in cluster_rows(seg)])
