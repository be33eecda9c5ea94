"""Downloads, read back by other programs' readers."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.io
import skimage.measure
from PIL import Image as Pillow

import kmseg
from kmseg.output import encode, export, figure, render, tables
from kmseg.output.report import report, settings_json
from kmseg.settings import to_hex
from oracles import decoded, image_at, png_chunks, with_holes


def segmented(
    holes: bool = False, n_clusters: int = 5, color_space: str = "cielab", channels: str = "12"
) -> kmseg.Segmentation:
    image = image_at("flower", 60)
    settings = kmseg.Settings(
        color_space=color_space, channels=channels, n_clusters=n_clusters, seed=3
    )
    return kmseg.segment(with_holes(image, 4) if holes else image, settings)


@pytest.fixture(scope="module")
def seg() -> kmseg.Segmentation:
    return segmented()


@pytest.fixture(scope="module")
def holed() -> kmseg.Segmentation:
    return segmented(holes=True)


# -- tables and palettes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("color_space", "channels", "names"),
    [
        ("cielab", "12", ["a*", "b*"]),
        ("hsv-circular", "all", ["S*cos H", "S*sin H", "V"]),
        ("bgr", "all", ["B", "G", "R"]),
        ("gray", "all", ["Y"]),
    ],
)
def test_the_csv_holds_the_clusters(color_space: str, channels: str, names: list[str]) -> None:
    seg = segmented(color_space=color_space, channels=channels)
    text = tables.counts_csv(seg).decode("ascii")
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
    lines = tables.palette_gpl(seg).decode().splitlines()
    assert lines[0] == "GIMP Palette"
    assert lines[1].startswith("Name: ")
    entries = [line for line in lines[1:] if re.match(r"\s*\d", line)]
    colors = [[int(level) for level in re.split(r"\s+", line.strip())[:3]] for line in entries]
    assert colors == seg.palette.tolist()
    assert len(entries) + 4 == len(lines)


def test_the_css_palette_is_custom_properties(seg: kmseg.Segmentation) -> None:
    text = tables.palette_css(seg).decode()
    assert re.fullmatch(r":root \{\n(  --[a-z0-9-]+: #[0-9a-f]{6};\n)+\}\n", text)
    assert re.findall("#[0-9a-f]{6}", text) == [to_hex(color) for color in seg.palette]
    names = re.findall(r"--[a-z0-9-]+", text)
    assert len(set(names)) == 5


def test_the_json_palette_parses(seg: kmseg.Segmentation) -> None:
    rows = json.loads(tables.palette_json(seg))
    assert [row["hex"] for row in rows] == [to_hex(color) for color in seg.palette]
    assert [row["pixels"] for row in rows] == seg.pixel_counts.tolist()
    assert [row["cluster"] for row in rows] == [1, 2, 3, 4, 5]


def test_the_settings_repeat_the_segmentation(seg: kmseg.Segmentation) -> None:
    text = settings_json(seg).decode()
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


def test_unknown_values_are_null() -> None:
    image = image_at("flower", 30)
    settings = kmseg.Settings(engine="opencv", attempts=1)
    found = report(kmseg.segment(image, settings))
    assert found["n_iter"] is None and found["converged"] is None
    assert report(kmseg.segment(kmseg.color_histogram(image)))["size"] is None


# -- the registry -------------------------------------------------------------------------------

# Names that must stay; other downloads may join them.
PROMISED = {
    "segmented": "_segmented.png",
    "gray": "_gray.png",
    "side_by_side_colors": "_side-by-side-colors.png",
    "side_by_side_gray": "_side-by-side-gray.png",
    "boundaries": "_boundaries.png",
    "figure": "_figure.png",
    "animation_gif": "_animation.gif",
    "animation_webp": "_animation.webp",
    "labels": "_labels.png",
    "labels_gray": "_labels-gray.png",
    "counts": "_counts.csv",
    "palette_gpl": "_palette.gpl",
    "palette_css": "_palette.css",
    "palette_json": "_palette.json",
    "settings": "_settings.json",
}
PHOTO = export.Context("my photo.jpg")
DOWNLOADS = {download.key: download for download in export.DOWNLOADS}


def made(seg: kmseg.Segmentation, key: str, context: export.Context = PHOTO) -> bytes:
    return DOWNLOADS[key].make(seg, context)


def archived(seg: kmseg.Segmentation, context: export.Context = PHOTO) -> dict[str, bytes]:
    """The files of the archive by name."""
    with zipfile.ZipFile(io.BytesIO(export.ARCHIVE.make(seg, context))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_every_download_has_its_own_key_title_and_file_name(seg: kmseg.Segmentation) -> None:
    start = "my photo_cielab_c12_k5_s3"
    names = {key: export.file_name(seg, "my photo.jpg", DOWNLOADS[key]) for key in DOWNLOADS}
    assert names.items() >= {key: start + suffix for key, suffix in PROMISED.items()}.items()
    assert export.file_name(seg, "my photo.jpg", export.ARCHIVE) == f"{start}.zip"
    every = (*export.DOWNLOADS, export.ARCHIVE)
    for values in ({d.key for d in every}, {d.title for d in every}, {d.suffix for d in every}):
        assert len(values) == len(every)
    assert [d.extension for d in every] == [d.suffix.split(".")[1] for d in every]


@pytest.mark.parametrize("name", ["seg", "holed"])
def test_the_archive_holds_every_download_but_slow_ones_and_a_mask_of_each_cluster(
    name: str, request: pytest.FixtureRequest
) -> None:
    found: kmseg.Segmentation = request.getfixturevalue(name)
    start = "my photo_cielab_c12_k5_s3"
    content = archived(found)
    whole = {
        "settings.json" if key == "settings" else start + download.suffix: key
        for key, download in DOWNLOADS.items()
        if not key.startswith(("animation", "objects", "svg", "geojson"))
    }
    masks = {f"{start}_mask{number:03d}.png": number - 1 for number in range(1, 6)}
    assert set(content) == {*whole, *masks}
    for member, key in whole.items():
        assert content[member] == made(found, key)
    for member, cluster in masks.items():
        assert content[member] == export.mask(found, cluster).make(found, PHOTO)
        inside = np.where(found.labels == cluster, 255, 0)
        np.testing.assert_array_equal(decoded(content[member]), inside)


@pytest.mark.parametrize("name", ["seg", "holed"])
def test_picture_downloads_show_the_segmentation(name: str, request: pytest.FixtureRequest) -> None:
    found: kmseg.Segmentation = request.getfixturevalue(name)
    for key, paint in (("segmented", "colors"), ("gray", "gray")):
        picture = render.painted(found.labels, render.palette(found, paint))
        np.testing.assert_array_equal(decoded(made(found, key)), picture)
    for key, paint in (("side_by_side_colors", "colors"), ("side_by_side_gray", "gray")):
        picture = render.side_by_side(found, paint)
        np.testing.assert_array_equal(decoded(made(found, key)), picture)
    np.testing.assert_array_equal(decoded(made(found, "boundaries")), render.boundaries(found))
    np.testing.assert_array_equal(decoded(made(found, "figure")), figure.figure(found))
    opaque = found.labels >= 0
    np.testing.assert_array_equal(
        kmseg.read_image(made(found, "labels")).pixels[opaque], found.palette[found.labels[opaque]]
    )


@pytest.mark.parametrize("name", ["seg", "holed"])
def test_gray_labels_are_read_by_opencv_and_scikit_image(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found: kmseg.Segmentation = request.getfixturevalue(name)
    path = tmp_path / "labels.png"
    path.write_bytes(made(found, "labels_gray"))
    for values in (cv2.imread(str(path), cv2.IMREAD_UNCHANGED), skimage.io.imread(path)):
        assert values is not None and values.dtype == np.uint8
        np.testing.assert_array_equal(values, found.labels + 1)
    regions = skimage.measure.regionprops(skimage.io.imread(path))
    assert {region.label: region.area for region in regions} == dict(
        enumerate(found.pixel_counts.tolist(), start=1)
    )
    with Pillow.open(io.BytesIO(made(found, "labels"))) as picture:
        np.testing.assert_array_equal(np.asarray(picture), found.labels + 1)


def test_only_pictures_to_look_at_take_another_format(holed: kmseg.Segmentation) -> None:
    for extension, signature in (("jpg", b"\xff\xd8\xff"), ("webp", b"RIFF")):
        changed = [d.encoded_as(extension) for d in export.DOWNLOADS]
        assert {d.key for d, old in zip(changed, export.DOWNLOADS, strict=True) if d != old} == {
            "side_by_side_colors",
            "side_by_side_gray",
            "boundaries",
            "figure",
            "objects_numbered",
        }
        for download in changed:
            if download.extension == extension:
                assert download.mime == encode.PICTURE_TYPES[extension]
                assert download.make(holed, PHOTO).startswith(signature)


def test_transparent_pixels_are_white_in_a_jpeg() -> None:
    pixels = np.zeros((32, 64, 3), np.uint8)
    opaque = np.repeat([[True, False]], 32, axis=0).repeat(32, axis=1)
    seg = kmseg.segment(kmseg.Image(pixels, opaque), kmseg.Settings(n_clusters=2))
    picture = decoded(DOWNLOADS["boundaries"].encoded_as("jpg").make(seg, PHOTO))
    assert picture[:, 48:].min() > 245 and picture[:, :16].max() < 10


def test_the_archive_knows_its_settings_by_key_whatever_their_title_is(
    seg: kmseg.Segmentation, monkeypatch: pytest.MonkeyPatch
) -> None:
    retitled = tuple(replace(d, title=f"Anything {d.key}") for d in export.DOWNLOADS)
    monkeypatch.setattr(export, "DOWNLOADS", retitled)
    assert json.loads(archived(seg)["settings.json"])["settings"] == seg.settings.to_dict()


def test_a_new_entry_in_the_registry_is_in_the_archive(
    seg: kmseg.Segmentation, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = export.Download("hello", "Hello", "text/plain", "_hello.txt", lambda *_: b"hello")
    monkeypatch.setattr(export, "DOWNLOADS", (*export.DOWNLOADS, new))
    assert archived(seg)["my photo_cielab_c12_k5_s3_hello.txt"] == b"hello"


@pytest.mark.parametrize("name", ["seg", "holed"])
def test_a_mask_and_a_cut_out_of_several_clusters(
    name: str, request: pytest.FixtureRequest
) -> None:
    found: kmseg.Segmentation = request.getfixturevalue(name)
    inside = np.isin(found.labels, (1, 3))
    mask, cutout = (make(found, 1, 3) for make in export.CLUSTER_DOWNLOADS.values())
    assert [mask.key, cutout.key] == list(export.CLUSTER_DOWNLOADS)
    assert (mask.title, mask.suffix) == ("Mask of clusters 2, 4", "_mask002_004.png")
    assert (cutout.title, cutout.suffix) == ("Cut-out of clusters 2, 4", "_cutout002_004.png")
    np.testing.assert_array_equal(decoded(mask.make(found, PHOTO)), np.where(inside, 255, 0))
    cut = kmseg.read_image(cutout.make(found, PHOTO))
    assert cut.opaque is not None and found.image is not None
    np.testing.assert_array_equal(cut.opaque, inside)
    np.testing.assert_array_equal(cut.pixels[inside], found.image.pixels[inside])


def test_a_cluster_had_other_numbers_in_files_than_in_the_table_after_a_merge(
    seg: kmseg.Segmentation,
) -> None:
    """Cluster 4 of the table was 3 in labels and palettes, and its mask was called 003."""
    merged = seg.merged([(0, 2)])
    rows = {row["cluster"]: row for row in tables.cluster_rows(merged)}
    assert set(rows) == {"1+3", 2, 4, 5}
    values = decoded(made(merged, "labels_gray"))
    expected = np.where(seg.labels == 2, 1, seg.labels + 1)
    np.testing.assert_array_equal(values, expected)
    with Pillow.open(io.BytesIO(made(merged, "labels"))) as picture:
        np.testing.assert_array_equal(np.asarray(picture), expected)
        painted = np.asarray(picture.convert("RGB"))
    np.testing.assert_array_equal(painted, merged.palette[merged.labels])
    for number, row in ((1, rows["1+3"]), (2, rows[2]), (4, rows[4]), (5, rows[5])):
        assert (values == number).sum() == row["pixels"]
        assert f"--cluster-{number}: {row['hex']};" in tables.palette_css(merged).decode()
        assert f"\tCluster {row['cluster']} " in tables.palette_gpl(merged).decode()
    masks = {
        name.rpartition("_mask")[2]: data
        for name, data in archived(merged).items()
        if "_mask" in name
    }
    assert set(masks) == {"001_003.png", "002.png", "004.png", "005.png"}
    np.testing.assert_array_equal(decoded(masks["004.png"]) == 255, seg.labels == 3)


def test_settings_list_the_clusters_in_focus_and_the_merged_ones(seg: kmseg.Segmentation) -> None:
    merged = seg.merged([(0, 2)])
    written = json.loads(made(merged, "settings", export.Context("a.png", focus=(3, 1))))
    assert written["view"] == {"focus": [2, 4], "merged": [[1, 3]]}
    assert kmseg.Settings.from_dict(written["settings"]) == seg.settings
    rows = {row["cluster"]: row["pixels"] for row in tables.cluster_rows(merged)}
    assert rows["1+3"] == seg.pixel_counts[[0, 2]].sum()
    assert rows[2] == seg.pixel_counts[1]


def test_equal_segmentations_give_equal_archives(seg: kmseg.Segmentation) -> None:
    first, second = (export.ARCHIVE.make(seg, PHOTO) for _ in range(2))
    assert first == second


def test_no_metadata_of_the_original_is_in_a_download() -> None:
    """Neither its EXIF, nor its comment, nor its colour profile."""
    secret = b"Secret Place 52N 13E"
    exif = Pillow.Exif()
    exif[0x010E] = exif[0x013B] = secret.decode()
    buffer = io.BytesIO()
    Pillow.fromarray(image_at("flower", 40).pixels).save(
        buffer, "JPEG", exif=exif, comment=secret, icc_profile=secret
    )
    assert buffer.getvalue().count(secret) >= 3
    seg = kmseg.segment(kmseg.read_image(buffer.getvalue()))
    for download in (*export.DOWNLOADS, export.mask(seg, 0), export.ARCHIVE):
        data = download.make(seg, export.Context("a.jpg"))
        assert secret not in data and secret.decode().encode("utf-16-le") not in data
        if data.startswith(b"\x89PNG"):
            assert set(png_chunks(data)) <= {"IHDR", "PLTE", "tRNS", "IDAT", "IEND"}
    for extension in ("jpg", "png", "webp", "bmp", "tiff"):
        data = encode.encode(render.side_by_side(seg), extension)
        assert secret not in data
        with Pillow.open(io.BytesIO(data)) as picture:
            assert 0x010E not in picture.getexif() and "icc_profile" not in picture.info
