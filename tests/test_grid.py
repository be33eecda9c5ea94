"""The figure of several segmentations."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

import kmseg
from kmseg.output import captions, grid
from kmseg.output.figure import title_of
from oracles import image_at, random_image, with_holes

Pixels = NDArray[np.uint8]


def segmented(
    image: kmseg.Image, *ks: int, **settings: Any
) -> list[tuple[str, kmseg.Segmentation]]:
    made = [kmseg.segment(image, kmseg.Settings(n_clusters=k, **settings)) for k in ks]
    return [(title_of(seg), seg) for seg in made]


def drawn(*arguments: Any) -> Pixels:
    content = grid.grid(*arguments)
    picture = Pillow.open(io.BytesIO(content))
    assert picture.format == "PNG" and picture.mode == "RGB"
    assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    return np.asarray(picture)


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[float, float, str]]]:
    """Left and right edges, and content, of each line of text that is drawn."""
    found: list[tuple[float, float, str]] = []
    draw = ImageDraw.ImageDraw.text

    def record(self: Any, xy: tuple[float, float], text: str, **options: Any) -> None:
        left, _, right, _ = self.textbbox(xy, text, options["font"], options["anchor"])
        found.append((left, right, text))
        draw(self, xy, text, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", record)
    yield found


@pytest.mark.parametrize("holes", [False, True])
def test_pictures_and_strips_have_the_colours_and_shares_of_the_clusters(holes: bool) -> None:
    image = image_at("flower", 300)
    image = with_holes(image, 2) if holes else image
    ((title, seg),) = segmented(image, 4)
    picture = drawn(None, [(title, seg)])
    for color, share in zip(seg.palette, seg.shares, strict=True):
        same = (picture == color).all(axis=2)
        rows = np.flatnonzero(same.any(axis=1))
        # Of the strip, a line below the picture without any white in it.
        strip = [row for row in rows if 0.9 * share < same[row].sum() / 2046 < 1.1 * share]
        assert strip, f"no line with {share:.1%}"
    enlarged = seg.palette[seg.labels]
    rows = np.arange(0, len(picture), 9)
    assert any((picture[row] == enlarged[100, 150]).all(axis=1).any() for row in rows)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("shape", [(40, 60), (90, 50), (12, 300), (300, 12), (1, 1)])
def test_text_fits_and_the_page_is_not_exceeded(
    shape: tuple[int, int], n: int, texts: list[tuple[float, float, str]]
) -> None:
    image = random_image(n, shape)
    ks = (2, 4, 6, 10, 16, 32)[:n]
    picture = drawn(image, segmented(image, *ks))
    assert picture.shape[1] <= 2126 and picture.shape[0] <= 2900
    for left, right, text in texts:
        assert left >= 0 and right <= picture.shape[1], text
    titles = " ".join(text for _, _, text in texts)
    assert titles.count("Original image") == 1
    assert (picture[:20] == 255).all() and (picture[:, :20] == 255).all()
    assert (picture[-20:] == 255).all() and (picture[:, -20:] == 255).all()


def test_the_text_says_titles_shares_and_all_settings(
    texts: list[tuple[float, float, str]],
) -> None:
    image = image_at("china", 120)
    wanted = {"color_space": "hsv", "channels": "02", "seed": 7, "attempts": 3, "engine": "lloyd"}
    panels = segmented(image, 3, 16, **wanted)
    merged = panels[0][1].merged([(0, 2)])
    carried = panels[0][1].predict(image_at("flower", 90))
    drawn(image, [*panels, ("Merged", merged), ("Carried", carried)], "Fig. 1: Café 照片 2 × 2")
    said = "\n".join(text for _, _, text in texts)
    flat = said.replace("\n", " ")
    for title in ("Original image", "Segmented image when K = 3", "Segmented image when K = 16"):
        assert title in flat
    assert "Fig. 1: Cafe ?? 2 x 2" in flat
    assert (
        "Segmented image when K = 3: HSV (H, V), K = 3, k-means++, 3 attempts, random seed 7, at "
        "most 300 iterations, epsilon 0.01, engine lloyd." in flat
    )
    assert "clusters 1 and 3 merged." in flat
    assert "Carried: HSV (H, V), K = 3, carried-over centroids." in flat
    for number, share in enumerate(panels[0][1].shares, 1):
        assert f"{number}  {share:.1%}" in said
    rest = panels[1][1].shares[12:].sum()
    assert f"4 more  {rest:.1%}" in said
    assert f"1+3  {merged.shares[merged.names.index('1+3')]:.1%}" in said


def test_a_number_of_clusters_is_not_torn_from_its_letter(
    texts: list[tuple[float, float, str]],
) -> None:
    image = random_image(1, (192, 108))
    drawn(image, segmented(image, 2, 3, 4, 6, 8, 10))
    assert not any(text.startswith("= ") or text.endswith((" K", " =")) for _, _, text in texts)


def test_pictures_of_different_sizes_stand_side_by_side() -> None:
    one, other = image_at("flower", 80), random_image(2, (90, 40))
    picture = drawn(None, [*segmented(one, 3), *segmented(other, 5)])
    assert picture.shape[1] > 900


def test_a_long_title_without_spaces_is_split(texts: list[tuple[float, float, str]]) -> None:
    image = random_image(1, (30, 30))
    panels = [("x" * 300, seg) for _, seg in segmented(image, 2, 3, 4)]
    width = drawn(image, panels).shape[1]
    assert all(left >= 0 and right <= width for left, right, _ in texts)


def test_none_or_more_than_six_are_refused() -> None:
    image = random_image(1, (9, 9))
    for panels in ([], segmented(image, *range(2, 9))):
        with pytest.raises(ValueError, match="must be 1 to 6"):
            grid.grid(image, panels)
    with pytest.raises(kmseg.LabelsError):
        grid.grid(None, [("K = 2", kmseg.segment(kmseg.color_histogram(image)))])


def test_captions_use_only_characters_that_the_font_has() -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(size=30)
    missing = font.getmask("中").getbbox()
    for code in range(0x20, 0x2FF):
        for character in captions.drawable(chr(code)).replace(" ", ""):
            assert font.getmask(character).getbbox() != missing, hex(code)
    assert captions.drawable("12 × 3 · 20° Ärger – “x”") == '12 x 3 · 20° Arger - "x"'
