"""Lessons: chains of links, each a state of the page with a text and a question about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kmseg.ui.lessons.catalogue import ALL
from kmseg.ui.lessons.lesson import Lesson, Stop

LESSONS: Final[dict[str, Lesson]] = {lesson.key: lesson for lesson in ALL}
"""Lessons by key, in the order in which they are taught."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a visitor is in the lessons.

    Attributes
    ----------
    lesson : Lesson
    number : int
        Number of the stop, from 1.
    """

    lesson: Lesson
    number: int = 1

    @classmethod
    def parse(cls, text: str) -> Position | None:
        """Parse a position in a link, such as "start" or "start.2"; None if there is none."""
        key, dot, number = text.partition(".")
        lesson = LESSONS.get(key)
        if lesson is None:
            return None
        numbers = {str(n): n for n in range(1, len(lesson.stops) + 1)}
        if dot and number not in numbers:
            return None
        return cls(lesson, numbers.get(number, 1))

    @property
    def name(self) -> str:
        """The position in a link."""
        return f"{self.lesson.key}.{self.number}"

    @property
    def stop(self) -> Stop:
        """What is shown here."""
        return self.lesson.stops[self.number - 1]

    @property
    def query(self) -> dict[str, str]:
        """The query of a link that opens the page here."""
        return self.stop.state | {"lesson": self.name}

    @property
    def before(self) -> Position | None:
        """The stop before this one, if there is one."""
        return Position(self.lesson, self.number - 1) if self.number > 1 else None

    @property
    def after(self) -> Position | None:
        """The next stop: of this lesson, or the first of the next one."""
        if self.number < len(self.lesson.stops):
            return Position(self.lesson, self.number + 1)
        lessons = list(LESSONS.values())
        following = lessons.index(self.lesson) + 1
        return Position(lessons[following]) if following < len(lessons) else None
