"""What files, commands and scripts call a picture of the page."""

from __future__ import annotations

from kmseg.samples import SAMPLES
from kmseg.settings import SAMPLE_PREFIX
from kmseg.ui.store import Picture


def source_of(picture: Picture) -> str:
    """What a command or a script calls a picture: ``sample:KEY``, or the name of its file."""
    return f"{SAMPLE_PREFIX}{picture.key}" if picture.key in SAMPLES else picture.name


def file_name_of(picture: Picture) -> str:
    """The name of a picture's file, from which the names of downloads are made."""
    return picture.key if picture.key in SAMPLES else picture.name
