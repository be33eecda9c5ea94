"""How the command line refuses: one line that says what was wrong, and exit status 2."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kmseg.cli import main
from kmseg.output.encode import png
from oracles import image_at

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a photo and a text file."""
    (tmp_path / "photo.png").write_bytes(png(image_at("china", 60).pixels))
    (tmp_path / "notes.txt").write_text("These are notes, not a picture.")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def assert_refused(capsys: Capture, arguments: list[str], *said: str) -> str:
    """Exit status 2, one line on standard error that says these words, and nothing else."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("\n") and captured.err.count("\n") == 1
    assert captured.err.startswith("kmseg: ") and len(captured.err) < 700
    for words in said:
        assert words in captured.err
    return captured.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", ["-i", "--help"]),
        ("-n 3", ["-i", "--help"]),
        ("-i", ["-i", "--help"]),
        ("-i missing.png", ["-i: ", "missing.png"]),
        ("-i notes.txt", ["JPEG", "PNG"]),
        ("-i .", ["--out: ", "folder"]),
        ("-i photo.png --nope", ["--nope", "--help"]),
        ("-i photo.png extra", ["extra"]),
        ("-i photo.png -s cmyk", ["-s: ", "hsv", "cmyk"]),
        ("-i photo.png -c 7", ["-c: ", "B", "7"]),
        ("-i photo.png -c 00", ["-c: ", "00"]),
        ("-i photo.png -n x", ["-n: ", "2", "255", "x"]),
        ("-i photo.png -n 256", ["-n: ", "2", "255", "256"]),
        ("-i photo.png -n 2.5", ["-n: ", "2.5"]),
        ("-i photo.png -n ²", ["-n: "]),
        ("-i photo.png -n=--5", ["-n: "]),
        ("-i photo.png -n " + "9" * 5000, ["-n: "]),
        ("-i photo.png -w -1", ["-w: ", "-1"]),
        ("-i photo.png -w big", ["-w: ", "big"]),
        ("-i photo.png -w 30000", ["-w: ", "megapixels"]),
        ("-i photo.png --attempts 0", ["--attempts: ", "1", "100"]),
        ("-i photo.png --attempts 101", ["--attempts: ", "101"]),
        ("-i photo.png --init best", ["--init: ", "k-means++", "random", "best"]),
        ("-i photo.png --init manual", ["--centroids: ", "3"]),
        (
            "-i photo.png --init random --centroids #000000,#111111,#222222",
            ["--centroids: ", "--init manual"],
        ),
        ("-i photo.png --centroids #000000", ["--centroids: ", "3"]),
        ("-i photo.png --centroids red", ["--centroids: ", "red"]),
        ("-i photo.png --seed -1", ["--seed: ", "-1"]),
        ("-i photo.png --seed 2147483648", ["--seed: "]),
        ("-i photo.png --engine gpu", ["--engine: ", "exact", "opencv", "scikit-learn", "gpu"]),
        ("-i photo.png --max-iter 0", ["--max-iter: ", "1000"]),
        ("-i photo.png --epsilon -0.5", ["--epsilon: ", "-0.5"]),
        ("-i photo.png --epsilon nan", ["--epsilon: ", "nan"]),
        ("-i photo.png --stop now", ["--stop: ", "both", "now"]),
        ("-i photo.png -o -f gif", ["-f", "jpg", "png", "gif"]),
        ("-i photo.png -f psd", ["-f", "psd"]),
        ("-i photo.png -i notes.txt", ["--out: ", "many pictures", "2"]),
        ("-i photo.png --out made -i -", ["-i: ", "'-'", "alone"]),
        ("-i photo.png sample:flower --out made", ["-i: ", "sample:flower", "alone"]),
        ("-i *.jpg --out made", ["-i: ", "no picture", "*.jpg"]),
        ("-i . --out .", ["-i: ", "among"]),
        ("-i . --out made -o", ["-o: ", "one picture"]),
        ("-i . --out made --labels x.png", ["--labels: ", "one picture"]),
        ("-i . --out made --json", ["--json: ", "one picture"]),
        ("-i . --out made --workers 0", ["--workers: ", "1", "0"]),
        ("-i . --out made --workers two", ["--workers: ", "1", "two"]),
        ("-i . --out made --scheduler ssh", ["--scheduler: ", "threads", "tcp://", "ssh"]),
        ("-i . --out made --scheduler tcp://h:1 --workers 2", ["--workers: ", "cluster"]),
        ("-i . --out made --palette shared --engine opencv", ["--engine: ", "shared", "opencv"]),
        ("-i photo.png --palette shared", ["--palette shared: ", "many"]),
        ("-i photo.png --resume", ["--resume: ", "many"]),
        ("-i photo.png --workers 2", ["--workers: ", "many"]),
        ("-i sample:nothing", ["-i: ", "nothing", "plate-6"]),
        ("-i photo.png --save everything", ["--save: ", "everything", "side-by-side-gray", "all"]),
        ("-i photo.png --save labels,", ["--save: "]),
        ("-i photo.png --save labels --picture-format gif", ["--picture-format: ", "webp", "gif"]),
        ("-i photo.png --out results", ["--out: ", "--save"]),
        ("-i photo.png --save labels --out notes.txt", ["--out: ", "notes.txt"]),
        ("-i photo.png --save labels --out notes.txt/results", ["--out: ", "notes.txt"]),
        ("-i photo.png --labels out.jpg", ["--labels", ".png", "out.jpg"]),
        ("-i photo.png --labels missing/out.png", ["--labels: ", "folder 'missing'"]),
        ("-i photo.png --labels notes.txt/out.png", ["--labels: ", "folder 'notes.txt'"]),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_two(
    folder: Path, capsys: Capture, line: str, said: list[str]
) -> None:
    assert_refused(capsys, line.split(), *said)
    assert names(folder) == {"photo.png", "notes.txt"}


@pytest.mark.parametrize("name", ["two\nlines.png", "tab\t.png", "\x1b[31mred.png", "x" * 300, ""])
def test_odd_names_stay_on_one_plain_line(folder: Path, capsys: Capture, name: str) -> None:
    line = assert_refused(capsys, ["-i", name])
    assert line.rstrip("\n").isprintable()


def test_an_odd_argument_stays_on_one_line(folder: Path, capsys: Capture) -> None:
    assert_refused(capsys, ["-i", "photo.png", "two\nlines"], "two\\nlines")


@pytest.mark.parametrize("option", ["-s", "-c", "-n", "-f", "--labels", "--seed", "--centroids"])
def test_odd_values_stay_on_one_plain_line(folder: Path, capsys: Capture, option: str) -> None:
    for value in ("two\nlines", "\x1b[31mred", "y" * 500, "\u202egnp", ""):
        if option == "--labels" and value == "":
            continue  # no file asked for
        if option == "--centroids" and value == "":
            continue  # no colours given
        line = assert_refused(capsys, ["-i", "photo.png", option, value])
        assert line.rstrip("\n").isprintable()


def test_a_folder_that_is_gone_or_a_name_that_is_taken_is_refused(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "taken.png").mkdir()
    assert_refused(capsys, ["-i", "photo.png", "--labels", "taken.png"], "folder")
    (folder / "taken.png").rmdir()
    # No file can be created in a deleted folder, not even by root.
    gone = folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert_refused(capsys, ["-i", str(folder / "photo.png"), "-o"], "folder")
    monkeypatch.chdir(folder)


def test_a_picture_too_wide_for_a_format_is_refused(folder: Path, capfd: Capture) -> None:
    """WebP holds 16383 pixels a side at most, and side by side is twice as wide."""
    wide = np.zeros((2, 9000, 3), np.uint8)
    wide[:, ::2] = 255
    (folder / "photo.png").write_bytes(png(wide))
    assert_refused(capfd, ["-i", "photo.png", "-n", "2", "-o", "-f", "webp"], "webp")
    assert names(folder) == {"photo.png", "notes.txt"}
    assert main(["-i", "photo.png", "-n", "2", "-o", "-f", "png"]) == 0


def test_fully_transparent_is_refused(folder: Path, capsys: Capture) -> None:
    (folder / "photo.png").write_bytes(png(np.zeros((4, 4, 4), np.uint8)))
    assert_refused(capsys, ["-i", "photo.png"], "transparent")


def test_a_damaged_picture_is_refused(folder: Path, capsys: Capture) -> None:
    data = (folder / "photo.png").read_bytes()
    (folder / "photo.png").write_bytes(data[: len(data) // 2])
    assert_refused(capsys, ["-i", "photo.png"])
