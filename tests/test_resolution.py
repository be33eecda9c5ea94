"""The scale that a picture's file states, against what tifffile and Pillow write."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

import kmseg
from kmseg.cli import main
from kmseg.picture.apart import read_image_apart
from kmseg.segmentation import segment

PIXELS = np.random.default_rng(3).integers(0, 256, (30, 40, 3), np.uint8)
EXPOSURE_TIME, EXIF = 33434, 0x8769


def pillow(format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(PIXELS).save(file, format, **options)
    return file.getvalue()


def tiff(pixels: np.ndarray = PIXELS, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def imagej(unit: str, per_unit: float, pixels: np.ndarray = PIXELS) -> bytes:
    return tiff(
        pixels, imagej=True, resolution=(per_unit, per_unit), metadata={"unit": unit, "axes": "YXS"}
    )


def ome(size: tuple[float, float], **unit: str) -> bytes:
    sizes = {"PhysicalSizeX": size[0], "PhysicalSizeY": size[1]} | unit
    return tiff(PIXELS[..., 0], ome=True, metadata={"axes": "YX"} | sizes)


def stated(content: bytes) -> float:
    return kmseg.read_image(content).pixels_per_mm


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (pillow("PNG", dpi=(300, 300)), 300 / 25.4),
        (pillow("JPEG", dpi=(600, 600)), 600 / 25.4),
        (pillow("TIFF", dpi=(1200, 1200)), 1200 / 25.4),
        (tiff(resolution=(50, 50), resolutionunit="CENTIMETER"), 5),
        (imagej("um", 4.5), 4500),
        (imagej("micron", 4.5), 4500),
        (imagej("\\u00B5m", 4.5), 4500),
        (imagej("mm", 12.5), 12.5),
        (imagej("cm", 250), 25),
        (ome((0.25, 0.25)), 4000),
        (ome((80, 80), PhysicalSizeXUnit="nm", PhysicalSizeYUnit="nm"), 12_500),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else f"{value:g}",
)
def test_scanners_and_microscopes_state_a_scale(content: bytes, expected: float) -> None:
    assert stated(content) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("dpi", [72, 96, 144])
def test_the_resolution_of_a_screen_means_nothing(dpi: int) -> None:
    for format in ("PNG", "JPEG", "TIFF", "BMP"):
        assert stated(pillow(format, dpi=(dpi, dpi))) == 0


def test_the_resolution_that_a_camera_writes_means_nothing() -> None:
    exif = Pillow.Exif()
    exif.get_ifd(EXIF)[EXPOSURE_TIME] = 0.01
    assert stated(pillow("JPEG", dpi=(300, 300))) > 0
    assert stated(pillow("JPEG", dpi=(300, 300), exif=exif)) == 0


def test_broken_exif_leaves_a_picture_readable() -> None:
    exif = Pillow.Exif()
    exif.get_ifd(EXIF)[EXPOSURE_TIME] = 0.01
    whole = exif.tobytes()
    plain = kmseg.read_image(pillow("JPEG", dpi=(300, 300)))
    for length in range(6, len(whole)):  # the decoder of EXIF raises errors of many types
        broken = kmseg.read_image(pillow("JPEG", dpi=(300, 300), exif=whole[:length]))
        np.testing.assert_array_equal(broken.pixels, plain.pixels)


def test_pixels_that_are_not_square_have_no_scale() -> None:
    assert stated(pillow("PNG", dpi=(300, 200))) == 0
    assert stated(ome((0.25, 0.5))) == 0


@pytest.mark.parametrize(
    "content",
    [
        pillow("PNG"),
        imagej("pixel", 1),
        imagej("mm", 0),
        imagej("um", 1e9),
        tiff(description='<OME><Pixels PhysicalSizeX="1e-400"/>', metadata=None),
        tiff(description='<OME><Pixels PhysicalSizeX="..."/>', metadata=None),
        tiff(
            description='<OME><Pixels PhysicalSizeX="1" PhysicalSizeXUnit="parsec"/>', metadata=None
        ),
        tiff(description="ImageJ=1.53\nunit=mm\n", metadata=None, resolution=(0, 1)),
    ],
)
def test_a_scale_without_sense_is_none(content: bytes) -> None:
    assert stated(content) == 0


def test_a_worker_tells_the_scale_too() -> None:
    content = pillow("TIFF", dpi=(300, 300))
    assert read_image_apart(content).pixels_per_mm == stated(content) == pytest.approx(300 / 25.4)


def test_at_half_the_width_a_mm_has_half_the_pixels() -> None:
    image = kmseg.read_image(imagej("mm", 12.5))
    assert image.resized(20).pixels_per_mm == pytest.approx(6.25)
    assert image.within(((0, 0), (9, 9))).pixels_per_mm == image.pixels_per_mm
    seg = segment(image, kmseg.Settings(n_clusters=2, width=20))
    assert seg.origin is not None
    assert seg.origin.pixels_per_mm == pytest.approx(6.25)


def test_the_command_line_takes_the_scale_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("scan.tif").write_bytes(imagej("mm", 12.5))
    Path("drawing.png").write_bytes(pillow("PNG"))
    options = ["-n", "2", "--save", "objects", "--pixels-per-mm"]
    assert main(["-i", "scan.tif", *options, "file"]) == 0
    taken = capsys.readouterr().out.strip()
    table = Path(taken).read_text()
    assert main(["-i", "scan.tif", *options, "12.5", "--force"]) == 0
    assert table == Path(taken).read_text()
    assert "area_mm2" in table.splitlines()[0]
    capsys.readouterr()

    assert main(["-i", "drawing.png", *options, "file"]) == 0
    printed = capsys.readouterr()
    assert "--pixels-per-mm: the file states no scale" in printed.err
    assert "area_mm2" not in Path(printed.out.strip()).read_text()
