"""Saved settings and palettes: read back exactly, and refused in a sentence if they are not."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import kmseg
from kmseg.color import features
from kmseg.output import tables
from kmseg.output.report import report, settings_json
from kmseg.saved import MAX_BYTES
from oracles import image_at
from strategies import valid_settings

WANTED = kmseg.Settings(color_space="oklab", channels="12", n_clusters=5, seed=7, attempts=3)
READING = kmseg.Reading(frame=2, levels=(0.1, 4000))


@pytest.fixture(scope="module")
def seg() -> kmseg.Segmentation:
    return kmseg.segment(replace(image_at("flower", 60), reading=READING), WANTED)


@pytest.fixture(scope="module")
def saved(seg: kmseg.Segmentation) -> dict[str, Any]:
    found = json.loads(settings_json(seg.merged([(1, 3)]), [0, 4], "slide 7.png"))
    assert isinstance(found, dict)
    return found


def content(value: object) -> bytes:
    return json.dumps(value).encode()


# -- settings.json ---------------------------------------------------------------------------------


def test_saved_settings_say_everything_that_opens_the_segmentation_again(
    seg: kmseg.Segmentation, saved: dict[str, Any]
) -> None:
    found = kmseg.read_settings(content(saved))
    assert found.settings == WANTED and found.reading == READING
    assert found.picture == "slide 7.png" and not found.carried
    assert found.merges == ((1, 3),) and found.focus == (0, 4)
    again = kmseg.segment(image_at("flower", 60), found.settings).merged(found.merges)
    np.testing.assert_array_equal(again.labels, seg.merged([(1, 3)]).labels)


@pytest.mark.parametrize("groups", [[], [(1, 3)]])
def test_a_codebook_of_saved_settings_is_exact(
    seg: kmseg.Segmentation, tmp_path: Path, groups: list[tuple[int, int]]
) -> None:
    merged = seg.merged(groups)
    path = tmp_path / "settings.json"
    path.write_bytes(settings_json(merged))
    book = kmseg.read_codebook(path)
    assert book.to_dict() == merged.codebook.to_dict() and book.levels == (0.1, 4000)
    image = image_at("china", 50)
    ours, theirs = book.predict(image), merged.predict(image)
    np.testing.assert_array_equal(ours.labels, theirs.labels)
    assert ours.inertia == theirs.inertia and ours.palette.tolist() == theirs.palette.tolist()
    assert kmseg.read_codebook(str(path)).digest == book.digest


def test_what_the_command_line_prints_can_be_read(seg: kmseg.Segmentation) -> None:
    found = kmseg.read_settings(content(report(seg)))
    assert found.codebook.to_dict() == seg.codebook.to_dict()
    assert (found.picture, found.merges, found.focus) == ("", (), ())


def test_settings_of_carried_over_clusters_say_so(seg: kmseg.Segmentation) -> None:
    carried = seg.predict(image_at("china", 40))
    found = kmseg.read_settings(settings_json(carried))
    assert found.carried and found.codebook.to_dict() == seg.codebook.to_dict()
    again = found.codebook.predict(image_at("china", 40), width=found.settings.width)
    np.testing.assert_array_equal(again.labels, carried.labels)


def test_a_file_from_before_codebooks_were_saved_is_read(
    seg: kmseg.Segmentation, saved: dict[str, Any]
) -> None:
    former = json.loads(settings_json(seg))
    for name in ("codebook", "carried", "picture"):
        del former[name]
    former["units"] = {"samples": "uint16", "low": 0.1, "high": 4000.0, "centroids": []}
    book = kmseg.read_codebook(content(former))
    assert book.to_dict() == seg.codebook.to_dict()
    merged = {name: value for name, value in saved.items() if name != "codebook"}
    with pytest.raises(kmseg.SavedFileError, match="codebook: must be in the file because"):
        kmseg.read_codebook(content(merged))


@given(valid_settings())
@settings(max_examples=50, deadline=None)
def test_all_settings_survive(wanted: kmseg.Settings) -> None:
    book = kmseg.Codebook.of_colours(np.zeros((1, 3), np.uint8), "rgb", "all")
    values = {"v": "1", "settings": wanted.to_dict(), "codebook": book.to_dict()}
    assert kmseg.read_settings(content(values)).settings == wanted


# -- palettes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [tables.palette_gpl, tables.palette_css, tables.palette_json])
def test_a_palette_gives_its_colours_in_the_space_that_is_chosen(
    seg: kmseg.Segmentation, write: Any
) -> None:
    for shown in (seg, seg.merged([(0, 2)])):
        book = kmseg.read_codebook(write(shown))
        assert (book.space, book.channels) == ("cielab", "all")
        assert book.colours.tolist() == shown.palette.tolist()
        np.testing.assert_array_equal(book.centroids, features(shown.palette, "cielab"))
        other = kmseg.read_codebook(write(shown), space="HSV", channels="VH")
        assert (other.space, other.channels) == ("hsv", "02")
        np.testing.assert_array_equal(other.centroids, features(shown.palette, "hsv", "02"))


def test_a_gimp_palette_of_another_program_is_read() -> None:
    text = "GIMP Palette\r\nName: Café\r\n#\r\n  1   2   3\tUntitled\r\n255 0 9\r\n\r\n"
    assert kmseg.read_codebook(text.encode()).colours.tolist() == [[1, 2, 3], [255, 0, 9]]


def test_the_space_of_saved_settings_cannot_be_changed(seg: kmseg.Segmentation) -> None:
    text = settings_json(seg)
    assert kmseg.read_codebook(text, space="OKLAB", channels="ab").channels == "12"
    with pytest.raises(kmseg.SettingsError, match=r"space: must be .* oklab, not 'hsv'"):
        kmseg.read_codebook(text, space="hsv")
    with pytest.raises(kmseg.SettingsError, match=r"channels: must be .* 12, not 'all'"):
        kmseg.read_codebook(text, channels="all")
    with pytest.raises(kmseg.SettingsError, match="space: must be one of"):
        kmseg.read_codebook(b":root { --a: #123456; }", space="cmyk")


# -- files from strangers --------------------------------------------------------------------------


def changed(values: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy with one value replaced; ``path`` is its names with dots between."""
    copy = json.loads(json.dumps(values))
    *names, last = path.split(".")
    inner = copy
    for name in names:
        inner = inner[name]
    inner[last] = value
    assert isinstance(copy, dict)
    return copy


def assert_refused(data: bytes, said: str) -> None:
    for read in (kmseg.read_settings, kmseg.read_codebook):
        with pytest.raises(kmseg.SavedFileError) as caught:
            read(data)
        message = str(caught.value)
        assert said in message, message
        assert (
            message.isprintable() and len(message) < 400 and ". " not in message.replace("...", "")
        )
        assert message.startswith("this file: ")
        assert message.endswith("; save the file again, or choose another")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("v", "2", "v: must be 1, not '2'"),
        ("v", ["1"], "v: must be 1"),
        ("settings", [], "settings: must be an object, not []"),
        ("settings", "<script>alert(1)</script>", "settings: must be an object, not '<script>"),
        ("settings.n_clusters", 10**300, "n_clusters: must be a whole number from 2 to 255"),
        ("settings.n_clusters", 4.0, "n_clusters: must be"),
        ("settings.n_clusters", True, "n_clusters: must be"),
        ("settings.epsilon", [], "epsilon: must be"),
        ("settings.epsilon", 10**400, "epsilon: must be"),
        ("settings.color_space", {"a": {"b": {}}}, "color_space: must be"),
        ("settings.channels", None, "channels: must be"),
        ("settings.channels", [[1]], "channels: must be"),
        ("settings.centroids", ["#00ff00"] * 3, "centroids: starting colours need"),
        ("settings.centroids", 5, "centroids: must be"),
        ("settings." + "x" * 9000, 1, "is not a setting"),
        ("reading.levels", [1, "2", 3], "levels: must be"),
        ("reading.frame", 1e9, "frame: must be"),
        ("reading.page", 1, "'page' is not a way of reading"),
        ("view", "all", "view: must be an object"),
        ("view.merged", [[1, 2], [2, 3]], "merged: must be lists of different whole numbers"),
        ("view.merged", [[]], "merged: must be"),
        ("view.merged", {"1": 2}, "merged: must be"),
        ("view.merged", [[1, 6]], "view: must be of clusters 1 to 5, not 6"),
        ("view.focus", [0], "focus: must be"),
        ("view.focus", "1", "focus: must be"),
        ("view.focus", [[1]], "focus: must be"),
        ("view.focus", [9], "view: must be of clusters 1 to 5, not 9"),
        ("picture", ["a.png"], "picture: must be a name"),
        ("picture", "x" * 1001, "picture: must be a name of at most 1,000 characters"),
        ("carried", 1, "carried: must be true or false, not 1"),
        ("codebook", None, "codebook: must have space"),
        ("codebook", 5, "codebook: must be an object, not 5"),
        ("codebook.space", "cmyk", "space: must be one of"),
        ("codebook.channels", "9", "channels: must be"),
        ("codebook.centroids", "1,2", "centroids: must be lists of as many numbers each"),
        ("codebook.centroids", [[1, 2], [3]], "centroids: must be lists of as many numbers each"),
        ("codebook.centroids", [["1", "2"]] * 5, "centroids: must be lists"),
        ("codebook.centroids", [[None, 1]] * 5, "centroids: must be lists"),
        ("codebook.centroids", [[True, 1]] * 5, "centroids: must be lists"),
        ("codebook.centroids", [[[1], [2]]] * 5, "centroids: must be lists"),
        ("codebook.centroids", [[10**400, 1]] * 5, "centroids: must be lists"),
        ("codebook.centroids", [[1e300, 1]] * 5, "centroids: must be numbers from -1,000"),
        ("codebook.centroids", [[1, 2]] * 5000, "centroids: must be 1 to 255 rows"),
        ("codebook.centroids", [], "centroids: must be"),
        ("codebook.colours", "#00ff00", "colours: must be a list of sRGB colours"),
        ("codebook.colours", ["red"] * 5, "colours: must be a list of sRGB colours"),
        ("codebook.colours", [[0, 0, 256]] * 5, "colours: must be a list"),
        ("codebook.colours", ["#00ff00"] * 3, "colours: must be an array"),
        ("codebook.levels", [5, 5], "levels: must be"),
        ("codebook.levels", 7, "levels: must be"),
        ("codebook.members", [[1], [2, 4], [3]], "merges: must have each of the 5 centroids"),
        ("codebook.members", [[1], [1], [3]], "members: must be lists of different"),
        ("codebook.weights", [1, 2, 3, 4, -5], "weights: must be 5 numbers above 0"),
        ("codebook.weights", [1, 2, 3, 4, "5"], "weights: must be a list of numbers"),
        ("codebook.weights", 1, "weights: must be a list of numbers"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_in_a_sentence(
    saved: dict[str, Any], path: str, value: object, said: str
) -> None:
    assert_refused(content(changed(saved, path, value)), said)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "must be"),
        (b"{}", "must have settings, not only {}"),
        (b"[" * 5000, "at most 16 lists within each other, not 5000"),
        (b'{"settings": ' + b'{"a":' * 3000 + b"1" + b"}" * 3001, "at most 16 lists"),
        (b'{"settings": {"epsilon": NaN}}', "must have finite numbers, not NaN"),
        (b'{"settings": {"epsilon": -Infinity}}', "must have finite numbers, not -Infinity"),
        (b'{"settings": {"epsilon": 1e999}}', "epsilon: must be a number of at least 0, not inf"),
        (b'{"settings": {"seed": ' + b"9" * 9000 + b"}}", "a number is too long"),
        (b'{"settings": {"seed": 1, "seed": 2}}', "must have each name once, not 'seed' twice"),
        (b'{"settings": ', "must be JSON"),
        (b'{"' + b'\\"' * 130_000, "must be JSON"),
        (b'{"a":1,' + b",".join(b'"%d":0' % n for n in range(25_000)) + b',"9":1}', "'9' twice"),
        (b'{"a": "' + b"[" * 5000 + b'"}', "must have settings"),
        (b"{" + b'"' * 7, "must be JSON"),
        (b"\xff\xfe{\0}\0", "must be text in UTF-8"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "must be text in UTF-8"),
        (b" " * (MAX_BYTES + 1), "must have at most 262,144 bytes, not 262,145"),
    ],
    ids=range(17),
)  # fmt: skip
def test_a_file_of_another_kind_is_refused_in_a_sentence(data: bytes, said: str) -> None:
    assert_refused(data, said)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<svg onload=alert(1)>", "must be settings.json, or a palette as GPL, CSS or JSON"),
        (b"GIMP Palette\n", "must have 1 to 255 colours, not 0"),
        (b"GIMP Palette\n" + b"1 2 3\n" * 256, "must have 1 to 255 colours, not 256"),
        (b"GIMP Palette\n" + b"1 2 3\n" * 40000, "must have 1 to 255 colours, not 40,000"),
        (b"GIMP Palette\n1 2 256\n", "colours: must be a list of sRGB colours"),
        (b"GIMP Palette\n1 2\n", "must have lines such as '255 128 0 name', not '1 2'"),
        ("GIMP Palette\n١ 2 3\n".encode(), "must have lines such as"),
        (b":root {}", "must have 1 to 255 colours, not 0"),
        (b":root { --a: url(//x.y); }", "must have declarations such as"),
        (b":root { --a: #12345; }", "must have declarations such as"),
        (b":root { --a: #123456 } body { }", "must be settings.json"),
        (b"[]", "must have 1 to 255 colours, not 0"),
        (b"[1]", "must have objects such as"),
        (b'[{"hex": "#1234567"}]', "colours: must be a list of sRGB colours"),
        (b'[{"hex": ["#123456"]}]', "must have objects such as"),
    ],
    ids=range(15),
)  # fmt: skip
def test_a_palette_that_is_none_is_refused_in_a_sentence(data: bytes, said: str) -> None:
    with pytest.raises(kmseg.SavedFileError) as caught:
        kmseg.read_codebook(data)
    message = str(caught.value)
    assert said in message and message.isprintable() and len(message) < 400


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(bytes(MAX_BYTES + 1))
    for name, said in (("none", "No such file"), (".", "not a folder"), ("pipe", "not a folder"),
                       ("large", "at most 262,144 bytes"), ("a\0b", "not valid")):  # fmt: skip
        with pytest.raises(kmseg.SavedFileError, match=said):
            kmseg.read_codebook(tmp_path / name)


def test_a_name_with_control_characters_cannot_reach_the_page(saved: dict[str, Any]) -> None:
    found = kmseg.read_settings(content(changed(saved, "picture", "a\x1b[31m\n\u202eb\udce9.png")))
    assert found.picture == "a\ufffd[31m\ufffd\ufffdb\ufffd.png"


def test_damaged_files_are_read_or_refused_and_nothing_else(saved: dict[str, Any]) -> None:
    """A thousand files with some bytes changed, removed or repeated."""
    draw = random.Random(5)
    data = content(saved)
    for _ in range(1000):
        broken = bytearray(data)
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(broken))
            match draw.randrange(3):
                case 0:
                    broken[at] = draw.choice(b'0123456789eE.-+"{}[],:nulltrue\xff\0')
                case 1:
                    del broken[at : at + draw.randint(1, 30)]
                case _:
                    broken[at:at] = broken[at : at + draw.randint(1, 30)] * draw.randint(1, 3)
        try:
            found = kmseg.read_settings(bytes(broken))
        except kmseg.SavedFileError as error:
            assert str(error).isprintable() and len(str(error)) < 500
        else:
            assert np.isfinite(found.codebook.centroids).all()
