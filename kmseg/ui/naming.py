"""Names of the page's pictures in files, commands and scripts."""

from __future__ import annotations

from kmseg.samples import SAMPLES
from kmseg.settings import SAMPLE_PREFIX
from kmseg.ui.store import Picture


def source_of(picture: Picture) -> str:
    """A picture's name in a command or script: ``sample:KEY``, or its file name."""
    return f"{SAMPLE_PREFIX}{picture.key}" if picture.key in SAMPLES else picture.name


def file_name_of(picture: Picture) -> str:
    """A picture's file name, from which the names of downloads are made."""
    return picture.key if picture.key in SAMPLES else picture.name
