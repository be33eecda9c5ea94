"""The list of lessons, with links to their first stops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kmseg.ui.components.component import register

_mount = register("lessons")


@dataclass(frozen=True, slots=True)
class LessonEntry:
    """A lesson of the list.

    Attributes
    ----------
    title : str
    minutes : int
    summary : str
    query : dict of str to str
        Query of the link to its first stop.
    """

    title: str
    minutes: int
    summary: str
    query: dict[str, str]


@dataclass(frozen=True, slots=True)
class LessonsData:
    """Data sent to the list.

    Attributes
    ----------
    entries : sequence of LessonEntry
    """

    entries: Sequence[LessonEntry]


def lessons(entries: Sequence[LessonEntry]) -> None:
    """Show the list."""
    _mount(LessonsData(entries), key="lessons")
