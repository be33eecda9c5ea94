"""File names that are valid on Windows, macOS and Linux, and differ for different content."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from kmseg.settings import FIELDS, Settings

MAX_BYTES: Final = 255
"""Longest file name in bytes of UTF-8, including the extension: the limit of ext4 and APFS."""

# Longest suffix in bytes, from the "_" after the stem to the end of the extension. It has room for
# any cluster numbers up to 32, the largest K on the page.
MAX_SUFFIX_BYTES: Final = 100

# Fields of Settings that a stem contains.
_SPELLED: Final = {"color_space", "channels", "n_clusters", "seed"}
_ILLEGAL: Final = frozenset('<>:"/\\|?*')
# Categories of control characters, surrogates, and line and paragraph separators.
_ILLEGAL_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Bidirectional control characters, which can make a name look like another one.
_REORDERING: Final = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
# Windows device names, which are reserved with any extension.
_RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE
)
_EXTENSION: Final = re.compile(r"(?<=.)\.[A-Za-z0-9]{1,5}$", re.DOTALL)


def stem(
    picture: str,
    settings: Settings,
    n_clusters: int,
    merges: Sequence[Sequence[int]] = (),
    codebook: str = "",
) -> str:
    """The beginning of every file name: picture, space, channels, K and seed.

    Channels are digits. A hash distinguishes other settings that are not at their defaults, and
    merged clusters.

    Parameters
    ----------
    picture : str
        File name of the picture; its extension is left out.
    settings : Settings
    n_clusters : int
        K of the segmentation.
    merges : sequence of sequences of int
        As in ``Segmentation.merges``.
    codebook : str
        The digest of a codebook that was carried over; it takes the place of the seed.

    Returns
    -------
    str
        In Unicode NFC, with room for a suffix of ``MAX_SUFFIX_BYTES``.
    """
    parts = [settings.color_space, f"c{settings.channels}", f"k{n_clusters}"]
    parts.append(f"carried-{codebook}" if codebook else f"s{settings.seed}")
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
    """A picture's file name without its extension and without illegal characters.

    Letters of all scripts, spaces and most punctuation are kept. A name that was changed ends with
    a hash of the original name.
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


def title(picture: str) -> str:
    """A picture's file name without its extension, as plain text of at most 120 characters."""
    name = _EXTENSION.sub("", unicodedata.normalize("NFC", picture))
    kept = "".join(c for c in name if c in _ILLEGAL or not _is_illegal(c)).strip()
    return kept if len(kept) <= 120 else f"{kept[:119]}…"


def of_clusters(key: str, clusters: Iterable[int]) -> str:
    """The suffix of a file of clusters: their numbers from 1, such as "_mask001-003_005".

    Parameters
    ----------
    key : str
    clusters : iterable of int
        Clusters before merging, from 0. If their ranges are too long for a file name, which is
        possible above 32 clusters, a hash replaces them.
    """
    numbers = sorted(cluster + 1 for cluster in clusters)
    listed = "_".join(_ranges(numbers))
    suffix = f"_{key}{listed}.png"
    if len(suffix) <= MAX_SUFFIX_BYTES:
        return suffix
    return f"_{key}-of-{len(numbers)}-{_hash(listed)}.png"


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    """Ascending numbers of three digits; runs of three or more become ranges such as "001-003"."""
    # Consecutive numbers have the same difference to their positions.
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
