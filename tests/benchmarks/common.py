"""What the benchmarks share: the clock, the machine, the photos, and inertia by one function."""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import kmseg  # noqa: E402  # it lies in ROOT

T = TypeVar("T")
Floats = NDArray[np.float64]

ATTEMPTS = 10


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the script's docstring."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def timed(function: Callable[..., T], *arguments: Any, **options: Any) -> tuple[float, T]:
    """Seconds, and what the function returned."""
    start = time.perf_counter()
    result = function(*arguments, **options)
    return time.perf_counter() - start, result


def exact_settings(n_clusters: int, seed: int = 0, **stop: Any) -> kmseg.Settings:
    """The exact engine on RGB, with as many attempts as its peers have."""
    return kmseg.Settings(
        color_space="rgb", n_clusters=n_clusters, attempts=ATTEMPTS, seed=seed, **stop
    )


def inertia(histogram: kmseg.ColorHistogram, centroids: NDArray[Any]) -> float:
    """The plain sum over all pixels, colour by colour; it shares no code with any engine."""
    total = 0.0
    for chunk in np.array_split(np.arange(histogram.n_colors), histogram.n_colors // 20_000 + 1):
        colors = histogram.colors[chunk].astype(np.float64)
        distances = ((colors[:, None] - centroids[None]) ** 2).sum(axis=2).min(axis=1)
        total += float(distances @ histogram.counts[chunk])
    return total


def machine(*packages: str) -> str:
    """One line on where and with what it was measured, and how busy the machine was."""
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {_cpu()}, {os.cpu_count()} cores, "
        f"load {busy:.1f} before; {platform.system()}; Python {platform.python_version()}, "
        + ", ".join(f"{name} {installed(name)}" for name in ("numpy", "numba", *packages))
    )


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*: (.*)", info.read_text()) if info.exists() else []
    return models[0] if models else platform.processor() or platform.machine()


def installed(package: str) -> str:
    """The version of a package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def row(*cells: object) -> None:
    """A line of a Markdown table, at once."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def header(*cells: str, numbers_from: int = 1) -> None:
    """The first two lines of a Markdown table; numbers stand on the right."""
    print()
    row(*cells)
    row(*("---" if column < numbers_from else "---:" for column in range(len(cells))))
