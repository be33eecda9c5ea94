"""The table of samples. A new sample is one entry in :data:`SAMPLES`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kmseg.samples.sources import HiddenNumeral, Photo, Source


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample picture.

    Attributes
    ----------
    key : str
        Name in links and on the command line: lower-case letters, digits and hyphens.
    title : str
        Name on the page.
    description : str
        One line on what there is to see, and the settings that show it.
    source : Source
        Makes the picture.
    settings : mapping
        The settings that the description names and the page opens it with, by the fields of
        :class:`kmseg.settings.Settings`.
    """

    key: str
    title: str
    description: str
    source: Source
    settings: Mapping[str, str | int] = field(hash=False)


def _settings(color_space: str, channels: str, n_clusters: int) -> dict[str, str | int]:
    return {"color_space": color_space, "channels": channels, "n_clusters": n_clusters}


SAMPLES: Final[dict[str, Sample]] = {
    sample.key: sample
    for sample in (
        Sample(
            "china",
            "Summer Palace, China",
            "Roofs, sky and trees separate in CIELAB with K = 6.",
            Photo("china"),
            _settings("cielab", "all", 6),
        ),
        Sample(
            "flower",
            "Dahlia",
            "The flower separates from its background in CIELAB, channels a* and b*, with K = 3.",
            Photo("flower"),
            _settings("cielab", "12", 3),
        ),
        Sample(
            "plate-6",
            "Plate: orange on olive",
            "A hidden 6 that RGB with K = 3 misses. It shows in HSV, channel H, with K = 3.",
            HiddenNumeral("6", "deutan-olive", 6),
            _settings("hsv", "0", 3),
        ),
        Sample(
            "plate-5",
            "Plate: orange on green",
            "A hidden 5 in another hue. It shows in HSV, channels H and S, with K = 3.",
            HiddenNumeral("5", "protan", 5),
            _settings("hsv", "01", 3),
        ),
        Sample(
            "plate-74",
            "Plate: green on red",
            "A hidden 74 as light as the rest. It shows in CIELAB, channels a* and b*, with K = 3.",
            HiddenNumeral("74", "deutan", 74),
            _settings("cielab", "12", 3),
        ),
        Sample(
            "plate-8",
            "Plate: blue-green on rose",
            "A hidden 8 in pale colours. It shows in 8-bit Lab, channels a and b, with K = 3.",
            HiddenNumeral("8", "protan-rose", 8),
            _settings("lab", "12", 3),
        ),
        Sample(
            "plate-29",
            "Plate: violet on green",
            "A hidden 29 in violet. It shows in HSV, hue as an angle, channel H, with K = 3.",
            HiddenNumeral("29", "tritan", 29),
            _settings("hsv-circular", "0", 3),
        ),
        Sample(
            "plate-3",
            "Plate: two hues on two hues",
            "A hidden 3, two hues on two others. It shows in CIELAB, channels a* and b*, K = 4.",
            HiddenNumeral("3", "two-tone", 3),
            _settings("cielab", "12", 4),
        ),
    )
}
"""Samples by key, in the order in which they are offered."""
