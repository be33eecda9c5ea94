"""The settings that the page chooses by itself: those of a sample, and those of an upload."""

from __future__ import annotations

from typing import Final

from kmseg.samples import SAMPLES
from kmseg.settings import Settings
from kmseg.ui.session import session

START: Final = Settings(color_space="cielab", n_clusters=6)
"""What an upload starts with, and what the page's reset returns to.

Distances in CIELAB follow perception, and six colours tell the main areas of most photos apart.
"""


def of(picture: str) -> Settings:
    """The settings that a picture opens with: a sample's own, or :data:`START` for an upload."""
    sample = SAMPLES.get(picture)
    return START if sample is None else Settings(**sample.settings)  # type: ignore[arg-type]


def follow(picture: str) -> None:
    """Give a picture that was just chosen the settings it opens with, if the visitor chose none.

    A newcomer who clicks through the samples sees each of them at its best. Settings that the
    visitor changed, or that came with a link, are kept: they are what the visitor wants to try.

    Must come before the widgets of the settings.
    """
    previous, session.previous_picture = session.previous_picture, picture
    if previous != picture and _untouched(previous):
        session.set_settings(of(picture))


def _untouched(picture: str) -> bool:
    """Whether the page itself chose the present settings for this picture."""
    return session.init != "manual" and session.settings() in (of(picture), START)
