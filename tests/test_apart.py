"""Pictures read in a process of their own: the same pictures, and what a bad one costs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

import kmseg
from hostile import jpeg, jpeg_scans, saved
from kmseg.picture import apart
from kmseg.picture.apart import read_image_apart

ALPHA = Pillow.fromarray(np.random.default_rng(0).integers(0, 256, (7, 11, 4), np.uint8))
PHOTO = Pillow.fromarray(np.random.default_rng(1).integers(0, 256, (90, 130, 3), np.uint8))


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "TIFF", "GIF", "JPEG", "BMP"])
def test_it_is_the_same_picture(format_: str) -> None:
    picture = PHOTO if format_ in ("JPEG", "BMP") else ALPHA
    if format_ == "GIF":
        picture = picture.quantize(9)
    data = saved(picture, format_)
    here, there = kmseg.read_image(data), read_image_apart(data)
    np.testing.assert_array_equal(here.pixels, there.pixels)
    assert (here.opaque is None) == (there.opaque is None)
    if here.opaque is not None and there.opaque is not None:
        np.testing.assert_array_equal(here.opaque, there.opaque)


def test_a_hole_of_any_shape_comes_through() -> None:
    alpha = np.array(ALPHA)
    alpha[..., 3] = np.where(np.random.default_rng(2).random((7, 11)) < 0.5, 0, 200)
    data = saved(Pillow.fromarray(alpha), "PNG")
    there = read_image_apart(data)
    assert there.opaque is not None
    np.testing.assert_array_equal(there.opaque, alpha[..., 3] > 0)


@pytest.mark.parametrize("data", [b"", b"no picture", jpeg()[:200], jpeg_scans(200)])
def test_what_is_refused_is_refused_in_the_same_words(data: bytes) -> None:
    with pytest.raises(kmseg.ImageError) as here:
        kmseg.read_image(data)
    with pytest.raises(kmseg.ImageError) as there:
        read_image_apart(data)
    assert str(there.value) == str(here.value)


def test_too_little_memory_costs_a_sentence() -> None:
    large = saved(Pillow.new("RGB", (5000, 5000)), "PNG")
    started = kmseg.read_image(large)
    assert started.width == 5000
    if sys.platform == "darwin":
        return  # it has no limit of addresses
    with pytest.raises(kmseg.ImageError, match="memory"):
        read_image_apart(large, memory=200 << 20)
    assert read_image_apart(jpeg()).width == kmseg.read_image(jpeg()).width


def test_too_little_time_costs_a_sentence() -> None:
    large = saved(Pillow.new("RGB", (6000, 6000)), "PNG")
    begin = time.monotonic()
    with pytest.raises(kmseg.ImageError, match="limits on time and memory"):
        read_image_apart(large, seconds=0.05)
    assert time.monotonic() - begin < 10


def keeper_process() -> subprocess.Popen[bytes]:
    apart.get_ready()
    assert apart._keeper is not None
    return apart._keeper.process


def children(parent: int) -> list[int]:
    """Processes that another one has started; a bare machine may have no program that tells."""
    if sys.platform == "linux":
        return [
            int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        ]
    listed = subprocess.run(["/bin/ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True)
    pairs = [line.split() for line in listed.stdout.splitlines()]
    return [int(pid) for pid, of in pairs if int(of) == parent]


def test_a_process_that_dies_costs_a_sentence_and_the_next_picture_is_read() -> None:
    slow = saved(PHOTO.resize((7000, 7000)), "JPEG", progressive=True)
    parent = keeper_process().pid
    refused: list[BaseException] = []

    def read() -> None:
        try:
            read_image_apart(slow)
        except kmseg.ImageError as error:
            refused.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    forks: list[int] = []
    while reader.is_alive() and not forks:
        forks = children(parent)
    assert forks, "it was read before its process could be found"
    os.kill(forks[0], signal.SIGKILL)
    reader.join(30)
    assert "could not be read" in str(refused[0])
    assert read_image_apart(jpeg()).width == kmseg.read_image(jpeg()).width


def test_a_keeper_that_died_is_replaced() -> None:
    for _ in range(2):
        process = keeper_process()
        process.kill()
        assert read_image_apart(jpeg()).width == kmseg.read_image(jpeg()).width
        assert keeper_process().pid != process.pid


def test_a_fork_costs_no_start_of_an_interpreter() -> None:
    """What is loaded once is loaded in the keeper: a fork of it is there at once."""
    read_image_apart(jpeg())
    first = keeper_process().pid
    for _ in range(20):
        read_image_apart(jpeg())
    assert keeper_process().pid == first


def test_many_at_once_each_get_their_own() -> None:
    sizes = range(5, 11)
    files = [saved(Pillow.new("RGB", (size, 4)), "PNG") for size in sizes]
    widths: dict[int, int] = {}

    def read(size: int, data: bytes) -> None:
        widths[size] = read_image_apart(data).width

    threads = [threading.Thread(target=read, args=pair) for pair in zip(sizes, files, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert widths == {size: size for size in sizes}


def test_large_ones_are_decoded_one_at_a_time_and_small_ones_meanwhile() -> None:
    large = saved(PHOTO.resize((6000, 4000)), "JPEG")
    assert apart.LARGE < 6000 * 4000
    read: list[str] = []
    with apart._large:  # another one is being decoded
        thread = threading.Thread(target=lambda: read.append(str(read_image_apart(large).width)))
        thread.start()
        for _ in range(3):
            read.append(str(read_image_apart(jpeg()).width))
        assert read == [str(kmseg.read_image(jpeg()).width)] * 3
    thread.join(60)
    assert read[-1] == "6000"


def test_nobody_is_left_waiting_when_the_server_ends() -> None:
    code = """
from kmseg.picture import apart
apart.get_ready()
print(apart._keeper.process.pid, flush=True)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    pid = int(done.stdout)
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail(f"process {pid} waits for a picture that nobody will send")
