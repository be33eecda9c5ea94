"""The view "Lessons": the lessons, each a chain of links, and how to make one."""

from __future__ import annotations

from typing import Final

import streamlit as st

from kmseg.ui.components.lessons.lessons import LessonEntry, lessons
from kmseg.ui.lessons import LESSONS, Position
from kmseg.ui.views.view import Place, View, ViewContext

OWN: Final = (
    "**Your own lesson**: set the page as you want it, then choose *Share* and *Make it a "
    "lesson*. The link has your text, a question and its answer, and hides the controls that you "
    "tick."
)


def show(_: ViewContext) -> None:
    """Draw the list."""
    lessons(
        [
            LessonEntry(lesson.title, lesson.minutes, lesson.summary, Position(lesson).query)
            for lesson in LESSONS.values()
        ]
    )
    st.caption(OWN)


VIEW: Final = View(key="lessons", title="Lessons", place=Place.WATCH, show=show)
