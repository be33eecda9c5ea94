"""Settings in words, for the captions of pictures."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from kmseg.color import COLOR_SPACES
from kmseg.picture.profiles import CONVERTED
from kmseg.settings import FIELDS, Settings, to_hex

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation

_STARTS: Final = {"k-means++": "k-means++", "random": "random start", "manual": "starting colours"}


def short(settings: Settings, n_clusters: int, *, carried: bool = False) -> str:
    """The main settings, such as "HSV: H, S · K = 3 · k-means++ · random seed 0"."""
    space = COLOR_SPACES[settings.color_space].title
    parts = [f"{space}: {', '.join(settings.channel_names)}", f"K = {n_clusters}"]
    if carried:
        parts.append("carried-over centroids")
    else:
        parts.append(_STARTS[settings.init])
        if settings.init != "manual":
            parts.append(f"random seed {settings.seed}")
    return " · ".join(parts)


def full(seg: Segmentation) -> str:
    """All settings of a segmentation, with how its picture was read and its merged clusters."""
    settings = seg.settings
    space = COLOR_SPACES[settings.color_space].title
    parts = [f"{space} ({', '.join(settings.channel_names)})"]
    parts.append(f"K = {len(seg.clusters.centroids)}")
    parts += ["carried-over centroids"] if seg.carried else _fit(settings)
    parts += [
        f"clusters {' and '.join(str(member + 1) for member in group)} merged"
        for group in (seg.untidied or seg).members
        if len(group) > 1
    ]
    parts += tidying(settings)
    if settings.width:
        parts.append(f"resized to a width of {settings.width} pixels")
    if seg.image is not None:
        parts += seg.image.notes
    return ", ".join(parts)


def without_profiles(seg: Segmentation) -> Segmentation:
    """Notes without the name of a colour profile, which may be that of somebody's device."""
    if seg.image is None:
        return seg
    notes = (
        f"colour profile{CONVERTED}" if note.endswith(CONVERTED) else note
        for note in seg.image.notes
    )
    return replace(seg, image=replace(seg.image, notes=tuple(notes)))


def tidying(settings: Settings) -> list[str]:
    """How labels were tidied, such as "regions of less than 50 pixels removed"."""
    parts, smallest = [], settings.smallest_region
    if smallest:
        size = f"{smallest} of the picture" if isinstance(smallest, str) else f"{smallest} pixels"
        parts.append(f"regions of less than {size} removed")
    if settings.fill_holes:
        plural = "" if len(settings.fill_holes) == 1 else "s"
        clusters = " and ".join(map(str, settings.fill_holes))
        parts.append(f"holes of cluster{plural} {clusters} filled")
    return parts


def _fit(settings: Settings) -> list[str]:
    """The settings of a fit."""
    stops = {
        "both": f"at most {settings.max_iter} iterations, epsilon {settings.epsilon:g}",
        "epsilon": f"epsilon {settings.epsilon:g}",
        "iterations": f"{settings.max_iter} iterations",
    }
    parts = [_STARTS[settings.init]]
    if settings.init == "manual":
        parts[0] += f" {' '.join(map(to_hex, settings.centroids))}"
    else:
        plural = "" if settings.attempts == 1 else "s"
        parts += [f"{settings.attempts} attempt{plural}", f"random seed {settings.seed}"]
    parts.append(stops[settings.stop])
    if settings.engine != FIELDS["engine"].default:
        parts.append(f"engine {settings.engine}")
    return parts


_PLAIN: Final = str.maketrans(
    {"–": "-", "—": "-", "−": "-", "×": "x", "…": "...", "’": "'", "‘": "'", "“": '"', "”": '"'}
)


def drawable(text: str) -> str:
    """A text in the characters that Pillow's default font has: ASCII, "·" and "°".

    Letters lose their accents; other characters become "?".
    """
    known = {"\0": "·", "\1": "°", "\n": " "}
    kept = text.translate(_PLAIN).replace("·", "\0").replace("°", "\1")
    letters = (c for c in unicodedata.normalize("NFKD", kept) if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" else known.get(c, "?") for c in letters)
