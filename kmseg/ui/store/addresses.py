"""Addresses from which browsers fetch pictures, and their content.

A picture is encoded at the first request, and cached with the results that it was made from. Each
address contains an unguessable token, so visitors cannot fetch each other's pictures.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kmseg.errors import BusyError
from kmseg.ui.store.store import Key

if TYPE_CHECKING:
    from starlette.requests import Request

# Most addresses of one owner; the oldest are forgotten.
MAX_ADDRESSES: Final = 200
# Number of dropped owners that are remembered.
_MAX_DROPPED: Final = 1000
# Requests whose content is made at the same time, each in a thread; others wait.
_MAX_MAKING: Final = 4
_ADDRESS: Final = "kmseg/preview"
# Increase this when the format of the bytes changes, because browsers cache them.
_VERSION: Final = "1"
# The content of an address never changes.
_HEADERS: Final = {"Cache-Control": "private, max-age=31536000, immutable"}

Content = tuple[bytes, str]
"""Bytes and their MIME type."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The content that an address stands for.

    Attributes
    ----------
    key : Key
        Key of the picture in ``caches.results()``; its first element is the owner.
    part : hashable
        Part of the picture's results; each part has a different ``repr``.
    find : callable
        ``find(key, part, name)`` returns the content with this name, or None if the cached values
        needed for it are missing. It is called in a thread.
    """

    key: Key
    part: Hashable
    find: Callable[[Key, Hashable, str], Content | None]


class Addresses:
    """Tokens of content that may be fetched. Methods may be called from any thread.

    Parameters
    ----------
    max_each : int
        Most tokens of one owner; further ones replace the oldest.
    """

    def __init__(self, max_each: int = MAX_ADDRESSES) -> None:
        self._max_each = max_each
        self._lock = threading.Lock()
        self._owners: dict[Hashable, OrderedDict[str, Wanted]] = {}
        self._wanted: dict[str, Wanted] = {}  # of all owners
        self._dropped: deque[Hashable] = deque(maxlen=_MAX_DROPPED)

    def __len__(self) -> int:
        return len(self._wanted)

    def add(self, wanted: Wanted) -> str:
        """The content's token; equal for equal content, so browsers can use their cache."""
        owner = wanted.key[0]
        # Samples have the same tokens for all sessions, and after a restart of the server.
        text = repr((_VERSION, wanted.key[1:], wanted.part)).encode()
        token = hashlib.blake2b(text, digest_size=18, key=str(owner).encode()[:64]).hexdigest()
        with self._lock:
            if owner in self._dropped:
                return token
            own = self._owners.setdefault(owner, OrderedDict())
            own[token] = self._wanted[token] = wanted
            own.move_to_end(token)
            while len(own) > self._max_each:
                oldest, _ = own.popitem(last=False)
                del self._wanted[oldest]
        return token

    def find(self, token: str) -> Wanted | None:
        """The content that a token stands for, or None if the token is unknown."""
        with self._lock:
            return self._wanted.get(token)

    def drop(self, owner: Hashable) -> None:
        """Forget the tokens of an owner, and add no more of them."""
        with self._lock:
            self._dropped.append(owner)
            for token in self._owners.pop(owner, ()):
                del self._wanted[token]


@cache
def addresses() -> Addresses:
    """The addresses of this server."""
    return Addresses()


def address_of(wanted: Wanted) -> str:
    """The base address of the content's names, below the server's root."""
    return f"/{_ADDRESS}/{addresses().add(wanted)}"


@cache
def _making() -> asyncio.Semaphore:
    return asyncio.Semaphore(_MAX_MAKING)


async def _serve(request: Request) -> Response:
    wanted = addresses().find(request.path_params["token"])
    if wanted is not None:
        name = request.path_params["name"]
        try:
            async with _making():
                found = await asyncio.to_thread(wanted.find, wanted.key, wanted.part, name)
        except BusyError as error:
            return PlainTextResponse(str(error), 503)
        if found is not None:
            return Response(found[0], media_type=found[1], headers=_HEADERS)
    # The page's next run sends new addresses.
    return PlainTextResponse("This picture is not kept any more.", 404)


# Streamlit does not put an app's own routes below `server.baseUrlPath`, so match any base path.
ROUTES: Final = [
    Route(f"{base}/{_ADDRESS}/{{token}}/{{name}}", _serve) for base in ("", "/{base:path}")
]
