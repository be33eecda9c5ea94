"""The view Attempts on the server: its numbers, its sentence, and work for idle time."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

import kmseg
from inprocess import component, open_page, rerun, send, texts
from kmseg import explore
from kmseg.parallel.gate import IDLE_AFTER, PreemptedError
from kmseg.ui import store
from kmseg.ui.server.gates import WORK
from kmseg.ui.store.attempts import Growth, grow_when_idle
from kmseg.ui.store.pictures import key_of
from kmseg.ui.views import attempts as view

SMALL = {"picture": "flower", "width": "80", "n_clusters": "6", "view": "attempts"}
SETTINGS = kmseg.Settings(width=80, n_clusters=6)


def expected(n: int, **changes: object) -> tuple[list[explore.Attempt], list[explore.Comparison]]:
    settings = replace(SETTINGS, **changes)  # type: ignore[arg-type]
    image = kmseg.sample_image("flower").resized(80)
    histogram = kmseg.color_histogram(image)
    grid = explore.tile_grid(image, histogram)
    made = list(explore.attempts(histogram, grid, settings, range(n)))
    return made, explore.compared(histogram, made)


def open_complete(**query: str) -> AppTest:
    """The page once all tiles are made."""
    app = open_page(**SMALL | query)
    wanted = int(query.get("attempts_shown", "12"))
    while len(component(app, "kmseg_attempts")["tiles"]) < wanted:
        rerun(app)
    return app


def markdown(app: AppTest) -> str:
    return "\n".join(element.value for element in app.markdown)


def wait_until_idle() -> None:
    while WORK.quiet_seconds <= IDLE_AFTER:
        time.sleep(0.02)


def grow(growth: Growth) -> None:
    """Do work for idle time, as the thread does once the server is idle."""
    wait_until_idle()
    grow_when_idle(key_of(store.sample("flower"), 80), growth, lambda: None)


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_tiles_have_the_numbers_of_the_attempts(init: str) -> None:
    app = open_complete(init=init)
    made, compared = expected(12, init=init)
    tiles = component(app, "kmseg_attempts")["tiles"]
    assert [tile["number"] for tile in tiles] == list(range(1, 13))
    best = min(made, key=lambda attempt: attempt.inertia)
    assert [tile["best"] for tile in tiles] == [attempt is best for attempt in made]
    for tile, attempt, comparison in zip(tiles, made, compared, strict=True):
        iterations = f"{attempt.n_iter} iteration{'s' * (attempt.n_iter > 1)}"
        assert tile["lines"][1] == iterations
        assert bool(tile["differences"]) == bool(comparison.differs.any())
        if comparison.differing:
            assert tile["differing"].startswith(f"{comparison.differing:,} pixels (")
        if attempt is best:
            assert tile["mark"] == "★ best"
        else:
            assert tile["mark"] == ("same optimum" if comparison.same_optimum else "")
        if comparison.excess > 0.001:
            assert tile["lines"][0] == f"inertia {comparison.excess:.1%} above"
    same = sum(comparison.same_optimum for comparison in compared)
    worst = max(comparison.excess for comparison in compared)
    found = re.search(
        r"(\d+) of 12 attempts ended at the (same|best) local optimum; the worst is "
        r"(\S+) above the best",
        markdown(app),
    )
    assert found and (int(found[1]), found[3]) == (same, f"{worst:.1%}")


def test_the_sentence_counts_the_attempts_at_the_best_optimum() -> None:
    _, compared = expected(12)
    best = next(each for each in compared if not each.excess)
    other = next(each for each in compared if not each.same_optimum)
    assert view.sentence([best] * 3, 3) == "**All 3 attempts ended at the same local optimum.**"
    assert view.sentence([best], 3) == "1 of 3 attempts made…"
    above = f"the worst is {other.excess:.1%} above the best.**"
    reached = "**2 of 3 attempts ended at the same local optimum; "
    assert view.sentence([best, other, best], 3) == reached + above
    reached = "**Only 1 of 2 attempts ended at the best local optimum; "
    assert view.sentence([best, other], 2) == reached + above


def test_more_attempts_may_be_shown() -> None:
    app = open_complete(attempts_shown="24")
    assert len(component(app, "kmseg_attempts")["tiles"]) == 24
    assert "of 24 attempts" in markdown(app)


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_stepping_through_an_attempt_opens_its_run(init: str) -> None:
    app = open_complete(init=init)
    made, _ = expected(12, init=init)
    send(app, "kmseg_attempts", "step", 7)
    sent = component(app, "kmseg_steps")
    assert sent["start"] == "7" and sent["init"] == init
    assert app.query_params["start"] == "7" and app.query_params["view"] == "steps"
    seeds = [kmseg.settings.to_hex(color) for color in made[6].settings.centroids]
    assert [sent["seeds"][cluster] for cluster in sent["drawn"]] == seeds


def test_a_step_through_an_attempt_lost_its_start_where_the_settings_had_a_manual_start() -> None:
    app = open_complete(init="manual", centroids="000000.ffffff.ff0000.00ff00.0000ff.808080")
    send(app, "kmseg_attempts", "step", 3)
    sent = component(app, "kmseg_steps")
    assert (sent["start"], sent["init"]) == ("3", "k-means++")


@pytest.mark.parametrize("number", [0, 101, "3", None, 2.5])
def test_a_malformed_number_of_an_attempt_opens_nothing(number: object) -> None:
    app = open_complete()
    send(app, "kmseg_attempts", "step", number)
    assert "start" not in app.query_params and app.query_params["view"] == "attempts"


# -- work for idle time ----------------------------------------------------------------------------


def test_strips_are_those_of_thirty_attempts_of_each_kind() -> None:
    app = open_complete()
    settings = store.drawn_starts(SETTINGS)
    for init in ("random", "k-means++"):
        grow(Growth(replace(settings, init=init), 30))
    rerun(app)
    strips = component(app, "kmseg_distribution")["strips"]
    inertias = [[a.inertia for a in expected(30, init=i)[0]] for i in ("random", "k-means++")]
    least = min(map(min, inertias))
    for strip, found in zip(strips, inertias, strict=True):
        assert strip["values"] == pytest.approx([100 * (value / least - 1) for value in found])
    assert not [button for button in app.button if button.key == "attempts pause"]


def test_a_bad_start_is_the_first_one_and_the_search_ends_there() -> None:
    app = open_complete(init="random", seed="3")
    settings = store.drawn_starts(replace(SETTINGS, init="random", seed=3))
    app.button(key="attempts bad start").click().run()
    grow(Growth(settings, view.N_SEARCHED, until_bad=True))
    rerun(app)
    made = store.attempts_made(store.sample("flower"), settings)
    bad = explore.bad_start(made)
    assert bad is not None and len(made) < view.N_SEARCHED
    assert f"attempt {bad.number + 1} ends" in markdown(app)
    assert explore.bad_start(expected(len(made), init="random", seed=3)[0]) is not None


def test_where_every_start_is_good_the_page_says_so() -> None:
    app = open_complete(n_clusters="2")
    settings = store.drawn_starts(replace(SETTINGS, n_clusters=2))
    app.button(key="attempts bad start").click().run()
    assert "Looking for a bad start" in texts(app)
    grow(Growth(settings, view.N_SEARCHED, until_bad=True))
    rerun(app)
    assert explore.bad_start(store.attempts_made(store.sample("flower"), settings)) is None
    assert "None of 100 attempts with k-means++ seeds ends 5% above" in texts(app)


def test_attempts_of_idle_time_give_way_to_a_job() -> None:
    open_complete()
    growth = Growth(store.drawn_starts(replace(SETTINGS, seed=9)), 30)
    key = key_of(store.sample("flower"), 80)
    wait_until_idle()
    n_checks = 0

    def check() -> None:
        nonlocal n_checks
        n_checks += 1
        if n_checks == 40:
            job.__enter__()

    job = WORK.admitted()
    try:
        with pytest.raises(PreemptedError):
            grow_when_idle(key, growth, check)
    finally:
        job.__exit__(None, None, None)
    assert n_checks == 40
    made = store.attempts_made(store.sample("flower"), growth.settings)
    grow(replace(growth, n=len(made) + 2))
    after = store.attempts_made(store.sample("flower"), growth.settings)
    assert [attempt.number for attempt in after] == list(range(len(made) + 2))


def test_a_paused_page_requests_no_more_strips() -> None:
    app = open_complete(seed="11")
    app.button(key="attempts pause").click().run()
    assert app.button(key="attempts pause").label == "Continue"
    app.button(key="attempts pause").click().run()
    assert app.button(key="attempts pause").label == "Stop"
