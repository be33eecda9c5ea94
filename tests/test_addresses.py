"""Tokens of what a browser may fetch: whose they are, how many, and until when."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image as Pillow

import kmseg
from kmseg.color import COLOR_SPACES
from kmseg.labeling import ByPixel
from kmseg.output.labelcodec import checksum, encode_labels
from kmseg.ui import store as page_store
from kmseg.ui.store import caches
from kmseg.ui.store.addresses import Addresses, Wanted, addresses
from kmseg.ui.store.pictures import Picture
from oracles import with_holes


def wanted(owner: str, part: object = "a") -> Wanted:
    return Wanted((owner, "picture", "reading", 0), part, lambda key, part, name: None)  # type: ignore[arg-type]


def test_a_token_is_the_same_again_and_another_for_each_owner_and_part() -> None:
    known = Addresses()
    tokens = {known.add(wanted(owner, part)) for owner in ("", "one", "two") for part in "ab"}
    assert len(tokens) == 6
    assert known.add(wanted("one", "b")) in tokens
    assert Addresses().add(wanted("", "a")) in tokens  # of a sample: from one server to the next
    assert all(len(token) >= 32 for token in tokens)


def test_only_the_last_addresses_of_an_owner_are_known() -> None:
    known = Addresses(max_each=3)
    first = known.add(wanted("other", "a"))
    tokens = [known.add(wanted("one", part)) for part in "abc"]
    known.add(wanted("one", "a"))  # used again
    known.add(wanted("one", "d"))
    assert len(known) == 4
    assert [known.find(token) is not None for token in tokens] == [True, False, True]
    assert known.find(first) is not None


def test_a_session_that_has_ended_leaves_no_address_behind() -> None:
    known = Addresses()
    token, other = known.add(wanted("one")), known.add(wanted("other"))
    known.drop("one")
    assert known.find(token) is None and known.find(other) is not None
    assert known.find(known.add(wanted("one"))) is None  # a run that ends later
    assert len(known) == 1


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Iterator[Picture]:
    caches.results().drop_idle(-1)
    rng = np.random.default_rng(0)
    image = kmseg.Image(rng.integers(0, 40, (300, 400, 3), np.uint8) * 6)
    image = with_holes(image, 7)
    yield Picture(request.node.name, "", 400, 300, "somebody", lambda: image)
    caches.results().drop_idle(-1)
    caches.pixels().drop_idle(-1)


def content(address: str) -> bytes | None:
    """What the server has at an address."""
    *_, token, name = address.split("/")
    known = addresses().find(token)
    assert known is not None
    found = known.find(known.key, known.part, name)
    return found and found[0]


def test_nothing_of_the_labels_is_made_unless_they_are_asked_for(picture: Picture) -> None:
    settings = kmseg.Settings(n_clusters=5, attempts=1)
    seg = page_store.segmentation(picture, settings)
    before = caches.results().n_bytes
    found = page_store.previews(picture, seg)
    assert caches.results().n_bytes == before
    labels = content(found.labels)
    image = picture.read()
    expected = kmseg.segment(image, settings).labels
    assert labels == encode_labels(expected, 5)
    assert caches.results().n_bytes == before + len(labels)


def test_what_was_evicted_is_not_found(picture: Picture) -> None:
    seg = page_store.segmentation(picture, kmseg.Settings(n_clusters=3, attempts=1))
    found = page_store.previews(picture, seg)
    caches.results().drop_idle(-1)
    assert content(found.labels) is None and content(found.original) is None


def test_stripes_are_the_exact_pixels_of_the_preview(picture: Picture) -> None:
    seg = page_store.segmentation(picture, kmseg.Settings(n_clusters=3, attempts=1))
    nearest = page_store.previews(picture, seg).nearest
    assert nearest is not None
    stripes = []
    for number in range(page_store.N_STRIPES):
        data = content(f"{nearest.pixels}/{number}")
        assert data is not None
        with Pillow.open(io.BytesIO(data)) as stripe:
            stripes.append(np.asarray(stripe.convert("RGBA")))
    image = picture.read()
    rgba = np.concatenate(stripes)
    assert image.opaque is not None
    np.testing.assert_array_equal(rgba[..., 3] > 0, image.opaque)
    np.testing.assert_array_equal(rgba[image.opaque][:, :3], image.pixels[image.opaque])


@pytest.mark.parametrize("space", list(COLOR_SPACES))
def test_nearest_centroids_give_the_labels_and_their_checksum(picture: Picture, space: str) -> None:
    settings = kmseg.Settings(color_space=space, n_clusters=6, attempts=1)
    seg = page_store.segmentation(picture, settings)
    nearest = page_store.previews(picture, seg).nearest
    assert nearest is not None
    image = picture.read()
    converted = COLOR_SPACES[space].convert(image.pixels.reshape(-1, 3))[:, nearest.columns]
    distances = ((converted[:, None] - nearest.centroids) ** 2).sum(axis=2)
    labels = distances.argmin(axis=1).reshape(image.pixels.shape[:2])
    labels[~image.opaque] = 255
    total = 0
    for label in labels.ravel().tolist():
        total = (31 * total + label) % 2**32
    assert total == nearest.checksum


def test_labels_by_pixel_are_not_left_to_the_browser(picture: Picture) -> None:
    settings = kmseg.Settings(engine="opencv", width=60, attempts=1)
    seg = page_store.segmentation(picture, settings)
    assert isinstance(seg.labeling, ByPixel)
    assert page_store.previews(picture, seg).nearest is None


def test_a_checksum_tells_labels_apart() -> None:
    colors = np.array([[0, 1], [2, -1]], np.int32)
    by_color = np.array([3, 1, 2], np.int16)
    sums = {checksum(by_color[list(order)], colors) for order in ((0, 1, 2), (1, 0, 2), (2, 1, 0))}
    assert len(sums) == 3
    assert checksum(by_color, colors) == ((3 * 31 + 1) * 31 + 2) * 31 + 255
