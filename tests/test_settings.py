"""``Settings``: what is allowed, how it is spelt, and that every spelling comes back."""

from __future__ import annotations

import dataclasses
import json
import pickle
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import kmseg
from kmseg.cli import main
from kmseg.color import COLOR_SPACES
from kmseg.kmeans.engines import ENGINES
from kmseg.output.encode import png
from kmseg.settings import INITS, LINK_VERSION, RANGES, STOPS, Settings
from oracles import image_at

DEFAULTS = {
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
}
FIELDS = list(DEFAULTS)
BLACK_AND_WHITE = ((0, 0, 0), (255, 255, 255))


@st.composite
def valid_settings(draw: st.DrawFn, small: bool = False) -> Settings:
    """Any settings there can be, or only such as take no time on a small picture."""
    key = draw(st.sampled_from(list(COLOR_SPACES)))
    n_channels = len(COLOR_SPACES[key].channels)
    chosen = draw(st.sets(st.integers(0, n_channels - 1), min_size=1))
    channels = draw(st.sampled_from(["all", "".join(map(str, sorted(chosen)))]))
    K = draw(st.integers(2, 6 if small else 255))
    init = draw(st.sampled_from(INITS if K < 20 else INITS[:2]))
    level = st.integers(0, 255)
    colors = st.lists(st.tuples(level, level, level), min_size=K, max_size=K)
    return Settings(
        color_space=key,
        channels=channels,
        n_clusters=K,
        init=init,
        centroids=tuple(draw(colors)) if init == "manual" else (),
        attempts=draw(st.integers(1, 3 if small else 100)),
        max_iter=draw(st.integers(1, 30 if small else 1000)),
        epsilon=draw(st.floats(0, 1e300, allow_nan=False)),
        stop=draw(st.sampled_from(STOPS)),
        seed=draw(st.integers(0, 2**31 - 1)),
        engine=draw(st.sampled_from(list(ENGINES))),
        width=draw(st.sampled_from([0, 9, 20]) if small else st.integers(0, 30_000)),
    )


# -- defaults and canonical forms ------------------------------------------------------------------


def test_the_defaults_are_those_that_are_promised() -> None:
    assert dataclasses.asdict(Settings()) == DEFAULTS


def test_the_ranges_are_those_that_are_promised() -> None:
    assert RANGES["n_clusters"] == (2, 255)
    assert RANGES["attempts"] == (1, 100)
    assert RANGES["max_iter"] == (1, 1000)
    assert RANGES["seed"] == (0, 2**31 - 1)
    assert RANGES["width"][0] == 0


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
        ("engine", ("exact", "opencv", "scikit-learn")),
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
    with pytest.raises(kmseg.SettingsError, match=r"^centroids: sRGB .*#rrggbb.* not "):
        Settings(init="manual", n_clusters=2, centroids=value)


def test_a_manual_start_has_a_colour_for_each_cluster_and_others_have_none() -> None:
    with pytest.raises(kmseg.SettingsError, match=r"^centroids: .*each of the 3 clusters, not 2"):
        Settings(init="manual", n_clusters=3, centroids=BLACK_AND_WHITE)
    with pytest.raises(kmseg.SettingsError, match=r"^centroids: .*4 clusters, not 0"):
        Settings(init="manual")
    with pytest.raises(kmseg.SettingsError, match=r"^centroids: .*manual.*'random'"):
        Settings(init="random", n_clusters=2, centroids=BLACK_AND_WHITE)


@given(st.sampled_from(FIELDS), st.text() | st.binary() | st.floats() | st.lists(st.text()))
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
            setattr(Settings(), field, DEFAULTS[field])


@given(valid_settings(), valid_settings())
@hypothesis_settings(max_examples=50)
def test_settings_are_values(one: Settings, other: Settings) -> None:
    twin = dataclasses.replace(one)
    assert one == twin
    assert hash(one) == hash(twin)
    assert pickle.loads(pickle.dumps(one)) == one
    assert (one == other) == (dataclasses.asdict(one) == dataclasses.asdict(other))
    assert len({one, twin, other}) == (1 if one == other else 2)


# -- round trips -----------------------------------------------------------------------------------


@given(valid_settings())
def test_a_link_holds_everything_and_comes_back(settings: Settings) -> None:
    query = settings.to_query()
    assert set(query) == {"v", *FIELDS}
    assert query["v"] == LINK_VERSION == "1"
    assert {type(text) for text in query.values()} == {str}
    assert all(text.isprintable() for text in query.values())
    assert Settings.from_query(query) == (settings, ())


@given(valid_settings())
def test_a_json_object_comes_back(settings: Settings) -> None:
    values = json.loads(json.dumps(settings.to_dict(), allow_nan=False))
    assert list(values) == FIELDS
    assert Settings.from_dict(values) == settings


def test_from_dict_takes_some_fields_and_no_others() -> None:
    assert Settings.from_dict({"n_clusters": 9}) == Settings(n_clusters=9)
    assert Settings.from_dict({}) == Settings()
    with pytest.raises(kmseg.SettingsError, match=r"'clusters'.*n_clusters"):
        Settings.from_dict({"clusters": 9})
    with pytest.raises(kmseg.SettingsError, match=r"^n_clusters: "):
        Settings.from_dict({"n_clusters": 1})
    with pytest.raises(kmseg.SettingsError, match=r"^color_space: "):
        Settings.from_dict({"color_space": ["hsv"]})


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small photo under a name that a shell would take apart."""
    path = tmp_path_factory.mktemp("pictures") / 'it\'s a $HOME "photo" & more.png'
    path.write_bytes(png(image_at("china", 24).pixels))
    return path


SOME = [
    Settings(),
    Settings(color_space="hsv-circular", channels="H", n_clusters=2, seed=2**31 - 1),
    Settings(color_space="cielab", channels="12", init="random", attempts=2, epsilon=1e-7),
    Settings(engine="scikit-learn", attempts=2, max_iter=7, stop="iterations", width=12),
    Settings(engine="opencv", init="random", attempts=3, stop="epsilon", epsilon=0.5),
    Settings(init="manual", n_clusters=3, centroids=((255, 255, 255), (16, 32, 48), (0, 0, 0))),
]


@pytest.mark.parametrize("settings", SOME)
def test_the_script_repeats_the_segmentation(
    settings: Settings, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    namespace: dict[str, Any] = {}
    exec(settings.to_python(str(picture)), namespace)
    assert namespace["settings"] == settings
    expected = kmseg.segment(kmseg.read_image(picture), settings)
    seg = namespace["seg"]
    np.testing.assert_array_equal(seg.labels, expected.labels)
    assert seg.inertia == expected.inertia
    printed = capsys.readouterr().out
    assert str(expected.inertia) in printed and str(expected.pixel_counts) in printed


@pytest.mark.parametrize("settings", SOME)
def test_the_command_line_repeats_the_segmentation(
    settings: Settings, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = shlex.split(settings.to_command_line(str(picture)))
    assert words[:3] == ["python", "-m", "kmseg"]
    assert main(words[3:]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert Settings.from_dict(answer["settings"]) == settings
    expected = kmseg.segment(kmseg.read_image(picture), settings)
    assert answer["pixel_counts"] == expected.pixel_counts.tolist()
    assert answer["inertia"] == expected.inertia


@given(valid_settings(small=True))
@hypothesis_settings(max_examples=15)
def test_any_settings_come_back_from_the_command_line(settings: Settings) -> None:
    from kmseg.cli import _parser, _settings

    words = shlex.split(settings.to_command_line("a b.png"))[3:]
    assert _settings(_parser().parse_args(words)) == settings


@pytest.mark.parametrize("name", ["-x.png", "--json", "-i", "-"])
def test_a_picture_whose_name_begins_with_a_dash_is_no_option(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(png(image_at("china", 24).pixels))
    assert main(shlex.split(Settings().to_command_line(name))[3:]) == 0
    assert json.loads(capsys.readouterr().out)["size"] == [24, 16]


# -- links that need correction --------------------------------------------------------------------

anything = st.text() | st.from_regex(r"-?[0-9]{1,30}(\.[0-9]+)?(e[0-9]+)?", fullmatch=True)
likely = st.sampled_from(
    [
        "all",
        "02",
        "H",
        "manual",
        "random",
        "hsv",
        "ycc",
        "exact",
        "opencv",
        "1",
        "2",
        "ffffff-000000",
    ]
)


@given(st.dictionaries(st.sampled_from(["v", *FIELDS, "other"]), anything | likely))
@example({"channels": "H" * 5000, "color_space": "hsv"})
@example({"channels": "YCrCb" * 2000, "color_space": "ycc"})
@example({"n_clusters": "9" * 5000})
@example({"seed": "-" + "9" * 5000, "epsilon": "1e999"})
@example({"n_clusters": "²", "centroids": "²²²²²²"})
@example({"init": "manual"})
@example({"init": "manual", "centroids": "ffffff-000000", "n_clusters": "3", "channels": "7"})
@example({"init": "random", "centroids": "ffffff-000000", "n_clusters": "2"})
def test_no_link_is_refused(query: dict[str, str]) -> None:
    settings, corrections = Settings.from_query(query)
    assert isinstance(settings, Settings)
    for sentence in corrections:
        assert sentence.split(":")[0] in ("v", *FIELDS)
        assert len(sentence) < 300 and sentence.isprintable()
    # A corrected link needs no more correction.
    assert Settings.from_query(settings.to_query()) == (settings, ())
    # What is not mentioned is as it was given, or as it is by default.
    mentioned = {sentence.split(":")[0] for sentence in corrections}
    for name in set(FIELDS) - mentioned - {"init", "centroids", "channels", "attempts"}:
        if name not in query:
            assert getattr(settings, name) == DEFAULTS[name]
    for name in mentioned - {"v"}:
        assert name in query or name == "centroids"


@given(valid_settings(), st.sampled_from(FIELDS), anything)
def test_one_bad_value_does_not_harm_the_others(settings: Settings, field: str, text: str) -> None:
    corrected, sentences = Settings.from_query(settings.to_query() | {field: text})
    bound = {"n_clusters", "init", "centroids", "attempts", "color_space", "channels", field}
    for name in set(FIELDS) - bound:
        assert getattr(corrected, name) == getattr(settings, name)
    if not sentences:
        # It was a value after all.
        assert Settings.from_query(corrected.to_query()) == (corrected, ())
    if field in ("epsilon", "seed", "stop", "engine", "width", "max_iter"):
        assert len(sentences) <= 1
        assert corrected.centroids == settings.centroids
        assert corrected.channels == settings.channels


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("n_clusters", "1", 2),
        ("n_clusters", "999", 255),
        ("n_clusters", "many", 4),
        ("attempts", "0", 1),
        ("attempts", "5000", 100),
        ("max_iter", "-3", 1),
        ("seed", "99999999999", 2**31 - 1),
        ("width", "-1", 0),
        ("epsilon", "-1", 0.01),
        ("color_space", "cmyk", "bgr"),
        ("channels", "9", "all"),
        ("engine", "gpu", "exact"),
        ("stop", "now", "both"),
        ("init", "manual", "k-means++"),
    ],
)
def test_a_correction_says_what_was_given_and_goes_to_the_nearest_value(
    field: str, text: str, value: Any
) -> None:
    settings, corrections = Settings.from_query({field: text})
    assert getattr(settings, field) == value
    assert settings == Settings(**{field: value})
    (sentence,) = corrections
    if field != "init":
        assert sentence.startswith(f"{field}: ")
        assert text in sentence


def test_a_callers_narrower_ranges_are_kept() -> None:
    ranges = RANGES | {"n_clusters": (2, 32), "width": (0, 8000)}
    settings, corrections = Settings.from_query({"n_clusters": "200", "width": "9000"}, ranges)
    assert (settings.n_clusters, settings.width) == (32, 8000)
    assert len(corrections) == 2
    assert Settings.from_query({"n_clusters": "200"})[0].n_clusters == 200


def test_a_link_of_another_version_is_read_and_told() -> None:
    settings, corrections = Settings.from_query({"v": "7", "n_clusters": "9"})
    assert settings == Settings(n_clusters=9)
    (sentence,) = corrections
    assert sentence.startswith("v: ") and "7" in sentence and "1" in sentence
    assert Settings.from_query({"n_clusters": "9"}) == (Settings(n_clusters=9), ())
