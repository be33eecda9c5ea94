"""Names of files: legal on Windows, macOS and Linux, and different for different content."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from kmseg.settings import FIELDS, Settings

MAX_BYTES: Final = 255
"""Longest file name in UTF-8, extension included: the limit of ext4, APFS and most others."""

# Longest end of a file name, from the "_" that follows the stem to the extension. It holds the
# numbers of any of 32 clusters, the most that the page makes.
MAX_SUFFIX_BYTES: Final = 100

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


def of_clusters(key: str, clusters: Iterable[int]) -> str:
    """The suffix of a file of some clusters: all their numbers from 1, such as "_mask001-003_005".

    Parameters
    ----------
    key : str
    clusters : iterable of int
        Those before merging, from 0. If even their ranges are too long for a file name, which takes
        more than 32 clusters, a hash stands for them.
    """
    numbers = sorted(cluster + 1 for cluster in clusters)
    listed = "_".join(_ranges(numbers))
    suffix = f"_{key}{listed}.png"
    if len(suffix) <= MAX_SUFFIX_BYTES:
        return suffix
    return f"_{key}-of-{len(numbers)}-{_hash(listed)}.png"


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    """Ascending numbers of three digits; three and more in a row as a range, "001-003"."""
    # Numbers in a row have the same distance to their positions.
    for _, row in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        texts = [f"{number:03d}" for _, number in row]
        yield from texts if len(texts) < 3 else [f"{texts[0]}-{texts[-1]}"]


def _is_illegal(character: str) -> bool:
    return (
        character in _ILLEGAL
        or unicodedata.category(character) in _ILLEGAL_CATEGORIES
        or unicodedata.bidirectional(character) in _REORDERING
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
