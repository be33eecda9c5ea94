"""The middleware for uploads, without a server: what arrives, how fast, and what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from kmseg.config import Config
from kmseg.errors import ImageError
from kmseg.ui.server import configuration, platform, uploads
from kmseg.ui.server.uploads import Quota
from protocol import visit

HEAD = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\n'
Part = bytes | None


class Site:
    """A stand-in for Streamlit behind the middleware: it stores what it receives."""

    def __init__(self) -> None:
        self.stored: dict[str, list[int]] = {}
        self.bodies: list[bytes] = []
        self.said = b""  # the last response
        self.quota = Quota(self)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message["body"]
            more = message["more_body"]
        self.bodies.append(body)
        self.stored.setdefault(scope["path"].split("/")[-2], []).append(len(body))
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def put(
        self, parts: list[bytes], announced: int | None = None, session: str = "one", **more: str
    ) -> int:
        """Status of an upload whose parts arrive at once; without a last part it never ends."""
        headers = {"content-type": "multipart/form-data; boundary=x"}
        headers["content-length"] = str(sum(map(len, parts)) if announced is None else announced)
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        scope = {
            "type": "http",
            "method": "PUT",
            "path": f"/_stcore/upload_file/{session}/1",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        left, statuses = list(parts), []

        async def receive() -> dict[str, Any]:
            if not left:
                await asyncio.Event().wait()
            part = left.pop(0)
            unfinished = left or (announced or 0) > sum(map(len, parts))
            return {"type": "http.request", "body": part, "more_body": bool(unfinished)}

        async def send(message: dict[str, Any]) -> None:
            statuses.append(message.get("status"))
            self.said = message.get("body", b"")

        await self.quota(scope, receive, send)  # type: ignore[arg-type]
        return int(statuses[0] or 0)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site()
    config = Config(session_upload_bytes=1_000_000, all_upload_bytes=2_000_000)
    monkeypatch.setattr(configuration, "current", lambda: config)
    monkeypatch.setattr(platform, "uploads", lambda: site.stored)
    monkeypatch.setattr(platform, "is_connected", lambda session: session != "unknown")
    monkeypatch.setattr(uploads, "STALL_SECONDS", 0.2)
    return site


def run(story: Callable[[], Any]) -> Any:
    return visit(asyncio.wait_for(story(), 60))


def test_an_upload_that_stalled_kept_its_reservation(site: Site) -> None:
    assert run(lambda: site.put([HEAD, bytes(400_000)], announced=900_000)) == 408
    assert site.stored == {}
    assert run(lambda: site.put([HEAD, bytes(900_000)])) == 204


def test_uploads_that_announced_and_sent_nothing_left_no_room_for_others(site: Site) -> None:
    async def story() -> int:
        claims = [
            asyncio.create_task(site.put([], announced=900_000, session=f"{number}"))
            for number in range(8)
        ]
        await asyncio.sleep(0)
        status = await site.put([HEAD, bytes(900_000)])
        assert await asyncio.gather(*claims) == [408] * 8
        return status

    assert run(story) == 204
    assert site.stored == {"one": [len(HEAD) + 900_000]}


def test_a_body_that_was_longer_than_announced_was_stored(site: Site) -> None:
    assert run(lambda: site.put([HEAD, bytes(5000)], announced=1)) == 400
    assert site.stored == {}


def test_a_request_with_two_lengths_is_refused(site: Site) -> None:
    story = site.put([HEAD], announced=1, transfer_encoding="chunked")
    assert run(lambda: story) == 400
    assert site.stored == {}


def test_an_upload_for_an_unknown_session_is_not_received(site: Site) -> None:
    assert run(lambda: site.put([HEAD, bytes(9)], session="unknown")) == 400
    assert site.bodies == []


def test_uploads_at_the_same_time_leave_room_for_each_other(site: Site) -> None:
    """Of three that do not fit together, two are stored and one becomes a note."""

    async def story() -> list[int]:
        large = [HEAD, *[bytes(45_000)] * 10]
        return await asyncio.gather(*(site.put(large) for _ in range(3)))

    assert run(story) == [204, 204, 204]
    notes = [body for body in site.bodies if len(body) < 1000]
    assert len(site.bodies) - len(notes) == 2
    (note,) = notes
    assert note.startswith(HEAD)
    with pytest.raises(ImageError, match="Your pictures may take up to 1 MB"):
        uploads.check(note[len(HEAD) :].split(b"\r\n")[0])


def test_a_session_receives_a_few_uploads_at_once_and_the_others_wait(site: Site) -> None:
    async def story() -> list[int]:
        stalled = [site.put([], announced=9) for _ in range(uploads.MAX_SESSION_TRANSFERS)]
        return await asyncio.gather(*stalled, site.put([HEAD, bytes(5)]))

    assert run(story) == [*[408] * uploads.MAX_SESSION_TRANSFERS, 204]


def test_too_many_uploads_at_once_end_the_slowest(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_TRANSFERS", 2)
    monkeypatch.setattr(uploads, "STALL_SECONDS", 60.0)

    async def story() -> tuple[int, bool]:
        some = [HEAD, bytes(200_000)]
        fast = asyncio.create_task(site.put(some, announced=500_000, session="fast"))
        slow = asyncio.create_task(site.put([], announced=9, session="slow"))
        await asyncio.sleep(0)
        honest = await site.put([HEAD, bytes(5)], session="honest")
        assert await slow == 408
        going_on = not fast.done()
        fast.cancel()
        return honest, going_on

    assert run(story) == (204, True)


def test_an_upload_beyond_the_number_of_files_is_refused(site: Site) -> None:
    site.stored["one"] = [1] * uploads.MAX_FILES
    assert run(lambda: site.put([HEAD])) == 413


@pytest.mark.parametrize(
    ("streamlit", "setting"),
    [(50, b"50 MB (setting KMSEG_MAX_MEGABYTES)"), (9, b"9 MB (setting STREAMLIT_SERVER_MAX_")],
)
def test_an_upload_that_is_too_large_is_refused_by_the_name_of_the_setting(
    site: Site, monkeypatch: pytest.MonkeyPatch, streamlit: int, setting: bytes
) -> None:
    monkeypatch.setattr(platform, "max_upload_bytes", lambda: streamlit * 2**20)
    assert run(lambda: site.put([HEAD], announced=51 * 2**20)) == 413
    assert setting in site.said
