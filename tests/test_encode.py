"""Encoded pictures, read back by OpenCV and Pillow."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Pillow

import kmseg
from kmseg.output import encode, render
from oracles import decoded, image_at, png_chunks, with_holes


@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 3), (7, 9, 4), (1, 1), (1, 1, 3)])
def test_a_png_holds_exactly_its_pixels(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    data = encode.png(pixels)
    np.testing.assert_array_equal(decoded(data), pixels)
    with Pillow.open(io.BytesIO(data)) as picture:
        assert picture.mode == {2: "L", 3: "RGB", 4: "RGBA"}[len(shape) + (shape[2:] == (4,))]
        np.testing.assert_array_equal(np.asarray(picture), pixels)


def test_a_jpeg_keeps_the_colour_of_single_columns() -> None:
    """Lines one pixel wide keep their colour only without chroma subsampling."""
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, ::2, 0], pixels[:, 1::2, 2] = 255, 255
    data = encode.jpeg(pixels, 95)
    assert data.startswith(b"\xff\xd8\xff")
    assert np.abs(decoded(data).astype(int) - pixels).max() < 60
    assert len(encode.jpeg(pixels, 30)) < len(data)


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("n_clusters", [2, 3, 4, 5, 16, 17, 254, 255])
def test_an_indexed_png_reads_back_as_labels_and_colours(n_clusters: int, holes: bool) -> None:
    image = image_at("flower", 60)
    settings = kmseg.Settings(color_space="rgb", n_clusters=n_clusters, attempts=1)
    seg = kmseg.segment(with_holes(image, 4) if holes else image, settings)
    assert seg.n_clusters == n_clusters
    data = encode.indexed_png(seg.labels, seg.palette)
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
        assert "tRNS" in png_chunks(data)
    # The package reads it back too.
    image = kmseg.read_image(data)
    np.testing.assert_array_equal(image.pixels[opaque], seg.palette[seg.labels[opaque]])
    if holes:
        np.testing.assert_array_equal(image.opaque, opaque)


@pytest.mark.parametrize("n_clusters", [2, 17, 255])
def test_label_pictures_number_clusters_from_one(n_clusters: int) -> None:
    """Pixel values were one less than the numbers in the table, and the page's were other ones."""
    image = with_holes(image_at("flower", 60), 4)
    seg = kmseg.segment(image, kmseg.Settings(n_clusters=n_clusters, attempts=1))
    assert seg.n_clusters == n_clusters and seg.labels.min() == -1
    data = encode.labels_png(render.numbers(seg), seg.palette)
    with Pillow.open(io.BytesIO(data)) as picture:
        assert picture.mode == "P"
        indices = np.asarray(picture)
        palette = np.array(picture.getpalette(), np.uint8).reshape(-1, 3)
        rgba = np.asarray(picture.convert("RGBA"))
    np.testing.assert_array_equal(indices, seg.labels + 1)
    for number, count in enumerate(seg.pixel_counts, start=1):
        assert (indices == number).sum() == count
    np.testing.assert_array_equal(palette[1 : n_clusters + 1], seg.palette)
    np.testing.assert_array_equal(rgba[..., 3], np.where(indices == 0, 0, 255))
    np.testing.assert_array_equal(kmseg.read_image(data).opaque, indices > 0)


def test_an_indexed_png_of_one_cluster_is_one() -> None:
    for labels in (np.zeros((3, 4), np.int16), np.array([[0, -1]], np.int16)):
        data = encode.indexed_png(labels, np.array([[9, 8, 7]], np.uint8))
        with Pillow.open(io.BytesIO(data)) as picture:
            np.testing.assert_array_equal(np.asarray(picture), np.where(labels < 0, 1, 0))
