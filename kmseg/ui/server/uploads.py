"""What the server keeps of uploads: so much for each session and for all of them together.

Streamlit stores whatever a browser sends before the page hears of it. This stands before it, and
replaces an upload for which there is no room by a note, so that the page can say so by its name.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from contextlib import suppress
from email.message import Message
from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.formparsers import MultiPartParser
from starlette.responses import PlainTextResponse
from streamlit import runtime

from kmseg.errors import ImageError
from kmseg.ui.server import incidents
from kmseg.ui.store.budget import MEGABYTE, budget

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

# Notes count too: a session that has so many files gets no more.
MOST_FILES: Final = 300
# A file's name comes in the head of its part.
MOST_HEAD: Final = 16_384
MOST_DIGITS: Final = 12
# A line that is slower than this, in seconds, holds its room no longer.
PATIENCE: Final = 300.0

_PATH: Final = "/_stcore/upload_file/"
# What is kept of an upload for which a quota has no room.
_NOTES: Final = {
    "session": b"kmseg keeps no more of this session's files.",
    "all": b"kmseg keeps no more of anybody's files.",
}

# An upload is held in memory, which is bounded here, and never in the temporary folder.
MultiPartParser.spool_max_size = sys.maxsize


def check(content: bytes) -> None:
    """Raise ``ImageError`` for an upload that was not kept."""
    if content == _NOTES["session"]:
        raise ImageError(
            f"Your pictures may take {budget().session_uploads // MEGABYTE} MB together, and this "
            "one would take more. Take others off the list first."
        )
    if content == _NOTES["all"]:
        raise ImageError(
            "This server has no room for another picture now. Try again in a few minutes, or send "
            "a smaller one."
        )


class Quota:
    """ASGI middleware: lets an upload through if there is room for it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._coming: Counter[str] = Counter()  # bytes, by session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        uploads = scope["type"] == "http" and scope["method"] == "PUT" and _PATH in scope["path"]
        if not uploads:
            await self.app(scope, receive, send)
            return
        headers, session = Headers(scope=scope), scope["path"].split("/")[-2]
        size = headers.get("content-length", "")
        if not size.isdecimal() or len(size) > MOST_DIGITS:
            await PlainTextResponse("An upload needs its length.", 411)(scope, receive, send)
            return
        kept, n_files = _kept(session)
        if n_files >= MOST_FILES:
            incidents.note("upload_over_quota", f"files={n_files}", session)
            await PlainTextResponse("Too many files.", 413)(scope, receive, send)
            return
        n_bytes = int(size)
        full = ""
        if kept[session] + self._coming[session] + n_bytes > budget().session_uploads:
            full = "session"
        elif kept.total() + self._coming.total() + n_bytes > budget().all_uploads:
            full = "all"
        if full:
            incidents.note("upload_over_quota", f"bytes={n_bytes} quota={full}", session)
            n_bytes = 0
        self._coming[session] += n_bytes
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    if full:
                        scope, receive = await _noted(scope, receive, _NOTES[full])
                    await self.app(scope, receive, send)
        finally:
            self._coming[session] -= n_bytes
            if not self._coming[session]:
                del self._coming[session]


def _kept(session: str) -> tuple[Counter[str], int]:
    """Bytes that the server keeps of each session, and the number of this one's files."""
    manager = runtime.get_instance().uploaded_file_mgr
    files = {of: list(kept.values()) for of, kept in list(manager.file_storage.items())}  # type: ignore[attr-defined]
    sizes = {of: sum(len(file.data) for file in kept) for of, kept in files.items()}
    return Counter(sizes), len(files.get(session, ()))


async def _noted(scope: Scope, receive: Receive, note: bytes) -> tuple[Scope, Receive]:
    """The same request with a note for a file; what was sent is read and let go."""
    head, more = b"", True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        if len(head) < MOST_HEAD:
            head += message.get("body", b"")[:MOST_HEAD]
    head = head.partition(b"\r\n\r\n")[0]
    headers = MutableHeaders(scope=dict(scope, headers=list(scope["headers"])))
    kind = Message()
    kind["content-type"] = headers.get("content-type", "")
    boundary = str(kind.get_param("boundary", "")).encode("latin-1", "replace")
    body = head + b"\r\n\r\n" + note + b"\r\n--" + boundary + b"--\r\n"
    headers["content-length"] = str(len(body))

    async def replaced() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return dict(scope, headers=headers.raw), replaced
