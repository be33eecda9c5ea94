"""The command line with a TIFF that is read part by part: ``--trusted``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

import kmseg
from kmseg.cli import main
from kmseg.picture.limits import Limits
from oracles import image_at
from test_architecture import PACKAGE, ROOT, SOURCES, imported_names

Capture = pytest.CaptureFixture[str]

WIDE = 30_016  # pixels a side: more than are read by default
ALLOWED = Limits(max_side=40_000)


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.uint8]:
    photo = image_at("china", 200).pixels[:40]
    return np.tile(photo, (1, WIDE // 200 + 1, 1))[:, :WIDE]


@pytest.fixture
def folder(tmp_path: Path, pixels: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a wide TIFF and a small one."""
    for name, values in (("wide.tif", pixels), ("small.tif", pixels[:, :60])):
        options: dict[str, Any] = {"compression": "zlib", "tile": (16, 256), "bigtiff": True}
        tifffile.imwrite(tmp_path / name, values, photometric="rgb", **options)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KMSEG_MAX_SIDE", str(ALLOWED.max_side))
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def assert_refused(capsys: Capture, line: str, *said: str) -> None:
    """Exit status 2 after one line that says these words; no file is left."""
    before = names(Path())
    assert main(line.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("kmseg: ") and captured.err.count("\n") == 1
    for words in said:
        assert words in captured.err
    assert names(Path()) == before


def test_labels_are_those_of_the_picture_in_memory(folder: Path, capsys: Capture) -> None:
    assert (
        main(["-i", "wide.tif", "-n", "5", "--trusted", "--save", "labels", "--out", "made"]) == 0
    )
    path = folder / "made/wide_bgr_call_k5_s0_labels.tif"
    assert Path(capsys.readouterr().out.strip()) == path.relative_to(folder)
    image = kmseg.read_image("wide.tif", limits=ALLOWED)
    expected = kmseg.segment(image, kmseg.Settings(n_clusters=5))
    assert np.array_equal(tifffile.imread(path), expected.labels + 1)


def test_saved_files_are_those_of_the_picture_in_memory(folder: Path) -> None:
    line = "-i wide.tif -n 5 --save counts,settings,palette-gpl,palette-css,palette-json --out"
    assert main([*line.split(), "parts", "--trusted"]) == 0
    assert main([*line.split(), "memory"]) == 0
    assert names(folder / "parts") == names(folder / "memory")
    for name in names(folder / "parts"):
        contents = [(folder / place / name).read_bytes() for place in ("parts", "memory")]
        if name.endswith("_settings.json"):
            values = [json.loads(content) for content in contents]
            for each in values:
                del each["seconds"]
            assert values[0] == values[1]
        else:
            assert contents[0] == contents[1]


def test_a_small_tiff_is_read_into_memory_also_if_it_is_trusted(
    folder: Path, capsys: Capture
) -> None:
    assert (
        main(["-i", "small.tif", "-n", "3", "--trusted", "--save", "segmented", "--out", "made"])
        == 0
    )
    assert names(folder / "made") == {"small_bgr_call_k3_s0_segmented.png"}


def test_a_palette_is_carried_over_part_by_part(folder: Path) -> None:
    assert main(["-i", "small.tif", "-n", "4", "--save", "settings"]) == 0
    book = "small_bgr_call_k4_s0_settings.json"
    line = f"-i wide.tif --trusted --codebook {book} --save labels,counts --out made"
    assert main(line.split()) == 0
    (path,) = (folder / "made").glob("*_labels.tif")
    image = kmseg.read_image("wide.tif", limits=ALLOWED)
    expected = kmseg.read_codebook(book).predict(image)
    assert np.array_equal(tifffile.imread(path), expected.labels + 1)


def test_worker_processes_give_the_same_files(folder: Path) -> None:
    line = "-i wide.tif -n 5 --trusted --save labels,counts --out"
    assert main([*line.split(), "threads"]) == 0
    assert main([*line.split(), "processes", "--scheduler", "processes", "--workers", "2"]) == 0
    for name in names(folder / "threads"):
        contents = [(folder / place / name).read_bytes() for place in ("threads", "processes")]
        assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--save segmented", ["--save segmented: needs the whole picture", "labels, counts"]),
        ("--save labels,masks", ["--save masks: "]),
        ("--save all", ["--save "]),
        ("--labels a.png", ["--labels: needs the whole picture"]),
        ("--smallest-region 9", ["--smallest-region: ", "part by part"]),
        ("--region 1.1_9.9", ["--region: is not for a picture"]),
        ("--mask wide.tif", ["--mask: is not for a picture"]),
        ("-o", ["-o: needs the whole picture"]),
        ("-w 100", ["-w: must be 0", "part by part", "100"]),
        ("--engine opencv", ["--engine: must be one of exact, lloyd", "opencv"]),
        ("--frame 2", ["-i: ", "no page 2"]),
        ("--scheduler ssh --save labels", ["--scheduler: "]),
        ("--resume", ["--resume: is for many pictures"]),
    ],
)
def test_what_needs_the_whole_picture_is_refused_before_the_work(
    line: str, said: list[str], folder: Path, capsys: Capture
) -> None:
    assert_refused(capsys, f"-i wide.tif -n 4 --trusted {line}", *said)


def test_workers_are_refused_for_a_picture_in_memory(folder: Path, capsys: Capture) -> None:
    for line in ("-i small.tif --trusted", "-i wide.tif"):
        assert_refused(capsys, f"{line} --scheduler threads", "--scheduler: is for many pictures")


def test_the_limits_hold_for_a_trusted_file_too(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KMSEG_MAX_SIDE")
    assert_refused(capsys, "-i wide.tif --trusted", "30,000 pixels a side", "KMSEG_MAX_SIDE")


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kmseg.streaming import picture

    picture._opened.cache_clear()
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    assert_refused(capsys, "-i wide.tif --trusted --save labels", "pip install", "imagecodecs")


@pytest.mark.parametrize("save", ["", "--save labels,counts --out made"])
def test_a_damaged_tile_leaves_no_file(save: str, folder: Path, capsys: Capture) -> None:
    with tifffile.TiffFile("wide.tif") as tiff:
        offset = tiff.pages[0].dataoffsets[200]
    data = bytearray(Path("wide.tif").read_bytes())
    data[offset : offset + 40] = bytes(40)
    Path("wide.tif").write_bytes(data)
    assert_refused(capsys, f"-i wide.tif --trusted {save}", "-i: ", "damaged")


def test_a_tile_that_is_damaged_between_the_passes_leaves_no_file(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kmseg.streaming import labels

    def damaged(*arguments: Any) -> list[bytes]:
        raise kmseg.ImageError("This TIFF file is damaged.")

    monkeypatch.setattr(labels, "_encoded_tiles", damaged)
    assert_refused(capsys, "-i wide.tif --trusted --save labels --out .", "-i: ", "damaged")


def test_labels_never_replace_a_file_without_force(folder: Path, capsys: Capture) -> None:
    line = "-i wide.tif -n 3 --trusted --save labels"
    assert main(line.split()) == 0
    capsys.readouterr()
    assert_refused(capsys, line, "exists", "--force")
    assert main([*line.split(), "--force"]) == 0


def test_a_full_disk_is_said_and_leaves_no_part_of_the_labels(folder: Path) -> None:
    code = (
        "import resource, signal, sys; from kmseg.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    before, line = names(folder), "-i wide.tif -n 3 --trusted --save labels"
    done = subprocess.run(
        [sys.executable, "-c", code, *line.split()],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "cannot be written (File too large)" in done.stderr
    assert names(folder) == before


def test_progress_is_shown_by_parts(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kmseg.cli.progress._ELSEWHERE", 0.0)
    monkeypatch.setattr("kmseg.streaming.picture._REGION_PIXELS", 1 << 17)
    assert main(["-i", "wide.tif", "-n", "3", "--trusted", "--save", "labels"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 24 and lines[-1].startswith("kmseg: 12 of 12 parts of the picture")


# -- what is loaded --------------------------------------------------------------------------------


def test_readers_of_large_files_are_imported_by_this_part_alone() -> None:
    readers = {"tifffile", "imagecodecs"}
    for path in SOURCES:
        if readers & {name.split(".")[0] for name in imported_names(path)}:
            assert path.parent == PACKAGE / "streaming", path


def test_a_common_command_and_the_page_load_no_reader_of_large_files() -> None:
    code = (
        "import sys, kmseg.cli, kmseg.ui.page\n"
        "kmseg.cli.main(['-i', 'sample:plate-6', '-n', '3', '-w', '50'])\n"
        "print({'tifffile', 'imagecodecs'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == "set()", done.stderr
