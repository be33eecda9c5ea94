"""The regions of a segmentation, as columns for the browser.

The picture of regions at full size, 4 bytes a pixel, is never cached: only the columns, and the
regions of the preview's pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import TypeVar

from kmseg.errors import RegionsError
from kmseg.output.objectcodec import pack_numbers, pack_regions
from kmseg.output.objects import MAX_OBJECTS
from kmseg.regions import Regions
from kmseg.regions.counting import region_counts
from kmseg.segmentation import Segmentation
from kmseg.ui.server import gates
from kmseg.ui.server.gates import slot, stop_if_cancelled
from kmseg.ui.store import caches
from kmseg.ui.store.addresses import Content, Wanted, address_of
from kmseg.ui.store.pictures import Picture, key_of, pixels_of
from kmseg.ui.store.results import PictureData, data, part_of
from kmseg.ui.store.store import Key

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Objects:
    """Addresses of the regions of a segmentation, see :mod:`kmseg.output.objectcodec`.

    Attributes
    ----------
    table : str
        The columns.
    numbers : str
        The region of each pixel of the preview.
    width, height : int
        Size of the preview, in pixels.
    """

    table: str
    numbers: str
    width: int
    height: int


def n_regions(picture: Picture, seg: Segmentation) -> tuple[int, ...]:
    """The number of regions of each cluster."""

    def count(full: Segmentation) -> tuple[int, ...]:
        return tuple(region_counts(full.labels, seg.n_clusters).tolist())

    return _cached(picture, seg, "region counts", count)


def objects(picture: Picture, seg: Segmentation) -> Objects:
    """Measure the regions of a segmentation.

    Raises
    ------
    RegionsError
        There are more than ``MAX_OBJECTS``.
    """
    n = sum(n_regions(picture, seg))
    if n > MAX_OBJECTS:
        raise RegionsError(
            f"There are {n:,} regions, and at most {MAX_OBJECTS:,} are listed. Raise "
            "“Smallest region” to remove specks."
        )
    made = data(picture, seg.settings.width)

    def measure(full: Segmentation) -> tuple[bytes, bytes]:
        found: Regions = full.regions()
        numbers = found.label_image[made.preview.rows][:, made.preview.columns]
        return pack_regions(found), pack_numbers(numbers)

    _cached(picture, seg, "regions", measure)
    wanted = Wanted(key_of(picture, seg.settings.width), _part("regions", seg), _content)
    address = address_of(wanted)
    height, width = len(made.preview.rows), len(made.preview.columns)
    return Objects(f"{address}/table", f"{address}/numbers", width, height)


def _part(name: str, seg: Segmentation) -> Hashable:
    return name, part_of(seg), seg.merges


def _cached(picture: Picture, seg: Segmentation, name: str, make: Callable[[Segmentation], T]) -> T:
    """``make`` of the segmentation with its pixels; one label picture is in memory at a time."""
    width = seg.settings.width
    data(picture, width)  # the result is cached as a part of it

    def compute() -> T:
        with pixels_of(picture, width):
            pass  # decode before taking the slot, so small pictures do not wait
        with (
            gates.REGIONS.admitted(stop_if_cancelled),
            pixels_of(picture, width) as image,
            slot(),
        ):
            return make(replace(seg, image=image))

    found: T = caches.results().get(
        key_of(picture, width), compute, stop_if_cancelled, part=_part(name, seg)
    )
    return found


def _content(key: Key, part: Hashable, name: str) -> Content | None:
    made: PictureData | None = caches.results().find(key)
    found: tuple[bytes, bytes] | None = caches.results().find(key, part)
    if made is None or found is None or name not in ("table", "numbers"):
        return None
    return found[name == "numbers"], "application/octet-stream"
