"""k-means on plain arrays: seeding, exact Lloyd iterations, plain Lloyd, and two reference engines.

Nothing here knows that its samples are colours. :func:`fit` and its compiled loops are imported on
first use, so that the table of engines stays cheap to read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmseg.kmeans.problem import Progress

if TYPE_CHECKING:
    from kmseg.kmeans.api import Clustering, distinct_rows, fit

__all__ = ["Clustering", "Progress", "distinct_rows", "fit"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from kmseg.kmeans import api

        return getattr(api, name)
    raise AttributeError(f"module 'kmseg.kmeans' has no attribute {name!r}")
