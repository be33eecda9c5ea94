"""Reads settings and palettes that were saved: files that may come from strangers.

:mod:`kmseg.output.report` and :mod:`kmseg.output.tables` write them.
"""

from __future__ import annotations

import os

from kmseg.errors import SettingsError, shown
from kmseg.saved.content import MAX_BYTES, named, read
from kmseg.saved.packed import packed, unpacked
from kmseg.saved.palettes import colours_in
from kmseg.saved.settings import SavedSettings, parse
from kmseg.segmentation import Codebook
from kmseg.segmentation.codebook import canonical

__all__ = ["MAX_BYTES", "SavedSettings", "packed", "read_codebook", "read_settings", "unpacked"]

Source = str | os.PathLike[str] | bytes


def read_settings(source: Source) -> SavedSettings:
    """Read a saved ``settings.json``.

    Parameters
    ----------
    source : str, os.PathLike or bytes
        A path, or the file's content; what ``python -m kmseg --json`` prints can be read too.

    Returns
    -------
    SavedSettings

    Raises
    ------
    SavedFileError
        The file cannot be read, has more than 256 KB, or is something else; or one of its values is
        missing or not allowed. The message is one sentence in plain text.
    """
    with named(source):
        return parse(read(source))


def read_codebook(
    source: Source, *, space: str | None = None, channels: str | None = None
) -> Codebook:
    """Read the clusters of a saved ``settings.json``, or make some of a palette's colours.

    Parameters
    ----------
    source : str, os.PathLike or bytes
        A path, or the file's content: ``settings.json``, or a palette as GPL, CSS or JSON. The
        content, not the name, determines the format.
    space, channels : str, optional
        The colour space and channels in which a palette's colours are the centroids; by default
        "cielab" and "all". Settings have their own.

    Returns
    -------
    Codebook
        That of settings is exact; colours of a palette are rounded to 8 bits. Its clusters have the
        order of the file.

    Raises
    ------
    SavedFileError
        As :func:`read_settings`.
    SettingsError
        ``space`` or ``channels`` are not allowed, or differ from those of the settings.
    """
    with named(source):
        text = read(source)
        colours = colours_in(text)
        found = parse(text).codebook if colours is None else colours
    if not isinstance(found, Codebook):
        return Codebook.of_colours(found, space or "cielab", channels or "all")
    own = found.space, found.channels
    given = canonical(space or own[0], channels or own[1])
    for name, wanted, saved in zip(("space", "channels"), given, own, strict=True):
        if wanted != saved:
            raise SettingsError(
                f"{name}: must be that of the saved clusters, {saved}, not {shown(wanted)}; leave "
                "it out"
            )
    return found
