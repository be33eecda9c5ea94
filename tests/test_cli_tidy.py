"""The command line tidies clusters and saves regions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

import kmseg
from kmseg.cli import main
from kmseg.output import export
from kmseg.output.encode import png
from oracles import decoded, image_at

Capture = pytest.CaptureFixture[str]
TIDY = "--smallest-region 0.5% --fill-holes 2,3"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "photo.png").write_bytes(png(image_at("flower", 120).pixels))
    (tmp_path / "other.png").write_bytes(png(image_at("china", 120).pixels))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(**others: object) -> kmseg.Settings:
    tidy = {"smallest_region": "0.5%", "fill_holes": (2, 3)}
    return kmseg.Settings(n_clusters=6, **tidy | others)  # type: ignore[arg-type]


def test_counts_colours_and_labels_are_those_of_python(capsys: Capture) -> None:
    assert main(f"-i photo.png -n 6 {TIDY} --json --labels labels.png".split()) == 0
    found = json.loads(capsys.readouterr().out)
    seg = kmseg.segment(kmseg.read_image("photo.png"), settings())
    assert found["settings"] == settings().to_dict()
    assert found["settings"]["smallest_region"] == "0.5%"
    assert found["settings"]["fill_holes"] == [2, 3]
    assert found["pixel_counts"] == seg.pixel_counts.tolist()
    assert found["inertia"] == seg.inertia
    assert found["seconds"]["tidy"] > 0
    labels = decoded(Path("labels.png").read_bytes())
    assert labels.shape[:2] == seg.labels.shape
    again = kmseg.Settings.from_dict(found["settings"])
    assert again == settings()


def test_a_saved_file_repeats_the_tidying(capsys: Capture) -> None:
    assert main(f"-i photo.png -n 6 {TIDY} --save settings,objects,objects-labels".split()) == 0
    names = capsys.readouterr().out.split()
    saved = kmseg.read_settings(names[0])
    assert saved.settings == settings()
    seg = kmseg.segment(kmseg.read_image("photo.png"), saved.settings)
    for name, key in zip(names[1:], ("objects", "objects_labels"), strict=True):
        download = next(each for each in export.DOWNLOADS if each.key == key)
        assert name == export.file_name(seg, "photo.png", download)
        assert Path(name).read_bytes() == download.make(seg, export.Context("photo.png"))
    np.testing.assert_array_equal(tifffile.imread(names[2]), seg.regions().label_image)


def test_carried_clusters_are_tidied(capsys: Capture) -> None:
    assert main(["-i", "photo.png", "-n", "6", "--save", "settings", "--out", "saved"]) == 0
    book = capsys.readouterr().out.strip()
    assert main(f"-i other.png --codebook {book} {TIDY} --json".split()) == 0
    found = json.loads(capsys.readouterr().out)
    other = kmseg.read_codebook(book).predict(kmseg.read_image("other.png"))
    assert found["pixel_counts"] == other.tidied("0.5%", [2, 3]).pixel_counts.tolist()
    assert found["settings"]["smallest_region"] == "0.5%"


def test_clusters_that_do_not_exist_are_named(capsys: Capture) -> None:
    assert main(["-i", "photo.png", "-n", "3", "--fill-holes", "2,9"]) == 0
    assert capsys.readouterr().err == (
        "kmseg: --fill-holes: there are only 3 clusters: 9 ignored\n"
    )


def test_a_cluster_that_lost_its_pixels_was_said_to_be_missing_from_the_picture(
    capsys: Capture,
) -> None:
    """``-n`` seemed to have been clipped to the number of distinct values."""
    assert main(["-i", "photo.png", "-n", "6", "--smallest-region", "30%"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--smallest-region -3", "--smallest-region: must be a number of pixels"),
        ("--smallest-region 0.05pc", "--smallest-region: must be a number of pixels"),
        ("--fill-holes 0", "--fill-holes: must be numbers of clusters from 1 to 255, not '0'"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_option(
    given: str, said: str, capsys: Capture
) -> None:
    assert main(f"-i photo.png {given}".split()) == 2
    assert capsys.readouterr().err.startswith(f"kmseg: {said}")


def test_the_help_could_not_be_printed_because_of_a_percent_sign(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "as in 0.05%" in " ".join(capsys.readouterr().out.split())
