"""Uploads beyond the quotas, and visitors who leave without removing theirs.

    python tests/load/quota.py [--uploads 200] [--cycles 100]

First 200 files of 10 MB go into one session; then visitors come, upload a 12-megapixel photo and
leave, and nobody comes after them. Memory is the proportional set size of the server and all that
it started.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import numpy as np
from visits import Server, Visitor, header, machine, parser, photos, row, server

SIZE = 10_000_000
SESSION_TTL = 120.0  # seconds, server.disconnectedSessionTTL
MINUTE = 60.0


async def flood(watched: Server, uploads: int) -> tuple[Counter[str], float]:
    """The outcome of each upload, and the peak memory meanwhile."""
    data = np.random.default_rng(0).bytes(SIZE)
    said: Counter[str] = Counter()
    greatest = 0.0
    async with Visitor(watched.url) as visitor:
        for number in range(uploads):
            answer = await visitor.put(f"{number}.bin", data)
            said[str(answer.status_code)] += 1
            greatest = max(greatest, watched.memory())
    return said, greatest


async def come_and_go(watched: Server, cycles: int, files: list[bytes]) -> None:
    for number in range(cycles):
        async with Visitor(watched.url) as visitor:
            await visitor.upload("photo.jpg", files[number % len(files)])
            assert not visitor.texts, visitor.texts


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--uploads", type=int, default=200)
    arguments.add_argument("--cycles", type=int, default=100)
    options = arguments.parse_args()
    print(machine("streamlit"))
    header("what", "answers", "over quota", "MB before", "greatest", "after", "rise")
    with server() as watched:
        before = watched.memory()
        said, greatest = asyncio.run(flood(watched, options.uploads))
        row(
            f"{options.uploads} uploads of 10 MB into one session",
            dict(said),
            f"{watched.metrics()['upload_over_quota_total']:.0f}",
            f"{before:.0f}",
            f"{greatest:.0f}",
            f"{watched.memory():.0f}",
            f"{greatest - before:.0f}",
        )
    files = photos(10)
    with server() as watched:
        before = watched.memory()
        asyncio.run(come_and_go(watched, options.cycles, files))
        left = watched.memory()
        time.sleep(SESSION_TTL + MINUTE)
        row(
            f"{options.cycles} times upload and leave",
            "–",
            "–",
            f"{before:.0f}",
            f"{left:.0f}",
            f"{watched.memory():.0f}",
            f"{watched.memory() - before:.0f}",
        )


if __name__ == "__main__":
    main()
