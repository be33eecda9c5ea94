"""The options that say which files are saved, and how."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import Final

from kmseg.cli.saving import PICTURE_FORMATS, Kinds, chosen_kinds
from kmseg.errors import KmsegError, SettingsError
from kmseg.settings import SAMPLE_PREFIX, Settings, shown
from kmseg.settings.scale import parse_scale
from kmseg.ui import offline

FORMATS: Final = ("jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff")

MAX_SMOOTHING: Final = 100  # pixels
#: The value of ``--pixels-per-mm`` for the scale that the picture's file states.
FILE_SCALE: Final = "file"


def side_by_side_name(options: argparse.Namespace, chosen: Settings) -> str:
    """What follows the time in the name of the file of ``-o``.

    As in the article, space and channels are as typed; but names of channels become digits, since
    names such as "L*" are illegal on Windows.
    """
    space = getattr(options, "color_space", chosen.color_space).strip()
    channels = getattr(options, "channels", chosen.channels)
    if not (channels.isascii() and channels.isdigit()):
        channels = chosen.channels
    extension = _format("-f", options.output_format, FORMATS)
    return f"{space}_c{channels}n{chosen.n_clusters}.{extension}"


def kinds_to_save(options: argparse.Namespace, source: str = "", default: str = "") -> Kinds:
    """What to ``--save``, and how; `source` is what ``-i`` names."""
    return Kinds(
        chosen_kinds(options.save or [default] * bool(default)),
        _picture_format(options),
        _page_side(options),
        # A saved page does not name the picture's file and its folder.
        source if source.startswith(SAMPLE_PREFIX) else "PICTURE",
        _smoothing(options),
        _pixels_per_mm(options),
    )


def _smoothing(options: argparse.Namespace) -> float:
    """The smoothing of ``--smoothing``, in pixels."""
    try:
        smoothing = float(options.smoothing)
    except ValueError:
        smoothing = math.nan
    if not 0 <= smoothing <= MAX_SMOOTHING:
        raise KmsegError(
            f"--smoothing: must be a number from 0 to {MAX_SMOOTHING}, not "
            f"{shown(options.smoothing)}"
        )
    return smoothing


def _pixels_per_mm(options: argparse.Namespace) -> float | None:
    """The scale of ``--pixels-per-mm``; None for that of the file."""
    if options.pixels_per_mm == FILE_SCALE:
        return None
    try:
        return parse_scale(options.pixels_per_mm)
    except SettingsError as error:
        raise KmsegError(f"--{str(error).replace(' ', '-', 2)}") from None


def _page_side(options: argparse.Namespace) -> int:
    """The longest side of ``--page-side``, in pixels."""
    least, most = offline.SIDES
    given = options.page_side
    is_number = given.isascii() and given.isdigit() and len(given) < 9
    if not (is_number and least <= int(given) <= most):
        raise KmsegError(
            f"--page-side: must be a whole number from {least} to {most}, not {shown(given)}"
        )
    return int(given)


def _picture_format(options: argparse.Namespace) -> str:
    """The format of ``--picture-format`` as the extension of a file."""
    chosen = _format("--picture-format", options.picture_format, (*PICTURE_FORMATS, "jpeg"))
    return "jpg" if chosen == "jpeg" else chosen


def _format(flag: str, given: str, allowed: Sequence[str]) -> str:
    chosen = given.lower().removeprefix(".")
    if chosen not in allowed:
        raise KmsegError(f"{flag}: must be one of {', '.join(allowed)}, not {shown(given)}")
    return chosen
