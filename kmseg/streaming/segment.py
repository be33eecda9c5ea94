"""The passes over a large picture: levels, counts; then one fit on the colours of all parts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

from kmseg.errors import ImageError, SettingsError
from kmseg.histogram import ColorHistogram, color_histogram
from kmseg.kmeans import Progress
from kmseg.kmeans.engines import ENGINES
from kmseg.parallel.threads import as_made
from kmseg.picture.image import ALL_TRANSPARENT, Image
from kmseg.picture.levels import scale_of
from kmseg.picture.survey import Survey
from kmseg.segmentation import Codebook, Segmentation, segment
from kmseg.settings import Settings
from kmseg.streaming.picture import LargePicture
from kmseg.streaming.tiff import Region
from kmseg.tally import Tally

T = TypeVar("T")


class Run(Protocol):
    """Applies a function, which can be pickled, to each region; yields results in their order."""

    def __call__(
        self, function: Callable[[Region], T], items: Sequence[Region], /
    ) -> Iterator[T]: ...


def check(settings: Settings) -> None:
    """Refuse settings that need the whole picture in memory; raises ``SettingsError``."""
    if settings.width:
        raise SettingsError(
            f"width: must be 0 for a picture that is read part by part, not {settings.width}"
        )
    if settings != settings.untidied():
        raise SettingsError(
            "smallest_region: a picture that is read part by part is not tidied; leave it and "
            "fill_holes out"
        )
    if ENGINES[settings.engine].visits_pixels:
        fitting = ", ".join(key for key, engine in ENGINES.items() if not engine.visits_pixels)
        raise SettingsError(
            f"engine: must be one of {fitting} for a picture that is read part by part, not "
            f"{settings.engine!r}"
        )


def segment_large(
    picture: LargePicture,
    settings: Settings,
    codebook: Codebook | None = None,
    *,
    run: Run = as_made,
    progress: Progress | None = None,
) -> tuple[LargePicture, Segmentation]:
    """Cluster the colours of a large picture.

    Parameters
    ----------
    picture : LargePicture
    settings : Settings
    codebook : Codebook, optional
        Clusters to carry over in place of a fit; ``settings`` then do not count.
    run : callable
        Applies a function to each part; by default in threads.
    progress : callable, optional
        As in :func:`kmseg.segment`.

    Returns
    -------
    LargePicture
        The picture with its levels, for :func:`kmseg.streaming.labels.write_labels`.
    Segmentation
        As that of the picture in memory, but without ``image``, so without ``labels``.

    Raises
    ------
    ImageError
        The file is damaged, or no pixel counts.
    SettingsError
        A setting needs the whole picture in memory.
    """
    check(settings)
    started = time.perf_counter()
    picture = _with_levels(picture, run)
    counted, n_missing = _counted(picture, run)
    seconds = {"histogram": time.perf_counter() - started}
    if codebook is None:
        seg = segment(counted, settings, progress=progress)
    else:
        seg = codebook.predict(counted)
    seg = replace(seg, origin=picture.origin(n_missing), seconds=seconds | seg.seconds)
    return picture, seg


def _counted(picture: LargePicture, run: Run) -> tuple[ColorHistogram, int]:
    """The colours of the whole picture, and how many pixels of 8 bits have no value."""
    tally, n_missing = Tally(), 0
    for histogram, missing in run(partial(_count, picture), picture.regions()):
        n_missing += missing
        if histogram is not None:
            tally.add(histogram)
    if tally.is_empty:
        raise ImageError(ALL_TRANSPARENT)
    return tally.histogram(), n_missing


def _with_levels(picture: LargePicture, run: Run) -> LargePicture:
    """The picture with the levels of samples of more than 8 bits, by the rule of all pictures."""
    samples = picture.deep
    if samples is None:
        return picture
    whole, largest = Survey(samples, picture.width * picture.height), 0
    for survey, alpha in run(partial(_survey, picture), picture.regions()):
        whole.add_survey(survey)
        largest = max(largest, alpha)
    scale = scale_of(whole, samples, picture.claims.reading.levels)
    return replace(picture, scale=scale, largest_alpha=largest)


def _survey(picture: LargePicture, region: Region) -> tuple[Survey, int]:
    return picture.survey(region)


def _count(picture: LargePicture, region: Region) -> tuple[ColorHistogram | None, int]:
    """The colours of a part, None if no pixel counts; and how many pixels have no value."""
    pixels, opaque, n_missing = picture.pixels(region)
    if opaque is not None and not opaque.any():
        return None, n_missing
    return color_histogram(Image(pixels, opaque)), n_missing
