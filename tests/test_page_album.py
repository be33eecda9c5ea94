"""The strip of pictures, on the page run in process: chosen, missing, removed, refused."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from PIL import Image as Pillow
from streamlit.testing.v1 import AppTest

from inprocess import (
    choose_picture,
    component,
    counts,
    expected_counts,
    open_page,
    pictures,
    png,
    refused,
    rerun,
    send,
)
from kmseg.picture import formats
from kmseg.samples import SAMPLES
from kmseg.ui.controls import pictures as controls
from kmseg.ui.server import uploads
from kmseg.ui.store import caches, thumbnails

RED, LIME, BLUE = (
    png(np.full((6, 9, 3), color, np.uint8)) for color in ((255, 0, 0), (0, 255, 0), (0, 0, 255))
)


def key_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def link_to(content: bytes) -> str:
    return f"upload-{key_of(content)[:8]}"


def upload(app: AppTest, **files: bytes) -> AppTest:
    for name, content in files.items():
        app.file_uploader(key="uploads").upload(f"{name}.png", content)
    return rerun(app)


def strip(app: AppTest, name: str) -> object:
    return component(app, "kmseg_album")[name]


def colors(app: AppTest) -> list[str]:
    found: list[str] = component(app, "kmseg_viewer")["colors"]
    return found


def is_empty(app: AppTest) -> bool:
    """Whether no picture is shown, neither the visitor's nor a sample."""
    return not [e for e in app.get("bidi_component") if "viewer" in e.proto.component_name]


def test_the_strip_has_the_samples_and_marks_the_chosen_one() -> None:
    app = open_page(picture="flower", width="64")
    samples = strip(app, "samples")
    assert isinstance(samples, list)
    failing = strip(app, "failing")
    assert isinstance(failing, list)
    assert [each["key"] for each in samples + failing] == list(SAMPLES)
    assert all(SAMPLES[each["key"]].fails for each in failing) and len(failing) == 6
    assert strip(app, "chosen") == "flower" and strip(app, "wanted") == ""
    choose_picture(app, "plate-5")
    assert app.query_params["picture"] == "plate-5"
    assert counts(app) == expected_counts("plate-5", width=64)


def test_the_strip_says_why_k_means_fails_on_the_chosen_sample() -> None:
    app = open_page(picture="flower", width="64")
    assert strip(app, "why") == ""
    for key in ("texture", "stained-cells"):
        choose_picture(app, key)
        assert strip(app, "why") == SAMPLES[key].why != ""
        assert counts(app) == expected_counts(key, width=64)


def test_a_key_that_is_no_picture_of_this_session_is_not_chosen() -> None:
    app = open_page(picture="flower", width="64")
    for key in ("", "nowhere", key_of(RED), 7, None, ["china"], {"a": 1}):
        send(app, "kmseg_album", "picked", key)
        assert strip(app, "chosen") == "flower"


def test_pictures_that_come_back_took_the_place_of_the_one_that_was_shown() -> None:
    app = open_page(picture="flower", width="64")
    send(app, "kmseg_album", "returning", [key_of(RED), key_of(LIME)])
    upload(app, red=RED, lime=LIME)
    assert list(pictures(app)) == [key_of(RED), key_of(LIME)]
    assert strip(app, "chosen") == "flower"
    upload(app, red=RED)  # this time the visitor opens it
    assert strip(app, "chosen") == key_of(RED)


def test_a_link_shows_its_own_picture_when_it_comes_back_with_others() -> None:
    app = open_page(picture=link_to(RED), n_clusters="3", view="residual", levels="auto")
    assert is_empty(app) and strip(app, "wanted") == link_to(RED)
    send(app, "kmseg_album", "returning", [key_of(BLUE), key_of(LIME), key_of(RED)])
    upload(app, blue=BLUE)
    assert is_empty(app) and strip(app, "wanted") == link_to(RED)
    upload(app, red=RED, lime=LIME)
    assert colors(app) == ["#ff0000"]
    assert strip(app, "wanted") == ""
    assert (app.query_params["picture"], app.query_params["view"]) == (link_to(RED), "residual")


def test_merges_and_focus_of_a_link_wait_for_its_picture() -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (30, 40, 3), np.uint8)
    content = png(pixels)
    app = open_page(picture=link_to(content), n_clusters="5", merge="1.3", focus="2")
    rerun(app)
    assert app.query_params["merge"] == "1.3"
    upload(app, mine=content)
    assert len(component(app, "kmseg_viewer")["groups"]) == 4
    assert component(app, "kmseg_viewer")["focus"] == "2"


def test_merges_and_focus_of_a_missing_picture_went_to_another_one() -> None:
    app = open_page(picture=link_to(RED), n_clusters="5", merge="1.3", focus="2")
    choose_picture(app, "flower")
    assert len(component(app, "kmseg_viewer")["groups"]) == 5
    assert component(app, "kmseg_viewer")["focus"] == ""
    assert "merge" not in app.query_params


def test_removing_the_chosen_picture_shows_the_newest_of_the_others() -> None:
    app = upload(open_page(), red=RED, lime=LIME, blue=BLUE)
    assert colors(app) == ["#0000ff"]
    cached = {key[1] for key in caches.results()._entries}
    assert key_of(BLUE) in cached
    send(app, "kmseg_album", "removed", [key_of(BLUE)])
    assert colors(app) == ["#00ff00"]
    assert list(pictures(app).values()) == ["red.png", "lime.png"]
    assert key_of(BLUE) not in {key[1] for key in caches.results()._entries}
    send(app, "kmseg_album", "removed", [key_of(RED)])
    assert colors(app) == ["#00ff00"]
    rerun(app)
    assert list(pictures(app).values()) == ["lime.png"]
    upload(app, blue=BLUE)  # it can be opened again
    assert colors(app) == ["#0000ff"]


def test_forgetting_removes_every_picture_and_shows_a_sample() -> None:
    app = upload(open_page(), red=RED, lime=LIME, bad=b"no picture")
    assert len(refused(app)) == 1
    send(app, "kmseg_album", "forgotten", 1)
    assert not pictures(app) and not refused(app) and not strip(app, "files")
    assert strip(app, "chosen") == "china"
    rerun(app)
    assert not pictures(app)


def test_a_sentence_on_a_refused_file_stays_until_it_is_dismissed() -> None:
    app = upload(open_page(picture="flower", width="64"), one=b"no picture", two=b"none either")
    said = refused(app)
    assert len(said) == 2
    rerun(app)
    assert refused(app) == said
    first, _ = component(app, "kmseg_album")["refused"]
    send(app, "kmseg_album", "dismissed", [first["file"], "unknown"])
    assert refused(app) == said[1:]
    rerun(app)
    assert refused(app) == said[1:]


def test_a_file_that_found_no_room_may_be_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page(picture="flower", width="64")
    upload(app, late=uploads._MARKERS["session"])
    [refusal] = component(app, "kmseg_album")["refused"]
    assert refusal["again"] == "send" and "may take up to 100 MB" in refusal["sentence"]
    upload(app, bad=b"no picture")
    assert component(app, "kmseg_album")["refused"][1]["again"] == ""


def test_what_is_kept_is_told() -> None:
    for word in ("JPEG", "this server", "this browser", "a week", "reload"):
        assert word in controls.KEPT


@pytest.mark.parametrize("key", ["china", "plate-74"])
def test_a_thumbnail_is_the_middle_of_its_picture_and_small(key: str) -> None:
    content = thumbnails.of_sample(key)
    assert len(content) <= thumbnails.MAX_BYTES
    shown = np.asarray(Pillow.open(io.BytesIO(content)).convert("RGB"), np.float64)
    pixels = Pillow.fromarray(SAMPLES[key].source.image().pixels)
    side = min(pixels.size)
    left, top = (pixels.width - side) // 2, (pixels.height - side) // 2
    square = pixels.crop((left, top, left + side, top + side))
    expected = np.asarray(square.resize((96, 96), Pillow.Resampling.BOX), np.float64)
    assert np.abs(shown - expected).mean() < 14


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (97, 95)])
def test_any_picture_has_a_thumbnail(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    content = thumbnails.thumbnail(noise)
    assert len(content) <= thumbnails.MAX_BYTES
    assert Pillow.open(io.BytesIO(content)).size == (96, 96)
    assert strip(upload(open_page(), noise=png(noise)), "pictures")


def test_a_transparent_picture_has_a_thumbnail() -> None:
    pixels = np.zeros((50, 50, 4), np.uint8)
    pixels[20:30] = 255
    app = upload(open_page(), hole=png(pixels))
    assert component(app, "kmseg_album")["pictures"][0]["image"]


def test_file_dialogs_of_phones_know_the_extensions_of_every_format() -> None:
    """A phone disables files in its dialog that are neither ``image/*`` to it nor listed."""
    offered = component(open_page(), "kmseg_album")["extensions"]
    assert offered == list(formats.extensions())
    assert {"jpg", "tif", "tiff", "avif", "heic", "dng"} <= set(offered)
    assert all(format_.extensions for format_ in formats.FORMATS.values())
