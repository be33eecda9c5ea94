"""Quotas for uploads, per session and in total.

Streamlit stores every upload before the page's script runs. This middleware receives an upload
first, counts its bytes as they arrive, and passes it on when it is complete. Bytes that are
announced but not sent do not count towards a quota. An upload that exceeds a quota is replaced by a
marker, so that the page can name the refused file.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from email.message import Message
from typing import TYPE_CHECKING, Any, Final, Literal
from weakref import WeakValueDictionary

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

from kmseg.config import MEGABYTE
from kmseg.errors import ImageError
from kmseg.picture.limits import MEGABYTES_SETTING
from kmseg.ui.server import configuration, incidents, platform

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

# Most files of one session, including markers and unfinished uploads.
MAX_FILES: Final = 300
# Most uploads received at once, per session and in total. Beyond the first limit, uploads wait;
# beyond the second, the slowest is ended.
MAX_SESSION_TRANSFERS: Final = 6
MAX_TRANSFERS: Final = 100
# An upload is ended if fewer than MIN_PROGRESS bytes arrive within STALL_SECONDS, or if it takes
# longer than MAX_SECONDS.
MIN_PROGRESS: Final = 32_768
STALL_SECONDS: Final = 10.0
MAX_SECONDS: Final = 300.0

# The file's name is within the first bytes of the body.
_MAX_HEAD: Final = 16_384
_MAX_DIGITS: Final = 12
# The quotas are checked whenever this many bytes have arrived, and at the end.
_CHECK_BYTES: Final = 262_144
_PATH: Final = "/_stcore/upload_file/"

_Full = Literal["", "session", "all"]
# Markers that are stored in place of uploads that exceed a quota.
_MARKERS: Final = {
    "session": b"kmseg keeps no more of this session's files.",
    "all": b"kmseg keeps no more files of any session.",
}


class NoRoomError(ImageError):
    """An upload was discarded because it exceeds a quota; it may be sent again later."""


def check(content: bytes) -> None:
    """Raise ``NoRoomError`` if this is the marker of a discarded upload."""
    if content == _MARKERS["session"]:
        megabytes = configuration.current().session_upload_bytes // MEGABYTE
        raise NoRoomError(
            f"Your pictures may take up to {megabytes} MB (setting KMSEG_SESSION_UPLOADS_MB), and "
            "this one would exceed that. Remove some of the others first."
        )
    if content == _MARKERS["all"]:
        raise NoRoomError(
            "This server has no room for another picture now. Try again in a few minutes, or "
            "upload a smaller one."
        )


class _Refused(Exception):
    """The upload is rejected or ended."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(eq=False)
class _Transfer:
    """An upload in progress."""

    session: str
    announced: int  # bytes
    full: _Full = ""  # the quota that it exceeds
    arrived: int = 0  # bytes
    held: int = 0  # bytes in memory; 0 once it is discarded
    head: bytes = b""
    body: deque[bytes] = field(default_factory=deque)
    started: float = field(default_factory=time.monotonic)
    lease: asyncio.Timeout | None = None  # while it is received

    @property
    def rate(self) -> float:
        """Bytes per second so far, biased upwards for an upload that has just begun."""
        return (self.arrived + 2 * MIN_PROGRESS) / (time.monotonic() - self.started + 1)


class Quota:
    """ASGI middleware that enforces the quotas for uploads."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._transfers: list[_Transfer] = []
        self._slots: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_upload = scope["type"] == "http" and scope["method"] == "PUT" and _PATH in scope["path"]
        if not is_upload:
            await self.app(scope, receive, send)
            return
        session = scope["path"].split("/")[-2]
        try:
            transfer = _Transfer(session, self._announced(Headers(scope=scope), session))
            self._transfers.append(transfer)
            try:
                if await self._received(transfer, receive):
                    await self.app(*_replayed(scope, receive, transfer), send)
            finally:
                self._transfers.remove(transfer)
        except _Refused as refused:
            headers = {"Connection": "close"} if refused.status in (400, 408, 411) else {}
            response = PlainTextResponse(str(refused), refused.status, headers)
            await response(scope, receive, send)

    def _announced(self, headers: Headers, session: str) -> int:
        """The length that a request announces; raises ``_Refused`` if it is invalid."""
        if not platform.is_connected(session):
            raise _Refused(400, "Invalid session.")
        length = headers.get("content-length", "")
        if length and "transfer-encoding" in headers:
            incidents.note("upload_ended", "two lengths", session)
            raise _Refused(400, "An upload has one length.")
        if not length.isdecimal() or len(length) > _MAX_DIGITS:
            raise _Refused(411, "An upload needs its length.")
        n_files = len(platform.uploads().get(session, ()))
        n_files += sum(transfer.session == session for transfer in self._transfers)
        if n_files >= MAX_FILES:
            incidents.note("upload_over_quota", f"files={n_files}", session)
            raise _Refused(413, "Too many files.")
        if int(length) > platform.max_upload_bytes():
            own = platform.max_upload_bytes() < configuration.current().limits.max_bytes
            setting = "STREAMLIT_SERVER_MAX_UPLOAD_SIZE" if own else MEGABYTES_SETTING
            megabytes = platform.max_upload_bytes() // 2**20
            raise _Refused(413, f"File too large: at most {megabytes} MB (setting {setting}).")
        return int(length)

    async def _received(self, transfer: _Transfer, receive: Receive) -> bool:
        """Receive the body; returns whether it is complete. Raises ``_Refused``."""
        slots = self._slots.get(transfer.session) or asyncio.Semaphore(MAX_SESSION_TRANSFERS)
        self._slots[transfer.session] = slots
        async with slots:
            self._make_room()
            transfer.started = time.monotonic()
            try:
                async with asyncio.timeout(STALL_SECONDS) as transfer.lease:
                    return await self._receive(transfer, transfer.lease, receive)
            except TimeoutError:
                transfer.body.clear()
                incidents.note("upload_ended", f"arrived={transfer.arrived}", transfer.session)
                raise _Refused(408, "The upload was too slow.") from None
            finally:
                transfer.lease = None

    def _make_room(self) -> None:
        """End the slowest upload if ``MAX_TRANSFERS`` uploads are being received."""
        received = [
            (transfer.rate, transfer.lease)
            for transfer in self._transfers
            if transfer.lease is not None and not transfer.lease.expired()
        ]
        if len(received) >= MAX_TRANSFERS:
            _, lease = min(received, key=lambda pair: pair[0])
            lease.reschedule(asyncio.get_running_loop().time())

    async def _receive(self, transfer: _Transfer, lease: asyncio.Timeout, receive: Receive) -> bool:
        clock = asyncio.get_running_loop().time
        end, renewed_at, checked_at = clock() + MAX_SECONDS, 0, 0
        self._check_room(transfer, transfer.announced)
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return False  # the browser has disconnected
            part, more = message.get("body", b""), message.get("more_body", False)
            transfer.arrived += len(part)
            if transfer.arrived > transfer.announced:
                incidents.note("upload_ended", "longer than announced", transfer.session)
                raise _Refused(400, "The upload is longer than announced.")
            transfer.head += part[: _MAX_HEAD - len(transfer.head)]
            if not transfer.full:
                transfer.body.append(part)
                transfer.held += len(part)
                if not more or transfer.arrived - checked_at >= _CHECK_BYTES:
                    checked_at = transfer.arrived
                    self._check_room(transfer)
            if transfer.arrived - renewed_at >= MIN_PROGRESS and not lease.expired():
                renewed_at = transfer.arrived
                lease.reschedule(min(clock() + STALL_SECONDS, end))
        return True

    def _check_room(self, transfer: _Transfer, coming: int = 0) -> None:
        """Discard a transfer if stored, held and ``coming`` bytes together exceed a quota."""
        stored = platform.uploads()
        own = sum(stored.get(transfer.session, ()))
        own += sum(other.held for other in self._transfers if other.session == transfer.session)
        total = sum(map(sum, stored.values())) + sum(other.held for other in self._transfers)
        config = configuration.current()
        if own + coming > config.session_upload_bytes:
            transfer.full = "session"
        elif total + coming > config.all_upload_bytes:
            transfer.full = "all"
        else:
            return
        transfer.held = 0
        transfer.body.clear()
        detail = f"bytes={transfer.announced} quota={transfer.full}"
        incidents.note("upload_over_quota", detail, transfer.session)


def _replayed(scope: Scope, receive: Receive, transfer: _Transfer) -> tuple[Scope, Receive]:
    """The same request with the received body, or with a marker if it was discarded."""
    body = transfer.body
    if transfer.full:
        head = transfer.head.partition(b"\r\n\r\n")[0]
        headers = MutableHeaders(scope=dict(scope, headers=list(scope["headers"])))
        kind = Message()
        kind["content-type"] = headers.get("content-type", "")
        boundary = str(kind.get_param("boundary", "")).encode("latin-1", "replace")
        marker = head + b"\r\n\r\n" + _MARKERS[transfer.full] + b"\r\n--" + boundary + b"--\r\n"
        headers["content-length"] = str(len(marker))
        scope, body = dict(scope, headers=headers.raw), deque([marker])

    async def replay() -> dict[str, Any]:
        if not body:
            return dict(await receive())
        await asyncio.sleep(0)  # let other requests run while a large file is parsed
        part = body.popleft()
        return {"type": "http.request", "body": part, "more_body": bool(body)}

    return scope, replay
