"""The command line on kinds of files that scientists, photographers and designers bring."""

from __future__ import annotations

import csv
import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as Pillow
from PIL import TiffImagePlugin
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

import deepfiles
import hostile
import icc
import kmseg
from kmseg.cli import main
from kmseg.output import tables

Array = npt.NDArray[Any]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(capsys: Capture, data: bytes, *options: str) -> tuple[dict[str, Any], list[str]]:
    """What ``--json`` prints for a file of these bytes, and the lines on standard error."""
    Path("picture").write_bytes(data)
    assert main(["-i", "picture", "--json", *options]) == 0
    captured = capsys.readouterr()
    notes = [line for line in captured.err.splitlines() if not line.startswith("kmseg: -n:")]
    return json.loads(captured.out), notes


def scene(*classes: tuple[float, float, float], hot: int = 0) -> npt.NDArray[np.float64]:
    """120 x 160 values of classes (centre, deviation, share of the pixels), and hot pixels."""
    generator = np.random.default_rng(3)
    n_pixels = 120 * 160
    shares = np.cumsum([share for *_, share in classes])
    which = np.searchsorted(shares / shares[-1], (np.arange(n_pixels) + 0.5) / n_pixels)
    centres, deviations = np.array([one[:2] for one in classes]).T
    values = generator.normal(centres[which], deviations[which])
    values[generator.choice(n_pixels, hot, replace=False)] = 60_000 if centres.min() > 0 else 30_000
    return values.reshape(120, 160)


def tiff(values: Array) -> bytes:
    """A gray TIFF of unsigned or signed 16 bits, or of floats."""
    height, width = values.shape
    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    numbers = {256: width, 257: height, 258: 8 * values.itemsize, 259: 1, 262: 1, 273: 8}
    numbers |= {277: 1, 278: height, 279: values.nbytes, 339: kind}
    tags = {tag: (number,) for tag, number in numbers.items()}
    return hostile.tiff(tags, values.astype(values.dtype.newbyteorder("<")).tobytes())


SCENES = {
    "fluorescence": ([(150, 12, 0.738), (300, 12, 0.225), (420, 12, 0.037)], np.uint16),
    "CT": ([(-900, 15, 0.5), (40, 12, 0.4), (700, 30, 0.1)], np.int16),
    "thermal": ([(278, 0.6, 0.15), (291, 0.6, 0.7), (306, 0.6, 0.15)], np.float32),
}


@pytest.mark.parametrize("hot", [0, 5])
@pytest.mark.parametrize("name", SCENES)
def test_classes_of_scientific_pictures_vanished_in_black(
    capsys: Capture, name: str, hot: int
) -> None:
    """Now the clusters are those of the raw values, clipped to the levels that are stated."""
    classes, dtype = SCENES[name]
    values = np.rint(scene(*classes, hot=hot)) if dtype != np.float32 else scene(*classes, hot=hot)
    values = values.astype(dtype)
    found, said = answer(capsys, tiff(values), "-n", "3", "--labels", "labels.png")
    units = found["units"]
    (note,) = found["notes"]
    assert said == [f"kmseg: {note}"]
    assert note.endswith("shown as 0 to 255") and units["samples"] in note

    raw = np.clip(values.astype(np.float64), units["low"], units["high"]).reshape(-1, 1)
    expected = KMeans(3, n_init=10, tol=0, random_state=0).fit(raw)
    with Pillow.open("labels.png") as labels:
        ours = np.asarray(labels).ravel()
    assert adjusted_rand_score(expected.labels_, ours) >= 0.99

    step = (units["high"] - units["low"]) / 255
    for number, (centre, least, greatest) in enumerate(
        zip(units["centroids"], units["least"], units["greatest"], strict=True)
    ):
        own = raw[ours == np.unique(ours)[number]]
        assert centre == pytest.approx(own.mean(), abs=1.1 * step)
        assert least == pytest.approx(own.min(), abs=1.1 * step)
        assert greatest == pytest.approx(own.max(), abs=1.1 * step)


def test_the_table_and_the_csv_give_values_of_the_file(capsys: Capture) -> None:
    Path("picture").write_bytes(tiff(scene(*SCENES["thermal"][0]).astype(np.float32)))
    assert main(["-i", "picture", "-n", "3"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split()[-4:] == ["in", "file", "least", "greatest"]
    assert [float(row.split()[-3]) for row in rows] == pytest.approx([291, 278, 306], abs=0.2)
    seg = kmseg.segment(kmseg.read_image("picture"), kmseg.Settings(n_clusters=3))
    written = list(csv.DictReader(io.StringIO(tables.counts_csv(seg).decode("utf-8-sig"))))
    for printed, row in zip(rows, written, strict=True):
        names = ("file centroid", "file least", "file greatest")
        assert [float(row[name]) for name in names] == [float(v) for v in printed.split()[-3:]]


def test_a_series_is_read_alike_with_levels_given(capsys: Capture) -> None:
    for shift in (0, 40):
        values = (scene(*SCENES["fluorescence"][0]) + shift).astype(np.uint16)
        found, said = answer(capsys, tiff(values), "-n", "3", "--levels", "100..600")
        assert said == ["kmseg: 16-bit, 100 to 600 shown as 0 to 255"]
        assert found["reading"] == kmseg.Reading(levels=(100, 600)).to_dict()
        assert found["units"]["centroids"][0] == pytest.approx(150 + shift, abs=2.5)
    found, _ = answer(capsys, tiff(values), "-n", "3", "--levels", "stored")
    assert (found["units"]["low"], found["units"]["high"]) == (0, 65535)
    signed = scene(*SCENES["CT"][0]).astype(np.int16)
    for option in (["--levels", "-1000..1000"], ["--levels=-1000..1000"]):
        found, _ = answer(capsys, tiff(signed), "-n", "3", *option)
        assert found["reading"]["levels"] == [-1000, 1000]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--frame=0", "--frame: must be a whole number from 1 to 10000, not '0'"),
        ("--frame=two", "--frame: must be a whole number from 1 to 10000, not 'two'"),
        ("--levels=9..1", "--levels: must be 'auto', 'stored' or two numbers"),
        ("--levels=", "--levels: must be 'auto', 'stored' or two numbers"),
    ],
)
def test_a_wrong_way_of_reading_is_refused_by_the_name_of_its_flag(
    capsys: Capture, option: str, said: str
) -> None:
    Path("picture").write_bytes(hostile.ACCEPTED["png"])
    assert main(["-i", "picture", option]) == 2
    assert capsys.readouterr().err.startswith(f"kmseg: {said}")


def test_twelve_bits_in_16_were_black(capsys: Capture) -> None:
    photo = kmseg.sample_image("china").pixels[::4, ::4]
    deep = np.rint(photo * (4095 / 255)).astype(np.uint16)
    twin, _ = answer(capsys, hostile.saved(Pillow.fromarray(photo), "PNG"), "-n", "4")
    for data in (deepfiles.png(deep), deepfiles.tiff(deep)):
        found, said = answer(capsys, data, "-n", "4")
        assert said == ["kmseg: 12 bits in 16, shown as 8"]
        assert found["palette"] == twin["palette"] and found["units"] is None


@pytest.mark.parametrize("missing", [np.nan, np.inf, -9999.0])
def test_pixels_without_a_value_are_left_out_and_counted(capsys: Capture, missing: float) -> None:
    values = scene((207, 3, 0.6), (320, 5, 0.3), (450, 4, 0.1)).astype(np.float32)
    values[:20] = missing
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    directory.tagtype[42113] = 2
    directory[42113] = "-9999"
    data = hostile.saved(Pillow.fromarray(values), "TIFF", tiffinfo=directory)
    found, said = answer(capsys, data, "-n", "3", "--labels", "labels.png")
    assert sum(found["pixel_counts"]) == 100 * 160
    assert said[1] == "kmseg: 3,200 pixels without a value are left out"
    assert min(found["units"]["least"]) > 190


def test_a_photo_in_adobe_rgb_gave_other_colours(capsys: Capture) -> None:
    photo = kmseg.sample_image("flower").pixels[::2, ::2]
    inverse = np.linalg.inv(icc.colorants(icc.ADOBE_RGB)) @ icc.colorants(icc.SRGB)
    linear = icc.srgb_curve(photo / 255.0) @ inverse.T
    adobe = np.rint(255 * np.clip(linear, 0, 1) ** (1 / 2.19921875)).astype(np.uint8)
    profile = icc.rgb(icc.ADOBE_RGB, 2.19921875, "Adobe RGB (1998)")
    data = hostile.saved(Pillow.fromarray(adobe), "PNG", icc_profile=profile)
    found, said = answer(capsys, data, "-n", "6")
    assert said == ["kmseg: Adobe RGB (1998) converted to sRGB"]
    twin, _ = answer(capsys, hostile.saved(Pillow.fromarray(photo), "PNG"), "-n", "6")
    colors, expected = (
        np.array([list(bytes.fromhex(color[1:])) for color in one["palette"]], np.float64)
        for one in (found, twin)
    )
    apart = icc.delta_e(colors[:, None], expected[None])
    assert apart.min(axis=1).max() < 4 and apart.min(axis=0).max() < 4


def test_a_camera_raw_file_was_read_as_its_thumbnail(capsys: Capture) -> None:
    thumbnail = np.zeros((12, 16, 3), np.uint8).tobytes()
    tags = {254: (1,), 256: (16,), 257: (12,), 258: (8,), 259: (1,), 262: (2,), 273: (8,)}
    tags |= {277: (3,), 278: (12,), 279: (len(thumbnail),), 50706: (0x00000401,)}
    Path("camera.dng").write_bytes(hostile.tiff(tags, thumbnail))
    assert main(["-i", "camera.dng"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert "camera raw" in captured.err and "export it as JPEG" in captured.err


def test_files_that_browsers_open_were_refused(capsys: Capture) -> None:
    picture = hostile.saved(hostile.picture(160, 120), "JPEG", quality=90)
    assert answer(capsys, picture[:-2])[0]["size"] == [160, 120]  # without its end marker
    assert answer(capsys, picture + b"more bytes")[0]["size"] == [160, 120]
    chunk = hostile.png_chunk(b"tEXt", b"Comment\0made here")
    damaged = chunk[:-1] + bytes([chunk[-1] ^ 1])
    data = hostile.saved(hostile.picture(160, 120), "PNG")
    assert answer(capsys, data[:33] + damaged + data[33:])[0]["size"] == [160, 120]


@pytest.mark.parametrize(
    ("format_", "word"), [("TIFF", "page"), ("GIF", "frame"), ("PNG", "frame")]
)
def test_only_the_first_frame_could_be_read(capsys: Capture, format_: str, word: str) -> None:
    colors = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    first, *others = [Pillow.new("RGB", (64, 48), color) for color in colors]
    data = hostile.saved(first, format_, save_all=True, append_images=others)
    for number, color in enumerate(colors, 1):
        options = [] if number == 1 else ["--frame", str(number)]
        found, said = answer(capsys, data, *options)
        assert said == [f"kmseg: {word} {number} of 3"]
        assert found["palette"] == ["#{:02x}{:02x}{:02x}".format(*color)]
        assert found["reading"]["frame"] == number
    assert main(["-i", "picture", "--frame", "4"]) == 2
    assert f"the file has 3 {word}s" in capsys.readouterr().err


def test_a_soft_shadow_became_a_black_cluster(capsys: Capture) -> None:
    """A logo over a shadow that is nowhere half opaque: four fifths of it were black."""
    rows, columns = np.mgrid[0:120, 0:160]
    distance = np.hypot(rows - 60, columns - 80)
    alpha = np.clip(120 - distance, 0, 120)
    logo = np.zeros((120, 160, 4), np.uint8)
    logo[distance < 30, :3] = 230, 30, 40
    logo[..., 3] = np.where(distance < 30, 255, alpha)
    data = hostile.saved(Pillow.fromarray(logo), "PNG")
    found, said = answer(capsys, data, "-n", "3", "--labels", "labels.png")
    assert said == [] and found["palette"] == ["#e61e28"]
    assert found["pixel_counts"] == [np.count_nonzero(distance < 30)]
    # Side by side, both pictures lie on white with their true alpha.
    assert main(["-i", "picture", "-n", "3", "-o"]) == 0
    saved = cv2.imread(capsys.readouterr().out.strip())[..., ::-1]
    opacity = logo[..., 3:] / 255
    expected = np.rint(logo[..., :3] * opacity + 255 * (1 - opacity))
    assert np.abs(saved[:, :160].astype(int) - expected).max() <= 1
    assert set(np.unique(saved[:, 170:])) == {0, 255}  # the one rank is black
    assert ((saved[:, 170:] == 0).all(axis=2) == (distance < 30)).all()


def test_an_80_megabyte_file_was_refused_whatever_the_setting(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = 3000
    row = struct.pack("<i", side)
    pixels = np.zeros((side, side, 3), np.uint8)
    pixels[: side // 2] = 200
    data = hostile.saved(Pillow.fromarray(pixels), "BMP") + bytes(53_000_000)
    assert len(data) > 76 * 2**20 and row in data
    Path("picture").write_bytes(data)
    assert main(["-i", "picture", "--json"]) == 2
    refusal = capsys.readouterr().err
    assert "larger than 50 MB" in refusal and "KMSEG_MAX_MEGABYTES" in refusal
    monkeypatch.setenv("KMSEG_MAX_MEGABYTES", "100")
    assert main(["-i", "picture", "--json", "-n", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["size"] == [side, side]
    monkeypatch.setenv("KMSEG_MAX_MEGAPIXELS", "8")
    assert main(["-i", "picture", "--json"]) == 2
    assert "at most 8 megapixels are read (setting KMSEG_MAX_MEGAPIXELS)" in capsys.readouterr().err


def stored(values: Array, order: str, compression: int, photometric: int = 1) -> bytes:
    """A gray TIFF of any type and byte order, in one strip."""
    data = values.astype(values.dtype.newbyteorder(order)).tobytes()
    data = zlib.compress(data) if compression == 8 else data
    data += bytes(len(data) % 2)
    height, width, *channels = values.shape
    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    tags = {256: width, 257: height, 258: 8 * values.itemsize, 259: compression, 262: photometric}
    tags |= {273: 8, 277: channels[0] if channels else 1, 278: height, 279: len(data), 339: kind}
    entries = b"".join(
        struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in sorted(tags.items())
    )
    mark = b"II" if order == "<" else b"MM"
    head = struct.pack(order + "2sHI", mark, 42, 8 + len(data))
    return head + data + struct.pack(order + "H", len(tags)) + entries + bytes(4)


@pytest.mark.parametrize("compression", [1, 8], ids=["plain", "deflate"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", ["u2", "i2", "u4", "i4", "f4", "f8"])
def test_compressed_big_endian_values_became_noise(
    capsys: Capture, dtype: str, order: str, compression: int
) -> None:
    """And 64-bit floats, or big-endian 32-bit integers, were refused as damaged."""
    values = np.rint(scene(*SCENES["fluorescence"][0])).astype(dtype)
    found, _ = answer(capsys, stored(values, order, compression), "-n", "3")
    assert found["units"]["centroids"] == pytest.approx([150, 300, 420], abs=3)


def test_signed_gray_of_8_bits_wrapped_around_zero(capsys: Capture) -> None:
    values = np.rint(scene((-60, 3, 0.5), (-4, 3, 0.3), (70, 3, 0.2))).astype(np.int8)
    found, said = answer(capsys, stored(values, "<", 1), "-n", "3")
    assert said == ["kmseg: signed 8-bit, -128 to 127 shown as 0 to 255"]
    assert [c[0] for c in found["centroids"]] == pytest.approx([68, 124, 198], abs=1)


@pytest.mark.parametrize("n_channels", [3, 4, 5, 7])
def test_several_channels_of_gray_are_refused_in_a_sentence(
    capsys: Capture, n_channels: int
) -> None:
    values = np.repeat(scene((150, 9, 1)).astype(np.uint16)[..., None], n_channels, axis=2)
    Path("picture").write_bytes(stored(values, "<", 1))
    assert main(["-i", "picture"]) == 2
    assert f"has {n_channels} channels or planes" in capsys.readouterr().err


def test_an_avif_animation_was_read_as_a_still_picture_in_silence(capsys: Capture) -> None:
    first, *others = [Pillow.new("RGB", (64, 48), color) for color in ("red", "lime", "blue")]
    data = hostile.saved(first, "AVIF", save_all=True, append_images=others)
    found, said = answer(capsys, data)
    assert said == ["kmseg: frame 1 of 3"] and found["size"] == [64, 48]
    assert main(["-i", "picture", "--frame", "2"]) == 2
    assert "only the first frame is read" in capsys.readouterr().err
    assert main(["-i", "picture", "--frame", "4"]) == 2
    assert "the file has 3 frames" in capsys.readouterr().err
