"""The table of samples. A new sample is one entry in :data:`SAMPLES`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kmseg.samples import drawn
from kmseg.samples.sources import Drawn, HiddenNumeral, Photo, Source


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
    why : str
        One or two sentences on why k-means fails on the picture, or why it does well; or "".
    fails : bool
        Whether k-means fails on the picture.
    """

    key: str
    title: str
    description: str
    source: Source
    settings: Mapping[str, str | int] = field(hash=False)
    why: str = ""
    fails: bool = False


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
        Sample(
            "stained-glass",
            "Stained glass",
            "Five colours of glass and the leads separate in CIELAB with K = 6.",
            Drawn(drawn.stained_glass),
            _settings("cielab", "all", 6),
            why="Each colour is a compact group, far from the others, and no group is tiny. This "
            "suits k-means.",
        ),
        Sample(
            "stained-cells",
            "Stained cells",
            "Background, cells and nuclei separate in CIELAB with K = 3.",
            Drawn(drawn.stained_cells),
            _settings("cielab", "all", 3),
            why="Background, cells and nuclei have three distinct colours, so k-means can count "
            "their pixels.",
        ),
        Sample(
            "gradient",
            "A smooth gradient",
            "RGB with K = 6 cuts the gradient into six bands.",
            Drawn(drawn.gradient),
            _settings("rgb", "all", 6),
            why="The colours form no groups, so k-means cuts them into equal parts. The edges of "
            "the bands are not in the picture, and another K moves them.",
            fails=True,
        ),
        Sample(
            "small-object",
            "A small object",
            "RGB with K = 3 splits the meadow and misses the ladybird.",
            Drawn(drawn.small_object),
            _settings("rgb", "all", 3),
            why="K-means minimises a sum over all pixels, and the ladybird has 0.3% of them, so "
            "splitting the meadow pays more. A threshold on a* in CIELAB finds it.",
            fails=True,
        ),
        Sample(
            "elongated",
            "Elongated clusters",
            "RGB with K = 2 separates light from dark and not blue from violet.",
            Drawn(drawn.elongated),
            _settings("rgb", "all", 2),
            why="Shading makes each cloth a long, thin group of colours. K-means prefers round "
            "clusters and cuts both groups across. Hue alone (HSV, channel H) separates them.",
            fails=True,
        ),
        Sample(
            "wrapped-hue",
            "Hue that wraps",
            "HSV, channel H, with K = 2 splits the red. HSV, hue as an angle, does not.",
            Drawn(drawn.wrapped_hue),
            _settings("hsv", "0", 2),
            why="Hue is an angle, but as a number it jumps from 179 to 0 at pure red. Half of each "
            "tomato lies at one end, and the other half joins the green.",
            fails=True,
        ),
        Sample(
            "texture",
            "Texture",
            "RGB with K = 2 finds the two browns and not the disc.",
            Drawn(drawn.texture),
            _settings("rgb", "all", 2),
            why="Disc and ground have the same colours in another arrangement. K-means sees the "
            "colour of each pixel and not its neighbours.",
            fails=True,
        ),
        Sample(
            "uneven-light",
            "Uneven light",
            "Grey, channel Y, with K = 2 separates bright paper from dark paper and not the ink.",
            Drawn(drawn.uneven_light),
            _settings("gray", "all", 2),
            why="Paper in the shade is as dark as ink in the light. One border between light and "
            "dark cannot fit the whole sheet; a threshold that follows the light can.",
            fails=True,
        ),
    )
}
"""Samples by key, in the order in which they are offered."""
