"""The page's HTML: what it has before any script runs, and which requests get it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import streamlit as st

from conftest import PageServer
from kmseg.config import Config
from kmseg.ui import unfurl
from kmseg.ui.components import modules
from kmseg.ui.server import configuration, front, platform
from protocol import visit


class Outline(HTMLParser):
    """Elements of a page as (name, attributes), in order, and the text of each name."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "link"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            self.text[tag] = self.text.get(tag, "") + data


def test_streamlits_page_has_what_ours_replaces() -> None:
    html = platform.page_html()
    for part in ('<html lang="en">', "<title>Streamlit</title>", '<div id="root"></div>'):
        assert html.count(part) == 1
    assert len(re.findall('<link rel="stylesheet"', html)) == 1
    assert html.count("<noscript>") == html.count("</noscript>") == 1


def test_the_page_says_what_it_is_before_its_scripts_are_there() -> None:
    html = front.page()[0].decode()
    outline = Outline(html)
    assert dict(outline.elements)["html"] == {"lang": "en-GB"}
    assert outline.text["title"] == front.TITLE
    (description,) = [a for tag, a in outline.elements if a.get("name") == "description"]
    assert "k-means" in (description["content"] or "")
    assert outline.text["h1"] == "kmseg" and "k-means" in outline.text["p"]
    assert "Streamlit" not in outline.text["noscript"]
    assert any(a.get("role") == "status" for _, a in outline.elements)


def test_the_page_loads_what_streamlits_loads_and_nothing_else() -> None:
    def loaded(html: str) -> list[str]:
        elements = Outline(html).elements
        found = [a.get("src") or a.get("href") for tag, a in elements if tag in ("script", "link")]
        return sorted(filter(None, found))

    assert loaded(front.page()[0].decode()) == loaded(platform.page_html())


def test_the_page_is_answered_and_nothing_else(page_server: PageServer) -> None:
    host = urlsplit(page_server.url).netloc.encode()
    scope = {"query_string": b"n_clusters=3", "headers": [(b"host", host)], "scheme": "http"}
    content, tag = front.page(modules.address(), unfurl.tags(scope))
    assert b'property="og:title"' in content
    answer = requests.get(f"{page_server.url}/?n_clusters=3", timeout=30)
    assert answer.status_code == 200 and answer.content == content
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["ETag"] == tag and "Last-Modified" not in answer.headers
    head = requests.head(page_server.url, timeout=30)
    assert head.status_code == 200 and head.content == b"" and head.headers["ETag"] == tag
    known = {"If-None-Match": f'"other", {tag}'}
    assert requests.get(page_server.url, headers=known, timeout=30).status_code == 304
    other = {"If-None-Match": '"other"'}
    assert requests.get(page_server.url, headers=other, timeout=30).content == content
    for path in ("/_stcore/health", "/favicon.png", "/kmseg/metrics", "/manifest.json"):
        assert b"kmseg-skeleton" not in requests.get(page_server.url + path, timeout=30).content
    assert requests.post(page_server.url, timeout=30).status_code == 405


@pytest.mark.parametrize(
    ("base", "path", "is_page"),
    [
        ("", "/", True),
        ("", "/some/base/", False),
        ("some/base", "/some/base/", True),
        ("/some/base/", "/some/base/", True),
        ("some/base", "/", False),
        ("some/base", "/some/base/static/js/index.js", False),
    ],
)
def test_the_page_lies_at_the_servers_base_path(
    monkeypatch: pytest.MonkeyPatch, base: str, path: str, is_page: bool
) -> None:
    handed_on: list[str] = []
    sent: list[dict[str, Any]] = []

    async def streamlit(scope: Any, receive: Any, send: Any) -> None:
        handed_on.append(scope["path"])

    async def send(message: Any) -> None:
        sent.append(message)

    monkeypatch.setattr(st, "get_option", lambda name: base)
    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    visit(front.Front(streamlit)(scope, None, send))  # type: ignore[arg-type]
    assert handed_on == ([] if is_page else [path])
    assert bool(sent) == is_page


@pytest.mark.parametrize("allowed", ["", "'self' https://lms.example.org"])
def test_the_operator_says_which_sites_may_frame_the_page(
    monkeypatch: pytest.MonkeyPatch, allowed: str
) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    monkeypatch.setattr(configuration, "current", lambda: Config(frame_ancestors=allowed))
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "headers": []}
    visit(front.Front(None)(scope, None, send))  # type: ignore[arg-type]
    headers = dict(sent[0]["headers"])
    assert headers.get(b"content-security-policy", b"").decode() == (
        f"frame-ancestors {allowed}" if allowed else ""
    )
    known = [(b"if-none-match", headers[b"etag"])]
    visit(front.Front(None)(scope | {"headers": known}, None, send))  # type: ignore[arg-type]
    assert sent[2]["status"] == 304
    assert (b"content-security-policy" in dict(sent[2]["headers"])) == bool(allowed)
