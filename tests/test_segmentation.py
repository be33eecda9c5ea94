"""``segment``: order, counts, colours and labels, for every engine and source."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

import kmseg
from kmseg.color import COLOR_SPACES, features
from kmseg.kmeans.engines import DEFAULT_ENGINE, ENGINES
from oracles import (
    article_features,
    assert_same_clusters,
    image_at,
    inertia,
    largest_move,
    lloyd,
    nearest,
    random_image,
    resized,
    tied,
    with_holes,
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Any:
    """So few pixels are clustered faster without threads."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def china() -> kmseg.Image:
    return image_at("china", 120)


@pytest.fixture(scope="module")
def holed(china: kmseg.Image) -> kmseg.Image:
    return with_holes(china, 1)


def opaque_pixels(image: kmseg.Image) -> NDArray[np.uint8]:
    opaque = np.ones(image.pixels.shape[:2], bool) if image.opaque is None else image.opaque
    return np.asarray(image.pixels[opaque])


def assert_consistent(seg: kmseg.Segmentation, image: kmseg.Image) -> None:
    """Everything that a segmentation says of an image, against its pixels and labels."""
    K, opaque, labels = seg.n_clusters, image.opaque, seg.labels
    assert labels.shape == image.pixels.shape[:2]
    assert labels.dtype == np.int16
    transparent = np.zeros(labels.shape, bool) if opaque is None else ~opaque
    np.testing.assert_array_equal(labels == -1, transparent)
    assert labels.max() < K and labels.min() >= -1

    assert seg.pixel_counts.dtype == np.int64
    counts = np.bincount(labels[~transparent].astype(np.int64), minlength=K)
    np.testing.assert_array_equal(seg.pixel_counts, counts)
    assert (counts > 0).all() and (np.diff(counts) <= 0).all()
    assert seg.pixel_counts.sum() == (~transparent).sum()
    np.testing.assert_allclose(seg.shares, counts / counts.sum(), rtol=1e-15)

    assert seg.palette.dtype == np.uint8 and seg.palette.shape == (K, 3)
    means = [image.pixels[labels == k].astype(np.int64).mean(axis=0) for k in range(K)]
    assert (np.abs(np.array(means) - seg.palette) <= 0.5).all()

    X = article_features(opaque_pixels(image), seg.settings.color_space, seg.settings.channels)
    assert seg.centroids.dtype == np.float64 and seg.centroids.shape == (K, X.shape[1])
    assert seg.inertia == pytest.approx(inertia(X, seg.centroids), rel=1e-9, abs=1e-6)
    assert min(seg.attempts) == seg.inertia

    keys = [
        (-int(n), *map(int, color), *centroid)
        for n, color, centroid in zip(seg.pixel_counts, seg.palette, seg.centroids, strict=True)
    ]
    assert keys == sorted(keys), "not ordered by count, palette and centroid"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("color_space", COLOR_SPACES)
def test_what_a_segmentation_says_fits_its_pixels(
    holed: kmseg.Image, color_space: str, engine: str
) -> None:
    settings = kmseg.Settings(
        color_space=color_space, n_clusters=5, engine=engine, attempts=2, max_iter=30
    )
    seg = kmseg.segment(holed, settings)
    assert seg.n_clusters == 5
    assert seg.settings is settings and seg.image is holed
    assert len(seg.attempts) == (2 if ENGINES[engine].reports_attempts else 1) or seg.global_optimum
    if ENGINES[engine].reports_iterations:
        assert seg.global_optimum or (seg.n_iter is not None and seg.converged is not None)
    else:
        assert seg.n_iter is None and seg.converged is None
    assert_consistent(seg, holed)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("color_space", "channels", "D"),
    [("hsv", "02", 2), ("hsv-circular", "0", 2), ("hsv-circular", "1", 1), ("cielab", "12", 2)],
)
def test_channels_left_out_have_no_centroid_but_the_palette_is_whole(
    china: kmseg.Image, color_space: str, channels: str, D: int, engine: str
) -> None:
    settings = kmseg.Settings(
        color_space=color_space, channels=channels, n_clusters=4, engine=engine, attempts=2
    )
    seg = kmseg.segment(china, settings)
    assert seg.centroids.shape == (4, D) == (4, len(settings.coordinate_names))
    assert_consistent(seg, china)


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.integers(2, 4),
    st.integers(2, 9),
    st.booleans(),
    st.sampled_from([DEFAULT_ENGINE, *ENGINES]),
    st.sampled_from([("bgr", "all"), ("gray", "0"), ("hsv", "0"), ("cielab", "12")]),
)
@hypothesis_settings(max_examples=40)
def test_any_small_picture_is_segmented_consistently(
    seed: int,
    shape: tuple[int, int],
    levels: int,
    n_clusters: int,
    holes: bool,
    engine: str,
    where: tuple[str, str],
) -> None:
    """Few colours: ties of counts and of palettes, K beyond the distinct rows."""
    image = random_image(seed, shape, levels)
    if holes and shape[0] * shape[1] > 1:
        opaque = np.random.default_rng(seed).random(shape) > 0.5
        opaque.flat[seed % opaque.size] = True
        image = kmseg.Image(image.pixels, opaque)
    settings = kmseg.Settings(
        color_space=where[0],
        channels=where[1],
        n_clusters=n_clusters,
        engine=engine,
        attempts=2,
        epsilon=0,
    )
    seg = kmseg.segment(image, settings)
    assert_consistent(seg, image)
    X = article_features(opaque_pixels(image), *where)
    assert seg.n_clusters <= min(n_clusters, len(np.unique(X, axis=0)))
    again = kmseg.segment(image, settings)
    np.testing.assert_array_equal(again.labels, seg.labels)


@pytest.mark.parametrize("engine", ENGINES)
def test_k_is_clipped_to_the_distinct_rows_of_the_features(engine: str) -> None:
    """Many colours may have few values in the channel that is clustered."""
    pixels = np.zeros((1, 60, 3), np.uint8)
    pixels[..., 0] = np.arange(0, 240, 4)
    pixels[:, 30:, 1] = 90
    image = kmseg.Image(pixels)
    seg = kmseg.segment(
        image, kmseg.Settings(color_space="rgb", channels="1", n_clusters=9, engine=engine)
    )
    assert seg.n_clusters == 2
    assert seg.settings.n_clusters == 9
    # OpenCV averages in single precision.
    assert seg.inertia == pytest.approx(0, abs=1e-6)
    assert seg.global_optimum or engine != "exact"
    assert_consistent(seg, image)


@pytest.mark.parametrize("engine", ENGINES)
def test_one_pixel_is_one_cluster(engine: str) -> None:
    image = kmseg.Image(np.array([[[10, 200, 30]]], np.uint8))
    seg = kmseg.segment(image, kmseg.Settings(engine=engine))
    assert seg.labels.tolist() == [[0]]
    assert seg.palette.tolist() == [[10, 200, 30]]
    assert seg.pixel_counts.tolist() == [1]
    assert_consistent(seg, image)


def test_equal_counts_are_ordered_by_palette_then_by_centroid() -> None:
    colors = [[200, 0, 0], [0, 0, 200], [0, 200, 0], [0, 0, 10]]
    image = kmseg.Image(np.repeat([colors], 3, axis=0).astype(np.uint8))
    for seed in range(5):
        seg = kmseg.segment(image, kmseg.Settings(n_clusters=4, seed=seed))
        assert seg.palette.tolist() == [[0, 0, 10], [0, 0, 200], [0, 200, 0], [200, 0, 0]]
        assert seg.pixel_counts.tolist() == [3] * 4
    image = kmseg.Image(np.array([[[0, 0, 0], [2, 2, 2], [1, 1, 1], [1, 1, 1]]], np.uint8))
    labels = [kmseg.segment(image, kmseg.Settings(n_clusters=3, seed=s)).labels for s in range(6)]
    for other in labels:
        np.testing.assert_array_equal(other, [[1, 2, 0, 0]])


# -- the exact engine against references on raw pixels ---------------------------------------------

STARTS = {
    "china": ((220, 225, 231), (61, 52, 40), (150, 98, 71), (120, 141, 160), (95, 96, 60)),
    "flower": ((20, 31, 10), (233, 120, 61), (120, 35, 22), (90, 121, 70), (240, 200, 161)),
}


@pytest.mark.parametrize("key", STARTS)
@pytest.mark.parametrize(
    ("color_space", "channels", "n_clusters"),
    [
        ("bgr", "all", 5),
        ("hsv", "all", 3),
        ("lab", "12", 4),
        ("ycrcb", "0", 3),
        ("cielab", "all", 5),
        ("oklab", "02", 2),
        ("hsv-circular", "all", 4),
    ],
)
def test_from_the_users_colours_every_pixel_gets_the_label_of_plain_k_means(
    key: str, color_space: str, channels: str, n_clusters: int
) -> None:
    image = image_at(key, 120)
    colors = np.array(STARTS[key][:n_clusters], np.uint8)
    seg = kmseg.segment(
        image,
        kmseg.Settings(
            color_space=color_space,
            channels=channels,
            n_clusters=n_clusters,
            init="manual",
            centroids=STARTS[key][:n_clusters],
            epsilon=0,
            stop="epsilon",
        ),
    )
    X = article_features(image.pixels, color_space, channels)
    start = article_features(colors, color_space, channels)
    plain = lloyd(X, start)
    theirs = KMeans(n_clusters, init=start, n_init=1, max_iter=5000, tol=0).fit(X)

    order = [int(k) for k in nearest(seg.centroids, plain.centroids)]
    assert sorted(order) == list(range(n_clusters))
    np.testing.assert_allclose(seg.centroids, plain.centroids[order], rtol=1e-9, atol=1e-9)
    free = tied(X, plain.centroids)
    ours = np.array(order)[seg.labels.ravel()]
    np.testing.assert_array_equal(ours[~free], plain.labels[~free])
    np.testing.assert_array_equal(ours[~free], theirs.labels_[~free])
    assert seg.inertia == pytest.approx(theirs.inertia_, rel=1e-9)
    assert len(seg.attempts) == 1 and seg.converged is True


@pytest.mark.parametrize("color_space", COLOR_SPACES)
def test_at_rest_a_plain_step_on_the_pixels_moves_no_centroid_beyond_epsilon(
    china: kmseg.Image, color_space: str
) -> None:
    settings = kmseg.Settings(color_space=color_space, n_clusters=8, epsilon=0.02, attempts=3)
    seg = kmseg.segment(china, settings)
    assert seg.converged is True
    X = article_features(china.pixels, color_space, "all")
    assert largest_move(X, seg.centroids) <= 0.02 + 1e-9


def test_the_whole_photo_has_the_inertia_of_its_pixels() -> None:
    image = kmseg.sample_image("china")
    seg = kmseg.segment(image, kmseg.Settings(n_clusters=10))
    X = article_features(image.pixels, "bgr", "all")
    assert seg.inertia == pytest.approx(inertia(X, seg.centroids), rel=1e-9)
    np.testing.assert_array_equal(seg.labels.ravel(), nearest(X, seg.centroids))


# -- labels ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("transparent", [False, True])
def test_labels_of_a_part_are_a_part_of_the_labels(
    china: kmseg.Image, holed: kmseg.Image, engine: str, transparent: bool
) -> None:
    image = holed if transparent else china
    seg = kmseg.segment(image, kmseg.Settings(engine=engine, attempts=1, max_iter=10))
    height, width = seg.labels.shape
    parts: list[tuple[Any, Any]] = [
        (slice(None), slice(None)),
        (slice(3, 40), slice(5, 6)),
        (slice(None, None, 7), slice(1, None, 3)),
        (slice(None, None, -1), slice(None, None, -2)),
        (np.arange(0, height, 5), np.arange(2, width, 11)),
        (np.array([4, 4, 0]), slice(9, 20)),
        (slice(2, 2), slice(None)),
    ]
    for rows, columns in parts:
        part = seg.labels_at(rows, columns)
        assert part.dtype == np.int16
        np.testing.assert_array_equal(part, seg.labels[rows][:, columns])


def test_labels_of_pixels_follow_from_labels_of_colours(holed: kmseg.Image) -> None:
    seg = kmseg.segment(holed, kmseg.Settings(n_clusters=6))
    assert holed.opaque is not None
    assert seg.color_labels.shape == (seg.histogram.n_colors,)
    label_of = dict(zip(map(tuple, seg.histogram.colors.tolist()), seg.color_labels, strict=True))
    expected = [label_of[tuple(color)] for color in opaque_pixels(holed).tolist()]
    np.testing.assert_array_equal(seg.labels[holed.opaque], expected)


# -- transparency ----------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("width", [0, 50])
def test_hidden_colours_have_no_influence(holed: kmseg.Image, engine: str, width: int) -> None:
    settings = kmseg.Settings(engine=engine, attempts=2, max_iter=20, width=width)
    hidden = np.where(holed.opaque[..., None], holed.pixels, np.uint8(255) - holed.pixels)  # type: ignore[index]
    first, second = (
        kmseg.segment(kmseg.Image(pixels, holed.opaque), settings)
        for pixels in (holed.pixels, hidden)
    )
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_array_equal(first.centroids, second.centroids)
    np.testing.assert_array_equal(first.palette, second.palette)
    assert first.inertia == second.inertia
    assert first.image is not None
    assert first.pixel_counts.sum() == len(opaque_pixels(first.image))


# -- sources ---------------------------------------------------------------------------------------


def test_a_histogram_gives_what_its_image_gives(holed: kmseg.Image) -> None:
    settings = kmseg.Settings(color_space="lab", n_clusters=6, width=33)
    histogram = kmseg.color_histogram(holed)
    from_image = kmseg.segment(holed, kmseg.Settings(color_space="lab", n_clusters=6))
    seg = kmseg.segment(histogram, settings)
    assert seg.image is None and seg.histogram is histogram
    np.testing.assert_array_equal(seg.pixel_counts, from_image.pixel_counts)
    np.testing.assert_array_equal(seg.palette, from_image.palette)
    np.testing.assert_array_equal(seg.centroids, from_image.centroids)
    np.testing.assert_array_equal(seg.color_labels, from_image.color_labels)
    assert seg.inertia == from_image.inertia
    assert seg.attempts == from_image.attempts


def test_colours_in_any_order_give_the_same_clusters(china: kmseg.Image) -> None:
    histogram = kmseg.color_histogram(china)
    order = np.random.default_rng(0).permutation(histogram.n_colors)
    shuffled = kmseg.ColorHistogram(histogram.colors[order], histogram.counts[order])
    options: dict[str, Any] = {"n_clusters": 3, "init": "manual", "epsilon": 0.0}
    settings = kmseg.Settings(centroids=STARTS["china"][:3], **options)
    first, second = kmseg.segment(histogram, settings), kmseg.segment(shuffled, settings)
    np.testing.assert_array_equal(first.pixel_counts, second.pixel_counts)
    np.testing.assert_array_equal(first.color_labels[order], second.color_labels)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_histogram_has_colours_but_no_labels(china: kmseg.Image, engine: str) -> None:
    histogram = kmseg.color_histogram(china)
    seg = kmseg.segment(histogram, kmseg.Settings(engine=engine, attempts=2, n_clusters=3))
    assert seg.n_clusters == 3
    assert seg.pixel_counts.sum() == histogram.n_pixels
    X = article_features(china.pixels, "bgr", "all")
    assert seg.inertia == pytest.approx(inertia(X, seg.centroids), rel=1e-9)
    expected = np.bincount(seg.color_labels, histogram.counts)
    np.testing.assert_array_equal(seg.pixel_counts, expected)
    with pytest.raises(kmseg.LabelsError, match=r"ColorHistogram.*Image"):
        _ = seg.labels
    with pytest.raises(kmseg.LabelsError, match=r"ColorHistogram.*Image"):
        seg.labels_at(slice(2), slice(2))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("width", [0, 60])
def test_a_histogram_that_is_known_already_changes_nothing(
    holed: kmseg.Image, engine: str, width: int
) -> None:
    settings = kmseg.Settings(engine=engine, attempts=2, max_iter=20, width=width)
    known = kmseg.color_histogram(holed.resized(width))
    first, second = kmseg.segment(holed, settings), kmseg.segment(holed, settings, histogram=known)
    assert second.histogram is known
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_array_equal(first.centroids, second.centroids)
    assert first.attempts == second.attempts


def test_width_resizes_first_as_opencv_does() -> None:
    original = kmseg.sample_image("flower")
    for width in (100, 333, 900):
        seg = kmseg.segment(original, kmseg.Settings(n_clusters=2, attempts=1, width=width))
        assert seg.image is not None
        expected = resized(original.pixels, width)
        assert expected.shape[0] == int(width / 640 * 427)
        np.testing.assert_array_equal(seg.image.pixels, expected)
        assert seg.labels.shape == expected.shape[:2]
        assert seg.pixel_counts.sum() == expected.shape[0] * width
        np.testing.assert_array_equal(
            kmseg.segment(kmseg.Image(expected), kmseg.Settings(n_clusters=2, attempts=1)).labels,
            seg.labels,
        )
    strip = kmseg.Image(np.zeros((1, 40, 3), np.uint8))
    assert kmseg.segment(strip, kmseg.Settings(width=3)).labels.shape == (1, 3)


def test_without_settings_the_defaults_apply(china: kmseg.Image) -> None:
    seg = kmseg.segment(china)
    assert seg.settings == kmseg.Settings()
    np.testing.assert_array_equal(seg.labels, kmseg.segment(china, kmseg.Settings()).labels)


def test_a_manual_start_of_far_colours_still_finds_k_clusters() -> None:
    """Only one of the colours is anywhere near the picture's."""
    rng = np.random.default_rng(2)
    image = kmseg.Image(rng.integers(0, 40, (30, 30, 3)).astype(np.uint8))
    colors = ((0, 0, 0), (255, 255, 255), (255, 255, 254), (255, 0, 255), (255, 255, 255))
    for engine in ENGINES:
        settings = kmseg.Settings(n_clusters=5, init="manual", centroids=colors, engine=engine)
        seg = kmseg.segment(image, settings)
        assert seg.n_clusters == 5
        assert_consistent(seg, image)


def test_the_engines_agree_on_colours_that_lie_apart() -> None:
    rng = np.random.default_rng(4)
    centers = np.array([[20, 20, 20], [230, 40, 60], [40, 220, 80], [60, 60, 240]])
    truth = rng.choice(4, (25, 31), p=[0.4, 0.3, 0.2, 0.1])
    image = kmseg.Image((centers[truth] + rng.integers(-8, 9, (25, 31, 3))).astype(np.uint8))
    for engine in ENGINES:
        for color_space in ("rgb", "lab", "oklab", "ycrcb"):
            settings = kmseg.Settings(color_space=color_space, engine=engine, attempts=8)
            assert_same_clusters(kmseg.segment(image, settings).labels, truth)


# -- remarks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("color_space", "channels", "constant"),
    [
        ("hsv", "all", ("H", "S")),
        ("hsv", "12", ("S",)),
        ("hsv", "2", ()),
        ("ycrcb", "all", ("Cr", "Cb")),
        ("lab", "12", ("a", "b")),
        ("hsv-circular", "all", ("H",)),
        ("cielab", "all", ("a*", "b*")),
        ("oklab", "all", ("a", "b")),
        ("rgb", "all", ()),
        ("gray", "all", ()),
    ],
)
def test_a_grayscale_pictures_constant_channels_are_named(
    color_space: str, channels: str, constant: tuple[str, ...]
) -> None:
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = kmseg.Image(np.repeat(gray[..., None], 3, axis=2))
    settings = kmseg.Settings(color_space=color_space, channels=channels)
    assert kmseg.segment(image, settings).constant_channels == constant


@pytest.mark.parametrize("color_space", ["lab", "cielab", "oklab"])
def test_grays_have_one_chroma_however_it_is_computed(color_space: str) -> None:
    """What rounding leaves in a* and b* is no colour to cluster by."""
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = kmseg.Image(np.repeat(gray[..., None], 3, axis=2))
    seg = kmseg.segment(image, kmseg.Settings(color_space=color_space, channels="12"))
    assert seg.n_clusters == 1


def test_a_photos_channels_are_not_constant(china: kmseg.Image) -> None:
    for color_space in COLOR_SPACES:
        settings = kmseg.Settings(color_space=color_space, attempts=1)
        assert kmseg.segment(china, settings).constant_channels == ()
    blue = kmseg.Image(np.full((4, 4, 3), [0, 0, 200], np.uint8))
    assert kmseg.segment(blue, kmseg.Settings()).constant_channels == ("B", "G", "R")


def test_the_time_of_each_step_is_told(china: kmseg.Image) -> None:
    seg = kmseg.segment(china, kmseg.Settings(width=60))
    assert {"resize", "histogram", "features", "fit"} <= set(seg.seconds)
    assert all(seconds >= 0 for seconds in seg.seconds.values())
    assert "resize" not in kmseg.segment(seg.histogram).seconds


# -- merged clusters -------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_merged_clusters_are_the_union_of_their_pixels(holed: kmseg.Image, engine: str) -> None:
    seg = kmseg.segment(holed, kmseg.Settings(n_clusters=5, engine=engine, color_space="lab"))
    merged = seg.merged([(3, 1), (4,)])
    assert sorted(merged.members) == [(0,), (1, 3), (2,), (4,)]
    assert merged.pixel_counts.sum() == seg.pixel_counts.sum()
    assert (np.diff(merged.pixel_counts) <= 0).all()
    for number, group in enumerate(merged.members):
        inside = np.isin(seg.labels, group)
        np.testing.assert_array_equal(merged.labels == number, inside)
        assert merged.pixel_counts[number] == inside.sum()
        mean = holed.pixels[inside].mean(axis=0)
        np.testing.assert_allclose(merged.palette[number], mean, atol=0.5 + 1e-9)
        centroid = np.average(
            seg.centroids[list(group)], axis=0, weights=seg.pixel_counts[list(group)]
        )
        np.testing.assert_allclose(merged.centroids[number], centroid)
    np.testing.assert_array_equal(merged.labels < 0, seg.labels < 0)
    assert merged.names[merged.members.index((1, 3))] == "2+4"
    assert merged.inertia == seg.inertia and merged.settings == seg.settings


def test_merging_again_remembers_the_first_members(china: kmseg.Image) -> None:
    seg = kmseg.segment(china, kmseg.Settings(n_clusters=5))
    once = seg.merged([(0, 4)])
    twice = once.merged([(once.members.index((0, 4)), once.members.index((2,)))])
    at_once = seg.merged([(0, 2, 4)])
    assert twice.members == at_once.members
    np.testing.assert_array_equal(twice.labels, at_once.labels)
    np.testing.assert_array_equal(twice.palette, at_once.palette)


def test_merging_nothing_changes_nothing(china: kmseg.Image) -> None:
    seg = kmseg.segment(china, kmseg.Settings(n_clusters=4))
    same = seg.merged([])
    assert same.members == seg.members == ((0,), (1,), (2,), (3,))
    np.testing.assert_array_equal(same.color_labels, seg.color_labels)
    np.testing.assert_array_equal(same.palette, seg.palette)
    np.testing.assert_array_equal(same.centroids, seg.centroids)


@pytest.mark.parametrize("groups", [[(0, 1), (1, 2)], [(0, 4)], [(-1, 2)]])
def test_groups_that_cannot_be_merged_are_named(
    china: kmseg.Image, groups: list[tuple[int, ...]]
) -> None:
    seg = kmseg.segment(china, kmseg.Settings(n_clusters=4))
    with pytest.raises(kmseg.SettingsError, match="merge: disjoint sets of the clusters 1 to 4"):
        seg.merged(groups)


def test_known_coordinates_change_nothing(china: kmseg.Image) -> None:
    histogram = kmseg.color_histogram(china)
    settings = kmseg.Settings(color_space="hsv-circular", channels="0", n_clusters=3)
    known = features(histogram.colors, "hsv-circular")
    first = kmseg.segment(histogram, settings)
    second = kmseg.segment(histogram, settings, coordinates=known)
    np.testing.assert_array_equal(first.centroids, second.centroids)
    np.testing.assert_array_equal(first.color_labels, second.color_labels)
