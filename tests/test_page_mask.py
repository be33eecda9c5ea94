"""A mask that is opened on the page, run in process."""

from __future__ import annotations

import numpy as np
from streamlit.testing.v1 import AppTest

import kmseg
from inprocess import (
    choose_picture,
    component,
    counts,
    open_page,
    open_view,
    png,
    rerun,
    set_k,
    texts,
)
from kmseg.picture.roi import digest_of, mask_of

FLOWER = kmseg.sample_image("flower")
INSIDE = mask_of(((100, 60), (500, 80), (300, 400)), FLOWER.width, FLOWER.height)
MASK = png(np.where(INSIDE, np.uint8(255), np.uint8(0)))
QUERY = {"picture": "flower", "color_space": "rgb", "n_clusters": "3"}


def with_mask(app: AppTest, content: bytes = MASK, picture: str = "flower") -> AppTest:
    app.file_uploader(key=f"mask of {picture}").upload("mask.png", content)
    return rerun(app)


def expected(image: kmseg.Image, n_clusters: int = 3) -> list[int]:
    settings = kmseg.Settings(color_space="rgb", n_clusters=n_clusters)
    numbers: list[int] = kmseg.segment(image, settings).pixel_counts.tolist()
    return numbers


def test_only_what_is_white_in_the_mask_is_clustered_until_it_is_removed() -> None:
    app = with_mask(open_page(**QUERY))
    assert counts(app) == expected(FLOWER.masked(INSIDE))
    assert app.query_params["mask"] == digest_of(INSIDE)
    set_k(app, 4)
    assert counts(app) == expected(FLOWER.masked(INSIDE), 4)
    app.button(key="remove mask").click()
    rerun(app)
    assert counts(app) == expected(FLOWER, 4)
    assert "mask" not in app.query_params


def test_a_mask_and_a_region_count_together() -> None:
    region = ((0, 0), (300, 427))
    app = with_mask(open_page(**QUERY, region="0.0_300.427"))
    assert counts(app) == expected(FLOWER.within(region).masked(INSIDE))


def test_another_picture_has_no_mask_and_the_first_one_keeps_its_own() -> None:
    app = with_mask(open_page(**QUERY))
    choose_picture(app, "china")
    assert "mask" not in app.query_params
    assert not [button for button in app.button if button.key == "remove mask"]
    choose_picture(app, "flower")
    assert app.query_params["mask"] == digest_of(INSIDE)


def test_a_mask_that_cannot_be_used_says_why() -> None:
    black = np.zeros_like(INSIDE, np.uint8)
    for content, said in (
        (png(black[:9]), "A mask must have the picture's size of 640 x 427 pixels, not 640 x 9."),
        (png(black), "The mask has no bright pixel"),
        (b"no picture", "Mask: "),
    ):
        app = with_mask(open_page(**QUERY), content)
        assert said in app.error[0].value
        assert counts(app) == expected(FLOWER)


def test_a_link_with_a_mask_says_to_those_without_it_that_it_is_not_there() -> None:
    other = INSIDE ^ True  # no other test of this process has it
    app = open_page(**QUERY, mask=digest_of(other))
    assert "the link does not contain its mask" in texts(app)
    assert counts(app) == expected(FLOWER)
    with_mask(app, png(other.astype(np.uint8)))
    assert counts(app) == expected(FLOWER.masked(other))


def test_a_pinned_segmentation_keeps_its_mask() -> None:
    app = with_mask(open_page(**QUERY))
    for remove in (False, True):
        if remove:
            app.button(key="remove mask").click()
            rerun(app)
        app.button(key="pin").click()
        rerun(app)
    open_view(app, "pins")
    shares = [pane["shares"] for pane in component(app, "kmseg_compare")["panes"]]
    for shown, image in zip(shares, (FLOWER.masked(INSIDE), FLOWER), strict=True):
        np.testing.assert_allclose(shown, np.divide(expected(image), np.sum(expected(image))))
