"""The sample pictures: two photos that come with scikit-learn, and plates that hide a numeral.

The photos are read from the installed scikit-learn without importing it; the plates are drawn by
:mod:`kmseg.samples.plates` when asked for, always the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from kmseg.errors import ImageError, SettingsError
from kmseg.picture.image import Image, read_image
from kmseg.samples.plates import PALETTES, Plate, draw_plate


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample picture.

    Attributes
    ----------
    key : str
        Name in links and on the command line: lower-case letters, digits and hyphens.
    title, description : str
        What it is called, and one line on what to try with it.
    settings : mapping
        The settings of the description, by the names of :class:`kmseg.settings.Settings`.
    numeral, palette : str
        The numeral that a plate hides, and a key of :data:`kmseg.samples.plates.PALETTES`; both
        are empty for a photo.
    seed : int
        Seed of a plate.
    """

    key: str
    title: str
    description: str
    settings: Mapping[str, str | int] = field(default_factory=dict, hash=False)
    numeral: str = ""
    palette: str = ""
    seed: int = 0


def _settings(color_space: str, channels: str, n_clusters: int) -> dict[str, str | int]:
    return {"color_space": color_space, "channels": channels, "n_clusters": n_clusters}


SAMPLES: dict[str, Sample] = {
    sample.key: sample
    for sample in (
        Sample(
            "china",
            "Summer Palace, China",
            "Roofs, sky and water: try CIELAB with K 6.",
            _settings("cielab", "all", 6),
        ),
        Sample(
            "flower",
            "Dahlia",
            "A flower before a blurred ground: try CIELAB, channels a* and b*, K 3.",
            _settings("cielab", "12", 3),
        ),
        Sample(
            "plate-6",
            "Plate: orange on olive",
            "A hidden 6 that RGB misses with K 3: try HSV, channel H, K 3.",
            _settings("hsv", "0", 3),
            "6",
            "deutan-olive",
            6,
        ),
        Sample(
            "plate-5",
            "Plate: orange on green",
            "A hidden 5 that hue tells apart: try HSV, channels H and S, K 3.",
            _settings("hsv", "01", 3),
            "5",
            "protan",
            5,
        ),
        Sample(
            "plate-74",
            "Plate: green on red",
            "A hidden 74 that lightness cannot show: try CIELAB, channels a* and b*, K 3.",
            _settings("cielab", "12", 3),
            "74",
            "deutan",
            74,
        ),
        Sample(
            "plate-8",
            "Plate: blue-green on rose",
            "A hidden 8 in pale colours: try 8-bit Lab, channels a and b, K 3.",
            _settings("lab", "12", 3),
            "8",
            "protan-rose",
            8,
        ),
        Sample(
            "plate-29",
            "Plate: violet on green",
            "A hidden 29 for blue against green: try HSV with hue as an angle, channel H, K 3.",
            _settings("hsv-circular", "0", 3),
            "29",
            "tritan",
            29,
        ),
        Sample(
            "plate-3",
            "Plate: two hues on two hues",
            "A hidden 3 in two hues on two hues: try CIELAB, channels a* and b*, K 4.",
            _settings("cielab", "12", 4),
            "3",
            "two-tone",
            3,
        ),
    )
}
"""Samples by key, in the order they are offered."""


def sample_image(key: str) -> Image:
    """Picture of a sample.

    Parameters
    ----------
    key : str
        A key of `SAMPLES`.

    Returns
    -------
    Image
        640 x 427 pixels for the photos, 600 x 600 for the plates.

    Raises
    ------
    SettingsError
        If the key is unknown; the message names those there are.
    ImageError
        If a photo is missing because scikit-learn is not installed.
    """
    if _sample(key).numeral:
        return Image(sample_plate(key).pixels)
    # Finding a top-level package does not import it.
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise ImageError(f"The sample {key} comes with scikit-learn: pip install scikit-learn.")
    return read_image(Path(package.origin).parent / "datasets" / "images" / f"{key}.jpg")


def sample_plate(key: str) -> Plate:
    """Plate of a sample, with the masks that tell the numeral from the ground.

    Parameters
    ----------
    key : str
        A key of `SAMPLES` that is a plate.

    Returns
    -------
    Plate

    Raises
    ------
    SettingsError
        If the key is unknown or is that of a photo.
    """
    sample = _sample(key)
    if not sample.numeral:
        raise SettingsError(f"The sample {key} is a photo, not a plate.")
    return draw_plate(sample.numeral, PALETTES[sample.palette], sample.seed)


def _sample(key: str) -> Sample:
    try:
        return SAMPLES[key]
    except KeyError:
        raise SettingsError(
            f"No sample is called {key!r}; there are {', '.join(SAMPLES)}."
        ) from None
