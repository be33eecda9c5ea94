"""Picture + settings -> ``Segmentation``, in three steps: cluster, assign, tidy.

Clustering gives centroids and inertia. Assigning gives every pixel a label. Tidying changes labels
afterwards, as merging clusters does. ``inertia``, ``attempts`` and ``n_iter`` are those of the
clustering; ``pixel_counts``, ``palette`` and ``labels`` those after the last step.

Carrying over leaves out the first step: pixels are assigned to the centroids of a ``Codebook``.
"""

from __future__ import annotations

from kmseg.segmentation.codebook import Codebook, levels_of
from kmseg.segmentation.fit import largest_first, segment
from kmseg.segmentation.result import Segmentation, mean_colors

__all__ = ["Codebook", "Segmentation", "largest_first", "levels_of", "mean_colors", "segment"]
