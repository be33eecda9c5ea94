"""What the command line saves: everything that the page offers, and nothing over what is there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import kmseg
from kmseg.cli import main
from kmseg.output import export
from kmseg.output.encode import png
from kmseg.ui import offline
from oracles import image_at

ROOT = Path(__file__).resolve().parent.parent
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a photo."""
    (tmp_path / "Фото.png").write_bytes(png(image_at("china", 60).pixels))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def listed(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def refused(capsys: Capture, line: str) -> str:
    """What is said; exit status 2, one line, and nothing on standard output."""
    assert main(line.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    return captured.err


# -- every download --------------------------------------------------------------------------------


def test_all_saves_what_the_page_offers_under_the_same_names(folder: Path, capsys: Capture) -> None:
    assert main(["-i", "Фото.png", "-n", "3", "--save", "all", "--out", "new/results"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    seg = kmseg.segment(kmseg.read_image("Фото.png"), kmseg.Settings(n_clusters=3))
    each = [make(seg, n) for make in export.CLUSTER_DOWNLOADS.values() for n in range(3)]
    expected = {
        f"Фото_bgr_call_k3_s0{download.suffix}": download
        for download in (*export.DOWNLOADS, offline.page(), export.ARCHIVE, *each)
    }
    results = folder / "new" / "results"
    assert listed(results) == set(expected)
    assert {Path(line) for line in captured.out.splitlines()} == {
        Path("new/results") / name for name in expected
    }
    for name, download in expected.items():
        if download.key not in ("settings", "archive"):  # they have the seconds of the run
            content = download.make(seg, export.Context("Фото.png"))
            assert (results / name).read_bytes() == content, name


@pytest.mark.parametrize(
    "options",
    [
        "--save labels,counts,labels-gray",
        "--save labels --save counts --save labels_gray",
        "--save LABELS,counts --save labels-gray,labels",
    ],
)
def test_kinds_are_repeated_or_listed(folder: Path, options: str) -> None:
    assert main(f"-i Фото.png {options}".split()) == 0
    stem = "Фото_bgr_call_k3_s0_"
    kinds = ("labels.png", "counts.csv", "labels-gray.png")
    assert listed(folder) == {"Фото.png", *(stem + kind for kind in kinds)}


def test_standard_output_stays_json(folder: Path, capsys: Capture) -> None:
    assert main(["-i", "Фото.png", "--save", "masks", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["size"] == [60, 40]
    assert [line[-11:] for line in captured.err.splitlines()] == [
        f"mask00{number}.png" for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("given", "extension"), [("jpg", "jpg"), (".JPEG", "jpg"), ("webp", "webp")]
)
def test_pictures_to_look_at_have_the_format_and_exact_ones_stay_png(
    folder: Path, given: str, extension: str
) -> None:
    kinds = "segmented,labels,boundaries,side-by-side-colors,figure"
    assert main(f"-i Фото.png --save {kinds} --picture-format {given}".split()) == 0
    extensions = {
        re.sub(".*_s0_", "", path.stem): path.suffix[1:] for path in folder.glob("*_s0_*")
    }
    assert extensions == {
        "segmented": "png",
        "labels": "png",
        "boundaries": extension,
        "side-by-side-colors": extension,
        "figure": extension,
    }
    (picture,) = folder.glob("*boundaries*")
    exact = export.render.boundaries(
        kmseg.segment(kmseg.read_image("Фото.png"), kmseg.Settings(n_clusters=3))
    )
    found = kmseg.read_image(picture).pixels
    assert found.shape == exact.shape
    assert np.abs(found.astype(int) - exact).mean() < 12


def test_a_format_without_effect_is_said(folder: Path, capsys: Capture) -> None:
    assert main(["-i", "Фото.png", "--save", "labels", "--picture-format", "jpg"]) == 0
    assert "--picture-format" in capsys.readouterr().err


# -- nothing is overwritten unasked ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["Фото.png", "./Фото.png", "soft.png", "hard.png"])
@pytest.mark.parametrize("force", ["", " --force"])
def test_labels_replaced_the_picture_itself(
    folder: Path, capsys: Capture, name: str, force: str
) -> None:
    before = (folder / "Фото.png").read_bytes()
    (folder / "soft.png").symlink_to("Фото.png")
    (folder / "hard.png").hardlink_to(folder / "Фото.png")
    said = refused(capsys, f"-i Фото.png --labels {name}{force}")
    assert said.startswith("kmseg: --labels: ") and Path(name).name in said and "-i" in said
    assert (folder / "Фото.png").read_bytes() == before


def test_labels_replaced_the_picture_on_standard_input(folder: Path) -> None:
    before = (folder / "Фото.png").read_bytes()
    for source in ("-", "/dev/stdin"):
        with (folder / "Фото.png").open("rb") as file:
            done = run(folder, f"-i {source} --labels Фото.png --force", stdin=file)
        assert done.returncode == 2 and "--labels: " in done.stderr
    assert (folder / "Фото.png").read_bytes() == before


def test_an_existing_file_needs_force(folder: Path, capsys: Capture) -> None:
    (folder / "labels.png").write_bytes(b"precious")
    said = refused(capsys, "-i Фото.png --labels labels.png")
    assert "--labels: 'labels.png'" in said and "--force" in said
    assert (folder / "labels.png").read_bytes() == b"precious"
    assert main(["-i", "Фото.png", "--labels", "labels.png", "--force"]) == 0
    assert cv2.imread("labels.png") is not None

    assert main(["-i", "Фото.png", "--save", "masks"]) == 0
    capsys.readouterr()
    (folder / "Фото_bgr_call_k3_s0_mask001.png").unlink()
    said = refused(capsys, "-i Фото.png --save masks")
    assert "--save masks: " in said and "mask002.png" in said and "--force" in said
    assert main(["-i", "Фото.png", "--save", "masks", "--force"]) == 0


def test_two_outputs_never_share_a_file(folder: Path, capsys: Capture) -> None:
    name = "Фото_bgr_call_k3_s0_labels.png"
    said = refused(capsys, f"-i Фото.png --save labels --labels {name} --force")
    assert name in said and "--labels" in said and "--save labels" in said
    assert listed(folder) == {"Фото.png"}


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        ("--labels taken.png", "--labels"),
        ("--labels pipe.png --force", "--labels"),
        ("--labels dangling.png", "--labels"),
        ("--labels /proc/labels.png", "--labels"),
        ("--save all --out /proc/new", "--out"),
        ("--save counts --out taken.png/new", "--save counts"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(
    folder: Path, capsys: Capture, options: str, flag: str
) -> None:
    (folder / "taken.png").mkdir()
    (folder / "taken.png" / "new").mkdir()
    (folder / "taken.png" / "new" / "Фото_bgr_call_k3_s0_counts.csv").mkdir()
    (folder / "dangling.png").symlink_to("nothing")
    os.mkfifo(folder / "pipe.png")
    before = listed(folder)
    source = "Фото.png" if "counts" in options else "missing.png"
    said = refused(capsys, f"-i {source} {options}")
    assert said.startswith(f"kmseg: {flag}: ")
    assert listed(folder) == before


def test_fewer_clusters_than_asked_for_replace_no_file_either(
    folder: Path, capsys: Capture
) -> None:
    """The number of clusters is part of the name, and known only after the work."""
    (folder / "two.png").write_bytes(png(np.array([[[0, 0, 0], [255, 0, 0]]], np.uint8)))
    existing = folder / "two_bgr_call_k2_s0_labels.png"
    existing.write_bytes(b"precious")
    assert main(["-i", "two.png", "-n", "5", "--save", "labels"]) == 2
    assert f"--save labels: '{existing.name}'" in capsys.readouterr().err
    assert existing.read_bytes() == b"precious"


def run(folder: Path, line: str, **options: object) -> subprocess.CompletedProcess[str]:
    done: subprocess.CompletedProcess[str] = subprocess.run(  # type: ignore[call-overload]
        [sys.executable, "-m", "kmseg", *line.split()],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        **options,
    )
    return done
