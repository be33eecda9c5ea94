"""``Settings``: defaults, canonical forms, errors and documentation."""

from __future__ import annotations

import ast
import dataclasses
import pickle
import re
import shlex
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import kmseg
from kmseg.color import COLOR_SPACES
from kmseg.kmeans.engines import ENGINES
from kmseg.picture.reading import Reading
from kmseg.settings import FIELDS, RANGES, Settings
from kmseg.settings.kinds import Choice, Whole
from strategies import valid_settings

# Links, scripts and results depend on these.
PROMISED_DEFAULTS = {
    "color_space": "bgr",
    "channels": "all",
    "n_clusters": 4,
    "init": "k-means++",
    "centroids": (),
    "attempts": 10,
    "max_iter": 300,
    "epsilon": 0.01,
    "stop": "both",
    "seed": 0,
    "engine": "exact",
    "width": 0,
    "smallest_region": 0,
    "fill_holes": (),
}
BLACK_AND_WHITE = ((0, 0, 0), (255, 255, 255))


# -- defaults and canonical forms ------------------------------------------------------------------


@pytest.mark.parametrize("name", PROMISED_DEFAULTS)
def test_the_defaults_are_those_that_are_promised(name: str) -> None:
    assert getattr(Settings(), name) == PROMISED_DEFAULTS[name]


def test_the_ranges_are_those_that_are_promised() -> None:
    assert RANGES["n_clusters"] == (2, 255)
    assert RANGES["attempts"] == (1, 100)
    assert RANGES["max_iter"] == (1, 1000)
    assert RANGES["seed"] == (0, 2**31 - 1)
    assert RANGES["width"] == (0, 30_000)


@pytest.mark.parametrize("name", FIELDS)
def test_the_docstring_gives_the_default_and_what_is_allowed(name: str) -> None:
    documentation = Settings.__doc__ or ""
    entry = re.search(rf"^{name} : (.+), default (.+)\n((?: {{4}}.+\n)+)", documentation, re.M)
    assert entry, name
    type_name, default, text = entry.groups()
    assert ast.literal_eval(default) == getattr(Settings(), name)
    types = ("int", "float", "str", "int or str", "sequence of int", "sequence of colours")
    assert type_name in types
    kind = FIELDS[name].kind
    allowed = kind.names if isinstance(kind, Choice) else ()
    if isinstance(kind, Whole):
        allowed = (f"{kind.low}-{kind.high}",)
    for word in allowed:
        assert re.search(rf"(?<!\S){re.escape(word)}(?![\w-])", text), word
    assert max(map(len, documentation.splitlines())) <= 88


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ({"color_space": "HSV"}, {"color_space": "hsv"}),
        ({"color_space": " Lab "}, {"color_space": "lab"}),
        ({"color_space": "ycc"}, {"color_space": "ycrcb"}),
        ({"color_space": "YCC", "channels": "Cr"}, {"color_space": "ycrcb", "channels": "1"}),
        ({"channels": "20"}, {"channels": "02"}),
        ({"channels": "210"}, {"channels": "012"}),
        ({"channels": "ALL"}, {"channels": "all"}),
        ({"channels": "RB"}, {"channels": "02"}),
        ({"channels": "r, b"}, {"channels": "02"}),
        ({"channels": ["R", "g"]}, {"channels": "12"}),
        ({"channels": (2, 0)}, {"channels": "02"}),
        ({"channels": ["0", "2"]}, {"channels": "02"}),
        ({"color_space": "cielab", "channels": "b*,a*"}, {"channels": "12"}),
        ({"color_space": "cielab", "channels": "a*b*"}, {"channels": "12"}),
        ({"color_space": "ycrcb", "channels": "CbY"}, {"channels": "02"}),
        ({"color_space": "ycrcb", "channels": "Y Cr Cb"}, {"channels": "012"}),
        ({"color_space": "hsv-circular", "channels": "V"}, {"channels": "1"}),
        ({"color_space": "gray", "channels": "Y"}, {"channels": "0"}),
        ({"n_clusters": "7"}, {"n_clusters": 7}),
        ({"n_clusters": np.int64(7)}, {"n_clusters": 7}),
        ({"epsilon": "1e-3"}, {"epsilon": 0.001}),
        ({"epsilon": 2}, {"epsilon": 2.0}),
        ({"engine": "SKLEARN"}, {"engine": "scikit-learn"}),
        ({"engine": "OpenCV"}, {"engine": "opencv"}),
        ({"init": "Random"}, {"init": "random"}),
        (
            {"init": "manual", "n_clusters": 2, "centroids": ["#FF0010", (1, 2, 3)]},
            {"centroids": ((255, 0, 16), (1, 2, 3)), "attempts": 1},
        ),
        (
            {"init": "manual", "n_clusters": 3, "centroids": "ff0010-#010203,a0b0c0"},
            {"centroids": ((255, 0, 16), (1, 2, 3), (160, 176, 192))},
        ),
        (
            {"init": "manual", "n_clusters": 2, "centroids": np.array([[1, 2, 3], [4, 5, 6]])},
            {"centroids": ((1, 2, 3), (4, 5, 6))},
        ),
        ({"smallest_region": "50"}, {"smallest_region": 50}),
        ({"smallest_region": " 0.050 %"}, {"smallest_region": "0.05%"}),
        ({"smallest_region": "10%"}, {"smallest_region": "10%"}),
        ({"smallest_region": "0.0%"}, {"smallest_region": 0}),
        ({"fill_holes": "3,1"}, {"fill_holes": (1, 3)}),
        ({"fill_holes": "2.12"}, {"fill_holes": (2, 12)}),
        ({"fill_holes": [np.int64(2), 2]}, {"fill_holes": (2,)}),
    ],
)
def test_values_take_their_canonical_form(given: dict[str, Any], canonical: dict[str, Any]) -> None:
    settings = Settings(**given)
    for name, value in canonical.items():
        found = getattr(settings, name)
        assert found == value
        assert type(found) is type(value)


def test_names_follow_the_channels() -> None:
    settings = Settings(color_space="hsv-circular", channels="H")
    assert settings.channel_names == ("H",)
    assert settings.coordinate_names == ("S·cos H", "S·sin H")
    assert Settings(color_space="lab").channel_names == ("L", "a", "b")
    assert Settings(color_space="cielab", channels="20").coordinate_names == ("L*", "b*")


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", RANGES)
def test_whole_numbers_have_their_ranges(field: str) -> None:
    low, high = RANGES[field]
    allowed: list[Any] = [low, high, str(low), str(high)]
    for value in allowed:
        assert getattr(Settings(**{field: value}), field) == int(value)
    refused: list[Any] = [low - 1, high + 1, str(high + 1), 2.5, 3.0, "3.5", "x", "", None, True]
    for value in (*refused, "²", [3]):
        with pytest.raises(kmseg.SettingsError) as caught:
            Settings(**{field: value})
        message = str(caught.value)
        assert message.startswith(f"{field}: ")
        assert str(low) in message and str(high) in message
        assert str(value) in message or ascii(value) in message


@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        ("color_space", tuple(COLOR_SPACES)),
        ("init", ("k-means++", "random", "manual")),
        ("stop", ("both", "epsilon", "iterations")),
        ("engine", tuple(ENGINES)),
    ],
)
@pytest.mark.parametrize("value", ["nope", "", 5, None, ["hsv"], {}, np.array([1, 2]), b"hsv"])
def test_choices_are_listed(field: str, allowed: tuple[str, ...], value: Any) -> None:
    with pytest.raises(kmseg.SettingsError) as caught:
        Settings(**{field: value})
    message = str(caught.value)
    assert message.startswith(f"{field}: ")
    assert all(name in message for name in allowed)
    assert ", not " in message


@pytest.mark.parametrize(
    ("color_space", "value"),
    [
        ("hsv", "3"),
        ("hsv", "00"),
        ("hsv", "HH"),
        ("hsv", "0H"),
        ("hsv", ""),
        ("hsv", "X"),
        ("hsv", "H9"),
        ("hsv", "-1"),
        ("hsv", "all 0"),
        ("hsv", "²"),
        ("gray", "1"),
        ("hsv-circular", "2"),
        ("hsv-circular", "S"),
        ("hsv", None),
        ("hsv", 1.5),
        ("hsv", []),
        ("hsv", [0, 0]),
        ("hsv", ["x"]),
        ("hsv", "H" * 5000),
        ("hsv", "0" * 5000),
    ],
)
def test_channels_are_distinct_and_of_the_space(color_space: str, value: Any) -> None:
    with pytest.raises(kmseg.SettingsError) as caught:
        Settings(color_space=color_space, channels=value)
    message = str(caught.value)
    assert message.startswith("channels: ") and color_space in message
    assert all(name in message for name in COLOR_SPACES[color_space].channels)
    assert len(message) < 250


@pytest.mark.parametrize("value", [-1, -1e-9, "x", "", None, float("nan"), "inf", "-inf", True])
def test_epsilon_is_a_number_of_at_least_zero(value: Any) -> None:
    with pytest.raises(kmseg.SettingsError, match=r"^epsilon: .*at least 0, not "):
        Settings(epsilon=value)
    assert Settings(epsilon=0).epsilon == 0


@pytest.mark.parametrize(
    "value",
    [
        5,
        None,
        "red",
        "#ff00",
        "#ff00zz,#000000",
        [(1, 2), (3, 4)],
        [(1, 2, 256), (0, 0, 0)],
        [(1, 2, -1), (0, 0, 0)],
        [(1, 2, 3.5), (0, 0, 0)],
        [1, 2],
        [None, None],
    ],
)
def test_starting_colours_are_srgb(value: Any) -> None:
    with pytest.raises(kmseg.SettingsError, match=r"^centroids: must be sRGB .*#rrggbb.* not "):
        Settings(init="manual", n_clusters=2, centroids=value)


def test_a_manual_start_has_a_colour_for_each_cluster_and_others_have_none() -> None:
    with pytest.raises(kmseg.SettingsError, match=r"^centroids: .*each of the 3 clusters, not 2"):
        Settings(init="manual", n_clusters=3, centroids=BLACK_AND_WHITE)
    with pytest.raises(kmseg.SettingsError, match=r"^centroids: .*4 clusters, not 0"):
        Settings(init="manual")
    with pytest.raises(kmseg.SettingsError, match=r"^centroids: .*manual.*'random'"):
        Settings(init="random", n_clusters=2, centroids=BLACK_AND_WHITE)


@given(st.sampled_from(list(FIELDS)), st.text() | st.binary() | st.floats() | st.lists(st.text()))
def test_a_mistake_is_one_short_line_of_plain_text(field: str, value: Any) -> None:
    try:
        Settings(**{field: value})
    except kmseg.SettingsError as error:
        message = str(error)
        assert message.split(":")[0] in FIELDS
        assert len(message) < 300
        assert message.isprintable()


def test_settings_are_keyword_only_frozen_and_complete() -> None:
    with pytest.raises(TypeError):
        Settings("hsv")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Settings(colour_space="hsv")  # type: ignore[call-arg]
    for field in FIELDS:
        with pytest.raises(AttributeError):
            setattr(Settings(), field, FIELDS[field].default)


@given(valid_settings(), valid_settings())
@hypothesis_settings(max_examples=50)
def test_settings_are_values(one: Settings, other: Settings) -> None:
    twin = dataclasses.replace(one)
    assert one == twin
    assert hash(one) == hash(twin)
    assert pickle.loads(pickle.dumps(one)) == one
    assert (one == other) == (dataclasses.asdict(one) == dataclasses.asdict(other))
    assert len({one, twin, other}) == (1 if one == other else 2)


def test_a_way_of_reading_appears_in_commands_only_where_it_differs() -> None:
    settings, reading = Settings(), Reading(1, (-5, 30.5))
    assert settings.to_command_line("a.tif", reading=Reading()) == settings.to_command_line("a.tif")
    words = shlex.split(settings.to_command_line("a.tif", reading=reading))
    assert {"--frame=2", "--levels=-5..30.5"} < set(words)
    assert settings.to_script("kmseg", "a.tif", Reading()) == settings.to_script("kmseg", "a.tif")
    line = "kmseg.read_image('a.tif', reading=kmseg.Reading(frame=1, levels=(-5.0, 30.5)))"
    assert line in settings.to_script("kmseg", "a.tif", reading)
