"""Shared by the load scripts: a server whose memory is watched, and photos."""

from __future__ import annotations

import asyncio
import io
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import requests
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "benchmarks"), str(ROOT / "tests")]

from common import header, machine, parser, row  # noqa: E402, F401
from pages import chromium, rest, served, wait_for_server  # noqa: E402, F401

from protocol import Visitor  # noqa: E402


class Server:
    """The running page: its processes, memory and metrics."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.port = int(url.rpartition(":")[2])
        self.pid = _listener(self.port)

    def processes(self) -> list[int]:
        """The server process and its descendants."""
        found = [self.pid]
        for pid in found:
            try:
                for task in Path(f"/proc/{pid}/task").iterdir():
                    found += map(int, (task / "children").read_text().split())
            except OSError:
                continue
        return found

    def memory(self) -> float:
        """Proportional set size of all these processes, in MB."""
        total = 0
        for pid in self.processes():
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total / 1000

    def metrics(self, *, measured: bool = False) -> dict[str, float]:
        """What the page counts; if ``measured``, also what its caches reach in memory."""
        query = "?measured" if measured else ""
        text = requests.get(f"{self.url}/kmseg/metrics{query}", timeout=30).text
        lines = (line.split() for line in text.splitlines() if not line.startswith("#"))
        return {name.removeprefix("kmseg_"): float(value) for name, value in lines}

    def is_same(self) -> bool:
        """Whether the process that was started still serves."""
        return _listener(self.port) == self.pid


def _listener(port: int) -> int:
    """The process that listens on a port."""
    inodes = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        cells = line.split()
        if cells[1].endswith(f":{port:04X}") and cells[3] == "0A":
            inodes.add(f"socket:[{cells[9]}]")
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if any(str(link.readlink()) in inodes for link in (folder / "fd").iterdir()):
                return int(folder.name)
        except OSError:
            continue
    raise LookupError(f"nobody listens on port {port}")


@contextmanager
def server(checkout: Path | None = None, **environment: str) -> Iterator[Server]:
    """The page, served by a process of its own and warmed up; from another checkout if given."""
    script = "streamlit_app.py"
    if checkout is not None:
        script = str(checkout / script)
        # Otherwise Python would find the package of this checkout first.
        environment |= {"PYTHONSAFEPATH": "1", "PYTHONPATH": str(checkout)}
    with served(script, **environment) as url:
        wait_for_server(url)
        asyncio.run(_warm(url))
        time.sleep(5)  # what it loads behind the first page
        yield Server(url)


async def _warm(url: str) -> None:
    async with Visitor(url) as visitor:
        await visitor.change(5)


def photos(number: int, megapixels: float = 12.0) -> list[bytes]:
    """Different JPEGs with as many colours as photos: enlarged parts of samples with grain."""
    import kmseg

    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    size = round(1.5 * height), height
    found = []
    for seed in range(number):
        rng = np.random.default_rng(seed)
        pixels = kmseg.sample_image(("china", "flower")[seed % 2]).pixels
        top, left = rng.integers(0, 80, 2)
        part = Image.fromarray(pixels[top : top + 340, left : left + 510])
        large = np.asarray(part.resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
        grain = rng.normal(0, 1.5, (size[1] // 2, size[0] // 2, 3)).repeat(2, 0).repeat(2, 1)
        large[: grain.shape[0], : grain.shape[1]] += grain.astype(np.int16)
        file = io.BytesIO()
        Image.fromarray(large.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=88)
        found.append(file.getvalue())
    return found


def p95(seconds: Sequence[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(seconds, n=20)[18] if len(seconds) > 1 else max(seconds)


def orphans() -> int:
    """Decoding processes whose server has ended."""
    found = subprocess.run(["pgrep", "-f", "kmseg.picture.apart"], capture_output=True, text=True)
    return len(found.stdout.split())
