"""Attempts of plain Lloyd, in one growing series for each start: runs and idle work extend it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from kmseg import explore
from kmseg.explore import Attempt, Comparison
from kmseg.parallel.gate import PreemptedError
from kmseg.settings import Settings
from kmseg.ui.server.gates import WORK, slot, stop_if_cancelled
from kmseg.ui.store import caches
from kmseg.ui.store.pictures import Picture, key_of
from kmseg.ui.store.results import PictureData, data
from kmseg.ui.store.series import growing, series
from kmseg.ui.store.store import Key
from kmseg.ui.store.work import Job


@dataclass(frozen=True, slots=True)
class Growth:
    """How far a series of attempts should grow.

    Attributes
    ----------
    settings : Settings
        Those of :func:`drawn_starts`.
    n : int
        Number of attempts.
    until_bad : bool
        Whether to stop at the first bad start, see :func:`kmseg.explore.bad_start`.
    """

    settings: Settings
    n: int
    until_bad: bool = False

    def is_reached(self, made: Sequence[Attempt]) -> bool:
        """Whether these attempts are enough."""
        bad = self.until_bad and explore.bad_start(made[: self.n]) is not None
        return bad or len(made) >= self.n


def drawn_starts(settings: Settings) -> Settings:
    """The settings of attempts: those that do not matter to them have their defaults."""
    return replace(explore.automatic(settings.untidied()), attempts=Settings().attempts)


def attempts_made(picture: Picture, settings: Settings) -> list[Attempt]:
    """The attempts that are cached, from number 0 on without gaps."""
    found = caches.results().find(key_of(picture, settings.width), _part(settings))
    return list(found or ())


def attempts(picture: Picture, settings: Settings, n: int, seconds: float) -> list[Attempt]:
    """The first n attempts; fewer if they take longer. At least one; raises ``KmsegError``.

    Parameters
    ----------
    picture : Picture
    settings : Settings
        Those of :func:`drawn_starts`.
    n : int
    seconds : float
        No attempt begins later than this.
    """
    made = data(picture, settings.width)
    latest = time.monotonic() + seconds

    def more(done: int) -> Iterator[Attempt]:
        return explore.attempts(
            made.histogram, made.tile, settings, range(done, n), check=stop_if_cancelled
        )

    found: list[Attempt] = []
    with closing(series(key_of(picture, settings.width), _part(settings), more)) as growing_series:
        for attempt in growing_series:
            found.append(attempt)
            if len(found) == n or time.monotonic() > latest:
                break
    return found


def compared(picture: Picture, settings: Settings, made: Sequence[Attempt]) -> list[Comparison]:
    """Attempts of these settings beside the best of them; raises ``KmsegError``."""
    histogram = data(picture, settings.width).histogram

    def make() -> list[Comparison]:
        with slot():
            return explore.compared(histogram, made)

    numbers = tuple(attempt.number for attempt in made)
    found: list[Comparison] = caches.results().get(
        key_of(picture, settings.width),
        make,
        stop_if_cancelled,
        part=("compared", settings, numbers),
    )
    return found


def grow_when_idle(key: Key, growth: Growth, check: Callable[[], None]) -> None:
    """Make attempts while the server is idle.

    A run that needs attempts meanwhile takes over after the one that is being made.

    Parameters
    ----------
    key : Key
        Key of a picture at the width of the settings. Nothing is done unless its data is cached.
    growth : Growth
    check : callable
        Called between the iterations; raises ``PreemptedError`` if they are no longer needed.

    Raises
    ------
    PreemptedError
        The server is not idle, or a run is making attempts.
    """
    made: PictureData | None = caches.results().find(key)

    def made_by_a_run(job: Job) -> None:
        raise PreemptedError

    if made is None:
        return
    part = _part(growth.settings)
    items: list[Attempt] = caches.results().get(key, list, part=part)
    with growing.exclusive((key, part), made_by_a_run) as job:
        if growth.is_reached(items):
            return
        with WORK.idle(lambda: job.is_awaited) as pause:

            def step() -> None:
                if not job.is_awaited:
                    check()
                pause()

            numbers = range(len(items), growth.n)
            more = explore.attempts(made.histogram, made.tile, growth.settings, numbers, check=step)
            for attempt in more:
                caches.results().append(key, part, items, attempt)
                if job.is_awaited:
                    raise PreemptedError
                if growth.is_reached(items):
                    return


def _part(settings: Settings) -> tuple[str, Settings]:
    return "attempts", settings
