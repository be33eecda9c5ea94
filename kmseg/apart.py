"""Untrusted bytes to :class:`Image` in a process of its own, which a hostile file may bring down.

Each process reads one picture, within limits on memory and time, and ends. One waits ready for the
next, as it takes a while to start. What it sends back are plain bytes, never pickles.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from kmseg.errors import ImageError, KmsegError
from kmseg.image import Image, read_image
from kmseg.probe import Limits
from kmseg.threads import N_CORES

# A picture of the greatest size takes some 5 s and 1.2 GB on a slow machine.
SECONDS: Final = 30
MEMORY: Final = 3 << 30  # of addresses: what libraries reserve counts too

_GAVE_UP: Final = (
    "This picture could not be read within the limits on time and memory; make it smaller, or save "
    "it again as PNG or JPEG."
)
_ERRORS: Final = {error.__name__: error for error in (ImageError, KmsegError)}


class _Worker:
    """A process that waits for one picture."""

    def __init__(self, memory: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(memory)],
            cwd=Path(__file__).resolve().parents[1],
            # One thread each: the memory that more would reserve is limited too.
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def read(self, content: bytes, seconds: float) -> Image:
        """The picture; the process is over afterwards, whatever happens."""
        try:
            answer, _ = self.process.communicate(content, seconds)
        except subprocess.TimeoutExpired:
            raise ImageError(_GAVE_UP) from None
        finally:
            self.process.kill()
            self.process.wait()
        head, _, body = answer.partition(b"\n")
        if self.process.returncode != 0 or not head:
            raise ImageError(_GAVE_UP)
        told = json.loads(head)
        if "error" in told:
            raise _ERRORS.get(told["error"], ImageError)(told["message"])
        return _unpack(told, body)


def read_image_apart(content: bytes, *, seconds: float = SECONDS, memory: int = MEMORY) -> Image:
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
    Limits.from_environment().check_file_size(len(content))
    with _at_once:
        worker = _take(memory)
        try:
            return worker.read(content, seconds)
        finally:
            get_ready()


def get_ready() -> None:
    """Have a process wait for the next picture, if none does."""
    with _lock:
        if not _waiting or _waiting[0].process.poll() is not None:
            _waiting[:] = [_Worker(MEMORY)]


_at_once = threading.BoundedSemaphore(N_CORES)  # each may take its memory
_lock = threading.Lock()
_waiting: list[_Worker] = []


def _take(memory: int) -> _Worker:
    with _lock:
        if memory == MEMORY and _waiting:
            worker = _waiting.pop()
            if worker.process.poll() is None:
                return worker
    return _Worker(memory)


def _pack(image: Image, out: IO[bytes]) -> None:
    size = {"height": image.height, "width": image.width, "masked": image.opaque is not None}
    out.write(json.dumps(size).encode() + b"\n")
    out.write(image.pixels.data)
    if image.opaque is not None:
        out.write(np.packbits(image.opaque).data)


def _unpack(told: dict[str, Any], body: bytes) -> Image:
    shape = told["height"], told["width"]
    n_pixels = shape[0] * shape[1]
    pixels = np.frombuffer(body, np.uint8, 3 * n_pixels).reshape(*shape, 3)
    if not told["masked"]:
        return Image(pixels)
    bits = np.frombuffer(body, np.uint8, offset=3 * n_pixels)
    return Image(pixels, np.unpackbits(bits, count=n_pixels).astype(bool).reshape(shape))


def _limit(memory: int) -> None:
    """Keep this process within so many bytes of addresses and its time."""
    try:
        import resource
    except ImportError:  # not on Windows: there time alone is limited
        return
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, SECONDS)):
        try:
            resource.setrlimit(kind, (most, most))
        except (OSError, ValueError):  # macOS knows no limit of addresses
            continue


def _serve(memory: int) -> None:
    """Read one picture from standard input and write it to standard output."""
    import PIL.Image  # loaded while waiting
    import PIL.JpegImagePlugin
    import PIL.PngImagePlugin  # noqa: F401

    _limit(memory)
    content = sys.stdin.buffer.read()
    try:
        image = read_image(content)
    except KmsegError as error:
        told = {"error": type(error).__name__, "message": str(error)}
        sys.stdout.buffer.write(json.dumps(told).encode() + b"\n")
    else:
        _pack(image, sys.stdout.buffer)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
