"""A segmentation's settings and results as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from kmseg.output.encode import json_bytes
from kmseg.output.units import cluster_units
from kmseg.settings import LINK_VERSION, to_hex

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation


def report(seg: Segmentation) -> dict[str, Any]:
    """Settings and results as JSON values; unknown values are None.

    ``size`` is [W, H] of the clustered picture, ``seconds`` the time of each step. ``reading`` and
    ``notes`` say how the file was read. ``units`` has the clusters in the file's own units if it is
    gray with more than 8 bits.
    """
    image, units = seg.image, cluster_units(seg)
    return {
        "settings": seg.settings.to_dict(),
        "reading": None if image is None else image.reading.to_dict(),
        "notes": [] if image is None else list(image.notes),
        "size": None if image is None else [image.width, image.height],
        "unique_colors": seg.histogram.n_colors,
        "pixel_counts": seg.pixel_counts.tolist(),
        "palette": [to_hex(color) for color in seg.palette],
        "centroids": seg.centroids.tolist(),
        "units": None if units is None else units.to_dict(),
        "inertia": seg.inertia,
        "attempts": list(seg.attempts),
        "n_iter": seg.n_iter,
        "converged": seg.converged,
        "global_optimum": seg.global_optimum,
        "seconds": {step: round(seconds, 6) for step, seconds in seg.seconds.items()},
    }


def settings_json(seg: Segmentation, focus: Iterable[int] = ()) -> bytes:
    """Everything needed to repeat a segmentation, and its results, as JSON.

    Parameters
    ----------
    seg : Segmentation
    focus : iterable of int
        Clusters in focus, numbered from 0 before merging.

    Returns
    -------
    bytes
        :func:`report` with ``v``, the version of the settings, and ``view``: focused and merged
        clusters, numbered from 1 before merging.
    """
    merged = [[cluster + 1 for cluster in group] for group in seg.members if len(group) > 1]
    view = {"focus": [cluster + 1 for cluster in sorted(focus)], "merged": merged}
    return json_bytes({"v": LINK_VERSION} | report(seg) | {"view": view})
