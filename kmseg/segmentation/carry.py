"""Carrying over: a picture's pixels are assigned to the clusters of a ``Codebook``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmseg.histogram import ColorHistogram
from kmseg.labeling import ByColor
from kmseg.picture.image import Image
from kmseg.segmentation.codebook import Codebook
from kmseg.segmentation.fit import Laps, constant_channels, prepared
from kmseg.segmentation.result import Segmentation


def carried_over(
    codebook: Codebook,
    source: Image | ColorHistogram,
    width: int,
    histogram: ColorHistogram | None,
    coordinates: NDArray[np.float64] | None,
) -> Segmentation:
    """The segmentation that :meth:`Codebook.predict` describes."""
    settings = codebook.settings(width)
    lap = Laps()
    image, histogram, samples = prepared(source, settings, histogram, coordinates, lap)
    nearest, inertia = codebook.assign(histogram, samples)
    numbers = np.empty(len(codebook.centroids), np.int16)
    for cluster, members in enumerate(codebook.members):
        numbers[list(members)] = cluster
    labeling = ByColor(histogram, numbers[nearest])
    counts, sums = labeling.totals(None, codebook.n_clusters)
    lap("assign")
    return Segmentation(
        settings=settings,
        image=image,
        histogram=histogram,
        clusters=codebook,
        pixel_counts=counts,
        color_sums=sums,
        inertia=inertia,
        n_iter=None,
        converged=None,
        attempts=(),
        global_optimum=False,
        labeling=labeling,
        constant_channels=constant_channels(samples, settings),
        seconds=lap.seconds,
        carried=True,
    )
