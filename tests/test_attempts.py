"""Attempts of plain Lloyd side by side."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from skimage import data

import kmseg
from kmseg import explore
from oracles import image_at, random_image, with_holes

# On the random picture 24 of 12 x 12 pixels, attempt 5 ends with an empty cluster.
EMPTIED = kmseg.Settings(
    color_space="hsv", n_clusters=40, init="random", stop="iterations", max_iter=1
)


def made(
    image: kmseg.Image, settings: kmseg.Settings, n: int
) -> tuple[kmseg.ColorHistogram, list[explore.Attempt]]:
    histogram = kmseg.color_histogram(image)
    grid = explore.tile_grid(image, histogram)
    return histogram, list(explore.attempts(histogram, grid, settings, range(n)))


@pytest.fixture(scope="module")
def photo() -> kmseg.Image:
    return image_at("flower", 180)


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize("view", [{"color_space": "cielab"}, {"color_space": "hsv"}, {}])
def test_each_attempt_is_the_end_of_its_trace(
    photo: kmseg.Image, view: dict[str, Any], init: str
) -> None:
    settings = kmseg.Settings(**view, n_clusters=6, init=init, seed=5)
    _, attempts = made(photo, settings, 4)
    assert [attempt.number for attempt in attempts] == [0, 1, 2, 3]
    for attempt in attempts:
        trace = kmseg.trace(photo, settings, attempt=attempt.number)
        assert attempt.inertia == trace.inertia[-1]
        assert (attempt.n_iter, attempt.converged) == (trace.n_steps + 1, True)
        for name in ("centroids", "pixel_counts", "palette"):
            np.testing.assert_array_equal(getattr(attempt, name), getattr(trace, name)[-1])
        np.testing.assert_array_equal(attempt.drawn, trace.drawn)
        np.testing.assert_array_equal(attempt.labels, trace.labels(-1))
        assert attempt.settings == trace.manual
        np.testing.assert_array_equal(
            kmseg.segment(photo, attempt.settings).labels, trace.labels(-1)
        )
    assert tuple(attempt.inertia for attempt in attempts) == (
        kmseg.segment(photo, replace(settings, engine="lloyd", attempts=4)).attempts
    )


def test_attempts_of_a_cut_run_have_no_empty_clusters() -> None:
    image, settings = random_image(24, (12, 12)), EMPTIED
    _, attempts = made(image, settings, 8)
    assert {len(attempt.centroids) for attempt in attempts} == {39, 40}
    for attempt in attempts:
        assert (attempt.pixel_counts > 0).all() and attempt.converged is False
        counts = np.bincount(attempt.labels[attempt.labels >= 0], minlength=len(attempt.centroids))
        np.testing.assert_array_equal(attempt.pixel_counts, counts)
        seg = kmseg.segment(image, attempt.settings)
        np.testing.assert_array_equal(attempt.labels, seg.labels)
        np.testing.assert_array_equal(attempt.centroids, seg.centroids)


def test_a_manual_start_is_replaced_by_kmeans_plus_plus(photo: kmseg.Image) -> None:
    colors = ((0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255))
    _, attempts = made(photo, kmseg.Settings(init="manual", centroids=colors), 2)
    _, drawn = made(photo, kmseg.Settings(), 2)
    assert [a.inertia for a in attempts] == [a.inertia for a in drawn]


def test_attempts_are_made_one_by_one_and_the_work_can_be_ended(photo: kmseg.Image) -> None:
    histogram = kmseg.color_histogram(photo)
    grid = explore.tile_grid(photo, histogram)
    asked = []

    def check() -> None:
        asked.append(None)
        if len(asked) == 5:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        next(explore.attempts(histogram, grid, kmseg.Settings(), range(9), check=check))
    taken = []
    numbers = (taken.append(n) or n for n in range(9))  # type: ignore[func-returns-value]
    attempts = explore.attempts(histogram, grid, kmseg.Settings(), numbers)
    assert [next(attempts).number, next(attempts).number] == [0, 1]
    assert taken == [0, 1]


# -- comparison ------------------------------------------------------------------------------------


def test_the_differing_pixels_are_the_fewest_of_all_one_to_one_matchings() -> None:
    image = with_holes(image_at("china", 120), 2)
    settings = kmseg.Settings(color_space="cielab", n_clusters=5, init="random")
    histogram, attempts = made(image, settings, 8)
    best = min(attempts, key=lambda attempt: attempt.inertia)
    opaque = np.asarray(image.opaque)
    for attempt, comparison in zip(attempts, explore.compared(histogram, attempts), strict=True):
        # The whole picture is smaller than a tile.
        ours, theirs = attempt.labels[opaque], best.labels[opaque]
        fewest = min(int((np.array(p)[ours] != theirs).sum()) for p in permutations(range(5)))
        assert comparison.differing == fewest == comparison.differs.sum()
        assert not comparison.differs[~opaque].any()
        np.testing.assert_array_equal(
            comparison.differs[opaque], comparison.matched[ours] != theirs
        )
        assert sorted(comparison.matched) == list(range(5))
        assert comparison.excess == pytest.approx(attempt.inertia / best.inertia - 1)
        if attempt is best:
            assert (comparison.excess, comparison.differing) == (0, 0)
            assert comparison.same_optimum


def test_attempts_at_one_optimum_are_recognised_though_they_stop_apart() -> None:
    """The stop rule ends attempts shortly before they meet."""
    image = image_at("china", 300)
    settings = kmseg.Settings(color_space="rgb", n_clusters=4)
    histogram, attempts = made(image, settings, 12)
    same = [comparison.same_optimum for comparison in explore.compared(histogram, attempts)]
    assert len({attempt.inertia for attempt in attempts}) > 2
    ends = [
        kmseg.segment(image, replace(attempt.settings, epsilon=0, stop="epsilon")).inertia
        for attempt in attempts
    ]
    assert same == [end < 1.0001 * min(ends) for end in ends]
    assert sum(same) > 1


def test_a_different_partition_of_nearly_equal_inertia_is_another_optimum() -> None:
    """Four corners of a square: left and right, or top and bottom."""
    colors = np.array([[0, 0, 0], [0, 100, 0], [100, 0, 0], [100, 100, 0]], np.uint8)
    image = kmseg.Image(np.repeat(colors, 100, axis=0)[None])
    settings = kmseg.Settings(color_space="rgb", n_clusters=2, init="random")
    histogram, attempts = made(image, settings, 20)
    comparisons = explore.compared(histogram, attempts)
    found = {(c.same_optimum, c.differing) for c, a in zip(comparisons, attempts, strict=True)
             if a.inertia == attempts[0].inertia}  # fmt: skip
    assert found == {(True, 0), (False, 200)}


def test_clusters_without_a_partner_differ() -> None:
    histogram, attempts = made(random_image(24, (12, 12)), EMPTIED, 8)
    sizes = [len(attempt.centroids) for attempt in attempts]
    assert set(sizes) == {39, 40}
    for size, comparison in zip(sizes, explore.compared(histogram, attempts), strict=True):
        matched = comparison.matched[comparison.matched >= 0]
        assert len(set(matched)) == len(matched) <= size
        assert comparison.differing == comparison.differs.sum()


def test_an_exact_fit_has_no_excess() -> None:
    image = random_image(0, (8, 8), levels=2)
    histogram, attempts = made(image, kmseg.Settings(n_clusters=255), 3)
    for comparison in explore.compared(histogram, attempts):
        assert (comparison.excess, comparison.same_optimum, comparison.differing) == (0, True, 0)
    assert explore.bad_start(attempts) is None


# -- bad starts ------------------------------------------------------------------------------------


def test_a_bad_start_ends_five_percent_above_the_best_and_can_be_traced() -> None:
    image = kmseg.Image(data.coffee()[::3, ::3].copy())
    settings = kmseg.Settings(color_space="rgb", n_clusters=8, init="random")
    _, attempts = made(image, settings, 30)
    least = min(attempt.inertia for attempt in attempts)
    bad = explore.bad_start(attempts)
    expected = [attempt for attempt in attempts if attempt.inertia >= 1.05 * least]
    assert bad is expected[0]
    trace = kmseg.trace(image, settings, attempt=bad.number)
    assert trace.converged and trace.inertia[-1] == bad.inertia


def test_without_a_bad_start_there_is_none(photo: kmseg.Image) -> None:
    _, attempts = made(photo, kmseg.Settings(n_clusters=2), 5)
    assert explore.bad_start(attempts) is None
    assert explore.bad_start([]) is None


def test_a_bad_start_stays_one_when_more_attempts_follow() -> None:
    image = kmseg.Image(data.coffee()[::3, ::3].copy())
    settings = kmseg.Settings(color_space="rgb", n_clusters=8, init="random")
    _, attempts = made(image, settings, 30)
    found = [explore.bad_start(attempts[:n]) for n in range(1, 31)]
    seen = [bad.number for bad in found if bad]
    assert seen and seen == sorted(seen, reverse=True)
    first = next(n for n, bad in enumerate(found) if bad)
    assert None not in found[first:]
