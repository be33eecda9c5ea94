"""A segmentation's settings and results as JSON; :mod:`kmseg.saved` reads it."""

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
    gray with more than 8 bits. ``codebook`` has what other pictures need to have the same clusters;
    if ``carried``, the clusters came from there.
    """
    origin, units = seg.origin, cluster_units(seg)
    return {
        "settings": seg.settings.to_dict(),
        "reading": None if origin is None else origin.reading.to_dict(),
        "notes": [] if origin is None else list(origin.notes),
        "size": None if origin is None else [origin.width, origin.height],
        "unique_colors": seg.histogram.n_colors,
        "carried": seg.carried,
        "pixel_counts": seg.pixel_counts.tolist(),
        "palette": [to_hex(color) for color in seg.palette],
        "centroids": seg.centroids.tolist(),
        "units": None if units is None else units.to_dict(),
        "inertia": seg.inertia,
        "attempts": list(seg.attempts),
        "n_iter": seg.n_iter,
        "converged": seg.converged,
        "global_optimum": seg.global_optimum,
        "codebook": seg.codebook.to_dict(),
        "seconds": {step: round(seconds, 6) for step, seconds in seg.seconds.items()},
    }


def settings_json(seg: Segmentation, focus: Iterable[int] = (), picture: str = "") -> bytes:
    """Everything needed to repeat a segmentation, and its results, as JSON.

    Parameters
    ----------
    seg : Segmentation
    focus : iterable of int
        Clusters in focus, numbered from 0 before merging.
    picture : str
        File name of the picture.

    Returns
    -------
    bytes
        :func:`report` with ``v``, the version of the settings, ``picture``, and ``view``: focused
        and merged clusters, numbered from 1 before merging.
    """
    members = (seg.untidied or seg).members
    merged = [[cluster + 1 for cluster in group] for group in members if len(group) > 1]
    view = {"focus": [cluster + 1 for cluster in sorted(focus)], "merged": merged}
    head = {"v": LINK_VERSION, "picture": picture}
    return json_bytes(head | report(seg) | {"view": view})
