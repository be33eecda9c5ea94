"""The programs and notebooks of ``Settings.to_script``, run where kmseg cannot be imported."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

import kmseg
from kmseg import Settings
from kmseg.color import COLOR_SPACES
from kmseg.kmeans.engines import ENGINES
from kmseg.output.encode import png
from kmseg.settings import to_hex
from kmseg.settings.scripts import PROGRAMS, Language
from oracles import image_at

STANDALONE: list[Language] = ["opencv", "scikit-learn", "numpy"]
COLORS = [(230, 225, 220), (40, 40, 30), (180, 90, 60), (110, 130, 150), (90, 100, 60)]
COLORS += [(r, g, b) for r in (20, 128, 250) for g in (60, 160) for b in (10, 200)][:7]

# Runs each program in turn, and prints a JSON list of what each has printed.
RUNNER = """
import contextlib, importlib.util, io, json, runpy, sys
assert importlib.util.find_spec("kmseg") is None
printed = []
for name in sys.argv[1:]:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        runpy.run_path(name)
    printed.append(output.getvalue())
print(json.dumps(printed))
"""


@dataclass(frozen=True)
class Result:
    """What a program printed."""

    counts: list[int]
    colors: list[str]
    inertia: float

    @classmethod
    def of(cls, printed: str) -> Result:
        *clusters, last = printed.splitlines()
        rows = [line.split(" pixels ") for line in clusters]
        assert last.startswith("inertia ")
        inertia = float(last.removeprefix("inertia "))
        return cls([int(count) for count, _ in rows], [color for _, color in rows], inertia)


def run(folder: Path, *programs: str) -> list[Result]:
    """Run programs in a folder, one after the other in one isolated process."""
    names = [f"program{number}.py" for number in range(len(programs))]
    for name, program in zip(names, programs, strict=True):
        (folder / name).write_text(program, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", RUNNER, *names],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return [Result.of(printed) for printed in json.loads(ran.stdout)]


def expected(image: kmseg.Image, settings: Settings) -> Result:
    seg = kmseg.segment(image, settings)
    colors = [to_hex(color) for color in seg.palette]
    return Result(seg.pixel_counts.tolist(), colors, seg.inertia)


def says_equal(program: str) -> bool:
    """Whether a program's first lines promise kmseg's counts, at least without empty clusters."""
    head = program.partition("import cv2")[0].replace("\n# ", " ")
    assert head.startswith("# ")
    assert "Install: pip install " in head and "opencv-python-headless" in head
    equal, differs = "Its counts are those of kmseg" in head, "may differ from kmseg's" in head
    assert equal != differs
    return equal


PHOTO = image_at("china", 48)


def holed() -> kmseg.Image:
    """A picture with every degree of transparency."""
    alpha = np.random.default_rng(1).integers(0, 256, PHOTO.pixels.shape[:2], np.uint8)
    alpha[8:20, 8:30] = 0
    return kmseg.Image(PHOTO.pixels, alpha=alpha)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with nothing but two pictures."""
    (tmp_path / "photo.png").write_bytes(png(PHOTO.pixels))
    image = holed()
    assert image.alpha is not None
    (tmp_path / "holed.png").write_bytes(png(np.dstack((image.pixels, image.alpha))))
    return tmp_path


def manual(n_clusters: int = 4, **others: Any) -> Settings:
    colors = tuple(COLORS[:n_clusters])
    return Settings(init="manual", centroids=colors, n_clusters=n_clusters, **others)


def chosen_channels() -> Iterator[Settings]:
    for key, space in COLOR_SPACES.items():
        yield manual(color_space=key)
        if len(space.channels) > 1:
            yield manual(color_space=key, channels="1", max_iter=40)
        if len(space.channels) > 2:
            yield manual(color_space=key, channels="02", epsilon=1.5)


RULES: list[dict[str, Any]] = [
    {"stop": "both", "max_iter": 3},
    {"stop": "epsilon", "epsilon": 0.5, "max_iter": 2},
    {"stop": "iterations", "max_iter": 4, "epsilon": 60},
    {"stop": "both", "epsilon": 60},
]


def test_plain_lloyd_from_chosen_colours_gives_the_pages_counts_in_every_space(
    folder: Path,
) -> None:
    settings = [*chosen_channels(), *(manual(12, **rule) for rule in RULES)]
    programs = [each.to_script("numpy", "photo.png") for each in settings]
    assert all(map(says_equal, programs))
    for each, found in zip(settings, run(folder, *programs), strict=True):
        seg = expected(PHOTO, each)
        assert (found.counts, found.colors) == (seg.counts, seg.colors), each
        assert found.inertia == pytest.approx(seg.inertia, rel=1e-7)


def library_settings(engine: str) -> Iterator[Settings]:
    """Settings of an engine that visits pixels: each start, rule and kind of conversion."""
    rules = RULES[:1] if ENGINES[engine].own_stop_rule else RULES
    for init in ("k-means++", "random"):
        for rule in rules:
            yield Settings(engine=engine, init=init, attempts=3, seed=5, **rule)
        yield Settings(engine=engine, init=init, n_clusters=12, attempts=1, color_space="cielab")
    yield from (replace(manual(**rule), engine=engine) for rule in rules)
    yield manual(12, engine=engine, color_space="hsv", channels="02")
    for key in ("hsv-circular", "lab", "oklab", "ycrcb", "gray"):
        yield Settings(engine=engine, color_space=key, attempts=2, max_iter=60)


@pytest.mark.parametrize("language", STANDALONE)
def test_a_program_gives_the_counts_of_its_own_engine(folder: Path, language: Language) -> None:
    engines = [engine for engine in PROGRAMS[language].engines if engine in ENGINES]
    settings = [each for engine in engines for each in library_settings(engine)]
    programs = [each.to_script(language, "photo.png") for each in settings]
    assert all(map(says_equal, programs))
    for each, found in zip(settings, run(folder, *programs), strict=True):
        seg = expected(PHOTO, each)
        assert (found.counts, found.colors) == (seg.counts, seg.colors), each
        # cv2.kmeans measures to a pixel's own centroid, even if another is nearer by now.
        assert found.inertia == pytest.approx(
            seg.inertia, rel=0.1 if language == "opencv" else 1e-7
        )


@pytest.mark.parametrize("language", STANDALONE)
def test_width_and_transparency_are_those_of_the_page(folder: Path, language: Language) -> None:
    engine = {"numpy": "exact"}.get(language, language)
    cases = [
        (name, image, replace(manual(engine=engine), width=width))
        for name, image in (("photo.png", PHOTO), ("holed.png", holed()))
        for width in (0, 31, 90)
    ]
    programs = [each.to_script(language, name) for name, _, each in cases]
    for (name, image, each), found in zip(cases, run(folder, *programs), strict=True):
        seg = expected(image, each)
        assert (found.counts, found.colors) == (seg.counts, seg.colors), (name, each.width)


@pytest.mark.parametrize("language", STANDALONE)
def test_a_program_of_another_engine_says_so_and_ends_at_about_the_pages_inertia(
    folder: Path, language: Language
) -> None:
    settings = [
        Settings(),
        Settings(n_clusters=12, init="random", color_space="lab", stop="epsilon", attempts=4),
        Settings(color_space="hsv", channels="02", stop="iterations", max_iter=80, attempts=3),
    ]
    settings += [] if language == "numpy" else [manual()]
    programs = [each.to_script(language, "photo.png") for each in settings]
    assert not any(map(says_equal, programs))
    for each, found in zip(settings, run(folder, *programs), strict=True):
        seg = expected(PHOTO, each)
        assert sum(found.counts) == sum(seg.counts)
        assert found.inertia == pytest.approx(seg.inertia, rel=0.1), each


def test_a_program_says_that_empty_clusters_are_filled_in_another_way(folder: Path) -> None:
    whole, part = manual(12), manual(12, channels="1")
    programs = [each.to_script("numpy", "photo.png") for each in (whole, part)]
    assert ["unless a cluster becomes empty" in program for program in programs] == [False, True]
    for each, found in zip((whole, part), run(folder, *programs), strict=True):
        assert found.inertia == pytest.approx(expected(PHOTO, each).inertia, rel=0.2)


def test_the_saved_picture_has_each_pixel_in_its_clusters_colour(folder: Path) -> None:
    for name, image in (("photo.png", PHOTO), ("holed.png", holed())):
        run(folder, manual().to_script("numpy", name, opaque=image.alpha is None))
        seg = kmseg.segment(image, manual())
        saved = np.array(Pillow.open(folder / "segmented.png"))
        labels = seg.labels
        np.testing.assert_array_equal(saved[labels >= 0, :3], seg.palette[labels[labels >= 0]])
        assert saved.shape[2] == (3 if image.alpha is None else 4)
        if image.alpha is not None:
            np.testing.assert_array_equal(saved[..., 3], np.where(labels >= 0, 255, 0))


def test_a_jpeg_is_read_upright_and_with_the_pages_colours(folder: Path) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    photo = Pillow.fromarray(image_at("china", 300).pixels)
    photo.save(folder / "photo.jpg", quality=90, exif=exif)
    settings = manual(width=97)
    program = settings.to_script("numpy", "photo.jpg")
    assert "alpha" not in program
    (found,) = run(folder, program)
    seg = expected(kmseg.read_image(folder / "photo.jpg"), settings)
    assert (found.counts, found.colors) == (seg.counts, seg.colors)


NAMES = [
    'it\'s a "photo".png',
    "фото 写真.png",
    "'); import os; os.abort() #.png",
    '"""; raise SystemExit(7) #.png',
    "a\nimport os; os.abort()\n.png",
    "${picture} $seed {k} \\N{DIGIT ONE} %s.png",
    "left\u202eright\u2028.png",
]


def test_the_name_of_a_picture_is_data_and_never_code(folder: Path) -> None:
    for name in NAMES:
        (folder / name).write_bytes(png(PHOTO.pixels))
    settings = manual()
    programs = [settings.to_script("numpy", name) for name in NAMES]
    seg = expected(PHOTO, settings)
    assert [found.counts for found in run(folder, *programs)] == [seg.counts] * len(NAMES)


@pytest.mark.parametrize("language", PROGRAMS)
@pytest.mark.parametrize("name", [*NAMES, "sample:" + NAMES[2], "\ud800\x00.png"])
def test_a_hostile_name_is_one_string_of_the_program(language: Language, name: str) -> None:
    program = Settings().to_script(language, name)
    assert all(line.isprintable() for line in program.split("\n"))
    strings = {n.value for n in ast.walk(ast.parse(program)) if isinstance(n, ast.Constant)}
    sample = name.removeprefix("sample:")
    assert strings & {name, sample, f"{sample}.png"}
    cells = json.loads(Settings().to_notebook(language, name).encode())["cells"]
    assert "abort" not in "".join(cells[0]["source"])


def test_what_was_done_to_a_file_is_told_and_never_code(folder: Path) -> None:
    notes = ("16-bit, 150 to 420 shown as 0 to 255", "p\nimport os; os.abort()\x00\n <b>")
    reading = kmseg.Reading(frame=2, levels=(150, 420))
    program = manual().to_script("numpy", "photo.png", reading, notes=notes)
    assert not says_equal(program)
    assert notes[0] in program.replace("\n# ", " ")
    run(folder, program)
    assert not says_equal(manual().to_script("numpy", "photo.png", reading))
    text = json.loads(manual().to_notebook("numpy", "a.png", notes=notes))["cells"][0]["source"]
    assert "\\<b\\>" in "".join(text) and "<b>" not in "".join(text)


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(kmseg.SettingsError, match=r"^language: .*opencv.*numpy.*'matlab'"):
        Settings().to_script("matlab", "a.png")  # type: ignore[arg-type]


# -- only what is needed ---------------------------------------------------------------------------


def test_programs_contain_nothing_that_they_do_not_use(tmp_path: Path) -> None:
    every = [*chosen_channels(), *library_settings("opencv"), Settings(width=9)]
    for number, settings in enumerate(every):
        for language in PROGRAMS:
            program = settings.to_script(language, "a.png" if number % 2 else "sample:china")
            assert "$" not in program and "---" not in program
            (tmp_path / f"{language}{number}.py").write_text(program, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache"]
    rules = ["--select=E,F,W,I,B,UP", "--ignore=B905,E501", str(tmp_path)]
    checked = subprocess.run([*ruff, *rules], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_lloyd_has_about_twenty_lines() -> None:
    program = Settings().to_script("numpy", "a.jpg")
    lloyd = program.partition("def lloyd")[2].partition("runs =")[0]
    assert len(lloyd.strip().splitlines()) <= 20
    assert "k-means++" in program and "k-means++" not in manual().to_script("numpy", "a.jpg")
    assert "cbrt" not in program


# -- notebooks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_notebook_is_valid_and_its_cells_are_the_program(language: Language) -> None:
    settings = manual()
    notebook = json.loads(settings.to_notebook(language, "photo.png"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert set(notebook) == {"nbformat", "nbformat_minor", "metadata", "cells"}
    first, *codes = notebook["cells"]
    assert first["cell_type"] == "markdown" and set(first) == {
        "id", "cell_type", "metadata", "source"
    }  # fmt: skip
    for cell in codes:
        assert cell["cell_type"] == "code"
        assert set(cell) == {*first, "execution_count", "outputs"}
        assert cell["outputs"] == [] and cell["execution_count"] is None
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    program = settings.to_script(language, "photo.png")
    assert "Install" in sources[0]
    code = "\n".join(sources[1:-2])
    assert code.split() == program[program.index("\n\n") :].split()


@pytest.mark.parametrize("language", STANDALONE)
def test_a_notebooks_cells_give_the_counts_and_show_both_pictures(
    folder: Path, language: Language
) -> None:
    settings = manual(engine={"numpy": "exact"}.get(language, language), width=40)
    cases = {"photo.png": PHOTO, "holed.png": holed()}
    programs = []
    for name in cases:
        notebook = json.loads(settings.to_notebook(language, name))
        codes = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
        *others, original, segmented = codes
        shown = f"{original}._repr_png_()\n{segmented}._repr_png_()\n"
        programs.append("\n".join([*others, shown]))
    for image, found in zip(cases.values(), run(folder, *programs), strict=True):
        seg = expected(image, settings)
        assert (found.counts, found.colors) == (seg.counts, seg.colors)


# -- kmseg -----------------------------------------------------------------------------------------


def test_the_program_and_notebook_for_kmseg_save_the_segmentation(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    settings = Settings(n_clusters=3, width=50, color_space="oklab")
    notebook = json.loads(settings.to_notebook("kmseg", "holed.png"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"][1:]]
    for program in (settings.to_script("kmseg", "holed.png"), "\n".join(cells)):
        exec(program, {})
        assert Result.of(capsys.readouterr().out) == expected(holed(), settings)
        saved = Path("segmented.png")
        assert np.array(Pillow.open(saved)).shape == (33, 50, 4)
        saved.unlink()
