"""Settings that the page chooses: those of a sample, of an upload, and of the articles."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from kmseg.kmeans.engines import ENGINES
from kmseg.samples import SAMPLES
from kmseg.settings import Settings
from kmseg.ui.session import session

# Limits for engines that visit every pixel, and for slow engines. At these, the reference engines
# take seconds.
MAX_VISITED_PIXELS: Final = 100_000
MAX_SLOW_ATTEMPTS: Final = 10

START: Final = Settings(color_space="cielab", n_clusters=6)
"""Settings of uploads, and of "Reset all settings".

Distances in CIELAB roughly follow perception, and six colours separate the main areas of most
photos.
"""


ARTICLES: Final = {
    "cv2.kmeans, K = 4": Settings(
        color_space="rgb",
        n_clusters=4,
        init="random",
        attempts=10,
        max_iter=20,
        epsilon=0.1,
        engine="opencv",
    ),
    "KMeans, hue and value, K = 3": Settings(
        color_space="hsv",
        channels="02",
        n_clusters=3,
        attempts=40,
        max_iter=500,
        engine="scikit-learn",
        width=300,
    ),
}
"""The runs of the two articles on which the project is based, by their titles on the page."""


def of(picture: str) -> Settings:
    """A picture's initial settings: a sample's own, or :data:`START` for an upload."""
    sample = SAMPLES.get(picture)
    return START if sample is None else Settings(**sample.settings)  # type: ignore[arg-type]


def within_reach(settings: Settings, width: int, height: int) -> Settings:
    """The settings that the page runs: some engines have a limit of width or attempts.

    Parameters
    ----------
    settings : Settings
    width, height : int
        Of the picture, in pixels.
    """
    engine = ENGINES[settings.engine]
    if engine.slow:
        settings = replace(settings, attempts=min(settings.attempts, MAX_SLOW_ATTEMPTS))
    if engine.visits_pixels:
        most = max(1, math.isqrt(MAX_VISITED_PIXELS * width // height))
        if (settings.width or width) > most:
            settings = replace(settings, width=most)
    return settings


def follow(picture: str) -> None:
    """Apply a newly chosen picture's initial settings, unless the visitor chose settings.

    Each sample is then shown with the settings that suit it. Settings that the visitor changed, or
    that came with a link, are kept.

    Call it before the widgets of the settings are drawn.
    """
    previous, session.previous_picture = session.previous_picture, picture
    if previous != picture and _untouched(previous):
        session.set_settings(of(picture))


def _untouched(picture: str) -> bool:
    """Whether the current settings are the ones that the page chose for this picture.

    Those of a lesson belong to the lesson.
    """
    if session.lesson or session.handout.has_text:
        return False
    return session.init != "manual" and session.settings() in (of(picture), START)
