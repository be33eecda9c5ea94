"""Runs over many pictures, disturbed and undisturbed: what is there in the end is the same."""

from __future__ import annotations

import os
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

import kmseg
import many
from kmseg.batch.ledger import JOURNAL
from kmseg.batch.scheduling import opened
from kmseg.errors import WorkerDiedError
from kmseg.output import export
from kmseg.picture.apart import read_image_apart

pytestmark = pytest.mark.xdist_group("many pictures")

STOPPED = "kmseg: stopped by Ctrl-C\n"
# Slow enough that a run can be disturbed before its end.
SETTINGS = ("-n", "12", "--engine", "lloyd", "--attempts", "20", "--seed", "3")
SAVED = ("--save", "labels,counts,palette-json")
N_PICTURES = 24


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many") / "pictures"
    many.fill(folder, N_PICTURES, side=100)
    return folder


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler and three workers, processes on loopback."""
    with many.cluster(tmp_path_factory.mktemp("cluster"), 3) as address:
        yield address


@pytest.fixture(scope="module")
def undisturbed(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The results of a plain run."""
    return run(pictures, tmp_path_factory.mktemp("undisturbed"))


def arguments(pictures: Path, out: Path, *more: str) -> list[str | Path]:
    return ["-i", pictures, "--out", out, *SETTINGS, *SAVED, *more]


def run(pictures: Path, out: Path, *more: str, status: int = 0) -> dict[str, bytes]:
    """The results of a whole run."""
    found, _, err = many.start(*arguments(pictures, out, *more)).finish()
    assert found == status, err
    return many.contents(out)


def resumed(pictures: Path, out: Path, *more: str) -> dict[str, bytes]:
    """The results after a run went on that was disturbed; nothing else lies in the folder."""
    before = many.n_finished(out)
    results = run(pictures, out, "--resume", *more)
    assert many.n_finished(out) >= N_PICTURES > before
    assert not list(out.rglob("*.part"))
    return results


# -- the same results everywhere -------------------------------------------------------------------


def test_a_plain_loop_has_the_same_files(pictures: Path, undisturbed: dict[str, bytes]) -> None:
    settings = kmseg.Settings(n_clusters=12, engine="lloyd", attempts=20, seed=3)
    wanted = [d for d in export.DOWNLOADS if d.key in ("labels", "counts", "palette_json")]
    for path in pictures.rglob("*.*"):
        seg = kmseg.segment(read_image_apart(path.read_bytes()), settings)
        for download in wanted:
            name = export.file_name(seg, path.name, download)
            found = undisturbed[f"{path.parent.name}/{name}"]
            assert found == download.make(seg, export.Context(path.name)), name
    assert len(undisturbed) == 3 * N_PICTURES + 2


def test_processes_have_the_same_results(
    pictures: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    assert run(pictures, tmp_path, "--scheduler", "processes", "--workers", "3") == undisturbed


def test_a_cluster_has_the_same_results(
    pictures: Path, undisturbed: dict[str, bytes], tmp_path: Path, address: str
) -> None:
    assert run(pictures, tmp_path, "--scheduler", address) == undisturbed


def test_files_that_are_trusted_have_the_same_results(
    pictures: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    assert run(pictures, tmp_path, "--trusted", "--workers", "1") == undisturbed


@pytest.mark.parametrize("palette", ["shared", "file"])
def test_a_palette_for_all_gives_the_same_on_any_scheduler(
    pictures: Path, tmp_path: Path, address: str, palette: str
) -> None:
    options = ["-n", "5", "--palette", "shared"]
    if palette == "file":
        (tmp_path / "palette.css").write_text(
            ":root { --a: #102030; --b: #a0b0c0; --c: #806040; --d: #205020; }"
        )
        options = ["--palette", str(tmp_path / "palette.css")]
    results = []
    for where in ("threads", address):
        out = tmp_path / where.partition(":")[0]
        command = ["-i", pictures, "--out", out, "--scheduler", where, *options]
        assert many.start(*command).finish()[0] == 0
        results.append(many.contents(out))
    assert results[0] == results[1]


# -- disturbances ----------------------------------------------------------------------------------


def test_a_killed_worker_is_replaced_and_its_pictures_are_done(
    pictures: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    program = many.start(*arguments(pictures, tmp_path, "--scheduler", "processes"))
    many.until(lambda: many.n_finished(tmp_path) > 0)
    own = set(program.descendants())
    keepers = {process for process in own if "kmseg.picture.apart" in process.cmdline()}
    victim = min(keeper.ppid() for keeper in keepers)  # pictures are decoded apart
    assert victim in {process.pid for process in own - keepers}
    os.kill(victim, signal.SIGKILL)
    assert many.n_finished(tmp_path) < N_PICTURES
    status, _, err = program.finish()
    assert status == 0 and err == ""
    assert many.contents(tmp_path) == undisturbed
    assert many.n_finished(tmp_path) == N_PICTURES
    gone, alive = psutil.wait_procs(own, timeout=many.SECONDS)
    assert not alive and victim in {process.pid for process in gone}


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_ctrl_c_leaves_whole_files_and_no_process_and_resume_does_the_rest(
    pictures: Path, undisturbed: dict[str, bytes], tmp_path: Path, scheduler: str
) -> None:
    program = many.start(*arguments(pictures, tmp_path, "--scheduler", scheduler))
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
    most = sorted(len(content) for content in undisturbed.values())[-20]
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (most, most))
    status, out, err = many.start(*arguments(pictures, tmp_path), preexec_fn=limit).finish()
    assert (status, out) == (1, "")
    assert "cannot be written" in err and "--resume" in err and err.count("\n") == 1
    assert not list(tmp_path.rglob("*.part"))
    assert resumed(pictures, tmp_path) == undisturbed


def test_a_cut_connection_to_the_scheduler_is_made_again(
    pictures: Path, undisturbed: dict[str, bytes], tmp_path: Path, address: str
) -> None:
    with relay(address) as (near, cut):
        program = many.start(*arguments(pictures, tmp_path, "--scheduler", near))
        many.until(lambda: many.n_finished(tmp_path) > 0)
        cut()
        assert many.n_finished(tmp_path) < N_PICTURES
        status, _, err = program.finish()
    assert (status, err) == (0, "")
    assert many.contents(tmp_path) == undisturbed


def test_a_scheduler_that_is_gone_stops_the_run_and_resume_does_the_rest(
    pictures: Path,
    undisturbed: dict[str, bytes],
    tmp_path: Path,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "3s")
    with relay(address) as (near, cut):
        program = many.start(*arguments(pictures, tmp_path, "--scheduler", near))
        many.until(lambda: many.n_finished(tmp_path) > 0)
        cut(for_good=True)
        status, _, err = program.finish()
    assert status == 1
    assert "--resume" in err and err.count("\n") == 1
    assert resumed(pictures, tmp_path) == undisturbed


def test_an_address_without_a_scheduler_is_refused(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = many.start(*arguments(pictures, tmp_path, "--scheduler", f"tcp://127.0.0.1:{port}"))
    status, out, err = program.finish()
    assert (status, out) == (2, "")
    assert "No Dask scheduler answers" in err and err.count("\n") == 1


# -- the pool --------------------------------------------------------------------------------------


def square_or_die(number: int) -> int:
    if number == 7:
        os._exit(3)
    if number == 9:
        raise ValueError("nine")
    return number * number


def test_an_item_that_kills_its_worker_costs_no_other_item() -> None:
    with opened("processes", 2) as pool:
        found = dict(pool.results(square_or_die, range(40)))
    died, failed = found.pop(7), found.pop(9)
    assert isinstance(died, WorkerDiedError) and "ended 3 times" in str(died)
    assert isinstance(failed, ValueError) and str(failed) == "nine"
    assert found == {number: number**2 for number in range(40) if number not in (7, 9)}


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
