"""A segmentation as pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import kmseg
from kmseg.output import render
from oracles import image_at, random_image, with_holes

SETTINGS = kmseg.Settings(n_clusters=5, attempts=2)


@pytest.fixture(scope="module")
def seg() -> kmseg.Segmentation:
    return kmseg.segment(image_at("flower", 80), SETTINGS)


@pytest.fixture(scope="module")
def holed() -> kmseg.Segmentation:
    return kmseg.segment(with_holes(image_at("flower", 80), 2), SETTINGS)


def test_painted_pixels_have_the_colour_of_their_cluster(
    seg: kmseg.Segmentation, holed: kmseg.Segmentation
) -> None:
    for paint in ("colors", "gray"):
        picture = render.painted(seg.labels, render.palette(seg, paint))
        assert picture.shape == (53, 80, 3) and picture.dtype == np.uint8
        for cluster in range(5):
            inside = picture[seg.labels == cluster]
            assert (inside == render.palette(seg, paint)[cluster]).all()
    picture = render.painted(holed.labels, holed.palette)
    assert picture.shape == (53, 80, 4) and picture.dtype == np.uint8
    transparent = holed.labels == -1
    assert 0 < transparent.sum() < transparent.size
    assert (picture[transparent] == 0).all()
    assert (picture[~transparent, 3] == 255).all()
    expected = holed.palette[holed.labels[~transparent]]
    np.testing.assert_array_equal(picture[~transparent, :3], expected)


@pytest.mark.parametrize(
    ("n_clusters", "levels"),
    [(2, [0, 255]), (3, [0, 128, 255]), (4, [0, 85, 170, 255]), (6, [0, 51, 102, 153, 204, 255])],
)
def test_gray_ranks_run_from_black_for_the_most_to_white_for_the_fewest(
    n_clusters: int, levels: list[int]
) -> None:
    seg = kmseg.segment(image_at("flower", 80), kmseg.Settings(n_clusters=n_clusters))
    grays = render.palette(seg, "gray")
    assert grays.dtype == np.uint8
    assert grays.tolist() == [[level] * 3 for level in levels]
    picture = render.painted(seg.labels, grays)[..., 0]
    counts = [int((picture == level).sum()) for level in levels]
    assert counts == sorted(counts, reverse=True) == seg.pixel_counts.tolist()


def test_one_cluster_is_black() -> None:
    seg = kmseg.segment(kmseg.Image(np.full((3, 3, 3), 99, np.uint8)))
    assert render.palette(seg, "gray").tolist() == [[0, 0, 0]]
    assert render.palette(seg).tolist() == [[99, 99, 99]]
    assert (render.side_by_side(seg)[:, -3:] == 0).all()


def test_two_hundred_and_fifty_five_grays_are_all_different() -> None:
    image = random_image(0, (40, 40))
    seg = kmseg.segment(image, kmseg.Settings(n_clusters=255, attempts=1))
    assert len(np.unique(render.palette(seg, "gray")[:, 0])) == 255


@pytest.mark.parametrize("name", ["seg", "holed"])
def test_masks_cover_every_opaque_pixel_once(name: str, request: pytest.FixtureRequest) -> None:
    found: kmseg.Segmentation = request.getfixturevalue(name)
    masks = [render.mask(found.labels, (cluster,)) for cluster in range(5)]
    for cluster, mask in enumerate(masks):
        assert mask.shape == (53, 80) and mask.dtype == np.uint8
        assert set(np.unique(mask).tolist()) <= {0, 255}
        assert (mask == 255).sum() == found.pixel_counts[cluster]
    cover = sum(mask.astype(int) for mask in masks)
    np.testing.assert_array_equal(cover, np.where(found.labels >= 0, 255, 0))
    several = render.mask(found.labels, (0, 3))
    np.testing.assert_array_equal(several, masks[0] | masks[3])
    assert not render.mask(found.labels, ()).any()


def test_side_by_side_shows_the_original_a_strip_and_the_ranks(seg: kmseg.Segmentation) -> None:
    picture = render.side_by_side(seg)
    assert picture.shape == (53, 80 + 5 + 80, 3) and picture.dtype == np.uint8
    assert seg.image is not None
    np.testing.assert_array_equal(picture[:, :80], seg.image.pixels)
    assert (picture[:, 80:85] == 193).all()
    expected = render.painted(seg.labels, render.palette(seg, "gray"))
    np.testing.assert_array_equal(picture[:, 85:], expected)


def test_side_by_side_is_white_where_the_picture_is_transparent(holed: kmseg.Segmentation) -> None:
    picture = render.side_by_side(holed)
    transparent = holed.labels == -1
    left, right = picture[:, :80], picture[:, 85:]
    assert picture.shape[2] == 3
    assert (left[transparent] == 255).all() and (right[transparent] == 255).all()
    assert holed.image is not None
    np.testing.assert_array_equal(left[~transparent], holed.image.pixels[~transparent])
    grays = render.palette(holed, "gray")
    np.testing.assert_array_equal(right[~transparent], grays[holed.labels[~transparent]])


@given(st.integers(1, 300))
@hypothesis_settings(max_examples=20)
def test_the_strip_is_a_sixteenth_of_the_width_and_at_least_one_pixel(width: int) -> None:
    image = kmseg.Image(np.zeros((1, width, 3), np.uint8))
    picture = render.side_by_side(kmseg.segment(image))
    strip = max(1, int(width * 0.0625))
    assert picture.shape == (1, width + strip + width, 3)
    assert (picture[:, width : width + strip] == 193).all()


def test_a_segmentation_of_colours_alone_has_no_side_by_side(seg: kmseg.Segmentation) -> None:
    with pytest.raises((ValueError, kmseg.KmsegError)):
        render.side_by_side(kmseg.segment(seg.histogram, SETTINGS))


def halves(left: int, right: int, size: int = 24) -> kmseg.Segmentation:
    """A picture of two levels of gray, each a half."""
    pixels = np.full((size, size, 3), left, np.uint8)
    pixels[:, size // 2 :] = right
    return kmseg.segment(kmseg.Image(pixels), kmseg.Settings(n_clusters=2))


@pytest.mark.parametrize("levels", [(0, 40), (200, 255), (0, 255), (120, 136)])
def test_boundaries_show_on_dark_light_and_gray_pictures(levels: tuple[int, int]) -> None:
    seg = halves(*levels)
    drawn = render.boundaries(seg)
    assert drawn.shape == (24, 24, 3)
    line = drawn[12, :, 0].tolist()
    assert line[10:13] == [0, 255, 0]
    assert line[:10] == [levels[0]] * 10 and line[13:] == [levels[1]] * 11
    assert seg.image is not None and (seg.image.pixels[12, 11] == levels[0]).all()  # a copy


def test_boundaries_are_wider_in_large_pictures() -> None:
    line = render.boundaries(halves(100, 150, 4000))[2000, :, 0]
    assert (line == 255).sum() == 3 and (line == 0).sum() == 6


def test_boundaries_of_one_cluster_are_the_original() -> None:
    image = kmseg.Image(np.full((5, 5, 3), 7, np.uint8))
    np.testing.assert_array_equal(render.boundaries(kmseg.segment(image)), image.pixels)


def test_boundaries_go_round_transparent_parts() -> None:
    pixels = np.full((9, 24, 3), 120, np.uint8)
    opaque = np.arange(24) < 12
    drawn = render.boundaries(kmseg.segment(kmseg.Image(pixels, np.tile(opaque, (9, 1)))))
    assert drawn.shape == (9, 24, 4)
    assert drawn[4, 9:15].tolist() == [
        [120, 120, 120, 255],
        [0, 0, 0, 255],
        [255, 255, 255, 255],
        [0, 0, 0, 255],
        [120, 120, 120, 0],
        [120, 120, 120, 0],
    ]


def test_side_by_side_in_colours_shows_the_palette(seg: kmseg.Segmentation) -> None:
    picture = render.side_by_side(seg, "colors")
    np.testing.assert_array_equal(picture[:, 85:], seg.palette[seg.labels])
