"""Names of files: legal on Windows, macOS and Linux, and different for different content."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from kmseg.settings import FIELDS, Settings

MAX_BYTES: Final = 255
"""Longest file name in UTF-8, extension included: the limit of ext4, APFS and most others."""

# Longest end of a file name, from the "_" that follows the stem to the extension.
MAX_SUFFIX_BYTES: Final = 72

# Fields of Settings that a stem spells out.
_SPELLED: Final = {"color_space", "channels", "n_clusters", "seed"}
_ILLEGAL: Final = frozenset('<>:"/\\|?*')
# Categories of control characters, surrogates, and line and paragraph separators.
_ILLEGAL_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Characters that reorder the text after them, so that a name looks like another one.
_REORDERING: Final = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
# Device names of Windows, whatever extension follows them.
_RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE
)
_EXTENSION: Final = re.compile(r"(?<=.)\.[A-Za-z0-9]{1,5}$", re.DOTALL)


def stem(
    picture: str, settings: Settings, n_clusters: int, merges: Sequence[Sequence[int]] = ()
) -> str:
    """The beginning of every file name: picture, space, channels, K and seed.

    Channels are digits. Other settings that are not at their defaults, and merged clusters, are
    told apart by a hash.

    Parameters
    ----------
    picture : str
        Name of the picture's file; its extension is left out.
    settings : Settings
    n_clusters : int
        K as found.
    merges : sequence of sequences of int
        As in ``Segmentation.merges``.

    Returns
    -------
    str
        In Unicode's form NFC. It leaves room for a suffix of ``MAX_SUFFIX_BYTES``.
    """
    parts = [settings.color_space, f"c{settings.channels}", f"k{n_clusters}", f"s{settings.seed}"]
    others = {
        name: value
        for name, field in FIELDS.items()
        if name not in _SPELLED and (value := getattr(settings, name)) != field.default
    }
    if others or merges:
        parts.append(_hash(repr((sorted(others.items()), merges))))
    tail = "_".join(["", *parts])
    return safe(picture, MAX_BYTES - MAX_SUFFIX_BYTES - len(tail)) + tail


def safe(picture: str, max_bytes: int) -> str:
    """The name of a picture without its extension and without characters that are illegal.

    Letters of all scripts, spaces and most punctuation are kept. A name that had to be changed
    ends in a hash of the original one.
    """
    name = _EXTENSION.sub("", unicodedata.normalize("NFC", picture))
    kept = "".join("-" if _is_illegal(character) else character for character in name)
    kept = kept.lstrip(" .-").rstrip(" .")
    if _RESERVED.match(kept):
        kept = f"_{kept}"
    if kept == name and kept and len(kept.encode()) <= max_bytes:
        return kept
    if not name:
        return "picture"
    digest = _hash(name)
    cut = kept.encode()[: max_bytes - len(digest) - 1].decode(errors="ignore").rstrip(" .")
    return f"{cut or 'picture'}-{digest}"


def of_clusters(key: str, clusters: Sequence[Sequence[int]]) -> str:
    """The suffix of a file of some clusters: all their numbers, from 1, or a hash.

    Parameters
    ----------
    key : str
    clusters : sequence of sequences of int
        The members of each, numbered from 0: more than one if it was merged.
    """
    numbers = "_".join("+".join(f"{n + 1:03d}" for n in members) for members in clusters)
    suffix = f"_{key}{numbers}.png"
    if len(suffix) <= MAX_SUFFIX_BYTES:
        return suffix
    return f"_{key}-of-{len(clusters)}-{_hash(numbers)}.png"


def _is_illegal(character: str) -> bool:
    return (
        character in _ILLEGAL
        or unicodedata.category(character) in _ILLEGAL_CATEGORIES
        or unicodedata.bidirectional(character) in _REORDERING
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
