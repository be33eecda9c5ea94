"""Segmentations with one cluster more and one fewer, made while a visitor looks at the present one.

One thread makes them for all sessions, when no run of the page has been under way for a while. It
gives way to everybody (:meth:`kmseg.parallel.gate.Gate.idle`), evicts nothing that was asked for
(``spare`` of :class:`kmseg.ui.store.store.Store`), and ends when there is nothing to make.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from streamlit import runtime

from kmseg.errors import KmsegError
from kmseg.kmeans.engines import ENGINES
from kmseg.parallel import gate
from kmseg.parallel.gate import PreemptedError
from kmseg.settings import Settings
from kmseg.ui.server import incidents, platform
from kmseg.ui.server.gates import WORK
from kmseg.ui.store.pictures import Picture, key_of
from kmseg.ui.store.results import segment_when_idle
from kmseg.ui.store.store import Key

# Sessions whose requests are remembered; of more, the oldest request is dropped.
MAX_SESSIONS: Final = 64
# A request that was preempted this often is dropped.
MAX_TRIES: Final = 3


@dataclass(slots=True, eq=False)
class _Request:
    """What to make for a session: settings of a picture, the likeliest first."""

    picture: Key
    settings: list[Settings]
    n_tries: int = 0


class Prefetcher:
    """Requests of sessions, at most one each, and the thread that fulfils them, newest first.

    Parameters
    ----------
    make : callable
        ``make(picture, settings, check)``, as :func:`segment_when_idle`.
    is_connected : callable
        ``is_connected(session)``; requests of others are dropped.
    """

    def __init__(
        self,
        make: Callable[[Key, Settings, Callable[[], None]], None],
        is_connected: Callable[[str], bool],
    ) -> None:
        self._make = make
        self._is_connected = is_connected
        self._lock = threading.Lock()
        self._requests: OrderedDict[str, _Request] = OrderedDict()  # by session, oldest first
        self._is_running = False

    def request(self, session: str, picture: Key, settings: list[Settings]) -> None:
        """Make these segmentations when the server is idle, in place of what is left to make."""
        with self._lock:
            self._requests.pop(session, None)
            self._requests[session] = _Request(picture, settings)
            if len(self._requests) > MAX_SESSIONS:
                self._requests.popitem(last=False)
            if self._is_running:
                return
            self._is_running = True
        try:
            threading.Thread(target=self._work, daemon=True, name="kmseg prefetch").start()
        except RuntimeError:  # the server is stopping, so no thread can be started
            self._is_running = False

    def withdraw(self, session: str) -> None:
        """Forget a session's request."""
        with self._lock:
            self._requests.pop(session, None)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._requests:
                    self._is_running = False
                    return
                session, request = next(reversed(self._requests.items()))
            busy = gate.IDLE_AFTER - WORK.quiet_seconds
            if busy > 0:
                time.sleep(busy)
            elif self._fulfil(session, request):
                with self._lock:
                    if self._requests.get(session) is request:
                        del self._requests[session]

    def _fulfil(self, session: str, request: _Request) -> bool:
        """Make what was requested; whether that is done, or to be given up."""

        def check() -> None:
            if self._requests.get(session) is not request:
                raise PreemptedError

        request.n_tries += 1
        try:
            while request.settings and self._is_connected(session):
                self._make(request.picture, request.settings[0], check)
                del request.settings[0]
        except PreemptedError:
            return request.n_tries >= MAX_TRIES
        except KmsegError:  # the queue was full when a run came to wait for this
            pass
        except Exception:
            incidents.log.exception("prefetching failed")
        return True


def _is_connected(session: str) -> bool:
    return runtime.exists() and platform.is_connected(session)


_prefetcher: Final = Prefetcher(segment_when_idle, _is_connected)


@contextmanager
def in_foreground() -> Iterator[None]:
    """A run of the page: nothing is made meanwhile, and what its session requested is forgotten."""
    if (session := platform.session_id()) is not None:
        _prefetcher.withdraw(session)
    with WORK.foreground():
        yield


def prefetch_neighbours(picture: Picture, settings: Settings, ks: tuple[int, int]) -> None:
    """Have the segmentations with one cluster more and one fewer made when the server is idle.

    Parameters
    ----------
    picture : Picture
    settings : Settings
        Of the segmentation that this session shows. A slow engine and a manual start have no
        neighbours that are worth it.
    ks : tuple of two int
        The least and the greatest K.
    """
    session = platform.session_id()
    if session is None or ENGINES[settings.engine].slow or settings.init == "manual":
        return
    steps = [settings.n_clusters + 1, settings.n_clusters - 1]
    neighbours = [replace(settings, n_clusters=k) for k in steps if ks[0] <= k <= ks[1]]
    _prefetcher.request(session, key_of(picture, settings.width), neighbours)
