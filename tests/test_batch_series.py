"""Many pictures: tables, failures, --resume, palettes for all, and levels of a series."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

import deepfiles
import kmseg
import many
from kmseg.batch import palette
from kmseg.batch.ledger import JOURNAL
from kmseg.cli import main
from kmseg.cli.progress import Progress
from kmseg.color import features
from kmseg.errors import KmsegError
from kmseg.picture.levels import used_depth
from kmseg.regions.measure import measure
from oracles import inertia, nearest, tied
from readings import fluorescence, saved

pytestmark = pytest.mark.xdist_group("many pictures")

Capture = pytest.CaptureFixture[str]
N_PICTURES = 6


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six small pictures in the folder "pictures" of the current folder."""
    monkeypatch.chdir(tmp_path)
    many.fill(tmp_path / "pictures", N_PICTURES, side=40)
    return tmp_path / "pictures"


def rows(out: Path, name: str = "counts.csv") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((out / name).read_text(encoding="utf-8"))))


def summary(out: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((out / "summary.json").read_text())
    return found


def times(out: Path) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in out.rglob("*.png")}


def colours(folder: Path) -> NDArray[np.uint8]:
    """The pixels of all pictures, read one by one."""
    images = [kmseg.read_image(path) for path in sorted(folder.rglob("*.*"))]
    return np.concatenate([image.pixels.reshape(-1, 3) for image in images])


# -- the command line ------------------------------------------------------------------------------


def test_label_pictures_and_tables_of_a_folder(pictures: Path, capsys: Capture) -> None:
    assert main(["-i", "pictures", "--out", "out", "-n", "4", "-s", "hsv", "-c", "02"]) == 0
    printed = capsys.readouterr()
    assert printed.out.split() == ["out/counts.csv", "out/summary.json"]
    assert printed.err == ""
    found = rows(Path("out"))
    assert [row["picture"] for row in found] == sorted(row["picture"] for row in found)
    assert len({row["picture"] for row in found}) == N_PICTURES
    assert list(found[0])[:5] == ["picture", "cluster", "hex", "r", "g"]
    assert sum(int(row["pixels"]) for row in found) == summary(Path("out"))["pixels"] == 7200
    labels = Path("out", "part 0", "00000_hsv_c02_k4_s0_labels.png")
    own = [int(row["pixels"]) for row in found if row["picture"] == "part 0/00000.png"]
    assert np.bincount(np.asarray(Pillow.open(labels)).ravel()).tolist() == [0, *own]


def test_globs_and_files_are_many_pictures_too(pictures: Path, capsys: Capture) -> None:
    assert main(["-i", "pictures/*/*.png", "--out", "out"]) == 0
    assert len({row["picture"] for row in rows(Path("out"))}) == 2
    one, two = sorted(pictures.rglob("*.png"))
    assert main(["-i", str(one), str(two), "--out", "other", "--save", "palette-css"]) == 0
    assert len(list(Path("other").rglob("*.css"))) == 2


def test_one_bad_file_is_one_row_of_errors(pictures: Path, capsys: Capture) -> None:
    whole = sorted(pictures.rglob("*.png"))[0].read_bytes()
    (pictures / "cut short.png").write_bytes(whole[: len(whole) // 2])
    (pictures / "empty.png").touch()
    (pictures / "text.jpg").write_text("no picture")
    assert main(["-i", "pictures", "--out", "out"]) == 1
    assert "3 of 9 pictures failed" in capsys.readouterr().err
    errors = {row["picture"]: row["error"] for row in rows(Path("out"), "errors.csv")}
    assert set(errors) == {"cut short.png", "empty.png", "text.jpg"}
    assert "empty" in errors["empty.png"] and "not a picture" in errors["text.jpg"]
    assert len({row["picture"] for row in rows(Path("out"))}) == N_PICTURES
    assert summary(Path("out"))["failed"] == 3
    for bad in errors:
        (pictures / bad).unlink()
    assert main(["-i", "pictures", "--out", "out", "--resume"]) == 0
    assert not Path("out", "errors.csv").exists()


def test_results_are_never_written_over_those_of_another_run(
    pictures: Path, capsys: Capture
) -> None:
    given = ["-i", "pictures", "--out", "out"]
    assert main(given) == 0
    assert main(given) == 2
    assert "--resume" in capsys.readouterr().err
    assert main([*given, "-n", "5", "--resume"]) == 2
    assert "other settings" in capsys.readouterr().err
    assert main([*given, "-n", "5", "--force"]) == 0
    assert summary(Path("out"))["settings"]["n_clusters"] == 5  # type: ignore[index]


def test_a_file_of_somebody_else_is_a_failure_and_is_kept(pictures: Path, capsys: Capture) -> None:
    name = Path("out", "part 0", "00000_bgr_call_k3_s0_labels.png")
    name.parent.mkdir(parents=True)
    name.write_text("mine")
    os.utime(name, ns=(0, 0))
    assert main(["-i", "pictures", "--out", "out"]) == 1
    (error,) = rows(Path("out"), "errors.csv")
    assert error["picture"] == "part 0/00000.png" and "--force" in error["error"]
    assert name.read_text() == "mine"


@pytest.mark.parametrize("change", ["removed", "cut short", "other picture"])
def test_resume_does_only_what_is_not_whole(pictures: Path, capsys: Capture, change: str) -> None:
    given = ["-i", "pictures", "--out", "out"]
    assert main(given) == 0
    before, expected = times(Path("out")), many.contents(Path("out"))
    source = sorted(pictures.rglob("*.png"))[0]
    result = next(Path("out").rglob(f"{source.stem}_*.png"))
    if change == "removed":
        result.unlink()
    elif change == "cut short":
        result.write_bytes(result.read_bytes()[:-1])
    else:
        os.utime(source, ns=(0, 0))
    left = result.parent / ".kmseg-1-1.part"
    left.write_bytes(b"of a worker that was killed")
    assert main([*given, "--resume"]) == 0
    assert many.contents(Path("out")) == expected
    changed = {name for name, time in times(Path("out")).items() if before[name] != time}
    assert changed == {result.name}


def test_a_journal_that_was_cut_short_is_read_up_to_there(pictures: Path, capsys: Capture) -> None:
    given = ["-i", "pictures", "--out", "out"]
    assert main(given) == 0
    expected = many.contents(Path("out"))
    journal = Path("out", JOURNAL)
    journal.write_bytes(journal.read_bytes()[:-10])
    assert main([*given, "--resume"]) == 0
    assert many.contents(Path("out")) == expected
    assert many.n_finished(Path("out")) == N_PICTURES


def test_two_runs_cannot_write_to_one_folder(pictures: Path) -> None:
    def again() -> None:
        with pytest.raises(KmsegError, match="another run"):
            many.run(pictures, Path("out"), resume=True)

    made = many.run(pictures, Path("out"), disturb=again)
    assert made.n_done == N_PICTURES


def test_a_single_picture_never_loads_dask(pictures: Path) -> None:
    picture = str(sorted(pictures.rglob("*.png"))[0])
    code = (
        "import sys, kmseg; from kmseg.cli import main; "
        f"main(['-i', {picture!r}, '--save', 'labels', '--out', 'out']); "
        "kmseg.segment_many; print({'dask', 'distributed'} & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(many.ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.splitlines()[-1] == "set()"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_says_how_many_how_fast_and_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 20.0, 3630.0]).__next__
    monkeypatch.setattr("kmseg.cli.progress.time.monotonic", clock)
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    progress = Progress()
    progress("pictures", 0, 10_000, 0)
    progress("pictures", 20, 10_000, 1)
    progress.note("levels")
    line = "kmseg: 20 of 10,000 pictures, 2/s, 1:23:10 left, 1 failed"
    assert shown.getvalue().split("\r\x1b[K") == [
        "",
        "kmseg: 0 of 10,000 pictures",
        line,
        "kmseg: levels\n",
    ]


# -- palettes for all ------------------------------------------------------------------------------


@pytest.mark.parametrize("space", ["rgb", "cielab"])
def test_a_shared_palette_is_the_fit_on_the_pixels_of_all(pictures: Path, space: str) -> None:
    settings = kmseg.Settings(color_space=space, n_clusters=5)
    many.run(pictures, Path("out"), settings, shared=True)
    pixels = colours(pictures)
    whole = kmseg.segment(kmseg.Image(pixels[None]), settings)
    found = kmseg.read_codebook(Path("out", "summary.json"))
    np.testing.assert_allclose(found.centroids, whole.centroids, rtol=1e-9)
    np.testing.assert_array_equal(found.colours, whole.palette)
    plain = inertia(features(pixels, space), found.centroids)
    assert plain == pytest.approx(whole.inertia, rel=1e-9)
    assert summary(Path("out"))["inertia"] == pytest.approx(plain, rel=1e-8)
    by_cluster = summary(Path("out"))["pixels_by_cluster"]
    assert list(by_cluster.values()) == whole.pixel_counts.tolist()  # type: ignore[attr-defined]


def test_a_locked_palette_is_plain_nearest_centroid(pictures: Path, capsys: Capture) -> None:
    Path("mine.gpl").write_text("GIMP Palette\n#\n20 30 40\n150 140 120\n220 220 230\n90 20 10\n")
    given = ["-i", "pictures", "--out", "out", "--palette", "mine.gpl", "-s", "oklab"]
    assert main([*given, "--save", "labels-gray"]) == 0
    palette_ = np.array([[20, 30, 40], [150, 140, 120], [220, 220, 230], [90, 20, 10]], np.uint8)
    centroids = features(palette_, "oklab")
    for source in pictures.rglob("*.*"):
        (result,) = Path("out").rglob(f"{source.stem}_*.png")
        X = features(kmseg.read_image(source).pixels.reshape(-1, 3), "oklab")
        labels = np.asarray(Pillow.open(result)).ravel() - 1
        sure = ~tied(X, centroids)
        np.testing.assert_array_equal(labels[sure], nearest(X, centroids)[sure])


@pytest.mark.parametrize("given", ["mine.gpl", "shared", "each"])
def test_pictures_of_a_series_are_tidied(pictures: Path, given: str) -> None:
    Path("mine.gpl").write_text("GIMP Palette\n#\n20 30 40\n150 140 120\n220 220 230\n90 20 10\n")
    options = f"-i pictures --out out --smallest-region 9 --save labels-gray --palette {given}"
    assert main(options.split()) == 0
    results = list(Path("out").rglob("*.png"))
    assert len(results) == N_PICTURES
    for path in results:
        labels = np.asarray(Pillow.open(path)).astype(np.int16) - 1
        assert measure(labels, np.zeros((*labels.shape, 3), np.uint8)).area.min() >= 9


def test_too_many_colours_are_pooled_into_cells_and_never_in_silence(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = kmseg.Settings(n_clusters=6)
    exact = many.run(pictures, Path("exact"), settings, shared=True)
    assert exact.notes == []
    monkeypatch.setattr(palette, "MOST_COLOURS", 1000)
    made = many.run(pictures, Path("out"), settings, shared=True)
    (note,) = made.notes
    assert "cells" in note
    stated = summary(Path("out"))["colours"]
    assert isinstance(stated, dict) and 1000 < stated["cells"] < stated["distinct"]
    own, plain = summary(Path("out"))["inertia"], summary(Path("exact"))["inertia"]
    assert own == pytest.approx(plain, rel=1e-3)
    pixels = colours(pictures)
    codebook = kmseg.read_codebook(Path("out", "summary.json"))
    labels = nearest(features(pixels, "bgr"), codebook.centroids)
    means = [pixels[labels == cluster].mean(axis=0) for cluster in range(6)]
    np.testing.assert_allclose(codebook.colours, means, atol=1.0)


def test_an_interrupted_count_of_colours_goes_on(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(palette, "_TOGETHER", 2)
    counted: list[int] = []
    add = palette.Counts.add

    def stop_at_the_second(self: palette.Counts, found: palette.Counted) -> None:
        counted.append(len(found.names))
        if len(counted) == 2:
            raise KeyboardInterrupt
        add(self, found)

    settings = kmseg.Settings(n_clusters=3)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(palette.Counts, "add", stop_at_the_second)
        many.run(pictures, Path("out"), settings, shared=True)
    plain = many.run(pictures, Path("plain"), settings, shared=True)

    def note_and_add(self: palette.Counts, found: palette.Counted) -> None:
        counted.append(len(found.names))
        add(self, found)

    monkeypatch.setattr(palette.Counts, "add", note_and_add)
    del counted[:]
    made = many.run(pictures, Path("out"), settings, shared=True, resume=True)
    assert sum(counted) == N_PICTURES - 2
    assert made.contents == plain.contents


def test_a_file_that_cannot_be_counted_is_left_out_of_a_shared_palette(pictures: Path) -> None:
    settings = kmseg.Settings(n_clusters=3)
    plain = many.run(pictures, Path("plain"), settings, shared=True).contents
    (pictures / "bad.png").write_bytes(b"no picture")
    made = many.run(pictures, Path("out"), settings, shared=True)
    assert set(made.result.failures) == {"bad.png"}
    assert made.contents["counts.csv"] == plain["counts.csv"]


# -- levels ----------------------------------------------------------------------------------------


def series(folder: Path, make: Callable[[int], bytes]) -> Path:
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.tif").write_bytes(make(number))
    return folder


def test_grey_of_a_series_is_read_with_one_pair_of_levels(tmp_path: Path) -> None:
    values = fluorescence()[0]
    folder = series(tmp_path / "scans", lambda n: saved(values + np.uint16(40 * n)))
    made = many.run(folder, tmp_path / "out", kmseg.Settings(n_clusters=3))
    own = [kmseg.read_image(path).scale for path in sorted(folder.iterdir())]
    pair = min(s.low for s in own if s), max(s.high for s in own if s)
    assert made.notes == [
        f"grey of more than 8 bits is read with the levels {pair[0]:g}..{pair[1]:g}"
    ]
    reading = kmseg.Reading(levels=pair)
    found = rows(tmp_path / "out")
    for path in folder.iterdir():
        seg = kmseg.segment(kmseg.read_image(path, reading=reading), kmseg.Settings(n_clusters=3))
        pixels = [int(row["pixels"]) for row in found if row["picture"] == path.name]
        assert pixels == seg.pixel_counts.tolist()
    largest = [float(row["file centroid"]) for row in found if row["cluster"] == "1"]
    np.testing.assert_allclose(np.diff(largest), 40, atol=3)


def test_colour_of_a_series_is_read_with_one_bit_depth(tmp_path: Path) -> None:
    china = np.asarray(Pillow.fromarray(kmseg.sample_image("china").pixels).resize((40, 30)))
    wide = china.astype(np.uint16)
    folder = series(tmp_path / "scans", lambda n: deepfiles.tiff(wide * (16, 257, 257)[n]))
    assert used_depth(kmseg.read_image(folder / "0.tif").notes) == 12
    assert used_depth(kmseg.read_image(folder / "1.tif").notes) == 16
    made = many.run(folder, tmp_path / "out", kmseg.Settings(n_clusters=3))
    assert made.notes == ["colour of more than 8 bits is read with the levels 0..65535"]
    darker, same = (
        [r["r"] for r in rows(tmp_path / "out") if r["picture"] == n] for n in ("0.tif", "1.tif")
    )
    assert max(map(int, darker)) <= 16 < max(map(int, same))


def test_levels_that_are_given_are_those_of_the_series(tmp_path: Path, capsys: Capture) -> None:
    values = fluorescence()[0]
    folder = series(tmp_path / "scans", lambda n: saved(values + np.uint16(40 * n)))
    out = tmp_path / "out"
    assert main(["-i", str(folder), "--out", str(out), "--levels", "100..600"]) == 0
    assert capsys.readouterr().err == ""
    assert summary(out)["reading"] == kmseg.Reading(levels=(100, 600)).to_dict()


def test_the_region_was_lost_where_a_series_has_levels(tmp_path: Path, capsys: Capture) -> None:
    folder = series(tmp_path / "scans", lambda n: saved(fluorescence()[0] + np.uint16(40 * n)))
    command = ["-i", str(folder), "--out", str(tmp_path / "out"), "--region", "3.4_23.14"]
    assert main(command) == 0
    pixels: dict[str, int] = {}
    for row in rows(tmp_path / "out"):
        pixels[row["picture"]] = pixels.get(row["picture"], 0) + int(row["pixels"])
    assert set(pixels.values()) == {20 * 10}


def test_8_bits_have_no_depth() -> None:
    assert used_depth(kmseg.sample_image("china").notes) is None
