"""A segmentation in numbers, ready for JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from kmseg.output.encode import json_bytes
from kmseg.settings import LINK_VERSION, to_hex

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation


def report(seg: Segmentation) -> dict[str, Any]:
    """Settings and results as JSON values; unknown values are None.

    ``size`` is [W, H] of the picture as it was clustered, ``seconds`` the time of each step.
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
        :func:`report` with ``v``, the version of the settings, and ``view``: the clusters in focus
        and those that were merged, numbered from 1 before merging.
    """
    merged = [[cluster + 1 for cluster in group] for group in seg.members if len(group) > 1]
    view = {"focus": [cluster + 1 for cluster in sorted(focus)], "merged": merged}
    return json_bytes({"v": LINK_VERSION} | report(seg) | {"view": view})
