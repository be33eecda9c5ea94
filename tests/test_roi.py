"""The region of interest: what is outside does not count."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

import kmseg
from clusterings import image_at
from inprocess import png
from kmseg.cli import main
from kmseg.output import code, render
from kmseg.picture.apart import read_image_apart
from kmseg.picture.reading import Reading
from kmseg.picture.roi import MAX_CORNERS, corners_of, format_region, mask_of, parse_region

TRIANGLE = ((3, 2), (50, 9), (20, 33))
corners = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 30)), min_size=3, max_size=8, unique=True
)


@given(corners)
def test_pixels_inside_are_those_whose_centre_shapely_finds_inside(points: list) -> None:  # type: ignore[type-arg]
    polygon = shapely.Polygon(points)
    region = tuple(points)
    found = mask_of(region, 37, 29)
    if not polygon.is_valid:  # shapely has no even-odd rule for polygons that cross themselves
        return
    x, y = np.meshgrid(np.arange(37) + 0.5, np.arange(29) + 0.5)
    inside = shapely.contains_xy(polygon, x, y)
    on_edge = shapely.intersects_xy(polygon, x, y) & ~inside
    np.testing.assert_array_equal(found[~on_edge], inside[~on_edge])


def test_a_polygon_that_crosses_itself_has_a_hole() -> None:
    pentagram = ((20, 0), (32, 38), (0, 14), (40, 14), (8, 38))
    found = mask_of(pentagram, 40, 40)
    assert not found[20, 20] and found[5, 20] and found[16, 5]


def test_parts_that_share_an_edge_share_no_pixel() -> None:
    left, right = ((0, 0), (17, 0), (11, 30), (0, 30)), ((17, 0), (40, 0), (40, 30), (11, 30))
    one, other = mask_of(left, 40, 30), mask_of(right, 40, 30)
    assert (one ^ other).all()


@given(st.one_of(corners, st.lists(st.just((1, 2)), max_size=0)))
def test_a_region_is_the_same_after_text_json_and_link(points: list) -> None:  # type: ignore[type-arg]
    reading = Reading(region=tuple(points))
    assert parse_region(format_region(reading.region)) == reading.region
    assert Reading.from_dict(json.loads(json.dumps(reading.to_dict()))) == reading
    assert Reading.from_query(reading.to_query()) == (reading, ())


@pytest.mark.parametrize(
    "wrong",
    [
        "1.2",
        "1.2_1.9",
        "1.2_9.2",
        "a.b_c.d",
        "1.2_3.4_",
        "-1.2_3.4",
        "1.2_3.1000001",
        "_".join(["1.2"] * (MAX_CORNERS + 1)),
        ((1.5, 2), (3, 4)),
        ((1, 2, 3), (4, 5, 6)),
        (1, 2),
        7,
        float("nan"),
    ],
)
def test_a_wrong_region_is_refused_in_a_sentence(wrong: object) -> None:
    with pytest.raises(kmseg.SettingsError, match="region: must be 2 corners"):
        Reading(region=wrong)  # type: ignore[arg-type]
    if isinstance(wrong, str):
        reading, (sentence,) = Reading.from_query({"region": wrong})
        assert reading.region == () and sentence.endswith("the whole picture is used")


def test_counts_and_labels_are_those_of_the_pixels_inside() -> None:
    image = image_at("flower", 90)
    inside = mask_of(TRIANGLE, image.width, image.height)
    settings = kmseg.Settings(color_space="cielab", n_clusters=5)
    seg = kmseg.segment(image.within(TRIANGLE), settings)
    alone = kmseg.segment(kmseg.Image(image.pixels[inside][None]), settings)
    np.testing.assert_array_equal(seg.pixel_counts, alone.pixel_counts)
    np.testing.assert_array_equal(seg.labels >= 0, inside)
    np.testing.assert_array_equal(seg.labels[inside], alone.labels[0])
    assert seg.inertia == alone.inertia


def test_reading_applies_it_here_and_in_the_worker() -> None:
    image = image_at("flower", 60)
    reading = Reading(region=TRIANGLE)
    for read in (kmseg.read_image, read_image_apart):
        found = read(png(image.pixels), reading=reading)
        assert found.reading == reading
        np.testing.assert_array_equal(found.pixels, image.pixels)
        assert found.opaque is not None
        np.testing.assert_array_equal(found.opaque, mask_of(TRIANGLE, image.width, image.height))


def test_a_region_without_pixels_is_refused() -> None:
    image = image_at("flower", 60)
    for region in (((900, 900), (950, 950)), ((3, 3), (5, 5), (7, 7))):
        with pytest.raises(kmseg.ImageError, match="No pixel inside the region"):
            image.within(region)
    clear = kmseg.Image(image.pixels, mask_of(((30, 0), (60, 40)), image.width, image.height))
    with pytest.raises(kmseg.ImageError, match="No pixel inside the region"):
        clear.within(((0, 0), (20, 20)))


def test_a_transparent_pixel_inside_does_not_count() -> None:
    image = image_at("flower", 60)
    alpha = np.full(image.pixels.shape[:2], 255, np.uint8)
    alpha[:15] = 0
    found = kmseg.Image(image.pixels, alpha=alpha).within(TRIANGLE)
    wanted = mask_of(TRIANGLE, image.width, image.height)
    wanted[:15] = False
    assert found.opaque is not None and found.alpha is not None
    np.testing.assert_array_equal(found.opaque, wanted)
    np.testing.assert_array_equal(found.alpha, alpha)


def test_a_region_is_scaled_with_the_picture() -> None:
    image = image_at("flower", 90).within(((30, 20), (60, 40)))
    small = image.resized(45)
    assert small.opaque is not None
    rows, columns = np.nonzero(small.opaque)
    assert (columns.min(), columns.max()) == (15, 29)
    assert (rows.min(), rows.max()) == (10, 19)
    seg = kmseg.segment(image, kmseg.Settings(n_clusters=3, width=45))
    assert seg.pixel_counts.sum() == small.opaque.sum()


def test_the_original_is_shown_whole_and_the_segmentation_is_transparent_outside() -> None:
    image = image_at("flower", 90).within(TRIANGLE)
    assert image.averaged(45)[1] is None
    seg = kmseg.segment(image, kmseg.Settings(n_clusters=3))
    shown = render.segmented(seg)
    inside = mask_of(TRIANGLE, image.width, image.height)
    np.testing.assert_array_equal(shown[..., 3] > 0, inside)
    assert render.alpha_of(image) is None


def test_the_picture_of_a_program_is_transparent_outside(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    import io
    import zipfile

    image = image_at("flower", 60).within(TRIANGLE)
    content = code.archive(image, kmseg.Settings(n_clusters=3), "numpy", "flower.png")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".png"))
        again = kmseg.read_image(archive.read(name))
    assert again.opaque is not None and image.opaque is not None
    np.testing.assert_array_equal(again.opaque, image.opaque)


def test_a_region_survives_the_command_line(tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]
    image = image_at("flower", 60)
    path = tmp_path / "flower.png"
    path.write_bytes(png(image.pixels))
    settings = kmseg.Settings(n_clusters=3)
    reading = Reading(region=TRIANGLE)
    command = settings.to_command_line(str(path), "posix", reading)
    assert "--region=3.2_50.9_20.33" in command
    assert main(["-i", str(path), "-s", "bgr", *reading.to_options(), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    seg = kmseg.segment(image.within(TRIANGLE), settings)
    assert found["pixel_counts"] == seg.pixel_counts.tolist()
    assert found["reading"]["region"] == [list(corner) for corner in TRIANGLE]
    assert main(["-i", str(path), "--region", "5"]) == 2
    assert "--region: must be 2 corners" in capsys.readouterr().err


def test_the_corners_of_a_rectangle_are_four() -> None:
    assert corners_of(((9, 8), (1, 2))) == ((9, 8), (1, 8), (1, 2), (9, 2))
    np.testing.assert_array_equal(
        mask_of(((9, 8), (1, 2)), 12, 12), mask_of(((1, 2), (9, 8)), 12, 12)
    )


# -- masks -----------------------------------------------------------------------------------------


def test_a_mask_leaves_out_what_is_dark(tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]
    image = image_at("flower", 60)
    inside = mask_of(TRIANGLE, image.width, image.height)
    (tmp_path / "flower.png").write_bytes(png(image.pixels))
    (tmp_path / "mask.png").write_bytes(
        png(np.where(inside[..., None], np.uint8([200] * 3), np.uint8(9)))
    )
    (tmp_path / "small.png").write_bytes(png(image.pixels[:9]))
    (tmp_path / "dark.png").write_bytes(png(np.zeros_like(image.pixels)))
    command = ["-i", str(tmp_path / "flower.png"), "-s", "bgr", "--json", "--mask"]
    assert main([*command, str(tmp_path / "mask.png")]) == 0
    found = json.loads(capsys.readouterr().out)
    seg = kmseg.segment(kmseg.Image(image.pixels, inside), kmseg.Settings(n_clusters=3))
    assert found["pixel_counts"] == seg.pixel_counts.tolist()
    for wrong, said in (
        ("small.png", "--mask: A mask must have the picture's size of 60 x"),
        ("dark.png", "--mask: No pixel under the mask"),
        ("none.png", "--mask: There is no file"),
    ):
        assert main([*command, str(tmp_path / wrong)]) == 2
        assert said in capsys.readouterr().err


def test_a_masked_picture_keeps_its_alpha_where_it_counts() -> None:
    image = image_at("flower", 60)
    alpha = np.full(image.pixels.shape[:2], 200, np.uint8)
    mask = mask_of(TRIANGLE, image.width, image.height)
    found = kmseg.Image(image.pixels, alpha=alpha).masked(mask)
    assert found.alpha is not None and found.opaque is not None
    np.testing.assert_array_equal(found.alpha, np.where(mask, 200, 0))
    np.testing.assert_array_equal(found.opaque, mask)


def test_the_region_of_a_sample_was_ignored_on_the_command_line(capsys) -> None:  # type: ignore[no-untyped-def]
    assert main(["-i", "sample:flower", "--region=10.10_60.40", "--json"]) == 0
    assert sum(json.loads(capsys.readouterr().out)["pixel_counts"]) == 50 * 30
