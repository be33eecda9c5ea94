"""Lessons, and texts that strangers put into a link."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kmseg
from kmseg.samples import drawn
from kmseg.ui import link
from kmseg.ui.handout import HIDEABLE, LIMITS, Handout
from kmseg.ui.lessons import LESSONS, Position

ROOT = Path(__file__).resolve().parent.parent
STOPS = [
    Position(lesson, number)
    for lesson in LESSONS.values()
    for number in range(1, len(lesson.stops) + 1)
]

handouts = st.builds(
    Handout,
    **{
        name: st.text(
            st.characters(codec="utf-8", categories=("L", "M", "N", "P", "S")), max_size=n
        )
        for name, n in LIMITS.items()
    },
    hide=st.sets(st.sampled_from(list(HIDEABLE))).map(
        lambda chosen: tuple(name for name in HIDEABLE if name in chosen)
    ),
)


@given(handouts)
def test_a_handout_is_the_same_after_a_link(handout: Handout) -> None:
    assert Handout.from_query(handout.to_query()) == (handout, [])


@settings(max_examples=1000)
@given(st.dictionaries(st.sampled_from([*LIMITS, "hide", "lesson"]), st.text(max_size=2000)))
def test_texts_of_strangers_are_bounded_plain_and_corrected_once(query: dict[str, str]) -> None:
    parsed = link.parse({"v": "1"} | query)
    handout = parsed.handout
    for name, limit in LIMITS.items():
        text = getattr(handout, name)
        assert len(text) <= limit
        assert not [c for c in text if unicodedata.category(c) == "Cc" and c != "\n"]
        assert (text == query.get(name, "")) or any(
            sentence.startswith(f"{name}: ") for sentence in parsed.corrections
        )
    assert set(handout.hide) <= set(HIDEABLE)
    again = link.parse(parsed.to_query())
    assert again.corrections == [] and again.handout == handout


def test_characters_that_turn_the_direction_of_writing_are_left_out() -> None:
    handout, corrections = Handout.from_query({"title": "a\u202eb\u2066c"})
    assert handout.title == "abc"
    assert len(corrections) == 1


@pytest.mark.parametrize("position", STOPS, ids=lambda position: position.name)
def test_every_stop_is_a_link_without_corrections_and_its_texts_fit(position: Position) -> None:
    parsed = link.parse(position.query)
    assert parsed.corrections == []
    assert parsed.choices["lesson"] == position.name
    stop = position.stop
    for name in ("text", "question", "answer"):
        assert 0 < len(getattr(stop, name)) <= LIMITS[name]
    assert parsed.choices["picture"] == stop.picture
    assert parsed.choices["view"] == stop.view
    assert set(parsed.handout.hide) == set(stop.hide)
    assert {name: parsed.choices[name] for name in stop.options} == stop.options


def test_the_stops_are_one_chain() -> None:
    walked = [STOPS[0]]
    while (after := walked[-1].after) is not None:
        assert after.number == 1 or after.before == walked[-1]
        walked.append(after)
    assert walked == STOPS


@pytest.mark.parametrize("text", ["", "nothing", "start.0", "start.99", "start.", "start.1.1", "."])
def test_what_is_no_position_is_refused(text: str) -> None:
    assert Position.parse(text) is None


def test_an_unknown_lesson_is_corrected_and_named() -> None:
    parsed = link.parse({"v": "1", "lesson": "start.99"})
    assert parsed.choices["lesson"] == ""
    assert re.match(r"lesson: must be .*, not 'start\.99'", parsed.corrections[0])


def test_the_readme_lists_every_lesson_with_its_minutes() -> None:
    readme = (ROOT / "README.md").read_text()
    for lesson in LESSONS.values():
        assert re.search(rf"\| .*{re.escape(lesson.title)}.* \| {lesson.minutes} \|", readme)
        assert f"?lesson={lesson.key}" in readme


def test_the_numbers_in_the_lessons_are_those_of_the_samples() -> None:
    def red_clusters(k: int) -> int:
        settings = replace(link.parse(Position(LESSONS["k"]).query).settings, n_clusters=k)
        palette = kmseg.segment(kmseg.sample_image("china"), settings).palette.astype(int)
        return int((palette[:, 0] > palette[:, 2] + 50).sum())

    assert [red_clusters(k) for k in (2, 3, 4)] == [0, 0, 1]  # "At K = 4"

    stuck = link.parse(Position(LESSONS["start"], 3).query)
    glass = kmseg.sample_image("stained-glass")
    best = kmseg.segment(glass, stuck.settings).inertia
    run = kmseg.trace(glass, stuck.settings, attempt=int(stuck.choices["start"]) - 1)
    assert 7 <= run.inertia[-1] / best < 8  # "seven times that of the best"

    for number, reached in ((1, 2), (2, 11)):  # "Two of the twelve", "six runs in seven"
        settings = link.parse(Position(LESSONS["attempts"], number).query).settings
        ends = [kmseg.trace(glass, settings, attempt=n).inertia[-1] for n in range(12)]
        assert sum(end < 1.0001 * min(ends) for end in ends) == reached

    drawing = drawn.small_object()
    assert f"{(drawing.parts == 1).mean():.1%}" == "0.3%"
