"""Work for idle time: segmentations with K + 1 and K - 1, and attempts of plain Lloyd.

One thread makes the segmentations for all sessions, and another the attempts, after
``gate.IDLE_AFTER`` seconds without a script run. All other work takes precedence
(:meth:`kmseg.parallel.gate.Gate.idle`), and no requested value is evicted for segmentations that no
run has requested (``spare`` in :class:`kmseg.ui.store.store.Store`). A thread ends when there is
nothing to make.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from streamlit import runtime

from kmseg.errors import KmsegError
from kmseg.kmeans.engines import ENGINES
from kmseg.parallel import gate
from kmseg.parallel.gate import PreemptedError
from kmseg.settings import Settings
from kmseg.ui.server import incidents, platform
from kmseg.ui.server.gates import WORK
from kmseg.ui.store.attempts import Growth, grow_when_idle
from kmseg.ui.store.pictures import Picture, key_of
from kmseg.ui.store.results import segment_when_idle
from kmseg.ui.store.store import Key

T = TypeVar("T")

# Most pending requests, one per session; beyond that, the oldest is dropped.
MAX_SESSIONS: Final = 64
# A request that was preempted this often is dropped.
MAX_TRIES: Final = 3


@dataclass(slots=True, eq=False)
class _Request(Generic[T]):
    """What to make for a session, of one picture, the most useful first."""

    picture: Key
    items: list[T]
    n_tries: int = 0


class Prefetcher(Generic[T]):
    """One pending request per session, and the thread that fulfils them, newest first.

    Parameters
    ----------
    make : callable
        ``make(picture, item, check)``, such as :func:`segment_when_idle`.
    is_connected : callable
        ``is_connected(session)``; requests of disconnected sessions are dropped.
    """

    def __init__(
        self,
        make: Callable[[Key, T, Callable[[], None]], None],
        is_connected: Callable[[str], bool],
    ) -> None:
        self._make = make
        self._is_connected = is_connected
        self._lock = threading.Lock()
        self._requests: OrderedDict[str, _Request[T]] = OrderedDict()  # by session, oldest first
        self._is_running = False

    def request(self, session: str, picture: Key, items: list[T]) -> None:
        """Make these when the server is idle; replaces the session's request."""
        with self._lock:
            self._requests.pop(session, None)
            self._requests[session] = _Request(picture, items)
            if len(self._requests) > MAX_SESSIONS:
                self._requests.popitem(last=False)
            if self._is_running:
                return
            self._is_running = True
        try:
            threading.Thread(target=self._work, daemon=True, name="kmseg prefetch").start()
        except RuntimeError:  # the server is stopping, so no thread can be started
            self._is_running = False

    def has_request(self, session: str) -> bool:
        """Whether a session's request is pending."""
        with self._lock:
            return session in self._requests

    def withdraw(self, session: str) -> None:
        """Drop a session's request."""
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

    def _fulfil(self, session: str, request: _Request[T]) -> bool:
        """Make what was requested. Returns whether the request is finished or should be dropped."""

        def check() -> None:
            if self._requests.get(session) is not request:
                raise PreemptedError

        request.n_tries += 1
        try:
            while request.items and self._is_connected(session):
                self._make(request.picture, request.items[0], check)
                del request.items[0]
        except PreemptedError:
            return request.n_tries >= MAX_TRIES
        except KmsegError:  # a run waits for this, and the queue was full
            pass
        except Exception:
            incidents.log.exception("prefetching failed")
        return True


def _is_connected(session: str) -> bool:
    return runtime.exists() and platform.is_connected(session)


_prefetcher: Final = Prefetcher(segment_when_idle, _is_connected)
_attempts: Final = Prefetcher(grow_when_idle, _is_connected)


@contextmanager
def in_foreground() -> Iterator[None]:
    """Suspend prefetching during a script run, and drop its session's requests."""
    if (session := platform.session_id()) is not None:
        _prefetcher.withdraw(session)
        _attempts.withdraw(session)
    with WORK.foreground():
        yield


def prefetch_neighbours(picture: Picture, settings: Settings, ks: tuple[int, int]) -> None:
    """Request the segmentations with K + 1 and K - 1, to be made when the server is idle.

    Parameters
    ----------
    picture : Picture
    settings : Settings
        Settings of the segmentation that this session shows. Nothing is requested for slow engines
        and manual starts.
    ks : tuple of two int
        The least and the greatest K.
    """
    session = platform.session_id()
    if session is None or ENGINES[settings.engine].slow or settings.init == "manual":
        return
    steps = [settings.n_clusters + 1, settings.n_clusters - 1]
    neighbours = [replace(settings.untidied(), n_clusters=k) for k in steps if ks[0] <= k <= ks[1]]
    _prefetcher.request(session, key_of(picture, settings.width), neighbours)


def request_attempts(picture: Picture, growths: list[Growth]) -> None:
    """Request attempts of one width, unless this session's earlier request is still pending.

    A request that was preempted too often is dropped, so repeat it until the attempts are made.
    """
    session = platform.session_id()
    if session is not None and growths and not _attempts.has_request(session):
        _attempts.request(session, key_of(picture, growths[0].settings.width), growths)


def withdraw_attempts() -> None:
    """Drop this session's request for attempts."""
    if (session := platform.session_id()) is not None:
        _attempts.withdraw(session)
