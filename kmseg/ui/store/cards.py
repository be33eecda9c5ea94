"""The cards of links, see :mod:`kmseg.output.card`."""

from __future__ import annotations

from dataclasses import replace

from kmseg.output import card as drawing
from kmseg.settings import Settings
from kmseg.ui.records import Groups
from kmseg.ui.server.gates import slot
from kmseg.ui.store import caches
from kmseg.ui.store.pictures import key_of, pixels_of, sample
from kmseg.ui.store.results import segmentation


def card(key: str, settings: Settings, merges: Groups, title: str, caption: str) -> bytes:
    """The card of a sample's segmentation, as a JPEG.

    Parameters
    ----------
    key : str
        The sample's.
    settings : Settings
        At the sample's own width.
    merges : tuple of tuple of int
        Groups of clusters that are merged, numbered from 0; clusters that do not exist are ignored.
    title, caption : str

    Raises
    ------
    BusyError
    """
    picture = sample(key)

    def make() -> bytes:
        seg = segmentation(picture, settings)
        groups = (tuple(c for c in group if c < seg.n_clusters) for group in merges)
        with pixels_of(picture) as image, slot():
            merged = replace(seg, image=image).merged(tuple(g for g in groups if len(g) > 1))
            shown = merged.tidied(settings.smallest_region, settings.fill_holes)
            return drawing.card(shown, title, caption)

    part = ("card", settings, merges, title, caption)
    made: bytes = caches.results().get(key_of(picture), make, part=part)
    return made
