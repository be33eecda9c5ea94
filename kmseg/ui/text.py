"""Words and Markdown that several parts of the page share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kmseg.samples import SAMPLES
from kmseg.settings import SAMPLE_PREFIX

if TYPE_CHECKING:
    from kmseg.ui.store.cache import Picture


def count(number: int, noun: str) -> str:
    """A number with its noun, such as "1 cluster" or "12,000 colours"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def plain(text: str) -> str:
    """Untrusted text as Markdown without any markup."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+-.!|~$:" else c for c in text)


def names(text: str) -> str:
    """Markdown in which the asterisk of names such as L* is no markup."""
    return re.sub(r"(?<=\w)\*(?!\*)", r"\\*", text)


def source_of(picture: Picture) -> str:
    """What a command or a script calls a picture: ``sample:KEY``, or the name of its file."""
    return f"{SAMPLE_PREFIX}{picture.key}" if picture.key in SAMPLES else picture.name


def file_name_of(picture: Picture) -> str:
    """The name of a picture's file, from which the names of downloads are made."""
    return picture.key if picture.key in SAMPLES else picture.name
