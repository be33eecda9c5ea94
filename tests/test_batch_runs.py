"""Runs over many pictures, disturbed and undisturbed: what is there in the end is the same."""

from __future__ import annotations

import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import dask
import numpy as np
import psutil
import pytest

import kmseg
import many
from kmseg.batch.ledger import JOURNAL
from kmseg.batch.scheduling import opened
from kmseg.batch.series import StoppedError
from kmseg.errors import KmsegError, WorkerDiedError
from kmseg.output import export
from kmseg.picture.apart import read_image_apart

pytestmark = pytest.mark.xdist_group("many pictures")

STOPPED = "kmseg: stopped by Ctrl-C\n"
N_PICTURES = 24


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many") / "pictures"
    many.fill(folder, N_PICTURES)
    return folder


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler and three workers, processes on loopback."""
    with many.cluster(tmp_path_factory.mktemp("cluster"), 3) as address:
        yield address


@pytest.fixture(scope="module")
def undisturbed(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The results of a plain run."""
    return many.run(pictures, tmp_path_factory.mktemp("undisturbed")).contents


def resumed(pictures: Path, out: Path) -> dict[str, bytes]:
    """The results after a run that was disturbed went on; nothing else lies in the folder."""
    before = many.n_finished(out)
    made = many.run(pictures, out, resume=True)
    assert 0 < before < N_PICTURES and made.n_done == N_PICTURES - before
    assert not list(out.rglob("*.part"))
    return made.contents


# -- the same results everywhere -------------------------------------------------------------------


def test_a_plain_loop_has_the_same_files(pictures: Path, undisturbed: dict[str, bytes]) -> None:
    wanted = [d for d in export.DOWNLOADS if d.key in ("labels", "counts", "palette_json")]
    for path in pictures.rglob("*.*"):
        seg = kmseg.segment(read_image_apart(path.read_bytes()), many.SETTINGS)
        for download in wanted:
            name = export.file_name(seg, path.name, download)
            found = undisturbed[f"{path.parent.name}/{name}"]
            assert found == download.make(seg, export.Context(path.name)), name
    assert len(undisturbed) == 3 * N_PICTURES + 2


def test_a_cluster_has_the_same_results(
    pictures: Path, undisturbed: dict[str, bytes], tmp_path: Path, address: str
) -> None:
    assert many.run(pictures, tmp_path, where=address).contents == undisturbed


def test_trusted_files_and_one_worker_have_the_same_results(
    pictures: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    assert many.run(pictures, tmp_path, workers=1, trusted=True).contents == undisturbed


@pytest.mark.parametrize("shared", [True, False])
def test_a_palette_for_all_gives_the_same_on_any_scheduler(
    pictures: Path, tmp_path: Path, address: str, shared: bool
) -> None:
    few, settings = pictures / "part 0", kmseg.Settings(n_clusters=5)
    colours = np.array([[16, 32, 48], [160, 176, 192], [128, 96, 64]], np.uint8)
    codebook = None if shared else kmseg.Codebook.of_colours(colours, "oklab", "all")
    here, there = (
        many.run(few, tmp_path / name, settings, where=where, codebook=codebook, shared=shared)
        for name, where in (("here", "threads"), ("there", address))
    )
    assert here.contents == there.contents
    assert not here.result.failures


# -- disturbances ----------------------------------------------------------------------------------


def test_a_killed_worker_is_replaced_and_its_pictures_are_done(
    pictures: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    before = set(psutil.Process().children(recursive=True))
    seen: set[psutil.Process] = set()

    def kill() -> None:
        seen.update(set(psutil.Process().children(recursive=True)) - before)
        parents = {_parent(p) for p in seen if "kmseg.picture.apart" in _command(p)}
        workers = [process for process in seen if process.pid in parents]
        assert workers, "pictures are not decoded apart"
        workers[0].kill()

    made = many.run(pictures, tmp_path, where="processes", workers=2, disturb=kill)
    assert made.contents == undisturbed
    assert made.n_done == many.n_finished(tmp_path) == N_PICTURES
    # What multiprocessing keeps for this process is none of the run's.
    own = [process for process in seen if "resource_tracker" not in str(_command(process))]
    assert not psutil.wait_procs(own, timeout=many.SECONDS)[1]


@pytest.mark.parametrize("where", ["threads", "processes"])
def test_ctrl_c_leaves_whole_files_and_no_process_and_resume_does_the_rest(
    pictures: Path, undisturbed: dict[str, bytes], tmp_path: Path, where: str
) -> None:
    flags = ["-n", "8", "--engine", "lloyd", "--attempts", "10", "--seed", "3"]  # many.SETTINGS
    saved = ["--save", ",".join(many.SAVED), "--scheduler", where]
    program = many.start("-i", pictures, "--out", tmp_path, *flags, *saved)
    many.until(lambda: many.n_finished(tmp_path) > 0)
    own = program.descendants()
    program.interrupt()
    assert program.finish() == (130, "", STOPPED)
    assert not psutil.wait_procs(own, timeout=many.SECONDS)[1]
    assert not list(tmp_path.rglob("*.part"))
    whole = {p.name: p.read_bytes() for p in tmp_path.rglob("*.*") if p.name != JOURNAL}
    expected = {Path(name).name: content for name, content in undisturbed.items()}
    assert whole.items() <= expected.items()
    assert resumed(pictures, tmp_path) == undisturbed


def test_a_full_disk_stops_the_run_and_resume_does_the_rest(
    pictures: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_up() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))

    try:
        with pytest.raises(StoppedError, match=r"cannot be written .*make room.*--resume"):
            many.run(pictures, tmp_path, disturb=fill_up)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.rglob("*.part"))
    assert resumed(pictures, tmp_path) == undisturbed


def test_a_cut_connection_to_the_scheduler_is_made_again(
    pictures: Path, undisturbed: dict[str, bytes], tmp_path: Path, address: str
) -> None:
    with relay(address) as (near, cut):
        made = many.run(pictures, tmp_path, where=near, disturb=cut)
    assert made.contents == undisturbed
    assert many.n_finished(tmp_path) == N_PICTURES


def test_a_scheduler_that_is_gone_stops_the_run_and_resume_does_the_rest(
    pictures: Path, undisturbed: dict[str, bytes], tmp_path: Path, address: str
) -> None:
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        relay(address) as (near, cut),
        pytest.raises(StoppedError, match=r"scheduler is lost.*--resume"),
    ):
        many.run(pictures, tmp_path, where=near, disturb=partial(cut, for_good=True))
    assert resumed(pictures, tmp_path) == undisturbed


def test_an_address_without_a_scheduler_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(KmsegError, match="No Dask scheduler answers"),
        opened(f"tcp://127.0.0.1:{port}"),
    ):
        pass


# -- the pool --------------------------------------------------------------------------------------


def square_or_die(number: int) -> int:
    time.sleep(0.05)  # so that others wait in the same worker
    if number == 7:
        os._exit(3)
    if number == 9:
        raise ValueError("nine")
    return number * number


def test_an_item_that_kills_its_worker_costs_no_other_item() -> None:
    with opened("processes", 2) as pool:
        found = dict(pool.results(square_or_die, range(24)))
    died, failed = found.pop(7), found.pop(9)
    assert isinstance(died, WorkerDiedError) and "ended 3 times" in str(died)
    assert isinstance(failed, ValueError) and str(failed) == "nine"
    assert found == {number: number**2 for number in range(24) if number not in (7, 9)}


def test_a_bounded_number_of_items_is_in_flight() -> None:
    items = iter(range(100_000))
    with opened("threads", 2) as pool:
        for done, _ in enumerate(pool.results(abs, items), start=1):
            left = items.__length_hint__()
            assert 100_000 - left - done < 6 * 256
            if done > 20_000:
                break


def test_workers_listen_on_the_loopback_interface_only() -> None:
    for scheduler in ("threads", "processes"):
        with opened(scheduler, 1):
            here = psutil.Process()
            processes = [here, *here.children(recursive=True)]
            sockets = [own for process in processes for own in process.net_connections("inet")]
            listening = {own.laddr.ip for own in sockets if own.status == psutil.CONN_LISTEN}
        assert listening <= {"127.0.0.1", "::1"}


def test_segment_many_takes_a_client_and_leaves_it_open(pictures: Path, address: str) -> None:
    from distributed import Client

    bad = pictures.parent / "bad.png"
    bad.write_bytes(b"no picture")
    paths = [*sorted(pictures.rglob("*.png"))[:3], bad]
    settings = kmseg.Settings(n_clusters=3)
    with Client(address, set_as_default=False) as client:
        there = dict(kmseg.segment_many(paths, settings, client=client))
        assert client.status == "running"
    here = dict(kmseg.segment_many(paths, settings))
    assert there.keys() == here.keys() == set(paths)
    assert str(there.pop(bad)) == str(here.pop(bad))
    for path, seg in here.items():
        assert isinstance(seg, kmseg.Segmentation)
        plain = kmseg.segment(kmseg.read_image(path), settings)
        assert (seg.labels == plain.labels).all() and (there[path].labels == plain.labels).all()


# -- helpers ---------------------------------------------------------------------------------------


@contextmanager
def relay(address: str) -> Iterator[tuple[str, Callable[..., None]]]:
    """Another address of a scheduler, and a function that cuts the connections through it."""
    place = urlsplit(address)
    target = place.hostname, place.port
    open_sockets: list[socket.socket] = []

    def pass_on(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        for end in (source, sink):
            _shut(end)

    def accept() -> None:
        while True:
            try:
                near, _ = server.accept()
            except OSError:
                return
            far = socket.create_connection(target)
            open_sockets.extend((near, far))
            for pair in ((near, far), (far, near)):
                threading.Thread(target=pass_on, args=pair, daemon=True).start()

    def cut(*, for_good: bool = False) -> None:
        if for_good:
            _shut(server)
            server.close()
        for each in list(open_sockets):
            _shut(each)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}", cut
        cut(for_good=True)


def _shut(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it is gone
        return []


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.Error:  # it is gone
        return 0
