"""Visitors who tidy photos and list their objects: answers, errors and memory.

    python tests/load/tidying.py [--sessions 10] [--over 10] [--changes 10] [--every 8] [--idle 60]
        [--checkout FOLDER]

Sessions arrive evenly over some seconds, in the view *Objects*, upload a 12-megapixel photo and set
another smallest region every few seconds. An answer has come when the labels, the columns of the
objects and the picture of their numbers have. Memory is measured as by ``crowd.py``.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from pathlib import Path
from typing import Any

from crowd import Watch
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.WidgetStates_pb2 import WidgetState
from visits import Visitor, header, machine, orphans, p95, parser, photos, row, server

from protocol import TIMEOUT

QUERY = "v=1&picture=upload&color_space=cielab&n_clusters=6&view=regions&smallest_region=50"
OBJECTS = "kmseg_objects"


class Tidier(Visitor):
    """A visitor of the view *Objects*."""

    @property
    def objects(self) -> dict[str, Any]:
        """The data that the list of objects was sent."""
        found: dict[str, Any] = json.loads(self.json[OBJECTS])
        return found

    async def arrive(self, name: str, photo: bytes) -> float:
        """Upload a photo; seconds until its objects are listed."""
        begin = time.perf_counter()
        await self.upload(name, photo)
        await self.look()
        await self.list_objects()
        return time.perf_counter() - begin

    async def tidy(self, smallest: int) -> float:
        """Set another smallest region, in pixels; seconds until its objects are listed."""
        number = self.objects["answers"] + 1
        action = {"what": "tidy", "smallest": str(smallest), "holes": [], "final": True}
        state = WidgetState(id=_make_trigger_id(self.mounted[OBJECTS], "events"))
        state.json_trigger_value = json.dumps(
            [{"event": "actions", "value": [action | {"number": number}]}]
        )
        before, begin, finished = self.labels, time.perf_counter(), False
        await self.send(state)
        self.texts = []
        async with asyncio.timeout(TIMEOUT):
            while self.objects["answers"] < number and not finished:
                finished = await self._receive()
            if self.labels == before:
                raise AssertionError(f"no other labels: {self.texts}")
            await self.fetch(self.labels)
            await self.list_objects()
            seconds = time.perf_counter() - begin
            while not finished:
                finished = await self._receive()
        return seconds

    async def list_objects(self) -> None:
        """Fetch what the list shows."""
        objects = self.objects
        if objects["refused"]:
            raise AssertionError(objects["refused"])
        for name in ("table", "numbers"):
            await self.fetch(objects[name])


async def session(
    url: str, photo: bytes, delay: float, changes: int, every: float, errors: list[str]
) -> tuple[float, list[float]]:
    """Seconds of the arrival and of each change."""
    await asyncio.sleep(delay)
    arrived, answers = float("nan"), []
    try:
        async with Tidier(url, QUERY) as visitor:
            arrived = await visitor.arrive("photo.jpg", photo)
            due = time.monotonic()
            for number in range(changes):
                due += every
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                answers.append(await visitor.tidy(60 + 10 * number))
                assert not visitor.texts, visitor.texts
    except Exception as error:
        errors.append(f"{type(error).__name__}: {error}"[:300])
    return arrived, answers


async def crowd(
    url: str, files: list[bytes], options: Any
) -> tuple[list[float], list[float], list[str]]:
    """Seconds of arrivals and of changes, errors."""
    errors: list[str] = []
    visits = [
        session(url, photo, i * options.over / len(files), options.changes, options.every, errors)
        for i, photo in enumerate(files)
    ]
    done = await asyncio.gather(*visits)
    return [arrival for arrival, _ in done], [s for _, answers in done for s in answers], errors


async def watched(found: Any, files: list[bytes], options: Any) -> tuple[Watch, Any]:
    """What :func:`crowd` gives, with the memory meanwhile."""
    async with Watch(found, every=60.0) as watch:
        return watch, await crowd(found.url, files, options)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--sessions", type=int, default=10)
    arguments.add_argument("--over", type=float, default=10.0, help="seconds of arrival")
    arguments.add_argument("--changes", type=int, default=10)
    arguments.add_argument("--every", type=float, default=8.0, help="seconds between changes")
    arguments.add_argument("--idle", type=float, default=60.0, help="seconds to wait afterwards")
    arguments.add_argument("--checkout", type=Path, help="another version of kmseg to load")
    options = arguments.parse_args()
    print(machine("streamlit"))
    files = photos(options.sessions)
    with server(options.checkout) as found:
        before = found.memory()
        watch, (arrivals, answers, errors) = asyncio.run(watched(found, files, options))
        time.sleep(options.idle)
        header(
            "sessions",
            "arrival s, median",
            "slowest s",
            "changes",
            "median s",
            "95 % s",
            "slowest s",
            "errors",
            "MB before",
            "greatest",
            "after",
            "same process",
            numbers_from=0,
        )
        row(
            options.sessions,
            f"{statistics.median(arrivals):.1f}",
            f"{max(arrivals):.1f}",
            len(answers),
            f"{statistics.median(answers):.2f}",
            f"{p95(answers):.2f}",
            f"{max(answers):.2f}",
            len(errors),
            f"{before:.0f}",
            f"{max(size for _, size in watch.seen):.0f}",
            f"{found.memory():.0f}",
            found.is_same(),
        )
        for error in errors[:5]:
            print(error)
        print(found.metrics(measured=True))
    print(f"{orphans()} decoding processes are left.")


if __name__ == "__main__":
    main()
