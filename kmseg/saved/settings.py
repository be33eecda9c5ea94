"""``SavedSettings``: the content of a ``settings.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kmseg.errors import SavedFileError, shown
from kmseg.picture.reading import Reading
from kmseg.saved.content import parse_json
from kmseg.segmentation import Codebook
from kmseg.segmentation.jsonvalues import Groups, parse_groups
from kmseg.settings import LINK_VERSION, Settings

# Longest file name of a picture.
_MAX_NAME: Final = 1000


@dataclass(frozen=True, slots=True, eq=False)
class SavedSettings:
    """What a ``settings.json`` says: enough to open a segmentation again.

    Attributes
    ----------
    picture : str
        File name of the picture; empty if it is not known. Anybody may have chosen it.
    reading : Reading
        How the picture was read.
    settings : Settings
        The settings of the fit; if ``carried``, those of ``codebook.settings(width)``.
    merges : tuple of tuple of int
        Clusters that were merged, numbered from 0.
    focus : tuple of int
        Clusters in focus, numbered from 0 before merging.
    codebook : Codebook
        The clusters, exactly.
    carried : bool
        Whether they were carried over to this picture: ``codebook.predict`` repeats that.
    """

    picture: str
    reading: Reading
    settings: Settings
    merges: Groups
    focus: tuple[int, ...]
    codebook: Codebook
    carried: bool


def parse(text: str) -> SavedSettings:
    """Parse a ``settings.json``.

    Raises
    ------
    SavedFileError, SettingsError
        The text is something else, or a value is missing or not allowed.
    """
    values = parse_json(text)
    if not isinstance(values, dict) or "settings" not in values:
        raise SavedFileError(f"must have settings, not only {shown(values)}")
    version = values.get("v", LINK_VERSION)
    if version != LINK_VERSION:
        raise SavedFileError(f"v: must be {LINK_VERSION}, not {shown(version)}")
    settings = Settings.from_dict(_object(values, "settings"))
    reading = Reading.from_dict(_object(values, "reading"))
    view = _object(values, "view")
    codebook = (
        Codebook.from_dict(_object(values, "codebook"))
        if "codebook" in values
        else _without_codebook(values, settings, view)
    )
    carried, picture = values.get("carried", False), values.get("picture", "")
    if not isinstance(carried, bool):
        raise SavedFileError(f"carried: must be true or false, not {shown(carried)}")
    if not isinstance(picture, str) or len(picture) > _MAX_NAME:
        raise SavedFileError(
            f"picture: must be a name of at most {_MAX_NAME:,} characters, not {shown(picture)}"
        )
    merges = parse_groups("merged", view.get("merged", []))
    focused = view.get("focus", [])
    focus = () if focused == [] else parse_groups("focus", [focused])[0]
    _check_numbers(codebook, (*merges, focus))
    return SavedSettings(
        picture="".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in picture),
        reading=reading,
        settings=settings,
        merges=merges,
        focus=focus,
        codebook=codebook,
        carried=carried,
    )


def _object(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The JSON object of this name; empty if it is missing or null."""
    found = values.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise SavedFileError(f"{name}: must be an object, not {shown(found)}")
    return found


def _check_numbers(codebook: Codebook, groups: Groups) -> None:
    n_clusters = len(codebook.centroids)
    for number in (cluster for group in groups for cluster in group):
        if number >= n_clusters:
            raise SavedFileError(f"view: must be of clusters 1 to {n_clusters}, not {number + 1}")


def _without_codebook(
    values: Mapping[str, Any], settings: Settings, view: Mapping[str, Any]
) -> Codebook:
    """The codebook of a file from before codebooks were saved, which has the same numbers."""
    if view.get("merged"):
        raise SavedFileError("codebook: must be in the file because clusters are merged")
    units = _object(values, "units")
    return Codebook.from_dict(
        {
            "space": settings.color_space,
            "channels": settings.channels,
            "centroids": values.get("centroids"),
            "colours": values.get("palette"),
            "levels": [units.get("low"), units.get("high")] if units else None,
            "members": [],
            "weights": values.get("pixel_counts"),
        }
    )
