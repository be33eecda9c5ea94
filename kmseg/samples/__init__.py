"""The sample pictures: photos, plates that hide a numeral, and pictures for and against k-means."""

from __future__ import annotations

from kmseg.errors import SettingsError
from kmseg.picture.image import Image
from kmseg.samples.catalogue import SAMPLES, Sample

__all__ = ["SAMPLES", "Sample", "sample_image"]


def sample_image(key: str) -> Image:
    """The picture of a sample.

    Parameters
    ----------
    key : str
        A key of `SAMPLES`.

    Returns
    -------
    Image
        640 x 427 pixels for the photos, 600 x 600 for the plates, 480 x 320 for the others.

    Raises
    ------
    SettingsError
        If the key is unknown; the message lists the known ones.
    ImageError
        If the sample is a photo and scikit-learn is not installed.
    """
    if key not in SAMPLES:
        raise SettingsError(f"No sample is called {key!r}; there are {', '.join(SAMPLES)}.")
    return SAMPLES[key].source.image()
