"""Answers of workers that a hostile file has taken over: all are checked."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kmseg
from kmseg.errors import ReadTimeoutError
from kmseg.picture import apart
from kmseg.picture.apart import read_image_apart
from kmseg.picture.limits import Limits

SIZE = struct.Struct("=Q")
LIMITS = Limits(max_pixels=10_000, max_side=5_000)
STARTED = b"\1"


def framed(value: object) -> bytes:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return SIZE.pack(len(text)) + text


def answer(claim: object, image: object = None, data: bytes = b"") -> bytes:
    return STARTED + framed(claim) + (b"" if image is None else framed(image)) + data


@contextmanager
def fake_worker(sent: bytes, closes: bool = True) -> Iterator[socket.socket]:
    """Have the next file read by a worker that has sent these bytes and reads nothing."""
    ours, theirs = socket.socketpair()

    class FakeKeeper(apart.Keeper):
        def __init__(self) -> None:
            pass

        def _connect(self, order: bytes) -> socket.socket:
            return ours

        def stop(self) -> None:
            pass

    with theirs, ours, pytest.MonkeyPatch.context() as patched:
        theirs.sendall(sent)
        if closes:
            theirs.shutdown(socket.SHUT_WR)
        patched.setattr(apart, "get_ready", FakeKeeper)
        yield theirs


def read_from_fake(sent: bytes) -> kmseg.Image:
    with fake_worker(sent):
        return read_image_apart(b"any file", limits=LIMITS)


def test_a_worker_that_keeps_to_the_protocol() -> None:
    size = {"width": 3, "height": 2}
    pixels = bytes(range(18))
    told = {"notes": ["page 1 of 2"], "scale": [150, 420.5, 16, 0], "kind": "unsigned"}
    told["pixels_per_mm"] = 12.5
    alpha = bytes([128, 127, 0, 0, 1, 127])
    image = read_from_fake(answer(size, size | {"masked": True} | told, pixels + alpha))
    assert image.pixels.tobytes() == pixels
    assert image.alpha is not None and image.alpha.tobytes() == alpha
    assert image.opaque is not None
    assert np.argwhere(image.opaque).tolist() == [[0, 0]]
    assert image.notes == ("page 1 of 2",)
    assert image.pixels_per_mm == 12.5
    assert image.scale is not None
    assert image.scale.to_units([0, 255]).tolist() == [150, 420.5]
    with pytest.raises(kmseg.ImageError, match=r"^No good$"):
        read_from_fake(answer({"refused": "No good"}))


GOOD = {"width": 3, "height": 2}
REST = {"masked": False, "notes": [], "scale": [], "kind": "", "pixels_per_mm": 0.0}
PLAIN, MASKED = GOOD | REST, GOOD | REST | {"masked": True}
LIES = {
    "memory error": answer({"width": 2**50, "height": 2**50}),
    "too many pixels": answer({"width": 101, "height": 100}),
    "too long a side": answer({"width": 5001, "height": 1}),
    "negative": answer({"width": -3, "height": -2}),
    "no pixels": answer({"width": 0, "height": 2}),
    "larger than claimed": answer(GOOD, REST | {"width": 4, "height": 2}, bytes(24)),
    "negative as claimed": answer(GOOD, REST | {"width": -3, "height": -2}),
    "huge after the claim": answer(GOOD, REST | {"width": 2**50, "height": 2**50}),
    "key error": answer({"width": 3}),
    "more keys": answer(GOOD | {"depth": 1}),
    "text": answer({"width": "3", "height": 2}),
    "fraction": answer({"width": 3.0, "height": 2}),
    "truth": answer({"width": True, "height": 2}),
    "mask as number": answer(GOOD, PLAIN | {"masked": 1}, bytes(18)),
    "list": answer([3, 2]),
    "nothing": answer(None),
    "no json": answer(b"{width: 3}"),
    "no text": answer(b"\xff\xfe{}"),
    "deep json": answer(b"[" * 4000),
    "long number": answer(b'{"width": ' + b"9" * 4000 + b', "height": 2}'),
    "huge head": STARTED + SIZE.pack(2**50),
    "long head": answer(b" " * 5000),
    "trailing byte": answer(GOOD, PLAIN, bytes(19)),
    "many notes": answer(GOOD, PLAIN | {"notes": ["a"] * 9}, bytes(18)),
    "long note": answer(GOOD, PLAIN | {"notes": ["a" * 201]}, bytes(18)),
    "note with control characters": answer(GOOD, PLAIN | {"notes": ["a\n"]}, bytes(18)),
    "note that is no text": answer(GOOD, PLAIN | {"notes": [["a"]]}, bytes(18)),
    "scale of text": answer(GOOD, PLAIN | {"scale": ["0", 1, 16, 0]}, bytes(18)),
    "short scale": answer(GOOD, PLAIN | {"scale": [0, 1], "kind": "float"}, bytes(18)),
    "scale of no kind": answer(GOOD, PLAIN | {"scale": [0, 1, 16, 0]}, bytes(18)),
    "empty scale": answer(GOOD, PLAIN | {"scale": [1, 1, 16, 0], "kind": "float"}, bytes(18)),
    "nan": answer(GOOD, PLAIN | {"scale": [0, float("nan"), 16, 0], "kind": "float"}, bytes(18)),
    "long scale": answer(GOOD, PLAIN | {"scale": [0, 10**400, 16, 0], "kind": "float"}, bytes(18)),
    "length below zero": answer(GOOD, PLAIN | {"pixels_per_mm": -1.0}, bytes(18)),
    "length that is no number": answer(GOOD, PLAIN | {"pixels_per_mm": float("nan")}, bytes(18)),
    "infinite length": answer(GOOD, PLAIN | {"pixels_per_mm": float("inf")}, bytes(18)),
    "refusal without words": answer({"refused": ""}),
    "refusal with control characters": answer({"refused": "a\x1b[31m"}),
    "refusal that is no text": answer({"refused": ["a"]}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_of_a_worker_was_believed(lie: str) -> None:
    with pytest.raises(kmseg.ImageError, match="could not be read within the limits") as caught:
        read_from_fake(LIES[lie])
    assert not isinstance(caught.value, ReadTimeoutError)


@pytest.mark.parametrize("sent", [answer(GOOD, MASKED, bytes(18)), answer(GOOD), STARTED + b"\0"])
def test_missing_bytes_mean_that_the_worker_died(sent: bytes) -> None:
    with pytest.raises(ReadTimeoutError):
        read_from_fake(sent)


sides = st.integers(-5, 200) | st.integers() | st.sampled_from([2**31, 2**32, 2**50, 2**63])
values = st.none() | st.booleans() | st.floats() | st.text(max_size=9) | sides
objects = st.dictionaries(
    st.sampled_from(["width", "height", "masked", "refused"]) | st.text(max_size=5), values
) | st.fixed_dictionaries({"width": sides, "height": sides}, optional={"masked": values})
parts = st.binary(max_size=80) | objects.map(framed) | st.binary(max_size=80).map(framed)
small = st.integers(1, 9)


@st.composite
def nearly_right(draw: st.DrawFn) -> bytes:
    size = {"width": draw(small), "height": draw(small)}
    image = {name: size[name] for name in draw(st.permutations(list(size)))}
    n = size["width"] * size["height"] * 3
    data = draw(st.binary(min_size=max(0, n - 2), max_size=n + 15))
    return answer(size, image | REST | {"masked": draw(st.booleans())}, data)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(parts, max_size=4).map(lambda list_: STARTED + b"".join(list_))
    | st.binary(max_size=300)
    | nearly_right()
)
def test_arbitrary_answers_give_a_picture_or_a_kmseg_error_in_bounded_memory(sent: bytes) -> None:
    tracemalloc.start()
    try:
        with suppress(kmseg.KmsegError):
            image = read_from_fake(sent)
            assert image.width * image.height <= LIMITS.max_pixels
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("sent", [b"", STARTED, answer(GOOD, PLAIN, bytes(18))])
def test_a_silent_worker_is_given_up(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has sent nothing, only that it has started, or all but the end."""
    monkeypatch.setattr(apart, "_START_SECONDS", 0.3)
    with fake_worker(sent, closes=False), pytest.raises(ReadTimeoutError):
        read_image_apart(b"any file", limits=LIMITS, seconds=0.3)


def test_a_worker_that_reads_nothing_is_given_up() -> None:
    """50 MB do not fit into the socket's buffer."""
    with fake_worker(STARTED, closes=False), pytest.raises(ReadTimeoutError):
        read_image_apart(bytes(50_000_000), seconds=0.3)


def test_a_worker_that_sends_byte_by_byte_is_given_up_at_the_deadline() -> None:
    size = {"width": 7000, "height": 7000}
    sent = answer(size, size | REST)
    drip = "import os\nwhile True: os.write(1, b'0')"
    with fake_worker(sent, closes=False) as worker:
        process = subprocess.Popen([sys.executable, "-c", drip], stdout=worker, stderr=worker)
        begin = time.monotonic()
        try:
            with pytest.raises(ReadTimeoutError):
                read_image_apart(b"any file", seconds=2)
        finally:
            process.kill()
            process.wait()
        assert time.monotonic() - begin < 20
