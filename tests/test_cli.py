"""The command line: what it prints and what it writes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

import kmseg
from kmseg.cli import FORMATS, main, saving
from kmseg.color import ALIASES, COLOR_SPACES
from kmseg.kmeans.engines import ENGINES
from kmseg.output.encode import png
from kmseg.settings import FIELDS, INITS, RANGES, STOPS
from oracles import image_at, with_holes

ROOT = Path(__file__).resolve().parent.parent

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in: a photo, one with transparent pixels, and a text file."""
    photo = image_at("china", 60)
    (tmp_path / "photo.png").write_bytes(png(photo.pixels))
    holed = with_holes(photo, 3)
    assert holed.opaque is not None
    alpha = np.where(holed.opaque, 255, 0).astype(np.uint8)
    (tmp_path / "holed.png").write_bytes(png(np.dstack([photo.pixels, alpha])))
    (tmp_path / "notes.txt").write_text("These are notes, not a picture.")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(capsys: Capture, line: str) -> dict[str, Any]:
    assert main(line.split()) == 0
    captured = capsys.readouterr()
    assert captured.err == "" and captured.out.count("\n") == 1
    found = json.loads(captured.out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert isinstance(found, dict)
    return found


def written(folder: Path) -> list[Path]:
    before = {"photo.png", "holed.png", "notes.txt"}
    return sorted(path for path in folder.iterdir() if path.name not in before)


# -- answers ---------------------------------------------------------------------------------------

KEYS = {
    "settings",
    "size",
    "unique_colors",
    "pixel_counts",
    "palette",
    "centroids",
    "inertia",
    "attempts",
    "n_iter",
    "converged",
    "seconds",
}


def test_json_says_everything(folder: Path, capsys: Capture) -> None:
    line = "-i photo.png -w 40 -s hsv -c 02 -n 5 --attempts 4 --seed 7 --json"
    found = answer(capsys, line)
    assert set(found) >= KEYS
    settings = kmseg.Settings(
        color_space="hsv", channels="02", n_clusters=5, attempts=4, seed=7, width=40
    )
    assert found["settings"] == settings.to_dict()
    seg = kmseg.segment(kmseg.read_image("photo.png"), settings)
    assert found["size"] == [40, 26]
    assert found["unique_colors"] == seg.histogram.n_colors
    assert found["pixel_counts"] == seg.pixel_counts.tolist()
    assert sum(found["pixel_counts"]) == 40 * 26
    assert found["palette"] == ["#{:02x}{:02x}{:02x}".format(*color) for color in seg.palette]
    assert found["centroids"] == seg.centroids.tolist()
    assert found["inertia"] == seg.inertia
    assert found["attempts"] == list(seg.attempts) and len(found["attempts"]) == 4
    assert found["n_iter"] == seg.n_iter and found["converged"] is True
    assert {"read", "resize", "histogram", "features", "fit"} <= set(found["seconds"])
    assert all(0 <= seconds < 60 for seconds in found["seconds"].values())
    assert written(folder) == []


def test_what_is_unknown_is_null_and_not_nan(folder: Path, capsys: Capture) -> None:
    found = answer(capsys, "-i photo.png --engine opencv --init random --json")
    assert found["n_iter"] is None and found["converged"] is None
    assert len(found["attempts"]) == 1
    assert found["settings"]["engine"] == "opencv"


def test_the_defaults_are_the_articles(folder: Path, capsys: Capture) -> None:
    found = answer(capsys, "-i photo.png --json")
    assert found["settings"] == kmseg.Settings(n_clusters=3).to_dict()
    assert found["size"] == [60, 40]


def test_every_option_reaches_the_settings(folder: Path, capsys: Capture) -> None:
    found = answer(
        capsys,
        "--image photo.png --width 30 --color-space LAB --channels ba --num-clusters 4 "
        "--init random --attempts 2 --seed 9 --engine exact --max-iter 17 --epsilon 0.5 "
        "--stop iterations --json",
    )
    assert (
        found["settings"]
        == kmseg.Settings(
            color_space="lab",
            channels="12",
            n_clusters=4,
            init="random",
            attempts=2,
            max_iter=17,
            epsilon=0.5,
            stop="iterations",
            seed=9,
            width=30,
        ).to_dict()
    )
    found = answer(capsys, "-i photo.png -n 2 --centroids #ff0000,#0000ff --json")
    assert found["settings"]["init"] == "manual"
    assert found["settings"]["centroids"] == ["#ff0000", "#0000ff"]


def test_the_table_lists_the_clusters(folder: Path, capsys: Capture) -> None:
    assert main(["-i", "photo.png", "-s", "hsv", "-c", "02", "-n", "4"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    header, *rows = captured.out.splitlines()
    assert header.split()[-2:] == ["H", "V"]
    seg = kmseg.segment(
        kmseg.read_image("photo.png"),
        kmseg.Settings(color_space="hsv", channels="02", n_clusters=4),
    )
    assert len(rows) == 4
    for number, row in enumerate(rows):
        words = row.split()
        assert words[0] == str(number + 1)
        assert words[1] == "#{:02x}{:02x}{:02x}".format(*seg.palette[number])
        assert words[2] == str(seg.pixel_counts[number])
        assert float(words[3].rstrip("%")) == pytest.approx(100 * seg.shares[number], abs=0.051)
        np.testing.assert_allclose([float(w) for w in words[4:]], seg.centroids[number], atol=0.006)
    assert written(folder) == []


@pytest.mark.parametrize("picture", ["photo.png", "holed.png"])
def test_labels_are_an_indexed_png(folder: Path, capsys: Capture, picture: str) -> None:
    assert main(f"-i {picture} -n 6 --labels out.PNG".split()) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert [path.name for path in written(folder)] == ["out.PNG"]
    seg = kmseg.segment(kmseg.read_image(picture), kmseg.Settings(n_clusters=6))
    with Pillow.open("out.PNG") as labels:
        assert labels.mode == "P"
        np.testing.assert_array_equal(np.asarray(labels), seg.labels + 1)
        palette = np.array(labels.getpalette()).reshape(-1, 3)
        np.testing.assert_array_equal(palette[1:7], seg.palette)


def test_all_outputs_at_once_and_standard_output_stays_json(folder: Path, capsys: Capture) -> None:
    assert main(["-i", "photo.png", "-o", "-f", "webp", "--labels", "l.png", "--json"]) == 0
    captured = capsys.readouterr()
    assert set(json.loads(captured.out)) >= KEYS
    names = [path.name for path in written(folder)]
    assert len(names) == 2 and "l.png" in names
    (saved,) = set(names) - {"l.png"}
    assert captured.err.strip() == saved
    assert saved.endswith("bgr_calln3.webp")


# -- saved pictures --------------------------------------------------------------------------------

SIGNATURES = {
    "jpg": b"\xff\xd8\xff",
    "jpeg": b"\xff\xd8\xff",
    "png": b"\x89PNG",
    "webp": b"RIFF",
    "bmp": b"BM",
    "tif": b"II*\0",
    "tiff": b"II*\0",
}


@pytest.mark.parametrize("extension", FORMATS)
def test_each_format_is_written_in_that_format(
    folder: Path, capsys: Capture, extension: str
) -> None:
    assert main(["-i", "photo.png", "-o", "-f", extension]) == 0
    (saved,) = written(folder)
    assert capsys.readouterr().out.strip() == saved.name
    assert re.fullmatch(rf"\d{{14}}bgr_calln3\.{extension}", saved.name)
    assert saved.read_bytes().startswith(SIGNATURES[extension])
    pixels = kmseg.read_image(saved).pixels
    assert pixels.shape == (40, 60 + 3 + 60, 3)
    np.testing.assert_allclose(pixels[:, :60], image_at("china", 60).pixels, atol=110)
    assert abs(pixels[:, 61].astype(int).mean() - 193) < 20


@pytest.mark.parametrize("given", [".jpg", "JPG", ".Jpg"])
def test_a_format_may_have_a_dot_or_capitals(folder: Path, given: str) -> None:
    assert main(["-i", "photo.png", "-o", "-f", given]) == 0
    assert written(folder)[0].suffix == ".jpg"


def test_a_transparent_picture_as_jpeg_stands_on_white(folder: Path) -> None:
    rgba = np.zeros((48, 48, 4), np.uint8)
    rgba[:, 16:32] = [200, 30, 30, 255]
    rgba[:, 32:] = [30, 30, 200, 255]
    (folder / "holed.png").write_bytes(png(rgba))
    assert main(["-i", "holed.png", "-n", "2", "-o", "-f", "jpg"]) == 0
    picture = cv2.imread(str(written(folder)[0]))
    assert picture is not None and picture.shape == (48, 99, 3)
    assert picture[:, 2:14].min() > 245
    assert picture[:, 51 + 2 : 51 + 14].min() > 245
    assert np.abs(picture[10, 24].astype(int) - [30, 30, 200]).max() < 15


def test_a_picture_saved_in_the_same_second_overwrites_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock stands still until the program waits because a name is taken."""

    class Clock(datetime):
        ticks = 0

        @classmethod
        def now(cls, tz: Any = None) -> Clock:
            return cls(2018, 3, 9, 1, 4, 5 + cls.ticks // 3)

    def wait(seconds: float) -> None:
        Clock.ticks += 1

    monkeypatch.setattr(saving, "datetime", Clock)
    monkeypatch.setattr(time, "sleep", wait)
    for n_clusters in (3, 3, 2):
        assert main(["-i", "photo.png", "-o", "-n", str(n_clusters)]) == 0
        content = {path.name: path.read_bytes() for path in written(folder)}
    # The date is padded: the article's was not.
    assert list(content) == [
        "20180309010405bgr_calln3.png",
        "20180309010406bgr_calln2.png",
        "20180309010406bgr_calln3.png",
    ]
    assert all(data.startswith(b"\x89PNG") for data in content.values())


def test_two_runs_in_a_row_save_two_pictures(folder: Path) -> None:
    for _ in range(2):
        assert main(["-i", "photo.png", "-w", "20", "-n", "2", "-o"]) == 0
    assert len(written(folder)) == 2


# -- progress --------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_a_terminal_shows_the_progress_of_a_slow_engine(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    line = f"-i photo.png --engine {engine} --attempts 3 --json"
    assert main(line.split()) == 0
    assert capsys.readouterr().err == ""  # not a terminal
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(line.split()) == 0
    shown = capsys.readouterr().err.split("\r\x1b[K")
    attempts = [f"kmseg: {engine}, attempt {number} of 3" for number in (1, 2, 3)]
    assert shown == (["", *attempts, ""] if ENGINES[engine].slow else [""])


# -- as a program ----------------------------------------------------------------------------------


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kmseg", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def test_the_exit_status_is_0_or_after_a_refusal_2(folder: Path) -> None:
    good = run(folder, "-i", "photo.png", "--json")
    assert (good.returncode, good.stderr) == (0, "")
    assert set(json.loads(good.stdout)) >= KEYS
    bad = run(folder, "-i", "notes.txt")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.count("\n") == 1 and "Traceback" not in bad.stderr


def help_text(capsys: Capture) -> str:
    """What --help prints, with its lines joined."""
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    return " ".join(re.sub(r"-\n +", "-", capsys.readouterr().out).split())


def test_help_names_every_option(capsys: Capture) -> None:
    text = help_text(capsys)
    options = "-i -w -s -c -n -o -f --image --width --color-space --channels --num-clusters "
    options += "--output-file --output-format --attempts --init --centroids --seed --engine "
    options += "--max-iter --epsilon --stop --labels --json --save --out --picture-format --force "
    options += "--version"
    for option in (*options.split(), *(flag for field in FIELDS.values() for flag in field.flags)):
        assert re.search(rf"(^|[\s,]){option}\b", text), option


def test_help_gives_what_is_allowed(capsys: Capture) -> None:
    """The second description of an option is its help; the first is its usage."""
    text = help_text(capsys)
    for name, (low, high) in RANGES.items():
        assert re.search(rf"{FIELDS[name].flags[-1]} [A-Z_]+ [^:]+: {low}-{high}\b", text), name
    for name in (*COLOR_SPACES, *ALIASES, *ENGINES, *INITS, *STOPS, *FORMATS):
        assert re.search(rf"[ (]{re.escape(name)}[ ,;)]", text), name
