"""Many visitors at once, each with a photo of their own: answers, errors and memory.

    python tests/load/crowd.py [--sessions 50] [--over 10] [--changes 5] [--every 8] [--idle 300]
        [--uploads 0] [--checkout FOLDER]

Sessions arrive evenly over some seconds, upload a 12-megapixel photo and change K every few
seconds; with --uploads N they also upload another photo in place of the last one after each N
changes. After an upload they fetch what a browser does: original, labels and, behind them, the
exact pixels, with which it needs no labels of a new K. An answer has come with the centroids.
Memory is the proportional set size of the server and its descendants, sampled twice a second.
Through the run, what the caches count and what they reach in memory is printed once a minute.

    python tests/load/crowd.py --sessions 10 --changes 200 --every 9 --idle 0

is a soak of half an hour.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path

import numpy as np
from visits import Server, Visitor, header, machine, orphans, p95, parser, photos, row, server

# Changes until every K that a visitor asks for has been computed once.
PERIOD = 36


class Watch:
    """Memory over time, while a crowd is there.

    Parameters
    ----------
    watched : Server
    every : float
        Seconds between two lines of what the caches count and reach; 0 prints none.
    """

    def __init__(self, watched: Server, every: float = 0.0) -> None:
        self.server, self.every = watched, every
        self.seen: list[tuple[float, float]] = []

    async def __aenter__(self) -> Watch:
        self.task = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()

    async def _look(self) -> None:
        due = time.monotonic() + self.every
        while True:
            if self.every and time.monotonic() >= due:
                due += self.every
                await asyncio.to_thread(self._print)
            self.seen.append((time.monotonic(), await asyncio.to_thread(self.server.memory)))
            await asyncio.sleep(0.5)

    def _print(self) -> None:
        found = self.server.metrics(measured=True)
        parts = [
            f"{name}: counted {found[f'{name}_bytes'] / 1e6:.1f} MB, reached "
            f"{found.get(f'{name}_reachable_bytes', float('nan')) / 1e6:.1f} MB"
            for name in ("pixel", "result")
        ]
        print(f"{'; '.join(parts)}; PSS {self.server.memory():.0f} MB", flush=True)

    def slope(self, warm_up: float) -> tuple[float, float]:
        """Slope of PSS after so many seconds, in MB an hour, and its standard error.

        Least squares through the minimum of each minute: freed memory is returned to the system
        every 20 s. Other processes that share the interpreter's pages disturb the measurement.
        """
        times, sizes = np.array(self.seen).T
        # Visitors leave in the last minute.
        working = (times > times[0] + warm_up) & (times < times[-1] - 60)
        times, sizes = times[working], sizes[working]
        if not len(times):
            return float("nan"), float("nan")
        minutes = ((times - times[0]) // 60).astype(int)
        least = np.array([sizes[minutes == minute].min() for minute in np.unique(minutes)])
        hours = np.unique(minutes) / 60
        if len(least) < 3:
            return float("nan"), float("nan")
        line = np.polyfit(hours, least, 1)
        rest = least - np.polyval(line, hours)
        spread = ((hours - hours.mean()) ** 2).sum()
        return float(line[0]), float(((rest**2).sum() / (len(least) - 2) / spread) ** 0.5)


async def session(
    url: str,
    files: list[bytes],
    delay: float,
    changes: int,
    every: float,
    uploads: int,
    errors: list[str],
) -> tuple[float, list[float]]:
    """Seconds of the upload and of each change."""
    await asyncio.sleep(delay)
    answers = []
    try:
        async with Visitor(url) as visitor:
            begin = time.perf_counter()
            await visitor.upload("photo.jpg", files[0])
            arrived = time.perf_counter() - begin
            assert not visitor.texts, visitor.texts
            due = time.monotonic()
            await visitor.look()
            for number in range(changes):
                due += every
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                if uploads and number and number % uploads == 0:
                    await replace(visitor, files[number // uploads % len(files)])
                answers.append(await visitor.change(5 + number % 12 + number % PERIOD // 12))
            assert not visitor.texts, visitor.texts
    except Exception as error:
        errors.append(f"{type(error).__name__}: {error}"[:300])
        return float("nan"), answers
    return arrived, answers


async def replace(visitor: Visitor, photo: bytes) -> None:
    """Take the present photo off the list and the server, and upload another one."""
    before = visitor.urls[0].delete_url
    visitor.take_off()
    await asyncio.to_thread(visitor.delete, before)
    await visitor.upload("photo.jpg", photo)
    await visitor.look()


async def crowd(
    watched: Server,
    sessions: int,
    over: float,
    changes: int,
    every: float,
    uploads: int,
    files: list[bytes],
) -> tuple[Watch, list[float], list[float], list[str]]:
    """Memory, seconds of uploads and of changes, errors."""
    errors: list[str] = []
    async with Watch(watched, every=60.0) as watch:
        visits = [
            session(
                watched.url,
                files[i % len(files) :] + files[: i % len(files)],
                i * over / sessions,
                changes,
                every,
                uploads,
                errors,
            )
            for i in range(sessions)
        ]
        done = await asyncio.gather(*visits)
    arrivals = [arrival for arrival, _ in done]
    return watch, arrivals, [seconds for _, answers in done for seconds in answers], errors


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--sessions", type=int, default=50)
    arguments.add_argument("--over", type=float, default=10.0, help="seconds of arrival")
    arguments.add_argument("--changes", type=int, default=5)
    arguments.add_argument("--every", type=float, default=8.0, help="seconds between changes")
    arguments.add_argument("--idle", type=float, default=300.0, help="seconds to wait afterwards")
    arguments.add_argument("--uploads", type=int, default=0, help="changes between new photos")
    arguments.add_argument("--checkout", type=Path, help="another version of kmseg to load")
    options = arguments.parse_args()
    print(machine("streamlit"))
    files = photos(min(options.sessions, 50))
    with server(options.checkout) as watched:
        before = watched.memory()
        watch, arrivals, answers, errors = asyncio.run(
            crowd(
                watched,
                options.sessions,
                options.over,
                options.changes,
                options.every,
                options.uploads,
                files,
            )
        )
        left = watched.memory()
        time.sleep(options.idle)
        after = watched.memory()
        header(
            "sessions",
            "upload s, median",
            "changes",
            "median s",
            "95 % s",
            "slowest s",
            "errors",
            "MB before",
            "greatest",
            "when they left",
            "after",
            "MB an hour",
            "same process",
            numbers_from=0,
        )
        row(
            options.sessions,
            f"{statistics.median(arrivals):.1f}",
            len(answers),
            f"{statistics.median(answers):.2f}",
            f"{p95(answers):.2f}",
            f"{max(answers):.2f}",
            len(errors),
            f"{before:.0f}",
            f"{max(size for _, size in watch.seen):.0f}",
            f"{left:.0f}",
            f"{after:.0f}",
            "{:+.0f} ± {:.0f}".format(*watch.slope(options.over + PERIOD * options.every)),
            watched.is_same(),
        )
        for error in errors[:5]:
            print(error)
        print(watched.metrics(measured=True))
    print(f"{orphans()} decoding processes are left.")


if __name__ == "__main__":
    main()
