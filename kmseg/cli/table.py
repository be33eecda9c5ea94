"""The clusters as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmseg.settings import to_hex

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation


def table(seg: Segmentation) -> str:
    """One line per cluster: name, colour, pixels, share, centroid, and the file's units."""
    from kmseg.output.units import HEADER, cluster_units

    names, units = seg.settings.coordinate_names, cluster_units(seg)
    lines = [
        f"{'':>4} {'colour':7} {'pixels':>10} {'share':>6}  {'  '.join(f'{n:>7}' for n in names)}"
        + ("" if units is None else f"   {HEADER}")
    ]
    for number in range(seg.n_clusters):
        centroid = "  ".join(f"{value:7.2f}" for value in seg.centroids[number])
        lines.append(
            f"{seg.names[number]:>4} {to_hex(seg.palette[number])} {seg.pixel_counts[number]:10d}"
            f" {seg.shares[number]:6.1%}  {centroid}"
            + ("" if units is None else f"   {units.row(number)}")
        )
    return "\n".join(lines)
