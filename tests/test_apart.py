"""Pictures read in worker processes: the same pictures, and what a failing worker costs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

import icc
import kmseg
from hostile import REFUSED, jpeg, jpeg_claiming, jpeg_scans, png, saved
from kmseg.errors import ReadTimeoutError
from kmseg.picture import apart
from kmseg.picture.apart import n_pixels, read_image_apart
from kmseg.picture.limits import Limits
from kmseg.picture.reading import Reading

ROOT = Path(__file__).resolve().parent.parent
ALPHA = Pillow.fromarray(np.random.default_rng(0).integers(0, 256, (7, 11, 4), np.uint8))
PHOTO = Pillow.fromarray(np.random.default_rng(1).integers(0, 256, (90, 130, 3), np.uint8))


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "TIFF", "GIF", "JPEG", "BMP"])
def test_a_worker_reads_the_same_picture(format_: str) -> None:
    picture = PHOTO if format_ in ("JPEG", "BMP") else ALPHA
    if format_ == "GIF":
        picture = picture.quantize(9)
    data = saved(picture, format_)
    here, there = kmseg.read_image(data), read_image_apart(data)
    np.testing.assert_array_equal(here.pixels, there.pixels)
    assert (here.opaque is None) == (there.opaque is None)
    if here.opaque is not None and there.opaque is not None:
        np.testing.assert_array_equal(here.opaque, there.opaque)


def test_a_mask_comes_through() -> None:
    alpha = np.array(ALPHA)
    alpha[..., 3] = np.where(np.random.default_rng(2).random((7, 11)) < 0.5, 0, 200)
    there = read_image_apart(saved(Pillow.fromarray(alpha), "PNG"))
    assert there.opaque is not None
    np.testing.assert_array_equal(there.opaque, alpha[..., 3] > 0)


READINGS = {
    "gray of 16 bits": (
        saved(Pillow.fromarray(np.arange(150, 380, dtype=np.uint16).reshape(10, 23)), "TIFF"),
        kmseg.Reading(),
    ),
    "chosen levels": (
        saved(Pillow.fromarray(np.arange(150, 380, dtype=np.uint16).reshape(10, 23)), "TIFF"),
        kmseg.Reading(levels=(200, 300.5)),
    ),
    "floats with NaN": (
        saved(Pillow.fromarray(np.float32([[278.5, 291, np.nan], [306, 300, 280]])), "TIFF"),
        kmseg.Reading(levels="stored"),
    ),
    "third page": (
        saved(PHOTO, "TIFF", save_all=True, append_images=[PHOTO, PHOTO.rotate(180)]),
        kmseg.Reading(frame=2),
    ),
    "soft alpha": (saved(ALPHA, "PNG"), kmseg.Reading()),
    "a profile": (
        saved(PHOTO, "PNG", icc_profile=icc.rgb(icc.ADOBE_RGB, 2.2, "Adobe RGB (1998)")),
        kmseg.Reading(),
    ),
}


@pytest.mark.parametrize("kind", READINGS)
def test_a_worker_tells_the_same_about_a_picture(kind: str) -> None:
    data, reading = READINGS[kind]
    here = kmseg.read_image(data, reading=reading)
    there = read_image_apart(data, reading=reading)
    np.testing.assert_array_equal(here.pixels, there.pixels)
    np.testing.assert_equal(here.alpha, there.alpha)
    np.testing.assert_equal(here.opaque, there.opaque)
    assert (here.notes, here.scale, here.reading) == (there.notes, there.scale, there.reading)
    assert here.reading == reading
    assert here.notes or here.alpha is not None


def test_a_picture_turned_upright_comes_through() -> None:
    exif = Pillow.Exif()
    exif[274] = 6
    assert read_image_apart(saved(PHOTO, "PNG", exif=exif)).width == PHOTO.height


@pytest.mark.parametrize("read", [read_image_apart, n_pixels])
@pytest.mark.parametrize("data", [b"", b"no picture", jpeg_scans(200), jpeg_claiming(9000, 9000)])
def test_a_worker_refuses_in_the_same_words(read: object, data: bytes) -> None:
    with pytest.raises(kmseg.ImageError) as here:
        kmseg.read_image(data)
    with pytest.raises(kmseg.ImageError) as there:
        read(data)  # type: ignore[operator]
    assert str(there.value) == str(here.value)
    assert not isinstance(there.value, ReadTimeoutError)


def test_limits_travel_to_the_worker() -> None:
    data = saved(PHOTO, "PNG")
    for read in (read_image_apart, n_pixels):
        with pytest.raises(kmseg.ImageError, match=r"at most 0\.01 megapixels"):
            read(data, limits=Limits(max_pixels=10_000))
    # More pixels than the default limits accept: one row of a black 1-bit PNG repeated.
    large = png(9000, 9900, bytes(9900 * 1126), bits=1, color=0)
    assert n_pixels(large, limits=Limits(max_pixels=90_000_000)) == 9000 * 9900


def test_the_size_of_a_picture_is_told_without_decoding_it() -> None:
    """Only decoding shows that half of the rows are missing."""
    data = REFUSED["png-half-the-rows"]
    with pytest.raises(kmseg.ImageError, match="cut short"):
        read_image_apart(data)
    assert n_pixels(data) == 16 * 12


def test_the_size_is_that_of_the_page_that_is_read() -> None:
    large = Pillow.new("RGB", (300, 200))
    data = saved(Pillow.new("RGB", (8, 8)), "TIFF", save_all=True, append_images=[large])
    assert n_pixels(data) == 8 * 8
    assert n_pixels(data, reading=Reading(frame=1)) == 300 * 200


# -- limits on memory and time ---------------------------------------------------------------------


def test_too_little_memory_is_a_refusal() -> None:
    large = saved(Pillow.new("RGB", (5000, 5000)), "PNG")
    assert kmseg.read_image(large).width == 5000
    if sys.platform == "darwin":
        return  # it cannot limit the address space
    with pytest.raises(kmseg.ImageError, match="memory") as caught:
        read_image_apart(large, memory=200 << 20)
    assert not isinstance(caught.value, ReadTimeoutError)
    assert read_image_apart(jpeg()).width == kmseg.read_image(jpeg()).width


def test_a_timeout_was_indistinguishable_from_a_bad_file() -> None:
    large = saved(Pillow.new("RGB", (6000, 6000)), "PNG")
    with pytest.raises(ReadTimeoutError, match="limits on time and memory; try again"):
        read_image_apart(large, seconds=0.05)
    assert read_image_apart(large).width == 6000


def running_keeper() -> subprocess.Popen[bytes]:
    read_image_apart(jpeg())
    return apart.get_ready().process


def children(parent: int) -> list[int]:
    """Processes that another process has started; a bare machine may have no `ps`."""
    if sys.platform == "linux":
        return [
            int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        ]
    listed = subprocess.run(["/bin/ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True)
    pairs = [line.split() for line in listed.stdout.splitlines()]
    return [int(pid) for pid, of in pairs if int(of) == parent]


@contextmanager
def being_read(content: bytes) -> Iterator[tuple[Future[kmseg.Image], int]]:
    """The future of a file that is being read, and the process that reads it."""
    keeper = running_keeper().pid
    while children(keeper):  # an earlier worker has not exited yet
        pass
    sent = threading.Event()
    receive = apart._receive_image

    def report(*args: Any) -> kmseg.Image:
        sent.set()
        return receive(*args)

    with pytest.MonkeyPatch.context() as patched, ThreadPoolExecutor(1) as pool:
        patched.setattr(apart, "_receive_image", report)
        future = pool.submit(read_image_apart, content)
        assert sent.wait(30)
        patched.undo()
        (worker,) = children(keeper)
        yield future, worker


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGSEGV])
def test_a_worker_that_died_was_taken_for_a_bad_file(signal_: signal.Signals) -> None:
    slow = saved(PHOTO.resize((7000, 7000)), "JPEG", progressive=True)
    with being_read(slow) as (future, worker):
        keeper = apart.get_ready().process.pid
        os.kill(worker, signal_)
        with pytest.raises(ReadTimeoutError, match="could not be read"):
            future.result(30)
    assert read_image_apart(jpeg()).width == kmseg.read_image(jpeg()).width
    assert apart.get_ready().process.pid == keeper


# -- the keeper ------------------------------------------------------------------------------------


def test_a_keeper_that_died_is_replaced() -> None:
    for _ in range(2):
        process = running_keeper()
        process.kill()
        assert read_image_apart(jpeg()).width == kmseg.read_image(jpeg()).width
        assert apart.get_ready().process.pid != process.pid


def test_a_stopped_keeper_was_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = running_keeper()
    monkeypatch.setattr(apart, "_START_SECONDS", 5.0)
    stopped.send_signal(signal.SIGSTOP)
    assert read_image_apart(jpeg()).width == kmseg.read_image(jpeg()).width
    assert stopped.wait(10) == -signal.SIGKILL
    assert apart.get_ready().process.pid != stopped.pid


def test_a_keeper_that_cannot_be_started_raised_oserror(monkeypatch: pytest.MonkeyPatch) -> None:
    apart._discard(apart.get_ready())
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", "/nowhere/python")
        with pytest.raises(ReadTimeoutError, match="try again"):
            read_image_apart(jpeg())
        patched.setattr(sys, "executable", "/bin/false")
        with pytest.raises(ReadTimeoutError, match="try again"):
            read_image_apart(jpeg())
    assert read_image_apart(jpeg()).width == kmseg.read_image(jpeg()).width


def test_one_keeper_forks_all_workers() -> None:
    first = running_keeper().pid
    for _ in range(20):
        read_image_apart(jpeg())
    assert apart.get_ready().process.pid == first


def test_parallel_readers_each_get_their_own_picture() -> None:
    sizes = range(5, 11)
    files = [saved(Pillow.new("RGB", (size, 4)), "PNG") for size in sizes]
    with ThreadPoolExecutor(len(sizes)) as pool:
        widths = [image.width for image in pool.map(read_image_apart, files)]
    assert widths == list(sizes)


def test_a_second_large_picture_waited_for_the_first() -> None:
    large = saved(PHOTO.resize((6000, 4000)), "JPEG")
    assert apart.LARGE < 6000 * 4000
    with being_read(large) as (first, worker):
        os.kill(worker, signal.SIGSTOP)
        try:
            assert read_image_apart(large).width == 6000
            assert not first.done()
        finally:
            os.kill(worker, signal.SIGCONT)
        assert first.result(60).width == 6000


def test_the_keeper_ends_with_the_server() -> None:
    code = """
from kmseg.picture import apart
print(apart.get_ready().process.pid, flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    pid = int(done.stdout)
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail(f"process {pid} waits for a server that has ended")


def test_ctrl_c_killed_the_keeper_while_it_started() -> None:
    code = """
import os, signal
from hostile import jpeg
from kmseg.picture import apart
keeper = apart.get_ready().process
try:
    os.killpg(0, signal.SIGINT)
    signal.pause()
except KeyboardInterrupt:
    pass
apart.read_image_apart(jpeg())
assert apart.get_ready().process is keeper
"""
    run_in_group(code)


def test_ctrl_c_while_a_worker_reads() -> None:
    code = """
import os, signal, threading
from PIL import Image
from hostile import jpeg, saved
from kmseg.picture import apart
from kmseg.picture.apart import read_image_apart
read_image_apart(jpeg())
keeper = apart.get_ready().process.pid
large = saved(Image.new("RGB", (7000, 7000)), "JPEG", progressive=True)

def interrupt():
    while not open(f"/proc/{keeper}/task/{keeper}/children").read():
        pass
    os.killpg(0, signal.SIGINT)

thread = threading.Thread(target=interrupt)
thread.start()
try:
    read_image_apart(large)
except KeyboardInterrupt:
    thread.join()
    read_image_apart(jpeg())
    assert apart.get_ready().process.pid == keeper
else:
    raise AssertionError("not interrupted")
"""
    if sys.platform == "linux":
        run_in_group(code)


def run_in_group(code: str) -> None:
    """Run code in a process group of its own; it must succeed and print nothing."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        start_new_session=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
