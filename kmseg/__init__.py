"""Exact k-means colour segmentation of photographs.

>>> import kmseg
>>> image = kmseg.read_image("photo.jpg")                                # doctest: +SKIP
>>> seg = kmseg.segment(image, kmseg.Settings(color_space="hsv", channels="02", n_clusters=3))
...                                                                      # doctest: +SKIP

The names below are imported on first use, so that ``import kmseg`` stays cheap for a command line
that may only have to refuse a file.
"""

from __future__ import annotations

import importlib

from kmseg.version import __version__ as __version__

TYPE_CHECKING = False  # not from typing, which is slow to import

if TYPE_CHECKING:
    from kmseg import kmeans
    from kmseg.batch.api import segment_many
    from kmseg.comparison import Agreement, compare
    from kmseg.errors import (
        ComparisonError,
        ImageError,
        KmsegError,
        LabelsError,
        RegionsError,
        SavedFileError,
        SettingsError,
    )
    from kmseg.histogram import ColorHistogram, color_histogram
    from kmseg.picture.image import Image, read_image
    from kmseg.picture.masks import read_mask
    from kmseg.picture.reading import Reading
    from kmseg.regions import Regions
    from kmseg.samples import SAMPLES, sample_image
    from kmseg.saved import SavedSettings, read_codebook, read_settings
    from kmseg.segmentation import Codebook, Segmentation, segment
    from kmseg.settings import Settings
    from kmseg.tally import pooled
    from kmseg.tracing import Trace, trace

__all__ = [
    "SAMPLES",
    "Agreement",
    "Codebook",
    "ColorHistogram",
    "ComparisonError",
    "Image",
    "ImageError",
    "KmsegError",
    "LabelsError",
    "Reading",
    "Regions",
    "RegionsError",
    "SavedFileError",
    "SavedSettings",
    "Segmentation",
    "Settings",
    "SettingsError",
    "Trace",
    "color_histogram",
    "compare",
    "kmeans",
    "pooled",
    "read_codebook",
    "read_image",
    "read_mask",
    "read_settings",
    "sample_image",
    "segment",
    "segment_many",
    "trace",
]

_HOME = {
    "SAMPLES": "samples",
    "Agreement": "comparison",
    "Codebook": "segmentation",
    "ColorHistogram": "histogram",
    "ComparisonError": "errors",
    "Image": "picture.image",
    "ImageError": "errors",
    "KmsegError": "errors",
    "LabelsError": "errors",
    "Reading": "picture.reading",
    "Regions": "regions",
    "RegionsError": "errors",
    "SavedFileError": "errors",
    "SavedSettings": "saved",
    "Segmentation": "segmentation",
    "Settings": "settings",
    "SettingsError": "errors",
    "Trace": "tracing",
    "color_histogram": "histogram",
    "compare": "comparison",
    "pooled": "tally",
    "read_codebook": "saved",
    "read_image": "picture.image",
    "read_mask": "picture.masks",
    "read_settings": "saved",
    "sample_image": "samples",
    "segment": "segmentation",
    "segment_many": "batch.api",
    "trace": "tracing",
}


def __getattr__(name: str) -> object:
    if name == "kmeans":
        return importlib.import_module("kmseg.kmeans")
    if name in _HOME:
        return getattr(importlib.import_module(f"kmseg.{_HOME[name]}"), name)
    raise AttributeError(f"module 'kmseg' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
