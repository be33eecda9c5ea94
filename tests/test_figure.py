"""The first article's figure."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import ImageFont

import kmseg
from kmseg.output import figure
from oracles import image_at, with_holes


@pytest.mark.parametrize("holes", [False, True])
def test_the_figure_shows_original_and_segmentation(holes: bool) -> None:
    image = image_at("flower", 400)
    seg = kmseg.segment(with_holes(image, 3) if holes else image, kmseg.Settings(n_clusters=4))
    picture = figure.figure(seg)
    height, size = image.height, 20  # 400 // 20
    assert picture.shape == (height + 4 * size, 2 * 400 + 3 * size, 3)
    rows = slice(3 * size, 3 * size + height)
    left, right = picture[rows, size : size + 400], picture[rows, 2 * size + 400 : -size]
    opaque = seg.labels >= 0
    np.testing.assert_array_equal(left[opaque], image.pixels[opaque])
    np.testing.assert_array_equal(right[opaque], seg.palette[seg.labels[opaque]])
    assert (left[~opaque] == 255).all() and (right[~opaque] == 255).all()
    above = picture[: 3 * size]
    for column in (slice(size, size + 400), slice(2 * size + 400, -size)):
        dark = np.nonzero((above[:, column] < 100).all(axis=2).any(axis=0))[0]
        assert len(dark) and abs((dark[0] + dark[-1]) / 2 - 200) < 12  # a centred title


def test_the_titles_are_the_articles(monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import ImageDraw

    titles: list[str] = []
    draw = ImageDraw.ImageDraw.text

    def record(self: object, xy: object, text: str, **options: object) -> None:
        titles.append(text)
        draw(self, xy, text, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", record)
    figure.figure(kmseg.segment(image_at("flower", 60), kmseg.Settings(n_clusters=4)))
    assert titles == ["Original image", "Segmented image when K = 4"]


@pytest.mark.parametrize("shape", [(1, 1), (300, 4), (4, 3000), (2000, 2100)])
def test_titles_fit_above_pictures_of_any_shape(shape: tuple[int, int]) -> None:
    pixels = np.zeros((*shape, 3), np.uint8)
    pixels[:, ::2] = (200, 40, 40)
    picture = figure.figure(kmseg.segment(kmseg.Image(pixels), kmseg.Settings(n_clusters=2)))
    assert max(picture.shape) < 2 * figure.MAX_PANEL + 300
    size = max(min(shape[1], round(shape[1] * min(1, 1600 / max(shape)))), 300) // 20
    font = ImageFont.load_default(size=size)
    assert font.getlength("Segmented image when K = 255") < 20 * size
    assert (picture[0] == 255).all() and (picture[:, 0] == 255).all()


def test_a_segmentation_of_colours_alone_has_no_figure() -> None:
    seg = kmseg.segment(kmseg.color_histogram(image_at("flower", 60)))
    with pytest.raises(ValueError):
        figure.figure(seg)
