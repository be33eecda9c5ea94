"""Addresses from which a browser fetches pictures, and what the server has there.

A picture is encoded when it is asked for, and kept with the results that it was made from. An
address contains a token that nobody can guess, so no visitor can fetch what belongs to another.
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

# Addresses of one owner that are known at once, the last ones that were given out.
MAX_ADDRESSES: Final = 200
# Owners that are remembered after they have gone.
_MAX_DROPPED: Final = 1000
# Requests whose content is made at the same time; others wait. Each takes a thread.
_MAX_MAKING: Final = 4
_ADDRESS: Final = "kmseg/preview"
# A change of what the bytes mean needs another version: browsers keep them.
_VERSION: Final = "1"
# The content of an address never changes.
_HEADERS: Final = {"Cache-Control": "private, max-age=31536000, immutable"}

Content = tuple[bytes, str]
"""Bytes and their MIME type."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an address stands for.

    Attributes
    ----------
    key : Key
        Of the picture in ``caches.results()``; its first element is the owner.
    part : hashable
        What of it; its ``repr`` must differ from that of any other part.
    find : callable
        ``find(key, part, name)`` returns what has this name, or None if it cannot be made of what
        is cached. It is called in a thread.
    """

    key: Key
    part: Hashable
    find: Callable[[Key, Hashable, str], Content | None]


class Addresses:
    """Tokens of what may be fetched. Methods may be called from any thread.

    Parameters
    ----------
    max_each : int
        Tokens of one owner; further ones replace the oldest.
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
        """The token of something; the same at each call, so that browsers need not fetch again."""
        owner = wanted.key[0]
        # Samples belong to everybody, and so do their tokens, from one server to the next.
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
        """What a token stands for, or None if it is not known."""
        with self._lock:
            return self._wanted.get(token)

    def drop(self, owner: Hashable) -> None:
        """Forget the tokens of an owner, and add none from now on."""
        with self._lock:
            self._dropped.append(owner)
            for token in self._owners.pop(owner, ()):
                del self._wanted[token]


@cache
def addresses() -> Addresses:
    """The addresses of this server."""
    return Addresses()


def address_of(wanted: Wanted) -> str:
    """The address, below the server's root, below which the names of something lie."""
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
    # The page gives out new addresses at its next run.
    return PlainTextResponse("This picture is not kept any more.", 404)


# Streamlit does not put an app's own routes below `server.baseUrlPath`, so match any base path.
ROUTES: Final = [
    Route(f"{base}/{_ADDRESS}/{{token}}/{{name}}", _serve) for base in ("", "/{base:path}")
]
