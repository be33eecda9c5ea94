"""Settings as JSON, links, scripts and command lines: round trips, and correction of links."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import kmseg
from kmseg.cli import main, options
from kmseg.output.encode import png
from kmseg.settings import FIELDS, LINK_VERSION, PAGE_RANGES, Settings
from oracles import image_at
from strategies import valid_settings

# -- round trips -----------------------------------------------------------------------------------


@given(valid_settings())
def test_a_link_holds_everything_and_comes_back(settings: Settings) -> None:
    query = settings.to_query()
    assert set(query) == {"v", *FIELDS}
    assert query["v"] == LINK_VERSION == "1"
    assert {type(text) for text in query.values()} == {str}
    assert all(text.isprintable() for text in query.values())
    assert Settings.from_query(query) == (settings, ())


def test_a_link_is_spelt_as_in_version_1() -> None:
    settings = Settings(
        color_space="cielab",
        channels="12",
        n_clusters=2,
        init="manual",
        centroids=((255, 0, 16), (1, 2, 3)),
        epsilon=1e-7,
        width=300,
    )
    assert urlencode(settings.to_query()).startswith(
        "v=1&color_space=cielab&channels=12&n_clusters=2&init=manual&centroids=ff0010-010203"
        "&attempts=1&max_iter=300&epsilon=1e-07&stop=both&seed=0&engine=exact&width=300"
    )
    assert Settings().to_query()["centroids"] == ""


@given(valid_settings())
def test_a_json_object_comes_back(settings: Settings) -> None:
    values = json.loads(json.dumps(settings.to_dict(), allow_nan=False))
    assert list(values) == list(FIELDS)
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
    """A small photo whose name has characters that are special to shells."""
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
    settings: Settings,
    picture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}
    exec(settings.to_script("kmseg", str(picture)), namespace)
    assert namespace["settings"] == settings
    expected = kmseg.segment(kmseg.read_image(picture), settings)
    seg = namespace["seg"]
    np.testing.assert_array_equal(seg.labels, expected.labels)
    assert seg.inertia == expected.inertia
    printed = capsys.readouterr().out
    clusters, inertia = printed.split("inertia ")
    assert float(inertia) == expected.inertia
    counts = [int(line.split()[0]) for line in clusters.splitlines()]
    assert counts == expected.pixel_counts.tolist()


@pytest.mark.parametrize("settings", SOME)
def test_the_command_line_repeats_the_segmentation(
    settings: Settings, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = shlex.split(settings.to_command_line(str(picture)))
    assert words[:3] == [".venv/bin/python", "-m", "kmseg"]
    assert main(words[3:]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert Settings.from_dict(answer["settings"]) == settings
    expected = kmseg.segment(kmseg.read_image(picture), settings)
    assert answer["pixel_counts"] == expected.pixel_counts.tolist()
    assert answer["inertia"] == expected.inertia


@given(valid_settings(small=True))
@hypothesis_settings(max_examples=15)
def test_any_settings_come_back_from_the_command_line(settings: Settings) -> None:
    words = shlex.split(settings.to_command_line("a b.png"))[3:]
    assert options.settings(options.parser().parse_args(words), None) == settings


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
    # A corrected link needs no further correction.
    assert Settings.from_query(settings.to_query()) == (settings, ())
    # A field that no sentence mentions has the given value, or its default.
    mentioned = {sentence.split(":")[0] for sentence in corrections}
    for name in set(FIELDS) - mentioned - {"init", "centroids", "channels", "attempts"}:
        if name not in query:
            assert getattr(settings, name) == FIELDS[name].default
    for name in mentioned - {"v"}:
        assert name in query or name == "centroids"


@given(valid_settings(), st.sampled_from(list(FIELDS)), anything)
def test_one_bad_value_does_not_harm_the_others(settings: Settings, field: str, text: str) -> None:
    corrected, sentences = Settings.from_query(settings.to_query() | {field: text})
    bound = {"n_clusters", "init", "centroids", "attempts", "color_space", "channels", field}
    for name in set(FIELDS) - bound:
        assert getattr(corrected, name) == getattr(settings, name)
    if not sentences:
        # The text happened to be a valid value.
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
    settings, corrections = Settings.from_query({"n_clusters": "200", "width": "9000"}, PAGE_RANGES)
    assert (settings.n_clusters, settings.width) == (32, 8000)
    assert len(corrections) == 2
    assert Settings.from_query({"n_clusters": "200"})[0].n_clusters == 200


def test_a_link_of_another_version_is_read_with_a_correction() -> None:
    settings, corrections = Settings.from_query({"v": "7", "n_clusters": "9"})
    assert settings == Settings(n_clusters=9)
    (sentence,) = corrections
    assert sentence.startswith("v: ") and "7" in sentence and "1" in sentence
    assert Settings.from_query({"n_clusters": "9"}) == (Settings(n_clusters=9), ())
