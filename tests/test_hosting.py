"""The server around the page, asked by visitors without a browser: quotas, strangers, accidents."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image as Pillow

from conftest import ROOT, PageServer, served_page
from kmseg.ui.server import incidents
from protocol import UPLOAD_LABEL, Visitor, visit

HOSTILE_NAMES = [
    "<img src=x onerror=alert(1)>.png",
    "../../../etc/passwd.png",
    "..\\..\\boot.ini.png",
    '=HYPERLINK("http://evil.example","x").png',
    "+cmd|' /C calc'!A0.png",
    "[link](javascript:alert(1)) **bold** `code`.png",
    "a" * 300 + ".png",
    "\u202egnp.exe.png",
    "nul\x01\x1b[31m.png",
    "$\\alpha$ :material/delete: :red[x].png",
    "🎨.png",
    ".png",
    " .png",
]


# The command line of Streamlit, which serves the page with shorter intervals.
HURRIED = [sys.executable, str(ROOT / "tests" / "hurried.py")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """A server with little room, as hosts set it, whose sessions end soon after their visitors."""
    home = tmp_path_factory.mktemp("hosting")
    secrets = home / ".streamlit" / "secrets.toml"
    secrets.parent.mkdir()
    secrets.write_text('KMSEG_SESSION_UPLOADS_MB = "2"\n')
    ttl = {"STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "1"}
    with served_page(home, program=HURRIED, KMSEG_ALL_UPLOADS_MB="5", **ttl) as served:
        yield served


def test_a_wrong_setting_printed_a_traceback(tmp_path: Path) -> None:
    """Now it is one sentence on standard error, and there is no server."""
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    options = ["--server.headless=true", "--server.port=0", "--server.fileWatcherType=none"]
    environment = os.environ | {"HOME": str(tmp_path), "KMSEG_CACHE_MB": "lots"}
    done = subprocess.run(
        command + options, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert done.stderr == (
        "kmseg: KMSEG_CACHE_MB must be a whole number of megabytes from 1 to 1,000,000, not "
        "'lots'; correct or unset it.\n"
    )


def png(seed: int = 0) -> bytes:
    """A small picture."""
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), np.uint8)
    Pillow.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def bmp(n_bytes: int, seed: int) -> bytes:
    """A picture with a file of about this many bytes."""
    side = round((n_bytes / 3) ** 0.5)
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    Pillow.fromarray(pixels).save(file, "BMP")
    return file.getvalue()


def kept_uploads(server: PageServer) -> int:
    """Bytes that the server keeps of uploads, as it says."""
    text = requests.get(f"{server.url}/_stcore/metrics", timeout=30).text
    lines = [line for line in text.splitlines() if "UploadedFileManager" in line]
    return sum(int(float(line.split()[-1])) for line in lines)


def until_nothing_is_kept(server: PageServer) -> None:
    deadline = time.monotonic() + 60
    while kept_uploads(server) > 0:
        assert time.monotonic() < deadline, "they are still there"
        time.sleep(0.1)


def counted(server: PageServer, kind: str) -> int:
    text = requests.get(f"{server.url}/kmseg/metrics", timeout=30).text
    (line,) = [line for line in text.splitlines() if line.startswith(f"kmseg_{kind}_total ")]
    return int(line.split()[1])


def test_a_session_has_so_much_room_and_others_have_theirs(server: PageServer) -> None:
    refused = counted(server, "upload_over_quota")

    async def story() -> None:
        async with Visitor(server.url) as one, Visitor(server.url) as other:
            await one.upload("first.bmp", bmp(1_200_000, 1))
            assert one.texts == []
            first = one.urls[0].delete_url
            await one.upload("second.bmp", bmp(1_200_000, 2))
            ((_, sentence),) = one.texts
            assert sentence.startswith("second.bmp: Your pictures may take up to 2 MB")
            assert one.labels  # the page goes on
            await other.upload("mine.bmp", bmp(1_200_000, 3))
            assert other.texts == []
            one.take_off()
            await asyncio.to_thread(one.delete, first)
            await one.upload("third.bmp", bmp(1_200_000, 4))
            assert one.texts == []

    visit(story())
    assert counted(server, "upload_over_quota") == refused + 1


def test_the_page_took_50_megabytes_whatever_the_setting(
    page_server: PageServer, tmp_path: Path
) -> None:
    data = png() + bytes(55 * 2**20)  # what comes after the end of a picture is ignored

    async def refused(url: str) -> requests.Response:
        async with Visitor(url) as visitor:
            return await visitor.put("large.png", data)

    async def shown(url: str) -> list[tuple[str, str]]:
        async with Visitor(url) as visitor:
            await visitor.upload("large.png", data)
            return visitor.texts

    response = visit(refused(page_server.url))
    assert response.status_code == 413 and "KMSEG_MAX_MEGABYTES" in response.text
    with served_page(tmp_path, KMSEG_MAX_MEGABYTES="60") as served:
        assert visit(shown(served.url)) == []


def test_all_sessions_together_have_so_much_room(server: PageServer) -> None:
    async def story() -> None:
        visitors = [Visitor(server.url) for _ in range(4)]
        said = []
        for number, visitor in enumerate(visitors):
            await visitor.__aenter__()
            await visitor.upload("mine.bmp", bmp(1_600_000, number))
            said += visitor.texts
        assert any("no room for another picture now" in text for _, text in said)
        for visitor in visitors:
            await visitor.__aexit__()

    visit(story())


def test_uploads_of_those_who_left_are_let_go_though_nobody_comes(server: PageServer) -> None:
    async def story() -> None:
        async with Visitor(server.url) as visitor:
            await visitor.upload("mine.bmp", bmp(900_000, 5))
            assert visitor.texts == []
            assert await asyncio.to_thread(kept_uploads, server) > 0

    until_nothing_is_kept(server)  # of the tests before
    visit(story())
    until_nothing_is_kept(server)


def status_of(connection: socket.socket) -> int:
    """The status of the response; 0 if the server closed the connection without one."""
    connection.settimeout(60)
    try:
        line = connection.makefile("rb").readline()
    except ConnectionError:
        return 0
    return int(line.split()[1]) if line else 0


def test_uploads_that_were_announced_and_never_sent_locked_everybody_out(
    server: PageServer,
) -> None:
    until_nothing_is_kept(server)

    async def story() -> None:
        claims = []
        async with (
            Visitor(server.url) as one,
            Visitor(server.url) as two,
            Visitor(server.url) as three,
            Visitor(server.url) as honest,
        ):
            for claimer in (one, two, three, honest):
                for number in range(3):
                    path = await claimer.announce(f"{number}.bmp")
                    claims.append(claimer.raw_put(path, "Content-Length: 1900000"))
            await honest.upload("mine.bmp", bmp(1_200_000, 11))
            assert honest.texts == []
            assert honest.data["alt"] == "Original: mine.bmp"
            # Nobody waits for them for long.
            assert [await asyncio.to_thread(status_of, claim) for claim in claims] == [408] * 12
        for claim in claims:
            claim.close()

    visit(story())


def test_an_upload_in_chunks_passed_the_quota_with_a_small_length(server: PageServer) -> None:
    until_nothing_is_kept(server)

    async def story() -> None:
        async with Visitor(server.url) as visitor:
            path = await visitor.announce("large.bmp")
            lengths = "Content-Length: 1", "Transfer-Encoding: chunked"
            connection = await asyncio.to_thread(visitor.raw_put, path, *lengths)
            head = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'
            with suppress(ConnectionError):
                for part in (head, *[bytes(100_000)] * 40, b"\r\n--x--\r\n"):
                    chunk = b"%x\r\n%s\r\n" % (len(part), part)
                    await asyncio.to_thread(connection.sendall, chunk)
                await asyncio.to_thread(connection.sendall, b"0\r\n\r\n")
            assert await asyncio.to_thread(status_of, connection) in (400, 0)
            connection.close()
            assert await asyncio.to_thread(kept_uploads, server) == 0

    visit(story())


def test_an_upload_for_a_session_that_does_not_exist_is_refused_at_once(
    server: PageServer,
) -> None:
    async def story() -> None:
        async with Visitor(server.url) as visitor:
            path = "/_stcore/upload_file/00000000-nobody/1"
            connection = visitor.raw_put(path, "Content-Length: 1000000")
            assert await asyncio.to_thread(status_of, connection) == 400
            connection.close()

    visit(story())


def test_an_upload_without_its_length_is_refused(server: PageServer) -> None:
    async def story() -> None:
        async with Visitor(server.url) as visitor:
            answer = await visitor.put("a.png", png())
            assert answer.status_code == 204
            path = await visitor.announce("b.png")
            connection = await asyncio.to_thread(
                visitor.raw_put, path, "Transfer-Encoding: chunked"
            )
            assert await asyncio.to_thread(status_of, connection) == 411
            connection.close()

    visit(story())


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_is_text_and_nothing_else(server: PageServer, name: str) -> None:
    async def story() -> None:
        async with Visitor(server.url) as visitor:
            await visitor.upload(name, png())
            assert visitor.texts == []
            alt = visitor.data["alt"].removeprefix("Original: ")
            assert 0 < len(alt) <= 40
            assert not set(alt) & set("<>[]`*$:\\/=+|\x01\x1b\u202e")
            await visitor.upload(name, b"no picture")
            ((kind, sentence),) = visitor.texts
            assert kind == "error"
            assert not set(sentence) & set("<>[]`*$\\\x01\x1b\u202e")

    visit(story())


def test_the_log_has_a_line_for_each_refusal_and_nothing_of_its_content(
    server: PageServer,
) -> None:
    refused = counted(server, "upload_refused")

    async def story() -> None:
        async with Visitor(server.url, "v=1&n_clusters=secretword") as visitor:
            await visitor.upload("secretname.png", b"secretcontent")
            assert visitor.texts
            await visitor.run()  # it is not read again

    visit(story())
    assert counted(server, "upload_refused") == refused + 1
    log = server.log.read_text()
    assert "secret" not in log
    assert "Traceback" not in log
    assert log.count("upload_refused") == counted(server, "upload_refused")


def test_what_is_counted_is_told_in_a_form_that_monitoring_reads(server: PageServer) -> None:
    answer = requests.get(f"{server.url}/kmseg/metrics", timeout=30)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    lines = answer.text.splitlines()
    assert lines[-1] == "# EOF"
    for kind in incidents.KINDS:
        assert f"# TYPE kmseg_{kind} counter" in lines
    assert any(line.startswith("kmseg_result_bytes ") for line in lines)


def test_a_visitor_whose_line_is_cut_comes_back_to_his_page(page_server: PageServer) -> None:
    async def story() -> None:
        async with Visitor(page_server.url) as visitor:
            await visitor.upload("mine.png", png(seed=7))
            await visitor.change(7)
            await visitor.send()
            visitor.socket.transport.abort()  # in the middle of a run
            visitor.socket = await visitor.connected(visitor.session)
            session = visitor.session
            await visitor.run()
            assert visitor.session == session
            assert len(visitor.data["palette"]) == 7
            assert visitor.data["alt"] == "Original: mine.png"

    visit(story())


def test_nobody_sees_another_ones_pictures(server: PageServer) -> None:
    async def story() -> None:
        async with Visitor(server.url) as one, Visitor(server.url) as other:
            await one.upload("private holiday.png", png(seed=8))
            key = one.data["segmentation"]
            await other.run()
            assert "holiday" not in str(other.data) + str(other.options)
            assert "holiday" in str(one.options)
            async with Visitor(server.url, key) as third:
                assert "holiday" not in str(third.data) + str(third.options)
                assert any("not in the link" in text for _, text in third.texts)
                assert not third.labels

    visit(story())


def test_a_session_that_gives_another_ones_name_gets_nothing(server: PageServer) -> None:
    """Session names are random and secret; a file's name in another's list is not enough."""

    async def story() -> None:
        async with Visitor(server.url) as one, Visitor(server.url) as other:
            await one.upload("private.png", png(seed=9))
            stolen = one.widgets[UPLOAD_LABEL]
            other.widgets[UPLOAD_LABEL] = stolen
            await other.run()
            assert "private" not in str(other.data) + str(other.options)

    visit(story())
