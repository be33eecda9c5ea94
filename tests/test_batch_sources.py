"""Files, folders and globs as a list of pictures; their results never have the same name."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmseg.batch.sources import Source, found, is_many
from kmseg.errors import KmsegError
from kmseg.output import names


def touched(folder: Path, *files: str) -> None:
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def called(sources: list[Source]) -> list[str]:
    return [source.name for source in sources]


def results(sources: list[Source]) -> set[str]:
    """What the names of the results begin with, as file systems without case see them."""
    return {f"{s.folder}/{names.safe(s.picture, 155)}".casefold() for s in sources}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_is_all_pictures_in_it_and_below_it(folder: Path) -> None:
    touched(folder, "a/x.PNG", "a/b/y.tiff", "a/notes.txt", "a/.hidden/z.png", "a/.z.png")
    assert called(found(["a"])) == ["b/y.tiff", "x.PNG"]
    assert [source.path for source in found(["a"])] == [
        str(folder / "a/b/y.tiff"),
        str(folder / "a/x.PNG"),
    ]


def test_a_glob_need_not_be_expanded_by_the_shell(folder: Path) -> None:
    touched(folder, "a/x.png", "a/b/y.png", "a/b/z.jpg", "c/w.png")
    assert called(found(["a/**/*.png"])) == ["b/y.png", "x.png"]
    assert called(found(["*/*.png"])) == ["a/x.png", "c/w.png"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(folder: Path) -> None:
    touched(folder, "a[1].png", "a1.png")
    assert not is_many(["a[1].png"])
    assert called(found(["a[1].png"])) == ["a[1].png"]


def test_what_is_given_twice_is_segmented_once(folder: Path) -> None:
    touched(folder, "a/x.png")
    assert len(found(["a", "a/x.png", "a/*.png", str(folder / "a")])) == 1


def test_the_names_of_pictures_do_not_depend_on_the_order_of_arguments(folder: Path) -> None:
    touched(folder, "a/x.png", "b/x.png")
    assert found(["a", "b"]) == found(["b", "a"])
    assert called(found(["a", "b"])) == ["a/x.png", "b/x.png"]


@pytest.mark.parametrize(
    "files",
    [
        ["a/x.png", "a/x.jpg"],
        ["a/1.png", "b/1.png"],
        ["a/x.png", "a/X.png"],
        ["a/x.png", "a/x.jpg", "a/x-png.png", "a/x-jpg.jpg"],
        ["A/x.png", "a/x.png"],
        ["a/caf\u00e9.png", "a/cafe\u0301.png"],
        ["v1.2/x.png", "v1.3/x.png", "v1/x.png"],
        ["a/con.png", "a/con.jpg"],
        [f"a/{'x' * 200}1.png", f"a/{'x' * 200}2.png"],
    ],
)
def test_no_two_pictures_have_results_of_one_name(folder: Path, files: list[str]) -> None:
    touched(folder, *files)
    sources = found(["."])
    assert len(sources) == len(files)
    assert len(results(sources)) == len(files)
    assert len(set(called(sources))) == len(files)


def test_results_within_a_folder_of_pictures_are_not_taken_for_pictures(folder: Path) -> None:
    touched(folder, "a/x.png", "a/out/x_labels.png")
    assert called(found(["a"], "a/out")) == ["x.png"]
    assert called(found(["a/**/*.png"], "a/out")) == ["x.png"]


@pytest.mark.parametrize("given", ["a", "a/*.png", "a/x.png"])
@pytest.mark.parametrize("out", ["a", "."])
def test_results_among_the_pictures_of_a_folder_are_refused(
    folder: Path, given: str, out: str
) -> None:
    touched(folder, "a/x.png")
    with pytest.raises(KmsegError, match="among the pictures"):
        found([given], out)


@pytest.mark.parametrize("given", ["nothing.png", "no*", "empty"])
def test_a_name_without_a_picture_is_refused(folder: Path, given: str) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(KmsegError, match="There is no"):
        found([given])


def test_a_loop_of_links_ends(folder: Path) -> None:
    touched(folder, "a/x.png")
    (folder / "a/again").symlink_to(folder / "a")
    assert called(found(["a"])) == ["x.png"]
