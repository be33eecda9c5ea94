"""The clusters as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmseg.settings import to_hex

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation


def table(seg: Segmentation) -> str:
    """One line per cluster: number, colour, pixels, share, centroid."""
    names = seg.settings.coordinate_names
    lines = [
        f"{'':>4} {'colour':7} {'pixels':>10} {'share':>6}  {'  '.join(f'{n:>7}' for n in names)}"
    ]
    for number in range(seg.n_clusters):
        centroid = "  ".join(f"{value:7.2f}" for value in seg.centroids[number])
        lines.append(
            f"{number + 1:4d} {to_hex(seg.palette[number])} {seg.pixel_counts[number]:10d}"
            f" {seg.shares[number]:6.1%}  {centroid}"
        )
    return "\n".join(lines)
