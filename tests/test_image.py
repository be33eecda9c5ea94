from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

import hostile
from kmseg.errors import ImageError
from kmseg.picture import formats
from kmseg.picture.formats.base import Format, Header
from kmseg.picture.image import Image, read_image
from kmseg.picture.limits import Limits
from kmseg.picture.strips import Decoded

PHOTO = np.asarray(hostile.picture(23, 17))


def saved(array: np.ndarray, format_: str, mode: str | None = None, **options: object) -> bytes:
    image = Pillow.fromarray(array)
    return hostile.saved(image.convert(mode) if mode else image, format_, **options)


def refusal(source: Any) -> str:
    with pytest.raises(ImageError) as caught:
        read_image(source)
    message = str(caught.value)
    assert message.isprintable()
    assert 20 < len(message) < 300
    return message


# -- Image -----------------------------------------------------------------------------------------


def test_arrays_are_stored_read_only_and_the_callers_stay_writeable() -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    opaque = np.eye(4, 6, dtype=bool)
    image = Image(pixels, opaque)
    assert (image.width, image.height) == (6, 4)
    assert not image.pixels.flags.writeable
    assert image.opaque is not None
    assert not image.opaque.flags.writeable
    assert pixels.flags.writeable
    assert opaque.flags.writeable
    assert np.shares_memory(image.pixels, pixels)


def test_arrays_become_contiguous() -> None:
    image = Image(PHOTO[::-2, ::3], np.ones((17, 23), bool)[::-2, ::3])
    assert image.pixels.flags.c_contiguous
    assert np.array_equal(image.pixels, PHOTO[::-2, ::3])


def test_a_mask_without_any_false_is_none() -> None:
    image = Image(PHOTO, np.ones((17, 23), bool))
    assert image.opaque is None


@pytest.mark.parametrize(
    ("pixels", "given_"),
    [
        (np.zeros((4, 6, 3)), "float64 with shape (4, 6, 3)"),
        (np.zeros((4, 6), np.uint8), "shape (4, 6)"),
        (np.zeros((4, 6, 4), np.uint8), "shape (4, 6, 4)"),
        (np.zeros((0, 6, 3), np.uint8), "shape (0, 6, 3)"),
        ([[[0, 0, 0]]], "list"),
    ],
)
def test_wrong_pixels_are_refused(pixels: Any, given_: str) -> None:
    with pytest.raises(ImageError) as caught:
        Image(pixels)
    assert given_ in str(caught.value)
    assert "uint8 with shape (height, width, 3)" in str(caught.value)


@pytest.mark.parametrize(
    "opaque", [np.ones((17, 23), np.uint8), np.ones((23, 17), bool), np.ones((17, 23, 1), bool), 1]
)
def test_wrong_masks_are_refused(opaque: Any) -> None:
    with pytest.raises(ImageError, match=r"bool with the picture's shape \(17, 23\)"):
        Image(PHOTO, opaque)


def test_a_fully_transparent_picture_is_refused() -> None:
    with pytest.raises(ImageError, match="transparent"):
        Image(PHOTO, np.zeros((17, 23), bool))


# -- resizing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 7, 22, 46, 100])
def test_resizing_is_opencv_by_area(width: int) -> None:
    height = max(1, int(width / 23 * 17))
    resized = Image(PHOTO).resized(width)
    expected = cv2.resize(PHOTO, (width, height), interpolation=cv2.INTER_AREA)
    assert np.array_equal(resized.pixels, expected)
    assert resized.opaque is None


def test_resizing_to_the_same_width_returns_the_same_object() -> None:
    image = Image(PHOTO)
    assert image.resized(0) is image
    assert image.resized(23) is image


def test_a_picture_one_row_high_stays_one_row_high() -> None:
    assert Image(np.zeros((1, 300, 3), np.uint8)).resized(10).height == 1


def test_transparent_pixels_contribute_no_colour() -> None:
    pixels = np.full((6, 6, 3), (255, 0, 0), np.uint8)
    pixels[:, 1] = (10, 100, 200)
    opaque = np.zeros((6, 6), bool)
    opaque[:, 1] = True
    opaque[:2, :2] = [[True, True], [False, True]]
    resized = Image(pixels, opaque).resized(3)
    assert resized.opaque is not None
    assert resized.opaque.tolist() == [[True, False, False]] * 3
    # The mean of two bluish pixels and a red one.
    assert resized.pixels[0, 0].tolist() == [92, 67, 133]
    assert resized.pixels[1:, 0].tolist() == [[10, 100, 200]] * 2
    assert not resized.pixels[:, 1:].any()


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_resized_colours_stay_between_those_of_opaque_pixels(width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    opaque = random.random((9, 13)) < 0.3
    opaque[4, 4] = True
    pixels = np.where(opaque[..., None], random.integers(100, 120, (9, 13, 3)), 255)
    resized = Image(pixels.astype(np.uint8), opaque).resized(width)
    visible = resized.pixels if resized.opaque is None else resized.pixels[resized.opaque]
    assert visible.min() >= 100
    assert visible.max() <= 120


@pytest.mark.parametrize("width", [-1, 30_001, 10_000, 1.5, "9", None])
def test_impossible_widths_are_refused(width: Any) -> None:
    with pytest.raises(ImageError):
        Image(PHOTO).resized(width)


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", hostile.REFUSED)
def test_hostile_files_are_refused_with_a_sentence(name: str) -> None:
    refusal(hostile.REFUSED[name])


@pytest.mark.parametrize("name", hostile.ACCEPTED)
def test_odd_files_are_read(name: str) -> None:
    image = read_image(hostile.ACCEPTED[name])
    assert (image.width, image.height) == hostile.ACCEPTED_SIZE


@pytest.mark.parametrize("name", ["garbage", "svg.png", "eps.jpg", "pdf.png", "ppm.png"])
def test_refusals_of_other_formats_list_those_that_are_read(name: str) -> None:
    assert formats.listed() in refusal(hostile.REFUSED[name])


def test_the_readme_names_every_format_that_is_read() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    paragraph = readme.partition("**Your pictures.**")[2].partition("\n- **")[0]
    names = re.split(", | or ", formats.listed())
    assert [name for name in names if not re.search(rf"\b{name}\b", paragraph)] == []


def test_refusals_of_large_pictures_name_the_limit() -> None:
    assert "30000 x 30000" in refusal(hostile.REFUSED["gif-900-megapixels"])
    assert "at most 50 megapixels" in refusal(hostile.REFUSED["png-89-megapixels"])


def test_a_new_format_is_one_entry_in_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    def strips() -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        yield np.full((1, 3, 3), 10, np.uint8), None
        yield np.full((1, 3, 1), 20, np.uint8), np.array([[255, 128, 127]], np.uint8)

    toy = Format(
        name="Toy",
        extensions=("toy",),
        recognises=lambda data: data.startswith(b"TOY"),
        parse=lambda data, limits: Header("Toy", width=3, height=2),
        own_decoder=lambda data, header: Decoded(3, 2, strips(), orientation=6),
    )
    listed = formats.listed()
    assert "toy" not in formats.extensions()
    monkeypatch.setitem(formats.FORMATS, "Toy", toy)
    image = read_image(b"TOY picture")
    assert image.pixels[..., 0].tolist() == [[20, 10]] * 3
    assert image.opaque is not None
    assert np.argwhere(~image.opaque).tolist() == [[2, 0]]
    assert f"{listed.replace(' or ', ', ')} or Toy" in refusal(b"nothing known")
    assert "toy" in formats.extensions()


def test_limits_are_an_argument_of_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 1000)  # monkeypatch restores it
    with pytest.raises(ImageError, match=r"at most 0\.0003 megapixels"):
        read_image(saved(PHOTO, "PNG"), limits=Limits(max_pixels=300))
    read_image(hostile.ACCEPTED["png"], limits=Limits(max_pixels=300))
    assert Pillow.MAX_IMAGE_PIXELS == 1000
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        large = hostile.saved(hostile.picture(80, 80), "GIF")
        assert read_image(large, limits=Limits(max_pixels=10_000)).width == 80


def test_the_environment_changed_the_limits_of_library_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for text in ("0.0001", "plenty"):
        monkeypatch.setenv("KMSEG_MAX_MEGAPIXELS", text)
        assert read_image(saved(PHOTO, "PNG")).resized(46).width == 46


def test_a_picture_beyond_the_default_limits_can_be_reduced_but_not_enlarged() -> None:
    image = Image(np.zeros((1, 30_100, 3), np.uint8))
    assert image.resized(30_050).width == 30_050
    with pytest.raises(ImageError, match="30,000 pixels a side"):
        image.resized(30_101)


def test_paths(tmp_path: Path) -> None:
    path = tmp_path / "a photo.txt"
    path.write_bytes(saved(PHOTO, "PNG"))
    assert np.array_equal(read_image(path).pixels, PHOTO)
    assert np.array_equal(read_image(str(path)).pixels, PHOTO)
    assert "folder" in refusal(tmp_path)
    assert "no file" in refusal(tmp_path / "missing\n\x1b[31m.png")
    assert "not valid" in refusal("a\0b")
    assert "cannot be read" in refusal(path / "deeper")
    assert "..." in refusal("x" * 5000)
    assert "not int" in refusal(7)


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a file" in refusal(tmp_path / "pipe")


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(50 * 2**20 + 1)
    assert "larger than 50 MB" in refusal(path)
    assert "larger than 50 MB" in refusal(bytes(50 * 2**20 + 1))


def test_reading_prints_nothing(tmp_path: Path) -> None:
    for name, data in (hostile.REFUSED | hostile.ACCEPTED | hostile.EITHER).items():
        (tmp_path / name).write_bytes(data)
    damaged = bytearray(saved(PHOTO, "TIFF", compression="tiff_lzw"))
    damaged[20:200] = bytes(180)
    (tmp_path / "lzw").write_bytes(damaged)
    script = (
        "import sys, pathlib, kmseg.picture.image as image\n"
        "for path in pathlib.Path(sys.argv[1]).iterdir():\n"
        "    try: image.read_image(path)\n"
        "    except image.ImageError: pass\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, tmp_path],
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    assert (run.stdout, run.stderr) == (b"", b"")


def test_ctrl_c_while_the_command_line_reads_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    Pillow.new("RGB", (7000, 7000)).save(path, progressive=True)
    script = (
        "import os, runpy, signal, sys, threading\n"
        "def interrupt():\n"
        "    while 'PIL.JpegImagePlugin' not in sys.modules: pass\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=interrupt).start()\n"
        "sys.argv[1:] = ['-i', sys.argv[1]]\n"
        "runpy.run_module('kmseg', run_name='__main__')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, path],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[1],
    )
    assert (run.returncode, run.stdout, run.stderr) == (130, "", "kmseg: stopped by Ctrl-C\n")


def test_importing_does_not_load_decoders() -> None:
    script = (
        "import sys, kmseg.errors, kmseg.picture.probe;"
        "print('PIL' in sys.modules or 'cv2' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    assert run.stdout.strip() == b"False"


def test_threads_read_in_parallel() -> None:
    results: list[str] = []

    def work() -> None:
        for name, data in hostile.ACCEPTED.items():
            image = read_image(data)
            if (image.width, image.height) != hostile.ACCEPTED_SIZE:
                results.append(name)
        results.append("done")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["done"] * 4


def test_colours_under_soft_alpha_are_averaged_by_their_opacity() -> None:
    """Premultiplied, as compositing the average over any ground demands."""
    generator = np.random.default_rng(5)
    pixels = generator.integers(0, 256, (40, 60, 3), np.uint8)
    alpha = generator.integers(0, 256, (40, 60), np.uint8)
    small = Image(pixels, alpha=alpha, notes=("kept",)).resized(6)
    blocks = alpha.reshape(4, 10, 6, 10).astype(np.float64)
    weighted = pixels.reshape(4, 10, 6, 10, 3) * blocks[..., None]
    mean = weighted.sum(axis=(1, 3)) / blocks.sum(axis=(1, 3))[..., None]
    assert np.abs(small.pixels - mean).max() <= 0.51
    assert small.alpha is not None and small.notes == ("kept",)
    assert np.abs(small.alpha - blocks.mean(axis=(1, 3))).max() <= 0.51


def test_a_reduced_pixel_counts_if_it_is_half_opaque_on_average() -> None:
    alpha = np.zeros((4, 8), np.uint8)
    alpha[:, 1:4] = 200
    small = Image(np.zeros((4, 8, 3), np.uint8), alpha=alpha).resized(2)
    assert small.alpha is not None and small.alpha.tolist() == [[150, 0]]
    assert small.opaque is not None and small.opaque.tolist() == [[True, False]]
