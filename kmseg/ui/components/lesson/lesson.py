"""The card of a lesson: its text, its question, and links to the next stop and back."""

from __future__ import annotations

from dataclasses import dataclass

from kmseg.ui.components.component import register
from kmseg.ui.handout import LIMITS, Handout
from kmseg.ui.lessons import Position

_mount = register("lesson")


@dataclass(frozen=True, slots=True)
class LessonLink:
    """A link to another stop.

    Attributes
    ----------
    title : str
    query : dict of str to str
    any_picture : bool
        Whether visitors keep a picture of their own there.
    """

    title: str
    query: dict[str, str]
    any_picture: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonData:
    """Data sent to the card.

    Attributes
    ----------
    title, text, question, answer : str
        Plain text, which may come from a stranger.
    number : str
        Which stop this is, such as "2 of 4"; may be empty.
    before, after : LessonLink or None
        The stop before and the next one.
    parameters : list of str
        Names of the link's parameters that make it a lesson.
    """

    title: str
    text: str
    question: str
    answer: str
    number: str = ""
    before: LessonLink | None = None
    after: LessonLink | None = None
    parameters: list[str]


def lesson(handout: Handout, position: Position | None) -> None:
    """Show the card.

    Parameters
    ----------
    handout : Handout
        Texts of the link.
    position : Position or None
        A stop of one of the page's own lessons, whose texts are shown instead.
    """
    parameters = ["lesson", "hide", *LIMITS]
    if position is None:
        data = LessonData(
            title=handout.title,
            text=handout.text,
            question=handout.question,
            answer=handout.answer,
            parameters=parameters,
        )
    else:
        stop, before, after = position.stop, position.before, position.after
        data = LessonData(
            title=position.lesson.title,
            text=stop.text,
            question=stop.question,
            answer=stop.answer,
            number=f"{position.number} of {len(position.lesson.stops)}",
            before=None if before is None else _link("Back", before),
            after=None if after is None else _link(_onwards(position, after), after),
            parameters=parameters,
        )
    _mount(data, key="lesson card")


def _onwards(position: Position, after: Position) -> str:
    return "Next" if after.lesson is position.lesson else f"Next lesson: {after.lesson.title}"


def _link(title: str, position: Position) -> LessonLink:
    return LessonLink(title, position.query, position.stop.any_picture)
