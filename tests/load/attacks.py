"""What one attacker can do to other visitors: ten sessions work while an eleventh attacks.

    python tests/load/attacks.py [--seconds 30]

Each of ten sessions changes K every five seconds on a photo of its own. Meanwhile another visitor
sends, as fast as it can, a JPEG of 10,000 scans, a PNG of some 100 kB that holds 900 megapixels,
one that holds as many bytes of pixels as are decoded, a progressive JPEG of 100 scans and 50
megapixels, which is the slowest that is decoded, or opens a link with K = 32 and 100 attempts and
gives it a 40-megapixel photo.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import numpy as np
from crowd import Watch
from PIL import Image
from visits import Server, Visitor, header, machine, p95, parser, photos, row, server

import hostile

Attack = Callable[[str, float], Awaitable[list[str]]]
WORKERS = 10
EVERY = 5.0  # seconds


async def work(
    url: str, photo: bytes, delay: float, ready: asyncio.Barrier, until: asyncio.Event
) -> list[float]:
    """Seconds of each change, until a segmentation or a sentence that says why there is none."""
    answers = []
    async with Visitor(url) as visitor:
        await visitor.upload("photo.jpg", photo)
        await ready.wait()
        await asyncio.sleep(delay)
        number = 0
        while not until.is_set():
            begin = time.monotonic()
            with suppress(AssertionError):  # the page says that the server is busy
                await visitor.change(5 + number % 13)
            answers.append(time.monotonic() - begin)
            number += 1
            await asyncio.sleep(max(0.0, begin + EVERY - time.monotonic()))
    return answers


def upload_of(name: str, data: bytes) -> Attack:
    """Upload a file repeatedly for so many seconds; returns what the page says about it."""

    async def attack(url: str, seconds: float) -> list[str]:
        said, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            async with Visitor(url) as visitor:
                await visitor.upload(name, data)
                said += [text for _, text in visitor.texts] or ["shown"]
        return said

    return attack


def link_of(data: bytes) -> Attack:
    """Open the most expensive link and upload a photo, repeatedly, each time with a new seed."""

    async def attack(url: str, seconds: float) -> list[str]:
        said, end, seed = [], time.monotonic() + seconds, 0
        while time.monotonic() < end:
            seed += 1
            async with Visitor(url, f"v=1&n_clusters=32&attempts=100&seed={seed}") as visitor:
                await visitor.upload("large.jpg", data)
                said += [text for _, text in visitor.texts] or ["shown"]
        return said

    return attack


def slowest_jpeg() -> bytes:
    """50 megapixels in about 100 scans, as few bytes as that takes."""
    pixels = np.random.default_rng(0).integers(0, 256, (25, 32, 3), np.uint8)
    file = io.BytesIO()
    large = Image.fromarray(pixels).resize((8000, 6250), Image.Resampling.BILINEAR)
    large.save(file, "JPEG", quality=40, progressive=True)
    data = file.getvalue()
    last = data.rindex(b"\xff\xda")
    scans = data.count(b"\xff\xda")
    return data[:-2] + data[last:-2] * (99 - scans) + data[-2:]


def empty_rows(width: int, height: int) -> bytes:
    """White, opaque RGBA of 16 bits, but for one black pixel: as PNG compresses it best."""
    row = b"\x00" + b"\xff" * (8 * width)
    return b"\x00" + bytes(6) + row[7:] + row * (height - 1)


def large_photo() -> bytes:
    (data,) = photos(1, 40.0)
    return data


ATTACKS: dict[str, Callable[[], Attack]] = {
    "nothing": lambda: upload_of("none.png", b"none"),
    "a JPEG of 10,000 scans": lambda: upload_of("scans.jpg", hostile.jpeg_scans(10_000)),
    "a PNG of 900 megapixels": lambda: upload_of(
        "pixels.png", hostile.png(30_000, 30_000, bytes(30_000 * (1 + 30_000 // 8)), 1, 0)
    ),
    "a PNG of 50 megapixels, 16 bits, alpha": lambda: upload_of(
        "largest.png", hostile.png(8_000, 6_250, empty_rows(8_000, 6_250), 16, 6)
    ),
    "100 scans of 50 megapixels": lambda: upload_of("slow.jpg", slowest_jpeg()),
    "K = 32, 100 attempts, 40 megapixels": lambda: link_of(large_photo()),
}


async def measure(
    url: str, watch: Watch, attack: Attack, files: list[bytes], seconds: float
) -> tuple[list[float], list[str]]:
    ready, until = asyncio.Barrier(WORKERS + 1), asyncio.Event()
    async with watch:
        workers = [
            asyncio.create_task(work(url, file, i * EVERY / WORKERS, ready, until))
            for i, file in enumerate(files)
        ]
        await ready.wait()
        said = await attack(url, seconds)
        until.set()
        answers = await asyncio.gather(*workers)
    return [second for some in answers for second in some], said


def report(name: str, watched: Server, attack: Attack, files: list[bytes], seconds: float) -> None:
    """Measure an attack on a running server, and print it as a row."""
    watch = Watch(watched)
    answers, said = asyncio.run(measure(watched.url, watch, attack, files, seconds))
    row(
        name,
        len(said),
        len(answers),
        f"{p95(answers):.2f}",
        f"{max(answers):.2f}",
        f"{max(size for _, size in watch.seen):.0f}",
        watched.is_same(),
    )
    print(f"It is told: {said[0]}", flush=True)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--seconds", type=float, default=30.0)
    options = arguments.parse_args()
    print(machine("streamlit"))
    files = photos(WORKERS)
    header("attack", "tries", "changes of others", "95 % s", "slowest s", "MB", "same process")
    for name, prepare in ATTACKS.items():
        attack = prepare()
        with server() as watched:
            report(name, watched, attack, files, options.seconds)


if __name__ == "__main__":
    main()
