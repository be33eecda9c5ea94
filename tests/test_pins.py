"""Short links, and pins as a link has them."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kmseg
from kmseg.picture.reading import Reading
from kmseg.samples import SAMPLES
from kmseg.saved import packed, unpacked
from kmseg.settings import LINK_VERSION, PAGE_RANGES
from kmseg.ui import link
from kmseg.ui.pins import MAX_CHARACTERS, MAX_PINS, Pin, parse_pins, spelled_pins
from kmseg.ui.shortening import DEFAULTS, MAX_CODEBOOK, completed, shortened
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


# Drawing new pins for each of a thousand examples would take most of the time.
FEW = [
    Pin("flower", Reading(), kmseg.Settings(), ()),
    Pin("china", Reading(3, "stored"), kmseg.Settings(color_space="hsv", channels="02"), ((0, 1),)),
    Pin("upload-0123abcd", Reading(0, (1.5, 7.0)), kmseg.Settings(n_clusters=9, seed=7), ()),
    Pin(
        "plate-6",
        Reading(),
        kmseg.Settings(init="manual", n_clusters=2, centroids=((0, 0, 0), (9, 99, 255))),
        ((0, 2), (1, 3)),
    ),
]


@st.composite
def cut_pins(draw: st.DrawFn) -> str:
    """The start of pins' text: none, a part or all of it."""
    text = spelled_pins(draw(st.lists(st.sampled_from(FEW), max_size=9)))
    return text[: draw(st.integers(0, len(text)))]


@settings(max_examples=1000)
@given(
    st.one_of(
        st.text(),
        st.lists(st.text(alphabet="|&=%picture_n_clusters0123456789abc"), max_size=9).map("|".join),
        cut_pins(),
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


# -- codebooks -------------------------------------------------------------------------------------

BOOK = kmseg.segment(
    kmseg.Image(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)),
    kmseg.Settings(color_space="cielab", n_clusters=5),
).codebook
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just("#gg0000")
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4), max_leaves=12)


def compressed(value: Any) -> str:
    content = zlib.compress(json.dumps(value).encode())
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A codebook's text in which characters or values are replaced."""
    text = packed(BOOK)
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(start + 20, len(text))))
    kind = draw(st.sampled_from(["text", "cut", "value", "row", "any"]))
    if kind == "text":
        return text[:start] + draw(st.text(max_size=20)) + text[end:]
    if kind == "cut":
        return text[:start]
    whole = BOOK.to_dict()
    name = draw(st.sampled_from(list(whole)))
    if kind == "row" and isinstance(whole[name], list):
        whole[name][draw(st.integers(0, len(whole[name]) - 1))] = draw(values)
    elif kind == "value":
        whole[name] = draw(values)
    else:
        return compressed(draw(values))
    return compressed(whole)


@settings(max_examples=1000)
@given(st.one_of(st.text(), st.from_regex(r"[A-Za-z0-9_-]{1,80}", fullmatch=True), damaged()))
def test_codebooks_of_strangers_are_valid_or_ignored_and_that_is_said(text: str) -> None:
    found = link.parse({"v": "1", "codebook": text})
    kept = found.choices["codebook"]
    assert kept in ("", text)
    assert bool(found.corrections) == (kept != text)
    if kept:
        shares = unpacked(kept).predict(kmseg.Image(np.zeros((2, 3, 3), np.uint8))).shares
        assert shares.sum() == 1


def test_a_codebook_that_grows_when_it_is_decompressed_is_refused() -> None:
    with pytest.raises(kmseg.SavedFileError, match="at most 262,144 bytes"):
        unpacked(compressed([0] * 10**6))


def test_codebooks_up_to_the_limit_of_links_come_back_exactly() -> None:
    for k in (1, 8, 20):
        colours = np.random.default_rng(k).integers(0, 256, (k, 3), np.uint8)
        book = kmseg.Codebook(
            "cielab", "all", np.random.default_rng(k).normal(size=(k, 3)), colours
        )
        text = packed(book)
        assert len(text) <= MAX_CODEBOOK
        assert link.parse({"v": "1", "codebook": text}).corrections == []
        assert unpacked(text).to_dict() == book.to_dict()
