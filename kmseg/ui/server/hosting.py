"""The server around the page: startup, housekeeping, metrics and unexpected errors."""

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
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kmseg.errors import KmsegError
from kmseg.parallel import warm
from kmseg.picture.apart import get_ready
from kmseg.samples import SAMPLES
from kmseg.ui import store, unfurl
from kmseg.ui.components import modules
from kmseg.ui.server import configuration, incidents, platform, qr
from kmseg.ui.server.delivery import Delivery
from kmseg.ui.server.front import Front
from kmseg.ui.server.uploads import Quota
from kmseg.ui.store import thumbnails

if TYPE_CHECKING:
    from starlette.requests import Request

# Seconds between housekeeping runs.
TIDY: Final = 20.0
METRICS: Final = "/kmseg/metrics"
# The mallopt parameter for the number of heaps (malloc.h of glibc). With one heap per thread, freed
# memory stays fragmented over all heaps.
_M_ARENA_MAX: Final = -8


@asynccontextmanager
async def _lifespan(_: st.App) -> AsyncIterator[None]:
    _configure()
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    incidents.log.addHandler(handler)
    incidents.log.setLevel(logging.INFO)
    _step(platform.keep_uploads_in_memory)
    _step(_limit_uploads)
    _libc("mallopt", _M_ARENA_MAX, 2)
    # Load the compiled loops at startup, not at the first visit.
    _in_background(warm.warm_up)
    housekeeping = asyncio.create_task(_keep_house())
    try:
        yield
    finally:
        housekeeping.cancel()
        with suppress(asyncio.CancelledError):
            await housekeeping


def _configure() -> None:
    """Read the configuration; an invalid value ends the server with a one-sentence message."""
    try:
        configuration.current()
    except KmsegError as error:
        print(f"kmseg: {error}", file=sys.stderr, flush=True)
        # Otherwise the web server would log the exit as a traceback.
        logging.getLogger("uvicorn.error").disabled = True
        raise SystemExit(1) from None
    store.gauges()  # creates the caches before several threads use them


def _limit_uploads() -> None:
    platform.limit_uploads(configuration.current().limits.max_bytes)


@st.cache_resource(show_spinner="Starting…")
def warm_up() -> None:
    """Wait until the compiled code, which began loading at startup, is ready."""
    warm.warm_up()


@st.cache_resource(show_spinner=False)
def warm_up_the_rest() -> None:
    """Load the rest after the first page; then exempt loaded objects from garbage collection."""

    def work() -> None:
        get_ready()
        warm.warm_up_the_rest()
        gc.collect()
        gc.freeze()  # Streamlit collects after each run, and would traverse all objects

    _in_background(work)


def _in_background(work: Callable[[], None]) -> None:
    def run() -> None:
        with suppress(RuntimeError):  # the server is stopping, so no thread can be started
            work()

    threading.Thread(target=run, name="kmseg warm-up").start()


async def _keep_house() -> None:
    while True:
        await asyncio.sleep(TIDY)
        tidy()
        await asyncio.to_thread(_step, _give_back)


def tidy() -> None:
    """Free unused memory and sessions; a step that fails does not stop the others."""
    for step in (
        platform.end_expired_sessions,
        platform.remove_orphaned_uploads,
        store.drop_idle,
    ):
        _step(step)


_broken: Final[set[str]] = set()


def _step(step: Callable[[], None]) -> None:
    """Run a step and log its exception; a broken platform contract is logged once, in one line."""
    try:
        step()
    except AttributeError as error:
        if step.__name__ not in _broken:
            _broken.add(step.__name__)
            incidents.log.error("platform contract of %s broken: %s", step.__name__, error)
    except Exception:
        incidents.log.exception("%s failed", step.__name__)


def _give_back() -> None:
    """Return freed memory to the operating system."""
    gc.collect()
    _libc("malloc_trim", 0)


def _libc(name: str, *arguments: int) -> None:
    """Call a function of glibc, if Python uses glibc."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            getattr(ctypes.CDLL(None), name)(*arguments)


def _on_error(error: Exception) -> bool:
    """Show the visitor a message and log a line; Streamlit logs the traceback."""
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


async def _metrics(request: Request) -> Response:
    """Counters and gauges in the OpenMetrics text format; ``?measured`` adds slow gauges."""
    lines = []

    def family(name: str, type_: str, meaning: str, sample: str, value: int) -> None:
        lines.extend(
            [f"# TYPE kmseg_{name} {type_}", f"# HELP kmseg_{name} {meaning}", f"{sample} {value}"]
        )

    for name, count in incidents.counts().items():
        family(name, "counter", incidents.KINDS[name], f"kmseg_{name}_total", count)
    gauges = store.gauges()
    if "measured" in request.query_params:
        gauges |= await asyncio.to_thread(store.measured)
    for name, (value, meaning) in gauges.items():
        family(name, "gauge", meaning, f"kmseg_{name}", value)
    kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    return PlainTextResponse("\n".join([*lines, "# EOF", ""]), media_type=kind)


async def _thumbnail(request: Request) -> Response:
    """The thumbnail of a sample, made at the first request."""
    key = request.path_params["key"]
    if key not in SAMPLES:
        return PlainTextResponse("There is no such sample.", 404)
    content = await asyncio.to_thread(thumbnails.of_sample, key)
    headers = {"Cache-Control": "public, max-age=86400"}
    return Response(content, media_type=thumbnails.TYPE, headers=headers)


# Options of st.App.
OPTIONS: Final[dict[str, Any]] = {
    "lifespan": _lifespan,
    "middleware": [
        Middleware(Delivery),
        Middleware(Quota),
        Middleware(Front, preload=modules.address(), describe=unfurl.tags),
    ],
    "routes": [
        Route(METRICS, _metrics),
        *(Route(f"{base}{thumbnails.PATH}", _thumbnail) for base in ("", "/{base:path}")),
        *modules.ROUTES,
        *qr.ROUTES,
        *store.ROUTES,
        *unfurl.ROUTES,
    ],
    "on_script_error": _on_error,
}
