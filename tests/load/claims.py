"""What false claims, bad files and waiting do to the others: ten sessions work meanwhile.

    python tests/load/claims.py [--seconds 30] [--only WORDS] [--checkout FOLDER]

Each of ten sessions changes K every five seconds on a photo of its own. Meanwhile a visitor
announces uploads and sends nothing of them, sends uploads in chunks with a false length, reruns its
page with 150 bad files, opens large pictures while small ones are opened, or fills the gate for
work. Each attack ends with what an honest visitor is told about a small upload of its own.
"""

from __future__ import annotations

import asyncio
import io
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import numpy as np
from attacks import WORKERS, report
from PIL import Image
from visits import Visitor, header, machine, parser, photos, server

ANNOUNCED = 50_000_000  # bytes
CHUNK = bytes(1_000_000)
HEAD = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n'


def small() -> bytes:
    """A picture of 32 x 24 pixels."""
    file = io.BytesIO()
    pixels = np.random.default_rng().integers(0, 256, (24, 32, 3), np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


async def honest(url: str) -> str:
    """What is said about a small upload, and how long it took."""
    async with Visitor(url) as visitor:
        begin = time.monotonic()
        await visitor.upload("small.png", small())
        said = "; ".join(text for _, text in visitor.texts) or "shown"
        return f"{said} after {time.monotonic() - begin:.2f} s"


async def announce(url: str, seconds: float) -> list[str]:
    """Eight uploads of 50 MB, two in each of four sessions, of which nothing is sent."""
    end = time.monotonic() + seconds
    async with AsyncExitStack() as stack:
        connections = []
        for _ in range(4):
            visitor = await stack.enter_async_context(Visitor(url))
            for _ in range(2):
                path = await visitor.announce("a.bin")
                connections.append(visitor.raw_put(path, f"Content-Length: {ANNOUNCED}"))
        said = [await honest(url)]
        while time.monotonic() < end:
            await asyncio.sleep(1)
            said.append(await honest(url))
        for connection in connections:
            connection.close()
    return said


def send_chunks(connection: socket.socket, n_chunks: int) -> None:
    with suppress(OSError):
        connection.settimeout(60)
        for part in (HEAD, *[CHUNK] * n_chunks, b"\r\n--x--\r\n"):
            connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        connection.sendall(b"0\r\n\r\n")
        connection.recv(1000)
    connection.close()


async def chunks(url: str, seconds: float) -> list[str]:
    """Eight uploads of 40 MB into one session, each with a length of 1."""
    end = time.monotonic() + seconds
    async with Visitor(url) as visitor:
        for _ in range(8):
            path = await visitor.announce("a.bin")
            connection = visitor.raw_put(path, "Content-Length: 1", "Transfer-Encoding: chunked")
            await asyncio.to_thread(send_chunks, connection, 40)
        said = [await honest(url)]
        await asyncio.sleep(max(0.0, end - time.monotonic()))
    return said


async def bad_files(url: str, seconds: float) -> list[str]:
    """Runs of a page with 150 bad files: seconds of the first and of each later one."""
    async with Visitor(url) as visitor:
        for number in range(150):
            await visitor.put(f"{number}.jpg", b"\xff\xd8\xff" + bytes(100_000))
            visitor.add("bad.jpg", 100_003)
        end, runs = time.monotonic() + seconds, []
        while time.monotonic() < end or len(runs) < 2:
            begin = time.monotonic()
            await visitor.run()
            runs.append(f"run of {time.monotonic() - begin:.2f} s")
    return [f"first {runs[0]}, then {runs[1]}", *runs[1:]]


async def large_and_small(url: str, seconds: float) -> list[str]:
    """Three visitors open 40 megapixels again and again; a fourth opens small pictures."""
    (data,) = await asyncio.to_thread(photos, 1, 40.0)
    end = time.monotonic() + seconds

    async def open_large(number: int) -> None:
        while time.monotonic() < end:
            async with Visitor(url) as visitor:
                # Other bytes are another picture.
                await visitor.upload("large.jpg", data + bytes([number]) * 3)

    tasks = [asyncio.create_task(open_large(number)) for number in range(3)]
    said = []
    while time.monotonic() < end:
        await asyncio.sleep(0.5)
        said.append(await honest(url))
    await asyncio.gather(*tasks)
    return sorted(said, key=lambda text: -float(text.split()[-2]))


async def full_gate(url: str, seconds: float) -> list[str]:
    """120 visitors ask for long work at once: more than may wait."""

    async def ask(seed: int) -> str:
        async with Visitor(url, f"v=1&n_clusters=32&attempts=100&seed={seed}") as visitor:
            return "; ".join(text for _, text in visitor.texts) or "shown"

    said = await asyncio.gather(*(ask(seed) for seed in range(120)), return_exceptions=True)
    refused = sum("busy" in str(text) for text in said)
    return [f"{refused} of {len(said)} refused; then {await honest(url)}"]


ATTACKS: dict[str, Callable[[str, float], Awaitable[list[str]]]] = {
    "announced, never sent": announce,
    "chunks with a false length": chunks,
    "150 bad files, reruns": bad_files,
    "large pictures wait": large_and_small,
    "gate full": full_gate,
}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--seconds", type=float, default=30.0)
    arguments.add_argument("--only", default="", help="attacks with these words in their name")
    arguments.add_argument("--checkout", type=Path, help="another version of kmseg to attack")
    options = arguments.parse_args()
    print(machine("streamlit"))
    files = photos(WORKERS)
    header("attack", "tries", "changes of others", "95 % s", "slowest s", "MB", "same process")
    for name, attack in ATTACKS.items():
        if options.only not in name:
            continue
        with server(options.checkout) as watched:
            report(name, watched, attack, files, options.seconds)


if __name__ == "__main__":
    main()
