"""The command line carries clusters over with ``--codebook``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import kmseg
from kmseg.cli import main
from kmseg.output import export, tables
from kmseg.output.encode import png
from kmseg.output.report import settings_json
from oracles import decoded, image_at

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def seg() -> kmseg.Segmentation:
    return kmseg.segment(image_at("flower", 60), kmseg.Settings(color_space="oklab", n_clusters=5))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seg: kmseg.Segmentation) -> Path:
    """A folder to work in, with a photo, saved settings of another photo, and its palette."""
    (tmp_path / "photo.png").write_bytes(png(image_at("china", 60).pixels))
    (tmp_path / "settings.json").write_bytes(settings_json(seg))
    (tmp_path / "merged.json").write_bytes(settings_json(seg.merged([(0, 3)])))
    (tmp_path / "palette.gpl").write_bytes(tables.palette_gpl(seg))
    (tmp_path / "notes.txt").write_text("These are notes.")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(capsys: Capture, line: str) -> dict[str, Any]:
    assert main(line.split()) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    found = json.loads(captured.out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert isinstance(found, dict)
    return found


def test_saved_clusters_are_carried_over_exactly(
    folder: Path, capsys: Capture, seg: kmseg.Segmentation
) -> None:
    found = answer(capsys, "-i photo.png --codebook settings.json -w 40 --json")
    carried = seg.codebook.predict(kmseg.read_image("photo.png"), width=40)
    assert found["carried"] is True and found["size"] == [40, 26]
    assert found["pixel_counts"] == carried.pixel_counts.tolist()
    assert found["inertia"] == carried.inertia
    assert found["palette"] == ["#{:02x}{:02x}{:02x}".format(*color) for color in seg.palette]
    assert (found["attempts"], found["n_iter"], found["converged"]) == ([], None, None)


def test_what_json_printed_is_a_codebook(folder: Path, capsys: Capture) -> None:
    first = answer(capsys, "-i sample:flower -w 50 -n 4 -s cielab --json")
    (folder / "result.json").write_text(json.dumps(first))
    found = answer(capsys, "-i sample:flower -w 50 --codebook result.json --json")
    assert found["pixel_counts"] == first["pixel_counts"]
    assert found["codebook"] == first["codebook"]


def test_a_palette_is_carried_over_in_the_space_of_the_options(
    folder: Path, capsys: Capture, seg: kmseg.Segmentation
) -> None:
    found = answer(capsys, "-i photo.png --codebook palette.gpl -s hsv -c HV --json")
    assert found["settings"]["color_space"] == "hsv" and found["settings"]["channels"] == "02"
    found = answer(capsys, "-i photo.png --codebook palette.gpl --json")
    assert found["settings"]["color_space"] == "cielab"
    assert found["palette"] == ["#{:02x}{:02x}{:02x}".format(*color) for color in seg.palette]


def test_a_series_is_read_with_the_levels_of_the_codebook(folder: Path, capsys: Capture) -> None:
    values = np.linspace(1000, 1500, 60).astype(np.uint16).reshape(6, 10)
    for name, shift in (("one.png", 0), ("two.png", 300)):
        content = cv2.imencode(".png", values + np.uint16(shift))[1].tobytes()
        (folder / name).write_bytes(content)
    assert (
        main(["-i", "one.png", "-s", "gray", "-n", "3", "--save", "settings", "--out", "saved"])
        == 0
    )
    (path,) = (folder / "saved").iterdir()
    levels = kmseg.read_codebook(path).levels
    assert levels == (1000, 1500)
    capsys.readouterr()
    assert main(["-i", "two.png", "--codebook", str(path), "--json"]) == 0
    captured = capsys.readouterr()
    assert "1,000 to 1,500 shown as 0 to 255" in captured.err
    found = json.loads(captured.out)
    assert found["reading"]["levels"] == [1000, 1500]
    assert found["pixel_counts"][-1] != 20  # brighter than the first, and not stretched again
    capsys.readouterr()
    assert main(["-i", "two.png", "--codebook", str(path), "--levels", "stored"]) == 2
    assert "--levels: must be those of --codebook, 1000..1500" in capsys.readouterr().err


@pytest.mark.parametrize("book", ["settings.json", "merged.json"])
def test_everything_can_be_saved_and_nothing_is_replaced(
    folder: Path, capsys: Capture, book: str
) -> None:
    line = f"-i photo.png --codebook {book} --save all --out results"
    assert main(line.split()) == 0
    codebook = kmseg.read_codebook(book)
    names = {path.name for path in (folder / "results").iterdir()}
    n_files = len(export.DOWNLOADS) + 2 + 2 * codebook.n_clusters
    assert len(names) == n_files
    assert all(f"_k{codebook.n_clusters}_carried-{codebook.digest}" in name for name in names)
    capsys.readouterr()
    assert main(line.split()) == 2  # found before the work
    assert "exists" in capsys.readouterr().err
    (labels,) = (folder / "results").glob("*_labels-gray.png")
    carried = codebook.predict(kmseg.read_image("photo.png"))
    expected = np.array(carried.numbers)[carried.labels]
    np.testing.assert_array_equal(decoded(labels.read_bytes()), expected)


def test_the_table_names_merged_clusters_and_lists_empty_ones(
    folder: Path, capsys: Capture
) -> None:
    (folder / "red.png").write_bytes(png(np.full((4, 4, 3), (255, 0, 0), np.uint8)))
    assert main(["-i", "red.png", "--codebook", "merged.json"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert sorted(line.split()[0] for line in lines) == ["1+4", "2", "3", "5"]
    assert sum(line.split()[2] == "0" for line in lines) == 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--codebook settings.json -n 4", ["-n: ", "--codebook", "leave one"]),
        ("--codebook settings.json --attempts 3", ["--attempts: ", "--codebook"]),
        ("--codebook settings.json --init random", ["--init: "]),
        ("--codebook settings.json --centroids #ff0000", ["--centroids: "]),
        ("--codebook settings.json --seed 0", ["--seed: "]),
        ("--codebook settings.json --engine exact", ["--engine: "]),
        ("--codebook settings.json --stop both", ["--stop: "]),
        ("--codebook settings.json -s hsv", ["-s: ", "oklab", "hsv", "leave it out"]),
        ("--codebook settings.json -c 01", ["-c: ", "all", "01", "leave it out"]),
        ("--codebook settings.json -w wide", ["-w: ", "wide"]),
        ("--codebook settings.json -w 30000", ["-w: ", "megapixels"]),
        ("--codebook palette.gpl -s cmyk", ["-s: ", "cmyk"]),
        ("--codebook palette.gpl -c 7", ["-c: ", "7"]),
        ("--codebook none.json", ["--codebook: ", "none.json", "No such file"]),
        ("--codebook photo.png", ["--codebook: ", "UTF-8"]),
        ("--codebook notes.txt", ["--codebook: ", "GPL, CSS or JSON"]),
        ("--codebook .", ["--codebook: ", "folder"]),
    ],
)
def test_what_contradicts_the_codebook_is_one_line_and_exit_status_two(
    folder: Path, capsys: Capture, line: str, said: list[str]
) -> None:
    assert main(["-i", "photo.png", *line.split()]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    for words in said:
        assert words in captured.err
