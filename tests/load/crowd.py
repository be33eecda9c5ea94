"""Many visitors at once, each with a photo of his own: answers, errors and memory.

    python tests/load/crowd.py [--sessions 50] [--over 10] [--changes 5] [--every 8] [--idle 300]

Sessions arrive evenly over some seconds, upload a 12-megapixel photo and change K every few
seconds; an answer has come when the new labels are at the visitor's. Memory is the proportional set
size of the server and all that it started, looked at twice a second.

    python tests/load/crowd.py --sessions 10 --changes 200 --every 9 --idle 0

is a soak of half an hour.
"""

from __future__ import annotations

import asyncio
import statistics
import time

import numpy as np
from visits import Server, Visitor, header, machine, orphans, p95, parser, photos, row, server

# Changes until each K that is asked for has been there, and is kept.
PERIOD = 36


class Watch:
    """Memory over time, while a crowd is there."""

    def __init__(self, watched: Server) -> None:
        self.server = watched
        self.seen: list[tuple[float, float]] = []

    async def __aenter__(self) -> Watch:
        self.task = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()

    async def _look(self) -> None:
        while True:
            self.seen.append((time.monotonic(), await asyncio.to_thread(self.server.memory)))
            await asyncio.sleep(0.5)

    def slope(self, warm_up: float) -> tuple[float, float]:
        """MB an hour after so many seconds, and its standard error.

        Least squares through the least of each minute: what is freed is given back every 20 s. The
        memory is quiet only if nothing else runs that shares the interpreter's pages.
        """
        times, sizes = np.array(self.seen).T
        working = (times > times[0] + warm_up) & (times < times[-1] - 60)  # in the end they leave
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
    url: str, photo: bytes, delay: float, changes: int, every: float, errors: list[str]
) -> tuple[float, list[float]]:
    """Seconds of the upload and of each change."""
    await asyncio.sleep(delay)
    answers = []
    try:
        async with Visitor(url) as visitor:
            begin = time.perf_counter()
            await visitor.upload("photo.jpg", photo)
            arrived = time.perf_counter() - begin
            assert not visitor.texts, visitor.texts
            due = time.monotonic()
            for number in range(changes):
                due += every
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                answers.append(await visitor.change(5 + number % 12 + number % PERIOD // 12))
            assert not visitor.texts, visitor.texts
    except Exception as error:
        errors.append(f"{type(error).__name__}: {error}"[:300])
        return float("nan"), answers
    return arrived, answers


async def crowd(
    watched: Server, sessions: int, over: float, changes: int, every: float, files: list[bytes]
) -> tuple[Watch, list[float], list[float], list[str]]:
    """Memory, seconds of uploads and of changes, errors."""
    errors: list[str] = []
    async with Watch(watched) as watch:
        visits = [
            session(watched.url, files[i % len(files)], i * over / sessions, changes, every, errors)
            for i in range(sessions)
        ]
        done = await asyncio.gather(*visits)
    uploads = [upload for upload, _ in done]
    return watch, uploads, [seconds for _, answers in done for seconds in answers], errors


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--sessions", type=int, default=50)
    arguments.add_argument("--over", type=float, default=10.0, help="seconds of arrival")
    arguments.add_argument("--changes", type=int, default=5)
    arguments.add_argument("--every", type=float, default=8.0, help="seconds between changes")
    arguments.add_argument("--idle", type=float, default=300.0, help="seconds to wait afterwards")
    options = arguments.parse_args()
    print(machine("streamlit"))
    files = photos(min(options.sessions, 50))
    with server() as watched:
        before = watched.memory()
        watch, uploads, answers, errors = asyncio.run(
            crowd(watched, options.sessions, options.over, options.changes, options.every, files)
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
            f"{statistics.median(uploads):.1f}",
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
        print(watched.metrics())
    print(f"{orphans()} decoding processes are left.")


if __name__ == "__main__":
    main()
