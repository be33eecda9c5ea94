"""Cards of links, asked for all at once while visitors work.

    python tests/load/cards.py [--cards 50] [--sessions 10] [--changes 8] [--every 2]
        [--megapixels 12]

Visitors upload a photo each and change K every few seconds. Once all have begun, different cards
are asked for within one second; then the same ones again, which the server has cached. Times are
those until a card is here.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import requests
from crowd import session
from visits import header, machine, p95, parser, photos, row, server


def fetch(address: str) -> tuple[float, int]:
    """Seconds until a card is here, and its status."""
    begin = time.perf_counter()
    answer = requests.get(address, timeout=120)
    assert answer.status_code != 200 or answer.content[:3] == b"\xff\xd8\xff"
    return time.perf_counter() - begin, answer.status_code


async def burst(addresses: list[str]) -> list[tuple[float, int]]:
    """Ask for cards, evenly over one second."""
    loop = asyncio.get_running_loop()

    async def one(number: int, address: str) -> tuple[float, int]:
        await asyncio.sleep(number / len(addresses))
        return await loop.run_in_executor(pool, fetch, address)

    with ThreadPoolExecutor(len(addresses)) as pool:
        return await asyncio.gather(*(one(i, address) for i, address in enumerate(addresses)))


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--cards", type=int, default=50)
    arguments.add_argument("--sessions", type=int, default=10)
    arguments.add_argument("--changes", type=int, default=8)
    arguments.add_argument("--every", type=float, default=2.0, help="seconds between changes")
    arguments.add_argument("--megapixels", type=float, default=12.0)
    options = arguments.parse_args()
    print(machine("streamlit"))
    files = photos(options.sessions, options.megapixels)
    errors: list[str] = []

    async def story(url: str) -> None:
        links = [
            f"v=1&picture={picture}&color_space={space}&n_clusters={k}&seed={seed}"
            for seed in range(1 + options.cards // 40)
            for picture in ("flower", "china")
            for space in ("cielab", "rgb", "oklab", "hsv")
            for k in (3, 5, 6, 8, 12)
        ]
        addresses = [f"{url}/kmseg/card?{link}" for link in links[: options.cards]]
        visits = [
            asyncio.create_task(
                session(url, files[i:], i * 0.5, options.changes, options.every, 0, errors)
            )
            for i in range(options.sessions)
        ]
        await asyncio.sleep(options.sessions * 0.5 + 2 * options.every)
        first = await burst(addresses)
        again = await burst(addresses)
        answers = [seconds for _, each in await asyncio.gather(*visits) for seconds in each]
        header("", "number", "median s", "95 % s", "slowest s", "refused", numbers_from=1)
        for name, found in (("cards", first), ("again", again)):
            times = sorted(seconds for seconds, _ in found)
            refused = sum(status != 200 for _, status in found)
            middle = f"{times[len(times) // 2]:.2f}"
            row(name, len(times), middle, f"{p95(times):.2f}", f"{times[-1]:.2f}", refused)
        times = sorted(answers)
        middle = f"{times[len(times) // 2]:.2f}"
        row(
            "changes of K", len(times), middle, f"{p95(times):.2f}", f"{times[-1]:.2f}", len(errors)
        )

    with server() as watched:
        asyncio.run(story(watched.url))
        print(f"{watched.memory():.0f} MB")
    for error in errors[:5]:
        print(error)


if __name__ == "__main__":
    main()
