"""The server around the page: what it does when it starts, while nobody comes, and when asked."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import streamlit as st
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from streamlit import runtime

from kmseg.parallel import warm
from kmseg.picture.apart import get_ready
from kmseg.ui.components import modules
from kmseg.ui.server import incidents
from kmseg.ui.server.uploads import Quota
from kmseg.ui.store.budget import budget

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

# How often what is no longer needed is let go, in seconds.
TIDY: Final = 20.0
METRICS: Final = "/kmseg/metrics"
# mallopt's name for the number of heaps, malloc.h of glibc. With one heap a thread, memory that is
# freed stays scattered over all of them.
_M_ARENA_MAX: Final = -8


@asynccontextmanager
async def _lifespan(_: st.App) -> AsyncIterator[None]:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    incidents.log.addHandler(handler)
    incidents.log.setLevel(logging.INFO)
    budget()  # what it has wrong is said before somebody comes
    _libc("mallopt", _M_ARENA_MAX, 2)
    # The compiled loops are loaded when the server starts, not when somebody comes.
    _in_background(warm.warm_up)
    housekeeping = asyncio.create_task(_keep_house())
    try:
        yield
    finally:
        housekeeping.cancel()
        with suppress(asyncio.CancelledError):
            await housekeeping


@st.cache_resource(show_spinner="Starting…")
def warm_up() -> None:
    """Wait for what the server has begun to load since it started."""
    warm.warm_up()


@st.cache_resource(show_spinner=False)
def warm_up_the_rest() -> None:
    """Behind the first page; then freeze what stays."""

    def work() -> None:
        get_ready()
        warm.warm_up_the_rest()
        gc.collect()
        gc.freeze()  # a full collection after each run of the page would walk all of it

    _in_background(work)


def _in_background(work: Callable[[], None]) -> None:
    def run() -> None:
        with suppress(RuntimeError):  # the server stops already, and starts no thread any more
            work()

    threading.Thread(target=run, name="kmseg warm-up").start()


async def _keep_house() -> None:
    while True:
        await asyncio.sleep(TIDY)
        try:
            from kmseg.ui.store import cache  # not while the server starts

            _end_sessions()
            cache.drop_idle()
            await asyncio.to_thread(_give_back)
        except Exception:  # the next time must come
            incidents.log.exception("housekeeping")


def _end_sessions() -> None:
    """End the sessions whose visitors left ``server.disconnectedSessionTTL`` ago, and their files.

    Streamlit does so itself, but only when the next visitor leaves.
    """
    sessions = runtime.get_instance()._session_mgr._session_storage._cache  # type: ignore[attr-defined]
    for _, expired in sessions.expire():
        expired.session.shutdown()


def _give_back() -> None:
    """Return freed memory to the system."""
    gc.collect()
    _libc("malloc_trim", 0)


def _libc(name: str, *arguments: int) -> None:
    """Call a function of glibc, where that is what Python runs on."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            getattr(ctypes.CDLL(None), name)(*arguments)


def _on_error(error: Exception) -> bool:
    """Tell the visitor in a sentence, and the operator in a line; Streamlit logs the rest."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    place = "-"
    if traceback is not None:
        place = f"{Path(traceback.tb_frame.f_code.co_filename).name}:{traceback.tb_lineno}"
    incidents.note("error", f"{type(error).__name__} at {place}")
    st.error(
        "Something went wrong on this page; it is our fault, not yours. Change a setting or reload "
        "the page; the link in the address bar keeps your settings."
    )
    return True


async def _metrics(_: Request) -> Response:
    """Counters and gauges in the OpenMetrics text format."""
    from kmseg.ui.store import cache

    lines = []

    def family(name: str, type_: str, meaning: str, sample: str, value: int) -> None:
        lines.extend(
            [f"# TYPE kmseg_{name} {type_}", f"# HELP kmseg_{name} {meaning}", f"{sample} {value}"]
        )

    for name, count in incidents.counts().items():
        family(name, "counter", incidents.KINDS[name], f"kmseg_{name}_total", count)
    for name, (value, meaning) in cache.gauges().items():
        family(name, "gauge", meaning, f"kmseg_{name}", value)
    kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    return PlainTextResponse("\n".join([*lines, "# EOF", ""]), media_type=kind)


# What st.App is given.
OPTIONS: Final[dict[str, Any]] = {
    "lifespan": _lifespan,
    "middleware": [Middleware(Quota)],
    "routes": [Route(METRICS, _metrics), *modules.ROUTES],
    "on_script_error": _on_error,
}
