"""Controls for reading the chosen picture: its page or frame, and its levels."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

import streamlit as st

from kmseg.errors import SettingsError
from kmseg.picture.levels import decimals
from kmseg.picture.reading import Levels, Reading
from kmseg.ui import store
from kmseg.ui.controls import part
from kmseg.ui.session import Key, session

RULES: Final = {"auto": "Automatic", "stored": "As stored", "range": "Range"}

# Initial range for colour with more than 8 bits.
_COLOR_RANGE: Final = (0.0, 65535.0)

# Field width in pixels: two fit side by side on a phone.
_FIELD_WIDTH: Final = 130

_LEVELS_HELP: Final = """
This picture has more than 8 bits per channel. It is shown and clustered with 8: 256 levels from
black to white.

**Automatic** stretches the values that the picture uses, and leaves photos unchanged.

**As stored** uses the whole range of the file's data type.

**Range** sets which values of the file become black and white. Use the same range for all pictures
of a series.
"""


def choose(picture: store.Picture, read_as: Callable[[Reading], store.Picture]) -> store.Picture:
    """Draw the controls that apply to a picture; returns the picture read accordingly.

    Parameters
    ----------
    picture : Picture
        The picture as read by default.
    read_as : callable
        ``read_as(reading)`` returns the picture read in another way.

    Raises
    ------
    KmsegError
        It cannot be read in this way. The controls to change that are drawn already.
    """
    _correct_frame(picture)
    _frame(picture)
    part.show(picture)
    reading = session.reading(picture.key)
    chosen = part.of(picture, reading, read_as)
    if not chosen.has_levels and reading.levels != "auto":
        reading = replace(reading, levels="auto")
        session.set_reading(picture.key, reading)
        session.correct("levels: this picture has 8 bits per channel, which are shown unchanged")
        chosen = part.of(picture, reading, read_as)
    if chosen.has_levels:
        _levels(chosen)
    return chosen


def _correct_frame(picture: store.Picture) -> None:
    reading = session.reading(picture.key)
    word, n_frames = picture.frames
    if reading.frame < n_frames:
        return
    last = replace(reading, frame=n_frames - 1)
    session.set_reading(picture.key, last)
    has = f"{n_frames:,} {word}s" if n_frames > 1 else f"one {word}"
    session.correct(f"frame: this picture has {has}, not {reading.frame + 1}; {n_frames} is used")


def _frame(picture: store.Picture) -> None:
    word, n_frames = picture.frames
    if n_frames < 2:
        return
    session.frame = session.reading(picture.key).frame + 1
    st.number_input(
        f"{word.capitalize()} of {n_frames:,}",
        1,
        n_frames,
        key=Key.FRAME,
        on_change=partial(_set_frame, picture.key),
    )


def _set_frame(key: str) -> None:
    session.set_reading(key, replace(session.reading(key), frame=session.frame - 1))


def _levels(picture: store.Picture) -> None:
    scale, levels = picture.scale, picture.reading.levels
    shown = _COLOR_RANGE if scale is None else (scale.low, scale.high)
    session.level_rule = levels if isinstance(levels, str) else "range"
    st.segmented_control(
        "Levels",
        list(RULES),
        key=Key.LEVEL_RULE,
        required=True,
        format_func=RULES.__getitem__,
        on_change=partial(_set_rule, picture.key, shown),
        help=_LEVELS_HELP,
    )
    if isinstance(levels, str):
        return
    session.level_low, session.level_high = levels
    width = levels[1] - levels[0]
    step = 10.0 ** -decimals(width / 100)
    with st.container(horizontal=True, gap="small"):
        for key, label in ((Key.LEVEL_LOW, "From"), (Key.LEVEL_HIGH, "To")):
            st.number_input(
                label,
                step=step,
                format="%g",
                key=key,
                width=_FIELD_WIDTH,
                on_change=partial(_set_range, picture.key, key),
            )


def _set_rule(key: str, shown: tuple[float, float]) -> None:
    rule = session.level_rule
    _set_levels(key, shown if rule == "range" else "stored" if rule == "stored" else "auto")


def _set_range(key: str, moved: Key) -> None:
    """Set the range; a value moved past the other one shifts the whole range."""
    low, high = session.level_low, session.level_high
    levels = session.reading(key).levels
    if low >= high and not isinstance(levels, str):
        width = levels[1] - levels[0]
        low, high = (low, low + width) if moved == Key.LEVEL_LOW else (high - width, high)
    with suppress(SettingsError):  # not finite, or too large to differ
        _set_levels(key, (low, high))


def _set_levels(key: str, levels: Levels) -> None:
    session.set_reading(key, replace(session.reading(key), levels=levels))
