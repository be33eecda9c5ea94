"""Where sample pictures come from: a package that is installed anyway, or a drawing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from kmseg.errors import ImageError
from kmseg.picture.image import Image, read_image
from kmseg.samples.drawn import Drawing
from kmseg.samples.plates import PALETTES, Plate, draw_plate


class Source(Protocol):
    """Anything that makes a sample picture; the picture is always the same."""

    def image(self) -> Image:
        """Make the picture."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that comes with scikit-learn, by the name of its file without ``.jpg``."""

    name: str

    def image(self) -> Image:
        """Read the photo, without importing scikit-learn.

        Raises
        ------
        ImageError
            If scikit-learn is not installed.
        """
        package = find_spec("sklearn")  # finding a top-level package does not import it
        if package is None or package.origin is None:
            raise ImageError(
                f"The sample {self.name} comes with scikit-learn: pip install scikit-learn."
            )
        return read_image(Path(package.origin).parent / "datasets" / "images" / f"{self.name}.jpg")


@dataclass(frozen=True, slots=True)
class HiddenNumeral:
    """A plate of 600 x 600 pixels, by the arguments of :func:`kmseg.samples.plates.draw_plate`.

    Attributes
    ----------
    numeral : str
        One or two digits.
    palette : str
        A key of :data:`kmseg.samples.plates.PALETTES`.
    seed : int
        0 or more.
    """

    numeral: str
    palette: str
    seed: int

    def plate(self) -> Plate:
        """Draw the plate, with masks of the numeral and the dots."""
        return draw_plate(self.numeral, PALETTES[self.palette], self.seed)

    def image(self) -> Image:
        """Draw the plate's picture."""
        return Image(self.plate().pixels)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture of :mod:`kmseg.samples.drawn`, by the function that draws it."""

    drawing: Callable[[], Drawing]

    def image(self) -> Image:
        """Draw the picture."""
        return Image(self.drawing().pixels)
