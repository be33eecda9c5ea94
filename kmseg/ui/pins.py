"""Pins: segmentations that a visitor keeps to compare them. They live in the link."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

from kmseg.picture.reading import Reading
from kmseg.samples import SAMPLES
from kmseg.settings import LINK_VERSION, PAGE_RANGES, Settings
from kmseg.ui.groups import parse_groups, spelled
from kmseg.ui.picture_names import is_upload_name
from kmseg.ui.records import Groups
from kmseg.ui.shortening import completed, shortened

MAX_PINS: Final = 6
# Most characters of all pins in a link, so that the link stays under 2,000 characters.
MAX_CHARACTERS: Final = 1400
_BETWEEN: Final = "|"


@dataclass(frozen=True, slots=True)
class Pin:
    """A segmentation of a picture.

    Attributes
    ----------
    picture : str
        The picture's name in a link: a sample's key, or "upload-" and a prefix of its digest.
    reading : Reading
    settings : Settings
    merges : tuple of tuple of int
        Groups of clusters that are merged, numbered from 0.
    """

    picture: str
    reading: Reading
    settings: Settings
    merges: Groups = ()

    def to_query(self) -> dict[str, str]:
        """The query of a link that opens it."""
        return shortened(
            {"v": LINK_VERSION, "picture": self.picture}
            | self.settings.to_query()
            | self.reading.to_query()
            | {"merge": spelled(self.merges)}
        )

    @classmethod
    def parse(cls, text: str) -> Pin | None:
        """Parse a pin of a link; None if any of its values is not allowed."""
        query = completed({"v": LINK_VERSION} | dict(parse_qsl(text)))
        settings, wrong = Settings.from_query(query, PAGE_RANGES)
        reading, others = Reading.from_query(query)
        picture, merge = query.get("picture", ""), query.get("merge", "")
        merges = parse_groups(merge)
        if wrong or others or spelled(merges) != merge:
            return None
        if picture not in SAMPLES and not is_upload_name(picture):
            return None
        return cls(picture, reading, settings, merges)


def spelled_pins(pins: Iterable[Pin]) -> str:
    """Pins as a link has them."""
    queries = (pin.to_query() for pin in pins)
    return _BETWEEN.join(
        urlencode({name: value for name, value in query.items() if name != "v"})
        for query in queries
    )


def parse_pins(text: str) -> tuple[Pin, ...]:
    """The valid pins of a link, without duplicates, at most :data:`MAX_PINS`."""
    if len(text) > 2 * MAX_CHARACTERS:
        return ()
    found = (Pin.parse(part) for part in text.split(_BETWEEN)[: 2 * MAX_PINS] if part)
    return tuple(dict.fromkeys(pin for pin in found if pin is not None))[:MAX_PINS]
