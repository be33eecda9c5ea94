"""Failures without an attacker: a worker dies, the disk is full, a connection drops.

    python tests/load/accidents.py

The full disk is a temporary folder of 64 kB, which takes root on Linux; without, it is a folder
that cannot be written to.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attacks import slowest_jpeg
from visits import Server, Visitor, header, machine, parser, photos, row, server


def children(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


def keeper(watched: Server) -> int:
    """The process that forks a worker for each picture."""
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children(watched.pid)}
    (pid,) = (pid for pid, command in commands.items() if b"kmseg.picture.apart" in command)
    return pid


async def kill_fork(watched: Server) -> str:
    """Kill a worker while it reads a picture."""

    async def kill() -> None:
        while not (forks := children(keeper(watched))):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        os.kill(forks[0], signal.SIGKILL)

    async with Visitor(watched.url) as visitor, Visitor(watched.url) as other:
        killer = asyncio.create_task(kill())
        await visitor.upload("slow.jpg", slowest_jpeg())
        await killer
        said = [text for _, text in visitor.texts]
        await other.change(7)
        await visitor.upload("good.jpg", photos(1)[0])
        assert len(visitor.data["palette"]) > 1
    return said[0] if said else "nothing"


async def kill_keeper(watched: Server) -> str:
    """Kill the process that forks workers; the next picture must be read."""
    os.kill(keeper(watched), signal.SIGKILL)
    async with Visitor(watched.url) as visitor:
        await visitor.upload("good.jpg", photos(1)[0])
        return "; ".join(text for _, text in visitor.texts) or "the next picture is shown"


async def cut(watched: Server) -> str:
    """Drop the connection in the middle of a run, and reconnect."""
    async with Visitor(watched.url) as visitor:
        await visitor.upload("mine.jpg", photos(1)[0])
        await visitor.change(9)
        await visitor.send()
        visitor.socket.transport.abort()
        visitor.clear()
        visitor.socket = await visitor.connected(visitor.session)
        await visitor.run()
        same = visitor.data["alt"] == "Original: mine.jpg" and len(visitor.data["palette"]) == 9
        return "same picture, same K" if same else f"another page: {visitor.data['alt']}"


async def full_disk(watched: Server) -> str:
    async with Visitor(watched.url) as visitor:
        await visitor.upload("mine.jpg", photos(1, 40)[0])
        await visitor.change(9)
        return "; ".join(text for _, text in visitor.texts) or "uploaded, shown, changed"


@contextmanager
def full_folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
        mounted = os.geteuid() == 0 and not subprocess.run(mount, check=False).returncode
        try:
            if mounted:
                with suppress(OSError):
                    (Path(folder) / "all of it").write_bytes(bytes(1 << 20))
            else:
                Path(folder).chmod(0o500)
            yield folder
        finally:
            if mounted:
                subprocess.run(["umount", folder], check=True)
            else:
                Path(folder).chmod(0o700)


def main() -> None:
    parser(__doc__).parse_args()
    print(machine("streamlit"))
    header("accident", "what the visitor sees", "seconds", "same process", "errors", numbers_from=2)
    for accident in (kill_fork, kill_keeper, cut, full_disk):
        with full_folder() as folder:
            there = {"TMPDIR": folder} if accident is full_disk else {}
            with server(**there) as watched:
                begin = time.monotonic()
                said = asyncio.run(accident(watched))
                row(
                    accident.__name__.replace("_", " "),
                    said,
                    f"{time.monotonic() - begin:.1f}",
                    watched.is_same(),
                    f"{watched.metrics()['error_total']:.0f}",
                )


if __name__ == "__main__":
    main()
