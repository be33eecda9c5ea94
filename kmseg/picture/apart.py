"""Reads untrusted pictures in worker processes, so that a hostile file crashes only its worker.

A keeper process has all decoders loaded and forks a worker for each file, so no file waits for an
interpreter to start. A worker reads one file within limits on memory and time, and exits. A
hostile file may have taken over the worker, so the server validates everything that the worker
sends: JSON and raw pixels, never pickles.

The server and a worker talk over a socket of their own::

    server -> keeper   the order: what to read, limits, and the socket's other end
    worker -> server   one byte: the worker has started
    server -> worker   the size of the file, and the file
    worker -> server   {"width", "height"} as the header claims, before any decoder runs
    worker -> server   the object of kmseg.picture.answer, the pixels, and the alpha channel
    worker -> server   in place of either object, {"refused"}: why the file is refused
"""

from __future__ import annotations

import importlib
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import astuple, fields
from functools import partial
from pathlib import Path
from typing import Final, NoReturn, TypeVar

import numpy as np

from kmseg.errors import ImageError, ReadTimeoutError
from kmseg.picture import answer, wire
from kmseg.picture.formats import FORMATS
from kmseg.picture.image import OUT_OF_MEMORY, Image, decode_image
from kmseg.picture.limits import DEFAULT_LIMITS, Limits
from kmseg.picture.probe import DEFAULT_READING, open_file
from kmseg.picture.reading import Levels, Reading

# The largest picture takes some 5 s and 0.8 GB on a slow machine.
SECONDS: Final = 30
MEMORY: Final = 3 << 30  # of address space, which includes what libraries only reserve
# Pictures of more pixels take so much memory that they should be read one at a time.
LARGE: Final = 20_000_000

# A worker that has not started by then never will: its keeper hangs and is replaced.
_START_SECONDS: Final = 20.0
_NICENESS: Final = 5  # the server's own work comes first
# Whether to read the pixels too; memory; seconds; frame; levels; the fields of Limits.
_ORDER: Final = struct.Struct(f"=?QdQ2d{len(fields(Limits))}Q")
# How the named rules for levels, which are not pairs of numbers, are packed.
_RULES: Final[dict[Levels, tuple[float, float]]] = {"auto": (0.0, 0.0), "stored": (1.0, 1.0)}
_STARTED: Final = b"\1"
_REFUSED: Final = {"refused": str}
_CLAIM: Final = {"width": int, "height": int}

_GAVE_UP: Final = (
    "This picture could not be read within the limits on time and memory; make it smaller, or save "
    "it again as PNG or JPEG."
)
_TRY_AGAIN: Final = (
    "This picture could not be read within the limits on time and memory; try again, make it "
    "smaller, or save it again as PNG or JPEG."
)

ResultT = TypeVar("ResultT")


# -- the server's side -----------------------------------------------------------------------------


def read_image_apart(
    content: bytes,
    *,
    limits: Limits = DEFAULT_LIMITS,
    reading: Reading = DEFAULT_READING,
    seconds: float | None = None,
    memory: int | None = None,
) -> Image:
    """:func:`kmseg.read_image` in a worker process.

    Parameters
    ----------
    content : bytes
        A whole file.
    limits : Limits
        The largest picture that is read.
    reading : Reading
    seconds : float, optional
        The longest time that the worker may take once it has started; by default `SECONDS`, or
        more in proportion where `limits` allow more pixels than usual.
    memory : int, optional
        The most bytes of address space that it may use, where the system can limit them; by
        default `MEMORY`, or more likewise.

    Returns
    -------
    Image

    Raises
    ------
    ReadTimeoutError
        It took too long, or the worker died or did not start; another try may succeed.
    ImageError
        As ``read_image`` does, or because the worker sent nonsense.
    """
    larger = max(1.0, limits.max_pixels / DEFAULT_LIMITS.max_pixels)
    seconds = SECONDS * larger if seconds is None else seconds
    memory = int(MEMORY * larger) if memory is None else memory
    order = _order(True, memory, seconds, reading, limits)
    return _with_worker(content, order, limits, seconds, partial(_receive_image, reading))


def n_pixels(
    content: bytes, *, limits: Limits = DEFAULT_LIMITS, reading: Reading = DEFAULT_READING
) -> int:
    """Width times height of a whole file's page by its header, parsed in a worker process.

    Raises
    ------
    ImageError
        As :func:`read_image_apart` does for what the header shows.
    """
    order = _order(False, MEMORY, SECONDS, reading, limits)
    width, height = _with_worker(content, order, limits, SECONDS, _receive_claim)
    return width * height


def _order(
    with_pixels: bool, memory: int, seconds: float, reading: Reading, limits: Limits
) -> bytes:
    pair = _RULES[reading.levels] if isinstance(reading.levels, str) else reading.levels
    return _ORDER.pack(with_pixels, memory, seconds, reading.frame, *pair, *astuple(limits))


class Keeper:
    """The process that forks workers, and the socket through which it takes orders."""

    def __init__(self) -> None:
        self._orders, inside = socket.socketpair()
        with inside:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kmseg.picture.apart"],
                cwd=Path(__file__).resolve().parents[2],
                # One thread: the address space that more threads reserve is limited too.
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=inside.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C in a terminal is for the server only
            )

    def fork(self, order: bytes) -> socket.socket:
        """A connection to a new worker that has started; raises ``OSError`` or ``EOFError``."""
        deadline = time.monotonic() + _START_SECONDS
        worker = self._connect(order)
        try:
            if wire.receive(worker, len(_STARTED), deadline) != _STARTED:
                raise EOFError
        except BaseException:
            worker.close()
            raise
        return worker

    def _connect(self, order: bytes) -> socket.socket:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._orders.settimeout(_START_SECONDS)
                socket.send_fds(self._orders, [order], [theirs.fileno()])
        except BaseException:
            ours.close()
            raise
        return ours

    def stop(self) -> None:
        """Kill the process; its workers finish what they are doing."""
        self.process.kill()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(1)


_lock = threading.Lock()
_keeper: Keeper | None = None


def get_ready() -> Keeper:
    """The running keeper; starts one if there is none or it has died."""
    global _keeper
    with _lock:
        if _keeper is None or _keeper.process.poll() is not None:
            _keeper = Keeper()
        return _keeper


def _discard(keeper: Keeper) -> None:
    """Stop a keeper that starts no workers, so that another one replaces it."""
    global _keeper
    with _lock:
        if _keeper is keeper:
            _keeper = None
    keeper.stop()


def _with_worker(
    content: bytes,
    order: bytes,
    limits: Limits,
    seconds: float,
    receive: Callable[[socket.socket, Limits, float], ResultT],
) -> ResultT:
    """Send a file to a new worker and `receive` its answer; raises ``ImageError``."""
    limits.check_file_size(len(content))
    try:
        with _start_worker(order) as worker:
            deadline = time.monotonic() + seconds
            wire.send(worker, wire.SIZE.pack(len(content)), deadline)
            wire.send(worker, content, deadline)
            return receive(worker, limits, deadline)
    except (OSError, EOFError) as error:
        raise ReadTimeoutError(_TRY_AGAIN) from error
    except wire.ProtocolError as error:
        raise ImageError(_GAVE_UP) from error


def _start_worker(order: bytes) -> socket.socket:
    """A connection to a new worker, from a second keeper if the first starts none."""
    keeper = get_ready()
    try:
        return keeper.fork(order)
    except (OSError, EOFError):
        _discard(keeper)
    return get_ready().fork(order)


def _receive_image(
    reading: Reading, worker: socket.socket, limits: Limits, deadline: float
) -> Image:
    claim = _receive_claim(worker, limits, deadline)
    head = wire.receive_object(worker, deadline, answer.IMAGE, _REFUSED)
    _raise_if_refused(head)
    width, height = head["width"], head["height"]
    if (width, height) not in (claim, claim[::-1]):
        raise wire.ProtocolError(f"a picture of {width} x {height} pixels")
    pixels = np.empty((height, width, 3), np.uint8)
    wire.receive_into(pixels.data.cast("B"), worker, deadline)
    alpha = np.empty((height, width), np.uint8) if head["masked"] else None
    if alpha is not None:
        wire.receive_into(alpha.data.cast("B"), worker, deadline)
    wire.receive_end(worker, deadline)
    known = answer.notes(head), answer.scale(head), reading.whole, answer.pixels_per_mm(head)
    return Image(pixels, None, alpha, *known).within(reading.region)


def _receive_claim(worker: socket.socket, limits: Limits, deadline: float) -> tuple[int, int]:
    head = wire.receive_object(worker, deadline, _CLAIM, _REFUSED)
    _raise_if_refused(head)
    width, height = head["width"], head["height"]
    if not (0 < width <= limits.max_side and 0 < height <= limits.max_side):
        raise wire.ProtocolError(f"sides of {width} and {height} pixels")
    if width * height > limits.max_pixels:
        raise wire.ProtocolError(f"a picture of {width} x {height} pixels")
    return width, height


def _raise_if_refused(head: dict[str, object]) -> None:
    if "refused" not in head:
        return
    message = str(head["refused"])
    if not message or not message.isprintable():
        raise wire.ProtocolError("a message that cannot be shown")
    raise ImageError(message)


# -- the keeper and its workers --------------------------------------------------------------------


def _keep() -> None:
    """Fork a worker for each order on standard input, until the server closes it."""
    plugins = filter(None, (format_.plugin for format_ in FORMATS.values()))
    for plugin in plugins:  # loaded once, for all workers
        with suppress(ImportError):  # what decodes HEIF need not be there
            importlib.import_module(plugin)
    importlib.import_module("PIL.ImageCms")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system reaps the workers
    os.nice(_NICENESS)
    with socket.socket(fileno=0) as orders:
        while True:
            order, descriptors, _, _ = socket.recv_fds(orders, _ORDER.size, 1)
            if len(order) != _ORDER.size or not descriptors:
                return
            with suppress(OSError):  # too many processes: the closed connection tells the server
                if os.fork() == 0:
                    _work(orders, descriptors[0], order)
            os.close(descriptors[0])


def _work(orders: socket.socket, descriptor: int, order: bytes) -> NoReturn:
    """Serve one file over the socket `descriptor` and exit, whatever happens."""
    try:
        orders.close()
        server = socket.socket(fileno=descriptor)
        with_pixels, memory, seconds, frame, low, high, *limits = _ORDER.unpack(order)
        rules: dict[tuple[float, float], Levels] = {pair: rule for rule, pair in _RULES.items()}
        reading = Reading(frame, rules.get((low, high), (low, high)))
        _restrict(memory, seconds)
        server.sendall(_STARTED)
        try:
            _serve(server, with_pixels, reading, Limits(*limits))
        except ImageError as error:
            wire.send_object(server, {"refused": str(error)})
        except MemoryError:
            wire.send_object(server, {"refused": OUT_OF_MEMORY})
    finally:
        os._exit(0)


def _restrict(memory: int, seconds: float) -> None:
    """Limit this process to ``memory`` bytes of address space and to ``seconds``."""
    import resource

    signal.setitimer(signal.ITIMER_REAL, seconds)  # its signal ends the process
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, int(seconds) + 1)):
        with suppress(OSError, ValueError):  # macOS cannot limit the address space
            resource.setrlimit(kind, (most, most))


def _serve(server: socket.socket, with_pixels: bool, reading: Reading, limits: Limits) -> None:
    with server.makefile("rb") as file:
        content = file.read(*wire.SIZE.unpack(file.read(wire.SIZE.size)))
    opened = open_file(content, limits, reading)
    claim = {"width": opened.header.width, "height": opened.header.height}
    wire.send_object(server, claim)
    if not with_pixels:
        return
    image = decode_image(opened, limits)
    wire.send_object(server, answer.describe(image))
    server.sendall(image.pixels.data.cast("B"))
    if image.alpha is not None:
        server.sendall(image.alpha.data.cast("B"))


if __name__ == "__main__":
    _keep()
