"""One TIFF read part by part: the same colours, clusters and labels as in memory."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow

import icc
import kmseg
from kmseg.errors import KmsegError, SettingsError
from kmseg.output.report import report
from kmseg.output.tables import counts_csv
from kmseg.parallel.threads import as_made
from kmseg.picture.limits import Limits
from kmseg.streaming import open_large, segment_large, write_labels
from oracles import image_at

Array = NDArray[Any]

PHOTO = image_at("china", 150).pixels
HEIGHT, WIDTH = PHOTO.shape[:2]
ALPHA = (np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) % 256).astype(np.uint8)
RGBA = np.dstack([PHOTO, ALPHA])
GRAY = PHOTO[..., 1].copy()
SETTINGS = kmseg.Settings(n_clusters=4, attempts=2, color_space="cielab")

AUTO = kmseg.Reading()
TILED = {"tile": (32, 48)}
STRIPS = {"rowsperstrip": 13}
ONE_STRIP: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that small pictures have many parts."""
    monkeypatch.setattr("kmseg.streaming.picture._REGION_PIXELS", 7000)


def deep(levels: Array, step: int = 257) -> Array:
    """16-bit values whose lower bits count too."""
    return levels.astype(np.uint16) * step + (levels.astype(np.uint16) * 7) % step


def planes(pixels: Array) -> Array:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def saved(path: Path, pixels: Array, **options: Any) -> Path:
    """A TIFF with these pixels."""
    n_channels = 1 if pixels.ndim == 2 else min(pixels.shape[0], pixels.shape[-1])
    options.setdefault("photometric", "minisblack" if n_channels < 3 else "rgb")
    if n_channels == 4 and options["photometric"] == "rgb":
        options.setdefault("extrasamples", ["unassalpha"])
    tifffile.imwrite(path, pixels, **options)
    return path


def streamed(
    path: Path, reading: kmseg.Reading = AUTO, codebook: kmseg.Codebook | None = None
) -> tuple[kmseg.Segmentation, Array]:
    """The segmentation and the label picture."""
    picture, seg = segment_large(open_large(path, reading=reading), SETTINGS, codebook)
    file = io.BytesIO()
    write_labels(picture, seg, file)
    return seg, tifffile.imread(io.BytesIO(file.getvalue()))


def numbers(seg: kmseg.Segmentation) -> dict[str, Any]:
    return {key: value for key, value in report(seg).items() if key != "seconds"}


def check(
    path: Path,
    reading: kmseg.Reading = AUTO,
    image: kmseg.Image | None = None,
    codebook: kmseg.Codebook | None = None,
) -> kmseg.Segmentation:
    """Streamed, a file has the same labels and numbers, to the last bit, as in memory."""
    image = image or kmseg.read_image(path, reading=reading)
    expected = codebook.predict(image) if codebook else kmseg.segment(image, SETTINGS)
    seg, labels = streamed(path, reading, codebook)
    assert np.array_equal(labels, expected.labels + 1)
    assert numbers(seg) == numbers(expected)
    assert counts_csv(seg) == counts_csv(expected)
    return seg


# -- the same as in memory -------------------------------------------------------------------------


@pytest.mark.parametrize("stored", [TILED, STRIPS, ONE_STRIP], ids=["tiled", "strips", "one strip"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pixels", [GRAY, PHOTO, RGBA], ids=["gray", "rgb", "rgba"])
def test_kinds_of_samples(pixels: Array, bits: int, stored: dict[str, Any], tmp_path: Path) -> None:
    values = pixels if bits == 8 else deep(pixels)
    check(saved(tmp_path / "a.tif", values, **stored))
    check(saved(tmp_path / "b.tif", values, compression="zlib", predictor=True, **stored))
    big_endian = saved(tmp_path / "c.tif", values, byteorder=">", compression="lzw", **stored)
    check(big_endian)
    # Pillow reads no big-endian BigTIFF, so in memory this one can be read in no other way.
    image = kmseg.read_image(big_endian)
    check(saved(tmp_path / "d.tif", values, bigtiff=True, byteorder=">", **stored), image=image)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("stored", [TILED, STRIPS], ids=["tiled", "strips"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pixels", [PHOTO, RGBA], ids=["rgb", "rgba"])
def test_channels_that_are_stored_apart(
    pixels: Array, bits: int, stored: dict[str, Any], compression: str | None, tmp_path: Path
) -> None:
    values = planes(pixels if bits == 8 else deep(pixels))
    path = saved(
        tmp_path / "a.tif", values, planarconfig="separate", compression=compression, **stored
    )
    check(path)


@pytest.mark.parametrize("compression", ["zstd", "packbits", "lzma"])
def test_compressions(compression: str, tmp_path: Path) -> None:
    check(saved(tmp_path / "a.tif", PHOTO, compression=compression, **TILED))
    check(saved(tmp_path / "b.tif", deep(GRAY), compression=compression, **STRIPS))


@pytest.mark.parametrize("sampling", [(1, 1), (2, 1), (2, 2)])
def test_jpeg_tiles_and_strips(sampling: tuple[int, int], tmp_path: Path) -> None:
    options = {"compression": "jpeg", "subsampling": sampling}
    check(saved(tmp_path / "a.tif", PHOTO, **options, **TILED))
    check(saved(tmp_path / "b.tif", PHOTO, rowsperstrip=32, **options))
    check(saved(tmp_path / "c.tif", GRAY, compression="jpeg", **TILED))
    in_rgb = {"compression": "jpeg", "compressionargs": {"outcolorspace": "rgb"}}
    check(saved(tmp_path / "d.tif", PHOTO, **in_rgb, **TILED))


@pytest.mark.parametrize("compression", ["jpeg2000", "png", "webp"])
def test_compressions_that_are_not_read_in_memory(compression: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.tif", PHOTO, compression=compression, tile=(64, 64))
    check(path, image=kmseg.Image(tifffile.imread(path)))


@pytest.mark.parametrize(
    ("pixels", "options"),
    [
        (GRAY, {"photometric": "miniswhite"}),
        (deep(GRAY, 100), {"photometric": "miniswhite"}),
        (GRAY.view(np.int8), {}),
        (GRAY.astype(np.int16) * 90 - 9000, {}),
        (GRAY // 8, {"photometric": "palette", "colormap": deep(PHOTO[:2, :128].reshape(3, 256))}),
        (RGBA, {"photometric": "separated"}),
        (RGBA, {"extrasamples": ["unspecified"]}),
        (RGBA, {"extrasamples": ["assocalpha"]}),
        (deep(RGBA), {"extrasamples": ["assocalpha"]}),
        (deep(RGBA, 3), {}),
        (
            planes(RGBA),
            # Pillow fails on such files without compression.
            {"extrasamples": ["unspecified"], "planarconfig": "separate", "compression": "lzw"},
        ),
        (RGBA[..., [0, 3]], {"extrasamples": ["unassalpha"], "planarconfig": "contig"}),
        (np.where(ALPHA[..., None] < 200, RGBA & [255, 255, 255, 0], RGBA).astype(np.uint8), {}),
    ],
    ids=[
        "white is zero",
        "white is zero, 16 bits",
        "signed 8",
        "signed 16",
        "palette",
        "cmyk",
        "fourth channel without a meaning",
        "multiplied by alpha",
        "multiplied by alpha, 16 bits",
        "16 bits that use few, alpha too",
        "fourth plane without a meaning",
        "gray and alpha",
        "parts that are transparent as a whole",
    ],
)
def test_rare_kinds_of_samples(pixels: Array, options: dict[str, Any], tmp_path: Path) -> None:
    check(saved(tmp_path / "a.tif", pixels, **options, **TILED))


@pytest.mark.parametrize("nodata", ["0", "200", "-128"])
@pytest.mark.parametrize(
    "pixels", [GRAY, PHOTO // 50 * 50, deep(GRAY // 4), deep(PHOTO), GRAY.view(np.int8)]
)
def test_values_that_stand_for_no_value(pixels: Array, nodata: str, tmp_path: Path) -> None:
    tags = [(42113, "s", 0, nodata, True)]
    check(saved(tmp_path / "a.tif", pixels, extratags=tags, **TILED))


def close_classes() -> Array:
    """Two classes of close values, with a few values far away."""
    values = np.where(GRAY > 100, 1000, 1010) + np.random.default_rng(0).integers(0, 3, GRAY.shape)
    values[:2, :60], values[5:7, :60] = 60_000, 0
    return values.astype(np.uint16)


@pytest.mark.parametrize("levels", ["auto", "stored", (100, 2000)])
@pytest.mark.parametrize("pixels", [deep(GRAY, 16), deep(PHOTO, 16), close_classes()])
def test_levels_of_16_bits(pixels: Array, levels: Any, tmp_path: Path) -> None:
    check(saved(tmp_path / "a.tif", pixels, **TILED), kmseg.Reading(levels=levels))


@pytest.mark.parametrize("pixels", [PHOTO, deep(PHOTO), RGBA, GRAY], ids=["8", "16", "a", "gray"])
def test_a_colour_profile_is_converted(pixels: Array, tmp_path: Path) -> None:
    profile = icc.gray(1.8) if pixels.ndim == 2 else icc.rgb(icc.ADOBE_RGB, 2.2)
    seg = check(saved(tmp_path / "a.tif", pixels, iccprofile=profile, **TILED))
    assert seg.origin is not None and "converted to sRGB" in seg.origin.notes[-1]


def test_a_page_of_several(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        for pixels in (PHOTO, PHOTO[::-1, :60].copy(), GRAY):
            kind = "rgb" if pixels.ndim == 3 else "minisblack"
            writer.write(pixels, photometric=kind, compression="zlib", **TILED)
    for frame in range(3):
        seg = check(path, kmseg.Reading(frame=frame))
        assert seg.origin is not None and seg.origin.notes == (f"page {frame + 1} of 3",)


@pytest.mark.parametrize("in_sub_directories", [True, False])
def test_the_full_level_of_a_pyramid(in_sub_directories: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        below = 2 if in_sub_directories else 0
        writer.write(PHOTO, photometric="rgb", compression="jpeg", subifds=below, **TILED)
        for step in (2, 4):
            part = PHOTO[::step, ::step].copy()
            writer.write(part, photometric="rgb", compression="jpeg", subfiletype=1, **TILED)
    seg = check(path)
    assert seg.origin is not None
    assert (seg.origin.width, seg.origin.notes) == (WIDTH, ())


def test_a_palette_is_locked(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.tif", RGBA, **TILED)
    codebook = kmseg.segment(image_at("flower", 80), kmseg.Settings(n_clusters=5)).codebook
    assert check(path, codebook=codebook).carried
    merged = kmseg.segment(image_at("flower", 80), kmseg.Settings(n_clusters=5)).merged([[0, 3]])
    seg, labels = streamed(path, codebook=merged.codebook)
    expected = merged.predict(kmseg.read_image(path))
    assert np.array_equal(labels, np.array([0, *expected.numbers])[expected.labels + 1])
    assert seg.numbers == expected.numbers


COMPRESSIONS = st.sampled_from([None, "zlib", "lzw", "zstd"])
SIDES = st.integers(1, 5).map(lambda n: 16 * n)


@settings(max_examples=25)
@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 120)),
    stored=st.fixed_dictionaries({"tile": st.tuples(SIDES, SIDES)})
    | st.fixed_dictionaries({"rowsperstrip": st.integers(1, 100)}),
    bits=st.sampled_from([8, 16]),
    channels=st.sampled_from([1, 3, 4]),
    options=st.fixed_dictionaries(
        {"compression": COMPRESSIONS, "byteorder": st.sampled_from("<>")}
    ),
    region_pixels=st.integers(1, 20_000),
)
def test_any_size_of_picture_tiles_and_parts(
    size: tuple[int, int],
    stored: dict[str, Any],
    bits: int,
    channels: int,
    options: dict[str, Any],
    region_pixels: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    visible = np.array([0, 0, 0, 128], np.uint8)[:channels]
    pixels = RGBA[: size[0], : size[1], :channels] | visible
    pixels = pixels if bits == 8 else deep(pixels)
    options |= stored
    if channels == 1:
        pixels, options["photometric"] = pixels[..., 0], "minisblack"
    else:
        options |= {"photometric": "rgb", "planarconfig": "contig"}
    if channels == 4:
        options["extrasamples"] = ["unassalpha"]
    path = tmp_path_factory.mktemp("any") / "a.tif"
    tifffile.imwrite(path, pixels, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kmseg.streaming.picture._REGION_PIXELS", region_pixels)
        check(path)


def test_the_order_in_which_parts_are_done_does_not_matter(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.tif", deep(RGBA), **TILED)

    def backwards(function: Any, items: Any) -> Any:
        return reversed([function(item) for item in reversed(items)])

    picture = open_large(path)
    assert len(picture.regions()) > 3
    found = [segment_large(picture, SETTINGS, run=run)[1] for run in (as_made, backwards)]
    assert numbers(found[0]) == numbers(found[1])


# -- the label picture -----------------------------------------------------------------------------


def test_labels_are_a_tiled_bigtiff_in_the_colours_of_the_clusters(tmp_path: Path) -> None:
    picture, seg = segment_large(open_large(saved(tmp_path / "a.tif", RGBA, **TILED)), SETTINGS)
    target = tmp_path / "labels.tif"
    with target.open("wb") as file:
        write_labels(picture, seg, file)
    with tifffile.TiffFile(target) as tiff:
        page = tiff.pages[0]
        assert tiff.is_bigtiff and page.tile == TILED["tile"] and page.dtype == np.uint8
    with Pillow.open(target) as opened:  # another decoder
        values, colors = np.asarray(opened), np.asarray(opened.convert("RGB"))
    expected = kmseg.segment(kmseg.read_image(tmp_path / "a.tif"), SETTINGS)
    assert np.array_equal(values, expected.labels + 1)
    assert (values == 0).any()
    counted = values > 0
    assert np.array_equal(colors[counted], expected.palette[expected.labels[counted]])


@pytest.mark.parametrize(("width", "rows"), [(100, 256), (40_000, 208), (1_000_000, 16)])
def test_parts_of_a_very_wide_picture_in_strips_are_small_too(
    width: int, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kmseg.streaming.picture._REGION_PIXELS", 1 << 23)
    path = saved(tmp_path / "a.tif", np.zeros((300, width), np.uint8), compression="zlib")
    picture = open_large(path, Limits(max_side=10**6, max_pixels=10**9, max_decoded_bytes=10**9))
    assert picture.tile == (rows, 256)
    heights = [region.bottom - region.top for region in picture.regions()]
    assert sum(heights) == 300 and max(heights) * width <= max(1 << 24, 300 * 100)
    assert all(height % rows == 0 for height in heights[:-1])


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pixels", "options", "said"),
    [
        (PHOTO, {"extratags": [(274, "H", 1, 6, True)]}, "orientation tag"),
        (GRAY.astype(np.float32), {}, "floating-point samples"),
        (GRAY.astype(np.uint32), {}, "32-bit samples"),
        (GRAY > 99, {}, "1-bit samples"),
        (planes(RGBA), {"planarconfig": "separate", "extrasamples": ["assocalpha"]}, "apart"),
        (np.dstack([RGBA, RGBA]), {"photometric": "minisblack", "planarconfig": "contig"}, "8 ch"),
        (RGBA & np.array([255, 255, 255, 1], np.uint8), {}, "Every pixel of the picture is"),
    ],
)
def test_what_is_not_read_part_by_part_is_refused_in_a_sentence(
    pixels: Array, options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = saved(tmp_path / "a.tif", pixels, **options)
    with pytest.raises(kmseg.ImageError, match=said) as caught:
        streamed(path)
    assert str(caught.value).isprintable() and str(caught.value).endswith(".")


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    with pytest.raises(kmseg.ImageError, match="save the picture as TIFF"):
        open_large(tmp_path / "a.tif")


def test_tiles_that_are_as_large_as_a_photo_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kmseg.streaming.tiff._MOST_BYTES", 20_000)
    check(saved(tmp_path / "a.tif", PHOTO))  # rows of an uncompressed strip are read one by one
    for options in ({"compression": "zlib", "rowsperstrip": HEIGHT}, {"tile": (112, 160)}):
        path = saved(tmp_path / "b.tif", PHOTO, **options)
        with pytest.raises(kmseg.ImageError, match=r"MB \(at most .* tiles of 256 x 256"):
            open_large(path)


def test_settings_that_need_the_whole_picture_are_refused(tmp_path: Path) -> None:
    picture = open_large(saved(tmp_path / "a.tif", PHOTO))
    tidied = kmseg.Settings(smallest_region=9), kmseg.Settings(fill_holes=(1,))
    for settings_ in (kmseg.Settings(width=20), kmseg.Settings(engine="opencv"), *tidied):
        with pytest.raises(SettingsError, match="picture that is read part by part"):
            segment_large(picture, settings_)


def tag_changed(path: Path, tag: int, value: int) -> None:
    """Give another value to the first one of a tag."""
    with tifffile.TiffFile(path) as tiff:
        found = tiff.pages[0].tags[tag]
        offset, n_bytes = found.valueoffset, found.valuebytecount // found.count
        order = "little" if tiff.byteorder == "<" else "big"
    data = bytearray(path.read_bytes())
    data[offset : offset + n_bytes] = min(value, 256**n_bytes - 1).to_bytes(n_bytes, order)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("tag", "value", "said"),
    [
        (256, 29_000, "does not cover|do not cover|contradicts"),
        (257, 29_000, "do not cover|too little data|contradicts"),
        (322, 1 << 20, "MB|megapixels|side"),
        (322, 40, "multiples of 16"),
        (324, 1 << 31, "cut short"),
        (325, 1 << 31, "cut short"),
        (325, 0, "without data"),
        (325, 5, "cannot be decoded"),
        (259, 1, "cut short|too little data|cannot be decoded"),
        (259, 99, "rare kind|cannot be decoded"),
        (258, 9, "9-bit|rare kind|contradicts"),
    ],
)
def test_a_tag_that_lies_is_refused_in_a_sentence(
    tag: int, value: int, said: str, tmp_path: Path
) -> None:
    path = saved(tmp_path / "a.tif", PHOTO, bigtiff=True, compression="zlib", **TILED)
    tag_changed(path, tag, value)
    with pytest.raises(kmseg.ImageError, match=said) as caught:
        streamed(path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("part", [0.02, 0.5, 0.98, 0.9999])
def test_a_file_that_is_cut_short_is_refused(part: float, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.tif", PHOTO, compression="zlib", **TILED)
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(kmseg.ImageError):
        streamed(path)


DAMAGED: dict[str, dict[str, Any]] = {
    "zlib": {"compression": "zlib", "predictor": True, **TILED},
    "jpeg": {"compression": "jpeg", **TILED},
    "strips": {"compression": "lzw", **STRIPS},
    "raw": {"bigtiff": True},
}


@settings(max_examples=40)
@given(
    kind=st.sampled_from(sorted(DAMAGED)),
    places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4),
    near_tags=st.booleans(),
)
def test_damage_ends_in_a_sentence_or_in_other_colours(
    kind: str,
    places: list[tuple[float, int]],
    near_tags: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = saved(tmp_path_factory.mktemp("damaged") / "a.tif", PHOTO[:40, :50], **DAMAGED[kind])
    data = bytearray(path.read_bytes())
    reach = 400 if near_tags else len(data)
    for place, value in places:
        data[min(int(place * reach), len(data) - 1)] = value
    path.write_bytes(data)
    try:
        streamed(path)
    except KmsegError as error:
        assert str(error).isprintable()
