from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmseg.errors import SettingsError
from kmseg.picture.reading import MAX_FRAME, Reading, format_levels, parse_frame, parse_levels

numbers = st.floats(allow_nan=False, allow_infinity=False)
levels = st.sampled_from(["auto", "stored"]) | st.tuples(numbers, numbers).filter(
    lambda pair: 0 < pair[1] - pair[0] < math.inf
)
readings = st.builds(Reading, st.integers(0, MAX_FRAME - 1), levels)


@given(readings)
def test_every_spelling_gives_the_reading_back(reading: Reading) -> None:
    assert Reading.from_query(reading.to_query()) == (reading, ())
    assert Reading.from_dict(json.loads(json.dumps(reading.to_dict()))) == reading
    assert hash(eval(repr(reading))) == hash(reading)


def test_frames_are_written_from_1_and_counted_from_0() -> None:
    second = Reading(frame=1)
    assert second.to_query()["frame"] == "2"
    assert second.to_dict()["frame"] == 2
    assert second.to_options() == ["--frame=2"]
    assert parse_frame("2") == 1


def test_only_what_differs_from_the_defaults_is_a_command_line_option() -> None:
    assert Reading().to_options() == []
    assert Reading(0, (-5, 30)).to_options() == ["--levels=-5..30"]


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("150..420", (150, 420)),
        (" 150 .. 420 ", (150, 420)),
        ("-1.5..-.5", (-1.5, -0.5)),
        ("1e3..2E+4", (1000, 20000)),
        ("0.1..0.2", (0.1, 0.2)),
        ([278, 306.5], (278, 306.5)),
    ],
)
def test_levels_are_two_numbers_with_two_full_stops_between(text: object, pair: object) -> None:
    assert parse_levels(text) == pair


def test_levels_are_written_without_needless_decimals() -> None:
    assert format_levels((150.0, 420.5)) == "150..420.5"
    assert format_levels((-0.0 + 0.0, 1e300)) == "0..1e+300"


@pytest.mark.parametrize(
    "value",
    [
        "", "..", "5..", "..5", "420..150", "5..5", "nan..5", "1..inf", "1e400..2e400", "1..2..3",
        "1...2", "1-2", "often", None, 5, (1,), (1, 2, 3), (2, 1), (math.nan, 1), (0, math.inf),
        (-1.7e308, 1.7e308),
        (True, 5), ("a", "b"), "9" * 5000 + "..1", b"1..2",
    ],
)  # fmt: skip
def test_levels_that_are_no_range_are_refused_with_the_remedy(value: object) -> None:
    with pytest.raises(SettingsError, match=r"must be 'auto', 'stored' or two .*150\.\.420"):
        Reading(levels=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [-1, MAX_FRAME, 1.0, "two", None, True, "9" * 5000])
def test_frames_out_of_range_are_refused_with_the_range(value: object) -> None:
    with pytest.raises(SettingsError, match="frame: must be a whole number from 0 to 9999, not "):
        Reading(frame=value)  # type: ignore[arg-type]


def test_a_written_frame_0_is_refused_with_the_range_that_is_written() -> None:
    with pytest.raises(SettingsError, match="from 1 to 10000, not '0'"):
        parse_frame("0")
    with pytest.raises(SettingsError, match="from 1 to 10000, not 0"):
        Reading.from_dict({"frame": 0})


@pytest.mark.parametrize(
    ("query", "reading", "said"),
    [
        ({}, Reading(), []),
        ({"frame": "0"}, Reading(), ["not '0'; 1 is used"]),
        ({"frame": "99999"}, Reading(MAX_FRAME - 1), ["not '99999'; 10000 is used"]),
        ({"frame": "last"}, Reading(), ["not 'last'; 1 is used"]),
        ({"levels": "9..1", "frame": "3"}, Reading(2), ["not '9..1'; auto is used"]),
        ({"levels": "x", "frame": "-7"}, Reading(), ["not '-7'; 1", "not 'x'; auto is used"]),
    ],
)
def test_a_link_is_corrected_and_that_is_said(
    query: dict[str, str], reading: Reading, said: list[str]
) -> None:
    corrected, corrections = Reading.from_query(query)
    assert corrected == reading
    assert len(corrections) == len(said)
    assert all(part in text for part, text in zip(said, corrections, strict=True))


def test_unknown_names_in_json_are_refused() -> None:
    with pytest.raises(SettingsError, match="'page' is not a way of reading: frame, levels"):
        Reading.from_dict({"page": 2})


def test_long_nonsense_is_shortened_in_messages() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_levels("x" * 10_000 + "\n")
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()
