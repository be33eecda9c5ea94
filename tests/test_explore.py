"""Comparison of settings: the sheet, its ranking, the ladder and the residual."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import calinski_harabasz_score, silhouette_score

import kmseg
from kmseg import explore
from kmseg.color import features, offered
from kmseg.labeling import PixelGrid
from kmseg.samples.plates import PALETTES, draw_plate
from oracles import image_at, numeral_overlap


def seen(image: kmseg.Image) -> tuple[kmseg.ColorHistogram, NDArray[np.int32]]:
    histogram = kmseg.color_histogram(image)
    return histogram, explore.tile_grid(image, histogram)


def sheet(image: kmseg.Image, **settings: Any) -> list[explore.Tile]:
    wanted = explore.views(kmseg.Settings(**settings))
    return list(explore.sheet(*seen(image), wanted))


def ladder(image: kmseg.Image, clusters: range, **settings: Any) -> list[explore.Rung]:
    return list(explore.ladder(*seen(image), kmseg.Settings(**settings), clusters))


@pytest.fixture(scope="module")
def flower() -> kmseg.Image:
    return image_at("flower", 320)


# -- the sheet -------------------------------------------------------------------------------------


def test_a_sheet_has_every_space_with_every_set_of_channels_once() -> None:
    wanted = explore.views(kmseg.Settings(n_clusters=5, seed=3, width=70))
    sizes = [len(space.channels) for space in offered("bgr")]
    assert len(wanted) == len(set(wanted)) == sum(2**size - 1 for size in sizes)
    for settings in wanted:
        assert replace(settings, color_space="bgr", channels="all") == kmseg.Settings(
            n_clusters=5, seed=3, width=70
        )
    assert sum(settings.channels == "all" for settings in wanted) == len(sizes)


def test_starting_colours_and_other_engines_are_replaced() -> None:
    manual = kmseg.Settings(n_clusters=2, init="manual", centroids=("#000000", "#ffffff"))
    assert explore.automatic(manual) == kmseg.Settings(n_clusters=2)
    other = kmseg.Settings(engine="opencv", init="random", attempts=3)
    assert explore.automatic(other) == replace(other, engine="exact")


def test_a_tile_shows_what_choosing_it_gives(flower: kmseg.Image) -> None:
    rows, columns = flower.grid(explore.TILE_SIDE)
    assert max(len(rows), len(columns)) == explore.TILE_SIDE
    for tile in sheet(flower, n_clusters=3):
        seg = kmseg.segment(flower, tile.settings)
        np.testing.assert_array_equal(tile.labels, seg.labels_at(rows, columns))
        np.testing.assert_array_equal(tile.palette, seg.palette)
        assert tile.inertia == seg.inertia


def test_transparent_pixels_belong_to_no_tile() -> None:
    pixels = image_at("flower", 60).pixels
    opaque = np.arange(pixels.shape[1]) >= 30
    image = kmseg.Image(pixels, np.broadcast_to(opaque, pixels.shape[:2]))
    for tile in sheet(image, n_clusters=2):
        assert (tile.labels[:, ~opaque] == -1).all() and (tile.labels[:, opaque] >= 0).all()


# -- the ranking -----------------------------------------------------------------------------------


def test_solid_areas_are_coherent_and_speckle_is_not() -> None:
    solid = np.repeat(np.arange(2, dtype=np.int16), 50) * np.ones((100, 1), np.int16)
    speckle = np.random.default_rng(0).integers(0, 2, (100, 100)).astype(np.int16)
    half = np.where(np.arange(100)[:, None] < 50, solid, speckle)
    assert explore.coherence(solid) > 0.8
    assert abs(explore.coherence(speckle)) < 0.03
    assert explore.coherence(speckle) < explore.coherence(half) < explore.coherence(solid)
    assert explore.coherence(np.zeros((100, 100), np.int16)) == 0
    assert explore.coherence(np.full((4, 4), -1, np.int16)) == 0


def coherence_by_definition(labels: NDArray[np.int16]) -> float:
    """Cohen's kappa of pixel pairs, listed one by one, averaged over the four distances."""
    height, width = labels.shape
    kappas = []
    for share in (0.02, 0.04, 0.06, 0.09):
        straight = max(1, round(share * max(height, width)))
        diagonal = max(1, round(straight * 0.5**0.5))
        pairs = [
            (labels[y, x], labels[y + dy, x + dx])
            for dy, dx in (
                (0, straight),
                (straight, 0),
                (diagonal, diagonal),
                (diagonal, -diagonal),
            )
            for y in range(height - dy)
            for x in range(width)
            if 0 <= x + dx < width
        ]
        pairs = [(int(a), int(b)) for a, b in pairs if a >= 0 and b >= 0]
        if not pairs:
            continue
        both_ways = Counter(label for pair in pairs for label in pair)
        by_chance = sum((count / both_ways.total()) ** 2 for count in both_ways.values())
        same = sum(a == b for a, b in pairs) / len(pairs)
        kappas.append((same - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0)
    return sum(kappas) / len(kappas) if kappas else 0.0


@given(st.integers(1, 40), st.integers(1, 200), st.integers(0, 2**32 - 1), st.integers(1, 5))
@hypothesis_settings(max_examples=40)
@example(4, 200, 0, 3)
@example(17, 200, 0, 3)
@example(1, 1, 0, 1)
def test_coherence_crashed_where_a_side_was_shorter_than_its_distances(
    height: int, width: int, seed: int, n_clusters: int
) -> None:
    labels = np.random.default_rng(seed).integers(-1, n_clusters, (height, width), np.int16)
    labels = np.sort(labels, axis=1)  # areas rather than speckle
    expected = pytest.approx(coherence_by_definition(labels), abs=1e-12)
    for turned in (labels, labels.T, labels[::-1], labels[:, ::-1]):
        assert explore.coherence(turned) == expected
    assert explore.coherence(labels) <= 1 + 1e-12


@pytest.mark.parametrize("shape", [(4, 3000), (50, 2000), (2000, 50), (1, 300), (1, 2)])
def test_a_strip_of_a_panorama_crashed_the_sheet_and_the_ladder(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    heaps = np.array([(40, 40, 200), (200, 60, 60), (60, 200, 60)])
    areas = heaps[np.arange(max(shape)) * 3 // max(shape)]
    pixels = np.broadcast_to(areas[None] if shape[1] == max(shape) else areas[:, None], (*shape, 3))
    pixels = (pixels + rng.integers(-9, 10, (*shape, 3))).astype(np.uint8)
    image = kmseg.Image(pixels)
    tiles = sheet(image, n_clusters=3)
    assert len(tiles) == len(explore.views(kmseg.Settings()))
    rungs = ladder(image, range(2, 6))
    if min(shape) > 1:
        assert explore.ranked(tiles)[0].tile.coherence > 0.5
        best = explore.suggested(rungs)
        assert best is not None and best.tile.settings.n_clusters == 3


def test_coherence_leaves_transparent_pixels_out() -> None:
    solid = np.repeat(np.arange(2, dtype=np.int16), 50) * np.ones((100, 1), np.int16)
    framed = np.full((100, 140), -1, np.int16)
    framed[:, 20:120] = solid
    near = pytest.approx(
        explore.coherence(solid), abs=0.1
    )  # the frame makes its distances a little longer
    assert explore.coherence(framed) == near


def label_maps(n: int = 4) -> st.SearchStrategy[NDArray[np.int16]]:
    cells = st.lists(st.integers(-1, n - 1), min_size=30, max_size=30)
    return cells.map(lambda values: np.array(values, np.int16).reshape(5, 6))


@given(label_maps(), label_maps(), st.permutations(range(4)))
def test_agreement_is_symmetric_and_ignores_cluster_numbers(
    first: NDArray[np.int16], second: NDArray[np.int16], order: list[int]
) -> None:
    renamed = np.append(np.array(order, np.int16), np.int16(-1))[first]
    assert explore.agreement(first, second) == explore.agreement(second, first)
    assert explore.agreement(renamed, second) == explore.agreement(first, second)
    assert 0 <= explore.agreement(first, second) <= 1
    assert explore.agreement(first, first) == (1 if (first >= 0).any() else 0)
    assert -1 <= explore.coherence(first) <= 1
    assert explore.coherence(renamed) == pytest.approx(explore.coherence(first))


def test_near_duplicates_are_folded_into_one_proposal(flower: kmseg.Image) -> None:
    both = (explore.views(kmseg.Settings(n_clusters=3, color_space=key)) for key in ("bgr", "rgb"))
    tiles = list(explore.sheet(*seen(flower), dict.fromkeys(itertools.chain(*both))))
    proposals = explore.ranked(tiles)
    shown = [proposal.tile for proposal in proposals]
    assert sum(1 + len(proposal.alike) for proposal in proposals) == len(tiles)
    values = [explore.separation(tile) for tile in shown]
    assert values == sorted(values, reverse=True)
    for one, other in itertools.combinations(shown[:8], 2):
        assert (
            explore.agreement(one.labels, other.labels) < 0.95
        )  # compared at all pixels, not at a quarter of them
    spaces = [
        {tile.settings.color_space for tile in (proposal.tile, *proposal.alike)}
        for proposal in proposals
    ]
    assert all(("bgr" in found) == ("rgb" in found) for found in spaces)  # the same three columns


@pytest.mark.parametrize("palette", PALETTES)
def test_a_hidden_numeral_is_among_the_first_three_proposals(palette: str) -> None:
    seed = list(PALETTES).index(palette)
    plate = draw_plate(str(11 * seed + 3), PALETTES[palette], seed, 400)
    image = kmseg.Image(plate.pixels)
    proposals = explore.ranked(sheet(image, n_clusters=3 if palette != "two-tone" else 4))
    found = [
        numeral_overlap(
            kmseg.segment(image, proposal.tile.settings).labels, plate.numeral_mask, plate.dots_mask
        )
        for proposal in proposals[:3]
    ]
    assert max(found) >= 0.8


def test_explained_is_measured_in_visible_colours_whatever_was_clustered() -> None:
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:20] = (200, 40, 0)
    pixels[:, 20:] += np.array((0, 0, 50), np.uint8)
    tiles = {
        (tile.settings.color_space, tile.settings.channels): tile
        for tile in sheet(kmseg.Image(pixels), n_clusters=4)
    }
    assert tiles["bgr", "all"].explained == pytest.approx(1)
    assert 0 < tiles["bgr", "0"].explained < tiles["bgr", "2"].explained < 1


@pytest.mark.parametrize("color", [(0, 0, 0), (20, 130, 40), (255, 255, 255)])
def test_clusters_of_one_colour_explain_nothing(color: tuple[int, int, int]) -> None:
    tiles = sheet(kmseg.Image(np.full((30, 40, 3), color, np.uint8)), n_clusters=3)
    assert {tile.explained for tile in tiles} == {0.0}
    assert {explore.separation(tile) for tile in tiles} == {0.0}


def test_a_tile_may_have_no_opaque_pixel() -> None:
    opaque = np.zeros((1000, 1000), bool)
    opaque[0, 0] = True  # not among the tile's pixels
    tiles = sheet(kmseg.Image(np.zeros((1000, 1000, 3), np.uint8), opaque), n_clusters=2)
    assert all((tile.labels == -1).all() and tile.explained == 0 for tile in tiles)


# -- the ladder ------------------------------------------------------------------------------------


def test_a_rung_is_what_choosing_its_k_gives(flower: kmseg.Image) -> None:
    rungs = ladder(flower, range(2, 8), color_space="cielab", channels="12")
    inertias = [rung.tile.inertia for rung in rungs]
    assert inertias == sorted(inertias, reverse=True)
    for n_clusters, rung in enumerate(rungs, start=2):
        settings = kmseg.Settings(color_space="cielab", channels="12", n_clusters=n_clusters)
        assert rung.tile.settings == settings
        assert rung.tile.inertia == kmseg.segment(flower, settings).inertia


def test_scores_are_scikit_learns() -> None:
    image = image_at("china", 40)
    histogram = kmseg.color_histogram(image)
    X = features(image.pixels.reshape(-1, 3), "cielab")
    colors = features(histogram.colors, "cielab")
    for rung in ladder(image, range(2, 6), color_space="cielab", seed=4):
        seg = kmseg.segment(image, rung.tile.settings)
        exact = calinski_harabasz_score(X, seg.labels.ravel())
        # Its centroids are means; ours came to rest within epsilon of them.
        assert rung.calinski_harabasz == pytest.approx(exact, rel=1e-4)
        drawn = np.random.default_rng(4).choice(
            histogram.n_colors, explore.SILHOUETTE_PIXELS, p=histogram.counts / histogram.n_pixels
        )
        sampled = silhouette_score(colors[drawn], seg.color_labels[drawn])
        assert rung.silhouette == pytest.approx(sampled)


def test_three_groups_of_colours_suggest_k_3() -> None:
    rng = np.random.default_rng(0)
    heaps = np.array([(40, 40, 200), (200, 60, 60), (60, 200, 60)])
    pixels = heaps[rng.integers(0, 3, (60, 60))] + rng.integers(-12, 13, (60, 60, 3))
    best = explore.suggested(ladder(kmseg.Image(pixels.astype(np.uint8)), range(2, 9)))
    assert best is not None and best.tile.settings.n_clusters == 3


def test_k_2_was_suggested_where_no_silhouette_is_defined() -> None:
    """One odd pixel among millions is in no sample of pixels, so the sample has one cluster."""
    pixels = np.full((2000, 2000, 3), 255, np.uint8)
    pixels[7, 9] = 0
    rungs = ladder(kmseg.Image(pixels), range(2, 5))
    assert [np.isnan(rung.silhouette) for rung in rungs] == [True]
    assert explore.suggested(rungs) is None
    assert explore.suggested([]) is None


def test_a_rung_without_a_silhouette_is_never_suggested(flower: kmseg.Image) -> None:
    first, second = ladder(flower, range(2, 4))
    undefined = replace(first, silhouette=np.nan)
    lowest = replace(second, silhouette=-1.0)
    assert explore.suggested([undefined, lowest]) is lowest


def test_the_ladder_ends_at_the_number_of_colours() -> None:
    pixels = np.zeros((3, 4, 3), np.uint8)
    pixels[0], pixels[1, :2] = 255, 80
    rungs = ladder(kmseg.Image(pixels), range(2, 11))
    assert [rung.tile.settings.n_clusters for rung in rungs] == [2, 3]
    assert rungs[-1].calinski_harabasz == np.inf
    assert ladder(kmseg.Image(pixels[:1]), range(2, 11)) == []


# -- the residual ----------------------------------------------------------------------------------


def lightness(level: int) -> float:
    """L* of a gray sRGB level (IEC 61966-2-1, CIE 15:2004)."""
    encoded = level / 255
    linear = encoded / 12.92 if encoded <= 0.04045 else ((encoded + 0.055) / 1.055) ** 2.4
    return 116 * (linear ** (1 / 3) if linear > (6 / 29) ** 3 else linear * 841 / 108 + 4 / 29) - 16


def test_the_residual_is_the_colour_difference_to_the_clusters_colour() -> None:
    levels = np.array([[0, 20, 7], [255, 235, 0]], np.uint8)
    opaque = np.array([[True, True, False], [True, True, True]])
    image = kmseg.Image(np.repeat(levels[..., None], 3, axis=2), opaque)
    seg = kmseg.segment(image, kmseg.Settings(color_space="gray", n_clusters=2))
    found = explore.residual(seg, PixelGrid.of(image, seg.histogram, 100))
    dark, light = round(20 / 3), 245  # the mean levels of the two clusters
    expected = [
        [lightness(dark), lightness(20) - lightness(dark), np.nan],
        [100 - lightness(light), lightness(light) - lightness(235), lightness(dark)],
    ]
    np.testing.assert_allclose(found, expected, atol=1e-3)
