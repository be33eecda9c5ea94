"""Compressed scripts, the document, and pictures by address, asked for by plain requests."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import streamlit

from conftest import PageServer, served_page
from kmseg.ui.components import modules
from kmseg.ui.server.delivery import Delivery
from protocol import Visitor, visit

STATIC = Path(streamlit.__file__).parent / "static"
SCRIPT = max((STATIC / "static" / "js").glob("index.*.js"), key=lambda path: path.stat().st_size)
FONT = next((STATIC / "static" / "media").glob("MaterialSymbols*.woff2"))
GZIP = {"Accept-Encoding": "gzip"}
PLAIN = {"Accept-Encoding": "identity"}
PAGE = {"Accept": "text/html,*/*"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    with served_page(tmp_path_factory.mktemp("delivery")) as served:
        yield served


def path_of(file: Path) -> str:
    return "/" + file.relative_to(STATIC).as_posix()


def raw(url: str, headers: dict[str, str], method: str = "GET") -> tuple[requests.Response, bytes]:
    """A response, and its body as it was sent."""
    answer = requests.request(method, url, headers=headers, stream=True, timeout=60)
    return answer, answer.raw.read(decode_content=False)


def test_scripts_travelled_uncompressed(server: PageServer) -> None:
    answer, body = raw(server.url + path_of(SCRIPT), GZIP)
    assert answer.headers["content-encoding"] == "gzip"
    assert len(body) == int(answer.headers["content-length"]) < 0.4 * SCRIPT.stat().st_size
    assert gzip.decompress(body) == SCRIPT.read_bytes()
    assert "Accept-Encoding" in answer.headers["vary"]
    assert "immutable" in answer.headers["cache-control"]
    assert "javascript" in answer.headers["content-type"]
    again, same = raw(server.url + path_of(SCRIPT), GZIP)
    assert same == body and again.headers["etag"] == answer.headers["etag"]


def test_a_client_without_gzip_gets_the_script_as_it_is(server: PageServer) -> None:
    for headers in (PLAIN, {"Accept-Encoding": "gzip;q=0"}):
        answer, body = raw(server.url + path_of(SCRIPT), headers)
        assert "content-encoding" not in answer.headers
        assert body == SCRIPT.read_bytes()
        assert "Accept-Encoding" in answer.headers["vary"]


def test_a_known_script_is_not_sent_again(server: PageServer) -> None:
    url = server.url + path_of(SCRIPT)
    for headers in (GZIP, PLAIN):
        tag = raw(url, headers)[0].headers["etag"]
        answer, body = raw(url, headers | {"If-None-Match": f'"other", {tag}'})
        assert (answer.status_code, body) == (304, b"")
        assert raw(url, headers | {"If-None-Match": '"other"'})[0].status_code == 200
    assert raw(url, GZIP)[0].headers["etag"] != raw(url, PLAIN)[0].headers["etag"]


def test_a_head_has_the_headers_of_a_get_and_no_body(server: PageServer) -> None:
    for path, headers in ((path_of(SCRIPT), GZIP), ("/", GZIP | PAGE), ("/", PLAIN | PAGE)):
        answer, _ = raw(server.url + path, headers)
        head, nothing = raw(server.url + path, headers, "HEAD")
        assert nothing == b"" and head.status_code == 200
        for name in ("content-length", "content-type", "etag", "vary"):
            assert head.headers[name] == answer.headers[name]
        assert head.headers.get("content-encoding") == answer.headers.get("content-encoding")


def test_a_range_is_one_of_the_file_itself(server: PageServer) -> None:
    answer, body = raw(server.url + path_of(SCRIPT), GZIP | {"Range": "bytes=100-299"})
    assert answer.status_code == 206 and "content-encoding" not in answer.headers
    assert body == SCRIPT.read_bytes()[100:300]


def test_what_is_missing_or_compressed_already_is_passed_on(server: PageServer) -> None:
    answer, body = raw(server.url + path_of(FONT), GZIP)
    assert body == FONT.read_bytes() and "content-encoding" not in answer.headers
    missing, _ = raw(f"{server.url}/kmseg/assets/0.js", GZIP)
    assert missing.status_code == 404
    for _ in range(2):
        answer, body = raw(f"{server.url}/static/js/none.js", GZIP)
        assert SCRIPT.read_bytes() != gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body


def test_the_document_names_our_script_and_has_something_to_look_at(server: PageServer) -> None:
    answer, body = raw(f"{server.url}/", GZIP | PAGE)
    text = gzip.decompress(body).decode()
    assert "last-modified" not in answer.headers
    assert f'<link rel="modulepreload" href="./{modules.address()}">' in text
    assert re.search(r'<div id="root">\s*<div id="kmseg-skeleton"', text)
    assert text.index('rel="stylesheet"') < text.index('rel="modulepreload"')
    assert '<link rel="preload"' not in text and re.search(
        r'data-rel="preload"[^>]*as="font"', text
    )
    assert (
        raw(f"{server.url}/", GZIP | PAGE | {"If-None-Match": answer.headers["etag"]})[
            0
        ].status_code
        == 304
    )
    assert raw(f"{server.url}/{modules.address()}", GZIP)[0].headers["content-encoding"] == "gzip"


def test_compressed_files_took_no_more_memory_than_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Files are kept up to a number of bytes, the last ones used."""
    files = {f"/static/js/{name}.js": name.encode() * 3000 for name in "abcdef"}

    async def app(scope: dict, receive: object, send) -> None:  # type: ignore[no-untyped-def, type-arg]
        headers = [(b"content-type", b"text/javascript"), (b"cache-control", b"immutable")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": files[scope["path"]]})

    one = len(gzip.compress(files["/static/js/a.js"], 9, mtime=0))
    monkeypatch.setattr("kmseg.ui.server.delivery.MAX_KEPT", 3 * one)
    delivery = Delivery(app)  # type: ignore[arg-type]

    async def story() -> None:
        for path in (*files, "/static/js/d.js", "/static/js/a.js"):
            sent: list[dict] = []  # type: ignore[type-arg]

            async def send(message: dict) -> None:  # type: ignore[type-arg]
                sent.append(message)  # noqa: B023

            scope = {"type": "http", "method": "GET", "path": path}
            await delivery(scope | {"headers": [(b"accept-encoding", b"gzip")]}, None, send)  # type: ignore[arg-type]
            assert gzip.decompress(sent[1]["body"]) == files[path]

    visit(story())
    assert [path[-4] for path in delivery._kept] == ["f", "d", "a"]


# -- pictures by address ---------------------------------------------------------------------------


def test_a_picture_cannot_be_fetched_without_its_token(server: PageServer) -> None:
    async def story() -> None:
        async with Visitor(server.url) as visitor:
            address = visitor.data["original"]
            answer, body = raw(server.url + address, GZIP)
            assert answer.status_code == 200 and body[:4] == b"RIFF"
            assert answer.headers["cache-control"].startswith("private")
            token = address.split("/")[-2]
            for wrong in (
                address.replace(token, token[:-1] + ("0" if token[-1] != "0" else "1")),
                address.replace("original", "originals"),
                address.replace("original", "16"),
                address.replace("original", "-1"),
            ):
                answer, body = raw(server.url + wrong, GZIP)
                assert (answer.status_code, body) == (404, b"This picture is not kept any more.")

    visit(story())


def test_labels_are_not_compressed_twice(server: PageServer) -> None:
    async def story() -> None:
        async with Visitor(server.url) as visitor:
            answer, body = raw(server.url + visitor.labels, GZIP)
            assert "content-encoding" not in answer.headers and len(body) > 500

    visit(story())
