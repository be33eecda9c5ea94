"""What the charts show: places, colours, sizes and numbers, as Plotly will read them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from kmseg.output import figures


def make_cloud(k: int = 3) -> figures.Cloud:
    rng = np.random.default_rng(5)
    colors = rng.integers(0, 256, (40, 3), dtype=np.uint8)
    labels = np.arange(40) % k
    counts = rng.integers(1, 5000, 40)
    return figures.Cloud(
        points=colors.astype(np.float32),
        counts=counts,
        colors=colors,
        labels=labels,
        centroids=np.array([colors[labels == i].mean(axis=0) for i in range(k)]),
        palette=np.array([[0, 0, 5], [255, 255, 255], [200, 30, 30]], np.uint8)[:k],
        pixel_counts=np.bincount(labels, counts, k).astype(np.int64),
        axes=("Red", "Green", "Blue"),
        ranges=((0, 255), (0, 255), (0, 255)),
    )


def strings(value: Any) -> list[str]:
    """Every string inside a figure."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [s for item in value for s in strings(item)] if isinstance(value, list | tuple) else []


@pytest.mark.parametrize("paint", ["color", "cluster"])
def test_plotly_accepts_the_cloud_and_finds_every_point_where_it_is(paint: figures.Paint) -> None:
    cloud = make_cloud()
    trace = go.Figure(figures.cloud_figure(cloud, paint)).data[0]
    drawn = np.stack([trace.x, trace.y, trace.z], axis=1)
    np.testing.assert_array_equal(drawn, cloud.points)


def test_points_show_their_own_colour_or_their_clusters() -> None:
    cloud = make_cloud()
    own = figures.cloud_figure(cloud, "color")["data"][0]["marker"]["color"]
    clusters = figures.cloud_figure(cloud, "cluster")["data"][0]["marker"]["color"]
    r, g, b = cloud.colors[7]
    assert own[7] == f"rgb({r},{g},{b})"
    assert clusters[:4] == ["rgb(0,0,5)", "rgb(255,255,255)", "rgb(200,30,30)", "rgb(0,0,5)"]


def test_one_cluster_is_drawn_like_several() -> None:
    figure = go.Figure(figures.cloud_figure(make_cloud(1), "cluster"))
    assert set(figure.data[0].marker.color) == {"rgb(0,0,5)"}
    assert [tag.text for tag in figure.layout.scene.annotations] == ["<b>1</b>"]


def test_hovering_a_point_tells_its_colour_pixels_and_cluster_from_one() -> None:
    cloud = make_cloud()
    trace = figures.cloud_figure(cloud, "color")["data"][0]
    r, g, b = (int(value) for value in cloud.colors[4])
    assert trace["customdata"][4].tolist() == [r << 16 | g << 8 | b, cloud.counts[4], 2]
    for name in cloud.axes:
        assert f"{name} %{{" in trace["hovertemplate"]


def test_tags_stand_at_the_centroids_with_number_and_share() -> None:
    cloud = replace(make_cloud(), pixel_counts=np.array([1000, 3000, 4000]))
    tags = figures.cloud_frame(cloud)["layout"]["scene"]["annotations"]
    assert [tag["text"] for tag in tags] == ["<b>1</b>", "<b>2</b>", "<b>3</b>"]
    np.testing.assert_array_equal([[tag[axis] for axis in "xyz"] for tag in tags], cloud.centroids)
    assert "1,000 pixels · 12.5%" in tags[0]["hovertext"]
    assert [tag["bgcolor"] for tag in tags] == figures.css_colors(cloud.palette)


def test_the_frame_is_the_figure_without_its_points() -> None:
    cloud = make_cloud()
    frame, figure = figures.cloud_frame(cloud), figures.cloud_figure(cloud, "cluster")
    assert frame["layout"] == figure["layout"]
    assert not {"x", "y", "z", "customdata"} & set(frame["data"][0])
    assert not {"color", "size"} & set(frame["data"][0]["marker"])


def test_axes_are_named_and_fixed_or_fitted() -> None:
    cloud = make_cloud()
    scene = figures.cloud_frame(cloud)["layout"]["scene"]
    assert [scene[f"{a}axis"]["title"]["text"] for a in "xyz"] == ["Red", "Green", "Blue"]
    assert scene["zaxis"]["range"] == [0, 255]
    fitted = figures.cloud_frame(replace(cloud, ranges=None))["layout"]["scene"]
    assert "range" not in fitted["zaxis"]


def test_ink_stands_out_on_any_colour() -> None:
    shades = np.array([[0, 0, 0], [255, 255, 255], [255, 255, 0], [0, 0, 160]], np.uint8)
    black, white = "rgb(0,0,0)", "rgb(255,255,255)"
    assert figures.ink(shades) == [white, black, black, white]


def test_markers_grow_with_the_count_within_bounds() -> None:
    sizes = figures.marker_sizes(np.array([1, 10, 1000, 1000000]))
    assert sizes.dtype == np.float32
    assert (np.diff(sizes) > 0).all()
    np.testing.assert_allclose(
        sizes[[0, -1]], [figures.SMALLEST_MARKER, figures.LARGEST_MARKER], rtol=1e-6
    )


def test_markers_of_single_pixels_are_all_small() -> None:
    assert set(figures.marker_sizes(np.ones(5, np.int64)).tolist()) == {figures.SMALLEST_MARKER}
    assert figures.marker_sizes(np.empty(0, np.int64)).shape == (0,)


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(ValueError, match=r"Cloud\.labels has shape \(39,\), expected \(40,\)"):
        replace(make_cloud(), labels=np.zeros(39, np.int64))


def test_an_unknown_paint_is_refused() -> None:
    with pytest.raises(ValueError, match="cluster"):
        figures.cloud_figure(make_cloud(), "rainbow")  # type: ignore[arg-type]


def test_no_colour_is_hexadecimal() -> None:
    cloud = make_cloud()
    figure = figures.cloud_figure(cloud, "cluster")
    found = [s for s in strings(figure) if s.startswith("#") and len(s) in (4, 7)]
    assert not found
