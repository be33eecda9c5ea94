"""One TIFF picture that is larger than memory: counted, clustered and labelled part by part.

Whatever a pixel's colour and label would be in memory, they are the same here: what converts the
samples of a picture in memory converts those of each part, the counts of all parts are added up
exactly, and one fit on them is made. Parts are independent of each other, so any number of threads,
processes or machines may share them.

Tiles are decoded by ``tifffile`` and ``imagecodecs`` in the process itself, without the limits of
the worker that decodes pictures of strangers. So this is for files that the user trusts. Both
packages are imported when a picture is opened, and nowhere else.
"""

from __future__ import annotations

from kmseg.streaming.claims import find_claims
from kmseg.streaming.labels import write_labels
from kmseg.streaming.picture import LargePicture, open_large
from kmseg.streaming.segment import check, segment_large

__all__ = ["LargePicture", "check", "find_claims", "open_large", "segment_large", "write_labels"]
