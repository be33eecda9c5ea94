"""One set of clusters on many pictures."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import Final

from kmseg.output import export
from kmseg.segmentation import Codebook, Segmentation, segment
from kmseg.segmentation.codebook import levels_of
from kmseg.settings import Settings
from kmseg.tally import pooled
from kmseg.ui.server import gates
from kmseg.ui.server.gates import slot, stop_if_cancelled
from kmseg.ui.store import caches
from kmseg.ui.store.pictures import Picture, key_of, pixels_of
from kmseg.ui.store.results import data

# Keys of the downloads in the archive of many pictures.
IN_ARCHIVE: Final = ("labels", "segmented", "counts")


def codebook(picture: Picture, seg: Segmentation) -> Codebook:
    """The clusters of a picture's segmentation, with the levels at which the picture was read."""
    return replace(seg.codebook, levels=levels_of(picture.scale, picture.reading))


def carried(picture: Picture, clusters: Codebook) -> Segmentation:
    """The segmentation of a picture by the clusters of another one, without its pixels."""
    made = data(picture)

    def make() -> Segmentation:
        with slot():
            return clusters.predict(made.histogram)

    found: Segmentation = caches.results().get(
        key_of(picture), make, stop_if_cancelled, part=("carried", clusters.digest)
    )
    return copy(found)


def pooled_codebook(pictures: Sequence[Picture], settings: Settings) -> Codebook:
    """The clusters of the pixels of all pictures taken together; ``settings.width`` is ignored.

    The pictures have the same reading.
    """
    histograms = [data(picture).histogram for picture in pictures]

    def make() -> Codebook:
        with slot():
            return segment(pooled(histograms), replace(settings.untidied(), width=0)).codebook

    keys = tuple(key_of(picture) for picture in pictures)
    owned = [key for key in keys if key[0] != caches.EVERYBODY]
    found: Codebook = caches.results().get(
        (owned or list(keys))[0], make, stop_if_cancelled, part=("pooled", keys, settings)
    )
    return found


def carried_archive(
    pictures: Sequence[tuple[str, Picture]],
    clusters: Codebook,
    on_progress: Callable[[int], None] = lambda done: None,
) -> bytes:
    """A ZIP with the files :data:`IN_ARCHIVE` of each picture, by its file name.

    ``on_progress`` is called before each picture with the number of pictures that are done.
    """
    buffer = io.BytesIO()
    with (
        gates.FILES.admitted(stop_if_cancelled),
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive,
    ):
        for number, (name, picture) in enumerate(pictures, start=1):
            on_progress(number - 1)
            with pixels_of(picture) as image:
                seg = replace(carried(picture, clusters), image=image)
                for download in export.DOWNLOADS:
                    if download.key in IN_ARCHIVE:
                        content = download.make(seg, export.Context(name))
                        archive.writestr(
                            f"{number:02}_{export.file_name(seg, name, download)}", content
                        )
    return buffer.getvalue()
