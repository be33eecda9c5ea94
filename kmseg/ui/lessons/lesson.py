"""What a lesson is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from kmseg.settings import Settings
from kmseg.ui import presets


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A state of the page, with what there is to see and a question.

    Attributes
    ----------
    text : str
        Two or three sentences.
    question, answer : str
    picture : str
        Key of the sample.
    view : str
        Key of the view.
    settings : Settings or None
        None for those of the sample.
    options : dict of str to str
        Further values of the link: layout, start, step, and the options of views.
    hide : tuple of str
        x
    any_picture : bool
        Whether the text is true of every photo: visitors who opened one of their own keep it.
    """

    text: str
    question: str
    answer: str
    picture: str
    view: str
    settings: Settings | None = None
    options: dict[str, str] = field(default_factory=dict)
    hide: tuple[str, ...] = ("samples",)
    any_picture: bool = False

    @property
    def state(self) -> dict[str, str]:
        """The query of a link to this state of the page, without the lesson."""
        settings = self.settings or presets.of(self.picture)
        page = {"picture": self.picture, "view": self.view, "hide": ".".join(self.hide)}
        return settings.to_query() | page | self.options


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A chain of stops.

    Attributes
    ----------
    key : str
        Its name in a link.
    title : str
    minutes : int
        How long it takes, with time to think about the questions.
    summary : str
        One sentence on what is learnt.
    stops : tuple of Stop
    """

    key: str
    title: str
    minutes: int
    summary: str
    stops: tuple[Stop, ...]
