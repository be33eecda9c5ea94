"""What the colour cloud shows: positions, colours, sizes and numbers, as Plotly will read them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

import kmseg
from kmseg.output import cloud as clouds
from kmseg.ui.components.cloud.cloud import pack_points


def make_cloud(k: int = 3) -> clouds.Cloud:
    rng = np.random.default_rng(5)
    colors = rng.integers(0, 256, (40, 3), dtype=np.uint8)
    labels = np.arange(40) % k
    counts = rng.integers(1, 5000, 40)
    return clouds.Cloud(
        points=colors.astype(np.float64),
        counts=counts,
        colors=colors,
        labels=labels,
        centroids=np.array([colors[labels == i].mean(axis=0) for i in range(k)]),
        palette=np.array([[0, 0, 5], [255, 255, 255], [200, 30, 30]], np.uint8)[:k],
        pixel_counts=np.bincount(labels, counts, k).astype(np.int64),
        names=["1", "2", "3+4"][:k],
        axes=("Red", "Green", "Blue"),
        ranges=((0, 255), (0, 255), (0, 255)),
    )


@pytest.mark.parametrize("k", [1, 3])
def test_plotly_accepts_the_figure(k: int) -> None:
    cloud = make_cloud(k)
    frame = clouds.frame(cloud)
    figure = go.Figure(json.loads(json.dumps(frame)))
    tags = figure.layout.scene.annotations
    assert [tag.text for tag in tags] == ["<b>1</b>", "<b>2</b>", "<b>3+4</b>"][:k]


def test_packed_points_are_those_of_the_cloud() -> None:
    cloud = make_cloud()
    packed = pack_points(cloud)
    assert len(packed) == 23 * 40
    xyz = np.frombuffer(packed, "<f4", 3 * 40).reshape(3, 40)
    np.testing.assert_array_equal(xyz.T, cloud.points)
    sizes = np.frombuffer(packed, "<f4", 40, 12 * 40)
    np.testing.assert_array_equal(sizes, clouds.marker_sizes(cloud.counts))
    np.testing.assert_array_equal(np.frombuffer(packed, "<u4", 40, 16 * 40), cloud.counts)
    colors = np.frombuffer(packed, np.uint8, 3 * 40, 20 * 40).reshape(40, 3)
    np.testing.assert_array_equal(colors, cloud.colors)


def test_hovering_a_point_shows_its_coordinates_pixels_and_cluster() -> None:
    cloud = make_cloud()
    template = clouds.frame(cloud)["data"][0]["hovertemplate"]
    for name, letter in zip(cloud.axes, "xyz", strict=True):
        assert f"{name} %{{{letter}:" in template
    for text in ("#%{customdata[0]:06x}", "%{customdata[1]:,} pixels", "cluster %{customdata[2]}"):
        assert text in template


def test_tags_stand_at_the_centroids_with_name_and_share() -> None:
    cloud = replace(make_cloud(), pixel_counts=np.array([1000, 3000, 4000]))
    tags = clouds.frame(cloud)["layout"]["scene"]["annotations"]
    np.testing.assert_array_equal([[tag[axis] for axis in "xyz"] for tag in tags], cloud.centroids)
    assert "1,000 pixels · 12.5%" in tags[0]["hovertext"]
    assert [tag["bgcolor"] for tag in tags] == ["#000005", "#ffffff", "#c81e1e"]
    assert [tag["font"]["color"] for tag in tags] == ["#ffffff", "#000000", "#ffffff"]


def test_the_tag_of_merged_clusters_was_called_by_another_number_when_hovered() -> None:
    seg = kmseg.segment(kmseg.sample_image("flower"), kmseg.Settings(n_clusters=4, width=80))
    merged = seg.merged([(1, 2)])
    cloud = clouds.color_cloud(merged, clouds.points(seg.histogram, "rgb", 100))
    tags = clouds.frame(cloud)["layout"]["scene"]["annotations"]
    for name, tag in zip(merged.names, tags, strict=True):
        assert tag["text"] == f"<b>{name}</b>"
        assert tag["hovertext"].startswith(f"<b>Cluster {name}</b>")


def test_axes_are_named_and_fixed() -> None:
    scene = clouds.frame(make_cloud())["layout"]["scene"]
    assert [scene[f"{a}axis"]["title"]["text"] for a in "xyz"] == ["Red", "Green", "Blue"]
    assert scene["zaxis"]["range"] == [0, 255]


def test_ink_stands_out_on_any_colour() -> None:
    shades = np.array([[0, 0, 0], [255, 255, 255], [255, 255, 0], [0, 0, 160]], np.uint8)
    black, white = "#000000", "#ffffff"
    assert [clouds.ink(shade) for shade in shades] == [white, black, black, white]


def test_markers_grow_with_the_count_within_bounds() -> None:
    sizes = clouds.marker_sizes(np.array([1, 10, 1000, 1000000]))
    assert sizes.dtype == np.float32
    assert (np.diff(sizes) > 0).all()
    bounds = [clouds.SMALLEST_MARKER, clouds.LARGEST_MARKER]
    np.testing.assert_allclose(sizes[[0, -1]], bounds, rtol=1e-6)


def test_markers_of_single_pixels_are_all_small() -> None:
    assert set(clouds.marker_sizes(np.ones(5, np.int64)).tolist()) == {clouds.SMALLEST_MARKER}
    assert clouds.marker_sizes(np.empty(0, np.int64)).shape == (0,)
