"""Names of the page's pictures in files, commands and scripts."""

from __future__ import annotations

from kmseg.samples import SAMPLES
from kmseg.settings import SAMPLE_PREFIX
from kmseg.ui.store import Picture


def source_of(picture: Picture) -> str:
    """A picture's name in a command or script: ``sample:KEY``, or its file name."""
    return f"{SAMPLE_PREFIX}{picture.key}" if picture.key in SAMPLES else picture.name


def link_name(picture: Picture) -> str:
    """A picture's name in a link: its key, or "upload-" and a prefix of its digest."""
    return picture.key if picture.key in SAMPLES else f"upload-{picture.key[:8]}"


def file_name_of(picture: Picture) -> str:
    """A picture's file name, from which the names of downloads are made."""
    return picture.key if picture.key in SAMPLES else picture.name
