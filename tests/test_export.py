"""Files to take away, read back by other programs' readers."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow

import kmseg
from kmseg.output import export, render
from kmseg.settings import to_hex
from oracles import image_at, with_holes

SAFE = re.compile(r"^[A-Za-z0-9._-]{1,80}$")


def segmented(
    holes: bool = False, n_clusters: int = 5, color_space: str = "cielab", channels: str = "12"
) -> kmseg.Segmentation:
    image = image_at("flower", 60)
    settings = kmseg.Settings(
        color_space=color_space, channels=channels, n_clusters=n_clusters, attempts=2, seed=3
    )
    return kmseg.segment(with_holes(image, 4) if holes else image, settings)


@pytest.fixture(scope="module")
def seg() -> kmseg.Segmentation:
    return segmented()


@pytest.fixture(scope="module")
def holed() -> kmseg.Segmentation:
    return segmented(holes=True)


def decoded(data: bytes) -> NDArray[np.uint8]:
    """By OpenCV, as it lies in the file: gray, RGB or RGBA."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    if pixels.ndim == 3:
        swap = cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
        pixels = cv2.cvtColor(pixels, swap)
    return np.asarray(pixels, np.uint8)


def chunks(data: bytes) -> list[str]:
    """Types of a PNG's chunks."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    found, start = [], 8
    while start < len(data):
        found.append(data[start + 4 : start + 8].decode())
        start += 12 + int.from_bytes(data[start : start + 4])
    return found


# -- pictures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 3), (7, 9, 4), (1, 1), (1, 1, 3)])
def test_a_png_holds_exactly_its_pixels(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    data = export.png(pixels)
    np.testing.assert_array_equal(decoded(data), pixels)
    with Pillow.open(io.BytesIO(data)) as picture:
        assert picture.mode == {2: "L", 3: "RGB", 4: "RGBA"}[len(shape) + (shape[2:] == (4,))]
        np.testing.assert_array_equal(np.asarray(picture), pixels)


def test_a_jpeg_keeps_the_colour_of_single_columns() -> None:
    """Chroma is not subsampled: thin lines of pure colour stay."""
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, ::2, 0], pixels[:, 1::2, 2] = 255, 255
    data = export.jpeg(pixels, 95)
    assert data.startswith(b"\xff\xd8\xff")
    assert np.abs(decoded(data).astype(int) - pixels).max() < 60
    assert len(export.jpeg(pixels, 30)) < len(data)


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("n_clusters", [2, 3, 4, 5, 16, 17, 254, 255])
def test_an_indexed_png_reads_back_as_labels_and_colours(n_clusters: int, holes: bool) -> None:
    seg = segmented(holes, n_clusters, "rgb", "all")
    assert seg.n_clusters == n_clusters
    data = export.indexed_png(seg.labels, seg.palette)
    with Pillow.open(io.BytesIO(data)) as picture:
        assert picture.mode == "P"
        indices = np.asarray(picture)
        palette = np.array(picture.getpalette(), np.uint8).reshape(-1, 3)
        assert ("transparency" in picture.info) == holes
        rgba = np.asarray(picture.convert("RGBA"))
    np.testing.assert_array_equal(indices, np.where(seg.labels < 0, n_clusters, seg.labels))
    np.testing.assert_array_equal(palette[:n_clusters], seg.palette)
    np.testing.assert_array_equal(rgba[..., 3], np.where(seg.labels < 0, 0, 255))

    pixels = decoded(data)
    opaque = seg.labels >= 0
    np.testing.assert_array_equal(pixels[opaque][:, :3], seg.palette[seg.labels[opaque]])
    if holes:
        assert (pixels[~opaque][:, 3] == 0).all() and (pixels[opaque][:, 3] == 255).all()
        assert "tRNS" in chunks(data)
    # And by the package itself, hidden pixels included.
    image = kmseg.read_image(data)
    np.testing.assert_array_equal(image.pixels[opaque], seg.palette[seg.labels[opaque]])
    if holes:
        np.testing.assert_array_equal(image.opaque, opaque)


def test_an_indexed_png_of_one_cluster_is_one() -> None:
    for labels in (np.zeros((3, 4), np.int16), np.array([[0, -1]], np.int16)):
        data = export.indexed_png(labels, np.array([[9, 8, 7]], np.uint8))
        with Pillow.open(io.BytesIO(data)) as picture:
            np.testing.assert_array_equal(np.asarray(picture), np.where(labels < 0, 1, 0))


# -- tables and palettes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("color_space", "channels", "names"),
    [
        ("cielab", "12", ["a*", "b*"]),
        ("hsv-circular", "all", ["S·cos H", "S·sin H", "V"]),
        ("bgr", "all", ["B", "G", "R"]),
        ("gray", "all", ["Y"]),
    ],
)
def test_the_csv_holds_the_clusters(color_space: str, channels: str, names: list[str]) -> None:
    seg = segmented(color_space=color_space, channels=channels)
    text = export.counts_csv(seg).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    header = ["cluster", "hex", "r", "g", "b", *(f"centroid {n}" for n in names), "pixels", "share"]
    assert list(rows[0]) == header
    assert [int(row["cluster"]) for row in rows] == [1, 2, 3, 4, 5]
    for row, color, centroid, pixels in zip(
        rows, seg.palette, seg.centroids, seg.pixel_counts, strict=True
    ):
        assert [int(row[c]) for c in "rgb"] == color.tolist()
        assert row["hex"] == "#{:02x}{:02x}{:02x}".format(*color)
        assert int(row["pixels"]) == pixels
        assert float(row["share"]) == pytest.approx(pixels / seg.pixel_counts.sum(), abs=1e-6)
        found = [float(row[f"centroid {name}"]) for name in names]
        np.testing.assert_allclose(found, centroid, atol=1e-4)
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1, abs=1e-5)


def test_the_gimp_palette_has_its_format(seg: kmseg.Segmentation) -> None:
    lines = export.palette_gpl(seg).decode().splitlines()
    assert lines[0] == "GIMP Palette"
    assert lines[1].startswith("Name: ")
    entries = [line for line in lines[1:] if re.match(r"\s*\d", line)]
    colors = [[int(level) for level in re.split(r"\s+", line.strip())[:3]] for line in entries]
    assert colors == seg.palette.tolist()
    assert len(entries) + 4 == len(lines)


def test_the_css_palette_is_custom_properties(seg: kmseg.Segmentation) -> None:
    text = export.palette_css(seg).decode()
    assert re.fullmatch(r":root \{\n(  --[a-z0-9-]+: #[0-9a-f]{6};\n)+\}\n", text)
    assert re.findall("#[0-9a-f]{6}", text) == [to_hex(color) for color in seg.palette]
    names = re.findall(r"--[a-z0-9-]+", text)
    assert len(set(names)) == 5


def test_the_json_palette_parses(seg: kmseg.Segmentation) -> None:
    rows = json.loads(export.palette_json(seg))
    assert [row["hex"] for row in rows] == [to_hex(color) for color in seg.palette]
    assert [row["pixels"] for row in rows] == seg.pixel_counts.tolist()
    assert [row["cluster"] for row in rows] == [1, 2, 3, 4, 5]


def test_the_settings_repeat_the_segmentation(seg: kmseg.Segmentation) -> None:
    text = export.settings_json(seg).decode()
    answer = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert answer["v"] == seg.settings.to_query()["v"]
    settings = kmseg.Settings.from_dict(answer["settings"])
    assert settings == seg.settings
    again = kmseg.segment(image_at("flower", 60), settings)
    assert again.pixel_counts.tolist() == answer["pixel_counts"]
    assert again.inertia == answer["inertia"]
    assert list(again.attempts) == answer["attempts"]
    np.testing.assert_array_equal(again.centroids, answer["centroids"])
    assert answer["size"] == [60, 40]
    assert answer["unique_colors"] == seg.histogram.n_colors


def test_what_is_unknown_is_null() -> None:
    image = image_at("flower", 30)
    settings = kmseg.Settings(engine="opencv", attempts=1)
    report = export.report(kmseg.segment(image, settings))
    assert report["n_iter"] is None and report["converged"] is None
    assert export.report(kmseg.segment(kmseg.color_histogram(image)))["size"] is None


# -- all of it -------------------------------------------------------------------------------------

SUFFIXES = [
    "_segmented.png",
    "_gray.png",
    "_side-by-side.png",
    "_labels.png",
    "_counts.csv",
    "_palette.gpl",
    "_palette.css",
    "_palette.json",
    "_settings.json",
]


@pytest.mark.parametrize("name", ["seg", "holed"])
def test_the_archive_holds_everything_that_is_promised(
    name: str, request: pytest.FixtureRequest
) -> None:
    found: kmseg.Segmentation = request.getfixturevalue(name)
    packed = export.archive(found, "my photo.jpg")
    start = "my-photo_cielab_c12_k5_s3"
    assert packed.name == f"{start}.zip" and packed.mime == "application/zip"
    with zipfile.ZipFile(io.BytesIO(packed.make(found))) as archive:
        assert archive.testzip() is None
        names = [start + suffix for suffix in SUFFIXES[:-1]] + ["settings.json"]
        masks = [f"{start}_mask{number:03d}.png" for number in range(1, 6)]
        assert sorted(archive.namelist()) == sorted(names + masks)
        content = {name.removeprefix(start): archive.read(name) for name in archive.namelist()}

    singles = {file.name.removeprefix(start): file for file in export.files(found, "my photo.jpg")}
    assert list(singles) == SUFFIXES
    for suffix, paint in (("_segmented.png", "colors"), ("_gray.png", "gray")):
        picture = render.painted(found.labels, render.palette(found, paint))
        np.testing.assert_array_equal(decoded(content[suffix]), picture)
    np.testing.assert_array_equal(decoded(content["_side-by-side.png"]), render.side_by_side(found))
    np.testing.assert_array_equal(
        kmseg.read_image(content["_labels.png"]).pixels[found.labels >= 0],
        found.palette[found.labels[found.labels >= 0]],
    )
    for suffix in SUFFIXES[4:-1]:
        assert content[suffix] == singles[suffix].make(found)
    assert json.loads(content["settings.json"])["settings"] == found.settings.to_dict()
    for cluster in range(5):
        mask = decoded(content[f"_mask{cluster + 1:03d}.png"])
        np.testing.assert_array_equal(mask, np.where(found.labels == cluster, 255, 0))
        alone = export.mask_file(found, "my photo.jpg", cluster)
        assert alone.make(found) == content[f"_mask{cluster + 1:03d}.png"]


@pytest.mark.parametrize("name", ["seg", "holed"])
def test_a_mask_and_a_cut_out_of_several_clusters(
    name: str, request: pytest.FixtureRequest
) -> None:
    found: kmseg.Segmentation = request.getfixturevalue(name)
    inside = np.isin(found.labels, (1, 3))
    mask = export.mask_file(found, "a.png", 1, 3)
    assert (mask.title, mask.name[-16:]) == ("Mask of clusters 2, 4", "_mask002_004.png")
    np.testing.assert_array_equal(decoded(mask.make(found)), np.where(inside, 255, 0))
    cutout = kmseg.read_image(export.cutout_file(found, "a.png", 1, 3).make(found))
    assert cutout.opaque is not None and found.image is not None
    np.testing.assert_array_equal(cutout.opaque, inside)
    np.testing.assert_array_equal(cutout.pixels[inside], found.image.pixels[inside])


def test_settings_tell_what_was_in_focus_and_what_was_merged(seg: kmseg.Segmentation) -> None:
    merged = seg.merged([(0, 2)])
    files = {file.title: file for file in export.files(merged, "a.png", focus=(3, 1))}
    written = json.loads(files["Settings, JSON"].make(merged))
    assert written["view"] == {"focus": [2, 4], "merged": [[1, 3]]}
    assert kmseg.Settings.from_dict(written["settings"]) == seg.settings
    rows = {row["cluster"]: row["pixels"] for row in export.cluster_rows(merged)}
    assert rows["1+3"] == seg.pixel_counts[[0, 2]].sum()
    assert rows[2] == seg.pixel_counts[1]


def test_an_archive_is_the_same_whenever_it_is_made(seg: kmseg.Segmentation) -> None:
    first, second = (export.archive(seg, "a.png").make(seg) for _ in range(2))
    assert first == second


names = st.text() | st.sampled_from(
    ["../../etc/passwd", "C:\\con.txt", ".", "..", "...png", "", "-rf.png", "a" * 500, "照片.jpg"]
)


@given(names, st.integers(0, 99))
@example("\0\n\r.png", 0)
@example("x" * 300 + ".tar.gz", 99)
def test_every_file_name_is_safe_everywhere(name: str, cluster: int) -> None:
    seg = SOME_SEG
    files = [
        *export.files(seg, name),
        export.mask_file(seg, name, cluster),
        export.mask_file(seg, name, *range(99)),
        export.cutout_file(seg, name, *range(cluster + 1)),
        export.archive(seg, name),
    ]
    for file in files:
        assert SAFE.match(file.name), file.name
        assert not file.name.startswith((".", "-"))
    assert len({file.name for file in files}) == len(files)


# The longest tail there is.
SOME_SEG = kmseg.segment(
    kmseg.Image(np.arange(300, dtype=np.uint16).astype(np.uint8).reshape(10, 10, 3)),
    kmseg.Settings(color_space="hsv-circular", n_clusters=100, seed=2**31 - 1, attempts=1),
)


def test_names_keep_what_they_can_of_the_pictures(seg: kmseg.Segmentation) -> None:
    assert export.stem(seg, "Holiday 2024.final.JPG").startswith("Holiday-2024-final_cielab_")
    assert export.stem(seg, "plain").startswith("plain_")
    assert export.stem(seg, "照片.jpg").startswith("picture_")


def test_nothing_of_the_original_file_travels_along() -> None:
    """A place, a name and a comment in the original's metadata are in none of the files."""
    secret = b"Secret Place 52N 13E"
    exif = Pillow.Exif()
    exif[0x010E] = exif[0x013B] = secret.decode()
    buffer = io.BytesIO()
    Pillow.fromarray(image_at("flower", 40).pixels).save(
        buffer, "JPEG", exif=exif, comment=secret, icc_profile=secret
    )
    assert buffer.getvalue().count(secret) >= 3
    seg = kmseg.segment(kmseg.read_image(buffer.getvalue()))
    made = [file.make(seg) for file in export.files(seg, "a.jpg")]
    made += [export.mask_file(seg, "a.jpg", 0).make(seg), export.archive(seg, "a.jpg").make(seg)]
    for data in made:
        assert secret not in data and secret.decode().encode("utf-16-le") not in data
        if data.startswith(b"\x89PNG"):
            assert set(chunks(data)) <= {"IHDR", "PLTE", "tRNS", "IDAT", "IEND"}
    for extension in ("jpg", "png", "webp", "bmp", "tiff"):
        data = export.encode(render.side_by_side(seg), extension)
        assert secret not in data
        with Pillow.open(io.BytesIO(data)) as picture:
            assert 0x010E not in picture.getexif() and "icc_profile" not in picture.info
