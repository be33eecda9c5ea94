"""Untrusted bytes to :class:`Image` in a process of its own, which a hostile file may bring down.

A keeper process has everything loaded and forks once for each picture, so a picture costs no start
of an interpreter. The fork reads one picture, within limits on memory and time, and ends. What it
sends back are plain bytes, never pickles.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kmseg.errors import ImageError, KmsegError, ReadTimeoutError
from kmseg.picture.image import Image, read_image
from kmseg.picture.probe import Limits, probe

# A picture of the greatest size takes some 5 s and 0.8 GB on a slow machine.
SECONDS: Final = 30
MEMORY: Final = 3 << 30  # of addresses: what libraries reserve counts too
# The server's own work goes first where both want a core.
NICENESS: Final = 5

_GAVE_UP: Final = (
    "This picture could not be read within the limits on time and memory; make it smaller, or save "
    "it again as PNG or JPEG."
)
_ERRORS: Final = {error.__name__: error for error in (ImageError, KmsegError)}
_ORDER: Final = struct.Struct("=Qd")  # memory and seconds
_SIZE: Final = struct.Struct("=Q")  # of what follows
# Of pictures with more pixels only one is decoded at a time: they take most memory.
LARGE: Final = 20_000_000


class _Keeper:
    """The process that forks, and the socket by which it is asked to."""

    def __init__(self) -> None:
        self.door, inside = socket.socketpair()
        with inside:
            self.process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                cwd=Path(__file__).resolve().parents[2],
                # One thread each: the memory that more would reserve is limited too.
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=inside.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def fork(self, memory: int, seconds: float) -> socket.socket:
        """A connection to a new process that waits for a picture; raises ``OSError``."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self.door, [_ORDER.pack(memory, seconds)], [theirs.fileno()])
            except OSError:
                ours.close()
                raise
        return ours

    def is_alive(self) -> bool:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(0.1)  # what was killed a moment ago may not be gone yet
        return self.process.returncode is None


def n_pixels(content: bytes, *, limits: Limits = Limits()) -> int:  # noqa: B008
    """Pixels that a file claims to have, by its header; raises ``ImageError``."""
    header = probe(content, limits)
    return header.width * header.height


def read_image_apart(
    content: bytes,
    *,
    limits: Limits = Limits(),  # noqa: B008
    seconds: float = SECONDS,
    memory: int = MEMORY,
) -> Image:
    """:func:`kmseg.read_image` in a process of its own.

    Parameters
    ----------
    content : bytes
        A whole file.
    seconds : float
        After so long the process is ended.
    memory : int
        Bytes of addresses that it may have, where the system limits them.

    Returns
    -------
    Image

    Raises
    ------
    ImageError
        As ``read_image`` does, or because a limit was reached or the process died.
    KmsegError
        As ``read_image`` does.
    """
    limits.check_file_size(len(content))
    for _ in range(2):
        keeper = get_ready()
        try:
            with keeper.fork(memory, seconds) as process:
                return _asked(process, content, seconds)
        except TimeoutError as error:
            raise ReadTimeoutError(_GAVE_UP) from error
        except (OSError, EOFError):
            if keeper.is_alive():
                break
    raise ImageError(_GAVE_UP)


def get_ready() -> _Keeper:
    """The keeper that waits for pictures; one that has died is replaced."""
    global _keeper
    with _lock:
        if _keeper is None or _keeper.process.poll() is not None:
            _keeper = _Keeper()
        return _keeper


_lock = threading.Lock()
_large = threading.Lock()
_keeper: _Keeper | None = None


def _asked(process: socket.socket, content: bytes, seconds: float) -> Image:
    process.settimeout(seconds)
    process.sendall(_SIZE.pack(len(content)) + content)
    n_pixels = _receive_size(process, time.monotonic() + seconds)
    with _large if n_pixels > LARGE else nullcontext():
        process.shutdown(socket.SHUT_WR)  # for it to go on
        deadline = time.monotonic() + seconds
        told = json.loads(_receive(process, _receive_size(process, deadline), deadline))
        if "error" in told:
            raise _ERRORS.get(told["error"], ImageError)(told["message"])
        return _unpack(told, process, deadline)


def _receive(process: socket.socket, size: int, deadline: float) -> bytearray:
    buffer = bytearray(size)
    _fill(memoryview(buffer), process, deadline)
    return buffer


def _receive_size(process: socket.socket, deadline: float) -> int:
    (size,) = _SIZE.unpack(_receive(process, _SIZE.size, deadline))
    return int(size)


def _fill(buffer: memoryview, process: socket.socket, deadline: float) -> None:
    """Raises ``TimeoutError`` or, if the process ended before, ``EOFError``."""
    while len(buffer):
        process.settimeout(max(deadline - time.monotonic(), 1e-3))
        received = process.recv_into(buffer)
        if not received:
            raise EOFError
        buffer = buffer[received:]


def _unpack(told: dict[str, Any], process: socket.socket, deadline: float) -> Image:
    shape = told["height"], told["width"]

    def array(*sides: int) -> NDArray[np.uint8]:
        values = np.empty(sides, np.uint8)
        _fill(values.data.cast("B"), process, deadline)
        return values

    pixels = array(*shape, 3)
    if not told["masked"]:
        return Image(pixels)
    n_pixels = shape[0] * shape[1]
    bits = array(-(-n_pixels // 8))
    return Image(pixels, np.unpackbits(bits, count=n_pixels).astype(bool).reshape(shape))


def _keep() -> None:
    """Fork for each order that comes through standard input, until that is closed."""
    import PIL.Image  # loaded once, for all
    import PIL.JpegImagePlugin
    import PIL.PngImagePlugin  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the server that Ctrl+C is meant for
    os.nice(NICENESS)
    with socket.socket(fileno=0) as door:
        while True:
            order, (visitor, *_), _, _ = socket.recv_fds(door, _ORDER.size, 1)
            if os.fork() == 0:
                door.close()
                with suppress(BrokenPipeError, ConnectionError):
                    _serve(socket.socket(fileno=visitor), *_ORDER.unpack(order))
                os._exit(0)
            os.close(visitor)


def _serve(server: socket.socket, memory: int, seconds: float) -> None:
    """Read one picture: tell how many pixels it claims, and send them when the server agrees."""
    _limit(memory, seconds)
    with server.makefile("rb") as file:
        content = file.read(*_SIZE.unpack(file.read(_SIZE.size)))
    n_pixels = 0
    with suppress(KmsegError):  # it is said below
        header = probe(content, Limits.from_environment())
        n_pixels = header.width * header.height
    server.sendall(_SIZE.pack(n_pixels))
    signal.setitimer(signal.ITIMER_REAL, 0)  # it may take a while until it is its turn
    server.recv(1)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    told: dict[str, Any]
    arrays = []
    try:
        image = read_image(content)
    except KmsegError as error:
        told = {"error": type(error).__name__, "message": str(error)}
    else:
        told = {"height": image.height, "width": image.width, "masked": image.opaque is not None}
        arrays.append(image.pixels)
        if image.opaque is not None:
            arrays.append(np.packbits(image.opaque))
    head = json.dumps(told).encode()
    server.sendall(_SIZE.pack(len(head)) + head)
    for array in arrays:
        server.sendall(array.data.cast("B"))


def _limit(memory: int, seconds: float) -> None:
    """Keep this process within so many bytes of addresses and its time."""
    import resource

    signal.setitimer(signal.ITIMER_REAL, seconds)  # its signal ends the process
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, int(seconds) + 1)):
        with suppress(OSError, ValueError):  # macOS knows no limit of addresses
            resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    try:
        _keep()
    except ValueError:  # the server has closed its end
        sys.exit()
