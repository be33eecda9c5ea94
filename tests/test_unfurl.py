"""What other sites show of a link: tags in the page's head, and the card with both pictures."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import numpy as np
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from starlette.requests import Request

import kmseg
from conftest import PageServer
from kmseg.errors import BusyError
from kmseg.output.card import HEIGHT, WIDTH
from kmseg.samples import SAMPLES
from kmseg.settings import Settings
from kmseg.ui import link, store, unfurl
from kmseg.ui.lessons import LESSONS
from kmseg.ui.server import front
from protocol import visit
from strategies import valid_settings
from test_front import Outline

HOST = "kmseg.example.org"
SAMPLE_LINKS = [
    urlencode(Settings(color_space=space, n_clusters=k).to_query() | {"picture": picture})
    for picture, space, k in (
        ("flower", "cielab", 6),
        ("china", "rgb", 4),
        ("plate-2", "hsv", 3),
        ("plate-5", "oklab", 3),
        ("flower", "hsv-circular", 5),
        ("china", "ycrcb", 32),
        ("flower", "gray", 2),
        (list(SAMPLES)[-1], "lab", 3),
    )
]
LINKS = [
    *SAMPLE_LINKS,
    *(f"lesson={key}" for key in LESSONS),
    "lesson=start.2",
    "",
    "v=1&picture=flower&engine=opencv&attempts=100&width=90",
    "v=1&picture=flower&color_space=rgb&channels=02&merge=1.2&view=cloud&focus=1",
    "v=1&picture=china&pins=picture=flower%26n_clusters=3|picture=china%26n_clusters=8",
    "v=1&picture=flower&init=manual&n_clusters=2&centroids=ff0000-00ff00",
    "v=1&picture=flower&embed=true&title=Ours",
]


def tags_of(query: str, **headers: str) -> dict[str, str]:
    """The tags of a request, by their names."""
    given = {"host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "http",
        "scheme": "http",
        "query_string": query.encode("utf-8", "surrogatepass"),
        "headers": [(k.encode(), v.encode("latin-1")) for k, v in given.items()],
    }
    outline = Outline(unfurl.tags(scope))
    assert {tag for tag, _ in outline.elements} == {"meta"} and not "".join(outline.text.values())
    assert all(set(a) <= {"property", "name", "content"} for _, a in outline.elements)
    return {(a.get("property") or a["name"] or ""): a["content"] or "" for _, a in outline.elements}


def card_of(query: str) -> unfurl.Card:
    return unfurl.summary(query).card


class Cards:
    """The page's server, asked for cards."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, headers: dict[str, str] | None = None) -> requests.Response:
        return requests.get(self.url + path, headers=headers, timeout=60)


@pytest.fixture(scope="module")
def cards(page_server: PageServer) -> Cards:
    return Cards(page_server.url)


def path_of(tags: dict[str, str]) -> str:
    parts = urlsplit(tags["og:image"])
    return f"{parts.path}?{parts.query}"


@pytest.mark.parametrize("query", LINKS)
def test_a_link_has_tags_and_a_card(query: str, cards: Cards) -> None:
    found = tags_of(query)
    assert found["og:title"].startswith("kmseg") and found["og:description"].endswith(".")
    assert found["twitter:card"] == "summary_large_image" and found["og:type"] == "website"
    assert urlsplit(found["og:image"])[:3] == ("http", HOST, "/kmseg/card")
    answer = cards.get(path_of(found))
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"].startswith("public")
    picture = Pillow.open(io.BytesIO(answer.content))
    assert picture.format == "JPEG" and picture.size == (WIDTH, HEIGHT) == (1200, 630)
    assert len(answer.content) < 600_000
    # The address of the card leads to the same card as the link itself.
    assert card_of(urlsplit(found["og:image"]).query) == card_of(query)


def test_the_tags_name_picture_space_and_k() -> None:
    query = "v=1&picture=flower&color_space=hsv&channels=02&n_clusters=3&layout=swipe"
    found = tags_of(query)
    assert found["og:title"] == "kmseg: Dahlia, HSV (H, V), K = 3"
    assert "K = 3" in found["og:description"] and "k-means++" in found["og:description"]
    assert found["og:image:alt"] == "Dahlia, and the picture in 3 colours."
    assert dict(parse_qsl(urlsplit(found["og:url"]).query)) == dict(parse_qsl(query))
    lesson = LESSONS["start"]
    assert tags_of("lesson=start")["og:title"] == f"kmseg: {lesson.title}"
    assert lesson.summary in tags_of("lesson=start")["og:description"]
    assert tags_of("")["og:title"] == front.TITLE


def test_the_card_shows_the_sample_and_its_segmentation(cards: Cards) -> None:
    query = "v=1&picture=china&color_space=rgb&n_clusters=3"
    answer = cards.get(f"/kmseg/card?{query}")
    pixels = np.asarray(Pillow.open(io.BytesIO(answer.content)).convert("RGB")).astype(int)
    seg = kmseg.segment(kmseg.sample_image("china"), Settings(color_space="rgb", n_clusters=3))
    # The strip below: each cluster's colour over its share of the width.
    middle = 40 + 1120 * (np.cumsum(seg.shares) - seg.shares / 2)
    assert np.abs(pixels[576, middle.astype(int)] - seg.palette).max() <= 4
    # Right: nearly all pixels have the colour of a cluster. Left: the original has other colours.
    right, left = pixels[200:480, 640:1130], pixels[200:480, 60:560]

    def off(part: np.ndarray) -> float:
        distances = np.abs(part[:, :, None] - seg.palette.astype(int)).max(axis=3).min(axis=2)
        return float((distances > 40).mean())

    assert off(right) < 0.05 < off(left)


def test_a_card_is_asked_for_again_only_if_it_changed(cards: Cards) -> None:
    path = f"/kmseg/card?{SAMPLE_LINKS[0]}"
    first = cards.get(path)
    tag = first.headers["etag"]
    for known in (tag, f'"other", W/{tag}'):
        again = cards.get(path, headers={"If-None-Match": known})
        assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == tag
    other = cards.get(f"/kmseg/card?{SAMPLE_LINKS[1]}", headers={"If-None-Match": tag})
    assert other.status_code == 200 and other.headers["etag"] != tag
    head = requests.head(cards.url + path, timeout=60)
    assert head.status_code == 200 and head.headers["content-length"] == str(len(first.content))
    assert cards.get(f"/some/base{path}").content == first.content


def test_a_busy_server_refuses_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: Any) -> bytes:
        raise BusyError("This server is busy.")

    monkeypatch.setattr(store, "card", busy)
    scope = {"type": "http", "method": "GET", "path": "/kmseg/card", "query_string": b"v=1&seed=77"}
    request = Request(scope | {"headers": [(b"host", b"a.example")], "scheme": "http"})
    answer = visit(unfurl._serve(request))
    assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
    assert "cache-control" not in answer.headers


def test_cards_waited_without_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crawler that asks for many cards at once occupies one thread and a bounded queue."""
    lock, running, at_once = threading.Lock(), 0, []

    def slow(*_: Any) -> bytes:
        nonlocal running
        with lock:
            running += 1
            at_once.append(running)
        time.sleep(0.002)
        with lock:
            running -= 1
        return b""

    monkeypatch.setattr(store, "card", slow)

    async def story() -> list[bytes | BaseException]:
        queue = unfurl._Queue()
        jobs = (queue.make(card_of("")) for _ in range(unfurl._MAX_WAITING + 20))
        return await asyncio.gather(*jobs, return_exceptions=True)

    answers = visit(story())
    assert sum(isinstance(answer, BusyError) for answer in answers) == 20
    assert len(at_once) == unfurl._MAX_WAITING and max(at_once) == unfurl._MAX_MAKING


# -- what must not appear --------------------------------------------------------------------------

EVIL = "zq<script>\"'zq"


def test_texts_of_a_stranger_stood_in_the_head() -> None:
    fields = {"title": EVIL, "text": EVIL, "question": EVIL, "answer": EVIL}
    query = urlencode({"v": "1", "picture": "flower", "n_clusters": "3"} | fields)
    found = tags_of(query)
    assert found["og:title"] == "kmseg: Dahlia, BGR, K = 3"
    assert "og:url" not in found and not any("zq" in value for value in found.values())


def test_an_upload_appeared_in_the_tags_or_the_card(cards: Cards) -> None:
    query = "v=1&picture=upload-0123abcd&color_space=cielab&n_clusters=7"
    found = tags_of(query)
    assert not any("upload" in value or "0123abcd" in value for value in found.values())
    assert found["og:title"] == "kmseg: CIELAB, K = 7" and "og:url" not in found
    assert cards.get(f"/kmseg/card?{query}").content == cards.get("/kmseg/card").content
    assert card_of(query).picture == link.DEFAULT_PICTURE


@pytest.mark.parametrize(
    "query",
    [
        "v=1&picture=nothing",
        "v=1&picture=flower&n_clusters=99",
        "v=1&picture=flower&n_clusters=%00",
        "v=1&picture=flower&color_space=<b>",
        "v=1&picture=upload-%22%3E%3Cscript%3E",
        "lesson=none",
        "n_clusters=3",
        "&".join(f"a{i}=1" for i in range(500)),
        f"v=1&picture=flower&text={'a' * 9000}",
        "%",
        "\ud800=&v=1&n_clusters=%ff",
    ],
)
def test_a_query_that_is_not_valid_gets_the_tags_of_the_page(query: str) -> None:
    assert tags_of(query) == tags_of("")


PARAMETERS = [*link.parse({}).to_query(), *link.CHOICES, *link.IN_BROWSER]
PARAMETERS += ["title", "text", "question", "answer", "hide", "lesson", "pins", "merge", "start"]
VALUES = st.text(max_size=30) | st.sampled_from(
    [
        *SAMPLES,
        *LESSONS,
        "1",
        "6",
        "upload-01234567",
        "<script>",
        '"><meta x="',
        "1.2",
        "-1",
        "cielab",
    ]
)


@settings(max_examples=1000)
@given(
    st.dictionaries(st.sampled_from(PARAMETERS), VALUES, max_size=12),
    st.booleans(),
    st.text(max_size=40),
)
def test_hostile_queries_only_give_our_tags(
    values: dict[str, str], has_version: bool, raw: str
) -> None:
    encoded = urlencode(({"v": "1"} if has_version else {}) | values, errors="surrogatepass")
    for query in (encoded, f"{encoded}&{raw}"):
        found = tags_of(query)
        assert set(found) | {"og:url"} == set(tags_of(""))
        assert SAMPLES[card_of(query).picture]
        for value in found.values():
            assert "<" not in value and '"' not in value
        assert len("".join(found.values())) < 8000


@settings(max_examples=15)
@given(valid_settings(), st.sampled_from(["flower", "plate-3"]))
def test_cards_of_any_valid_settings_are_made_by_the_exact_engine(
    chosen: Settings, picture: str
) -> None:
    card = card_of(urlencode(chosen.to_query() | {"picture": picture}))
    assert card.settings.engine == "exact" and card.settings.width == 0
    assert card.settings.attempts <= 10
    content = store.card(picture, card.settings, card.merges, card.title, card.caption)
    assert Pillow.open(io.BytesIO(content)).size == (1200, 630)


# -- the address -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({}, f"http://{HOST}/"),
        ({"x_forwarded_proto": "https"}, f"https://{HOST}/"),
        (
            {"x_forwarded_proto": "https,http", "x_forwarded_host": "a.example, b"},
            "https://a.example/",
        ),
        ({"x_forwarded_proto": "javascript"}, f"http://{HOST}/"),
        ({"host": "127.0.0.1:8501"}, "http://127.0.0.1:8501/"),
        ({"host": "[::1]:8501"}, "http://[::1]:8501/"),
    ],
)
def test_addresses_are_those_that_the_visitor_has(headers: dict[str, str], address: str) -> None:
    found = tags_of("", **headers)
    assert found["og:url"] == address and found["og:image"] == f"{address}kmseg/card"


@pytest.mark.parametrize("host", ['a"><script>', "a b", "a/b", "user@a", "", "x" * 300, "é"])
def test_a_host_that_is_not_one_was_taken_over(host: str) -> None:
    for headers in ({"host": host}, {"x_forwarded_host": host or "/"}):
        found = tags_of("", **headers)
        assert "og:image" not in found and "og:url" not in found and "og:title" in found


# -- the server ------------------------------------------------------------------------------------


def test_the_page_has_the_tags_of_its_link(page_server: PageServer) -> None:
    def answer(query: str, **headers: str) -> requests.Response:
        given = {"Accept": "text/html"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return requests.get(f"{page_server.url}/?{query}", headers=given, timeout=30)

    first, other = answer(SAMPLE_LINKS[0]), answer(SAMPLE_LINKS[1])
    assert first.headers["ETag"] != other.headers["ETag"]
    known = answer(SAMPLE_LINKS[0], If_None_Match=first.headers["ETag"])
    assert known.status_code == 304
    head = Outline(first.text.split("</head>")[0])
    image = next(a["content"] for _, a in head.elements if a.get("property") == "og:image")
    card = requests.get(image or "", timeout=60)
    assert Pillow.open(io.BytesIO(card.content)).size == (1200, 630)
    assert "content-encoding" not in card.headers
    silent = requests.head(image or "", timeout=60)
    assert silent.status_code == 200 and silent.content == b""
    assert silent.headers["etag"] == card.headers["etag"]
