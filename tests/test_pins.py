"""Short links, and pins as a link has them."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kmseg
from kmseg.picture.reading import Reading
from kmseg.samples import SAMPLES
from kmseg.settings import LINK_VERSION, PAGE_RANGES
from kmseg.ui import link
from kmseg.ui.pins import MAX_CHARACTERS, MAX_PINS, Pin, parse_pins, spelled_pins
from kmseg.ui.shortening import DEFAULTS, completed, shortened
from strategies import valid_settings

within_the_page = valid_settings().filter(
    lambda settings: all(
        low <= getattr(settings, name) <= high for name, (low, high) in PAGE_RANGES.items()
    )
)
pins = st.builds(
    Pin,
    st.sampled_from([*SAMPLES, "upload-0123abcd"]),
    st.builds(Reading, st.integers(0, 99), st.sampled_from(["auto", "stored", (1.5, 7.0)])),
    within_the_page,
    st.sampled_from([(), ((0, 1),), ((0, 2), (1, 3))]),
)


def test_version_1_of_links_means_for_ever_what_it_means_now() -> None:
    now = kmseg.Settings().to_query() | Reading().to_query()
    now |= {name: allowed[0] for name, allowed in link.CHOICES.items() if name != "picture"}
    assert {"v": LINK_VERSION} | DEFAULTS["1"] == now
    assert list(DEFAULTS) == ["1"]


@given(within_the_page)
def test_a_short_link_is_the_same_link(settings: kmseg.Settings) -> None:
    query = settings.to_query() | {"picture": "flower", "view": "cloud", "merge": "1.2"}
    short = shortened(query)
    assert link.parse(short) == link.parse(query)
    assert {name: value for name, value in completed(short).items() if value} == {
        name: value for name, value in (completed({}) | query).items() if value
    }


def test_the_links_of_the_defaults_are_short() -> None:
    assert urlencode(shortened(kmseg.Settings().to_query())) == "v=1"


@given(st.lists(pins, max_size=MAX_PINS, unique=True))
def test_pins_come_back_from_a_link(chosen: list[Pin]) -> None:
    text = spelled_pins(chosen)
    if len(text) <= MAX_CHARACTERS:
        assert parse_pins(text) == tuple(chosen)
        assert link.parse({"v": "1", "pins": text}).corrections == []


@given(
    st.one_of(
        st.text(),
        st.lists(st.text(alphabet="|&=%picture_n_clusters0123456789abc"), max_size=9).map("|".join),
        st.lists(pins, max_size=9).map(spelled_pins).map(lambda text: text[: len(text) // 2]),
        st.integers(0, 10**6).map(lambda n: f"picture=flower&n_clusters={n}&merge=1.{n}"),
    )
)
def test_pins_of_strangers_are_valid_or_left_out_and_that_is_said(text: str) -> None:
    found = link.parse({"v": "1", "pins": text})
    again = link.parse({"v": "1", "pins": found.choices["pins"]})
    assert again.corrections == []
    assert len(parse_pins(text)) <= MAX_PINS
    assert bool(found.corrections) == (found.choices["pins"] != text)


@pytest.mark.parametrize(
    "text",
    [
        "picture=../../etc/passwd",
        "picture=flower&n_clusters=1",
        "picture=flower&color_space=nothing",
        "picture=flower&merge=1.1",
        "picture=upload-xyz",
        "n_clusters=4",
    ],
)
def test_a_wrong_pin_is_none(text: str) -> None:
    assert Pin.parse(text) is None
