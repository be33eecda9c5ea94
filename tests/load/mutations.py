"""What damaged files do to the workers that read pictures.

    python tests/load/mutations.py [--files 2000] [--seed 0] [--seconds 900]

Good files of every format are damaged in their headers, colour profiles, AVIF boxes or TIFF tags,
and read in workers, two at a time, with chosen frames and levels among the ways of reading. The
last lines say what came of them. Exit status 1: an exception that is no refusal, a worker that used
up its time, or more memory than a worker may have.
"""

from __future__ import annotations

import argparse
import collections
import struct
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from PIL import Image  # noqa: E402

import deepfiles  # noqa: E402
import hostile  # noqa: E402
import icc  # noqa: E402
from kmseg.errors import ImageError, ReadTimeoutError  # noqa: E402
from kmseg.picture import apart  # noqa: E402
from kmseg.picture.reading import Levels, Reading  # noqa: E402

SECONDS = 10.0
MEMORY = 3 << 30
LEVELS: list[Levels] = ["auto", "auto", "stored", (10, 500)]
INTERESTING = [0, 1, 2, 7, 8, 16, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 2**31 - 1]

Random = np.random.Generator
Mutation = Callable[[bytearray, Random], None]


def good_files() -> dict[str, bytes]:
    """A file of each kind, of some kilobytes."""
    saved, picture = hostile.saved, hostile.picture(160, 120)
    frames = [picture.rotate(angle) for angle in (90, 180)]
    profile = icc.rgb(icc.ADOBE_RGB, 2.2)
    alpha = picture.convert("RGBA")
    alpha.putalpha(Image.linear_gradient("L").resize((160, 120)))
    gray = np.linspace(150, 420, 19200, dtype=np.float32).reshape(120, 160)
    exif = Image.Exif()
    exif[274] = 6
    return {
        "JPEG": saved(picture, "JPEG", icc_profile=profile, exif=exif),
        "JPEG, progressive CMYK": saved(picture.convert("CMYK"), "JPEG", progressive=True),
        "PNG": saved(alpha, "PNG", icc_profile=profile),
        "PNG, 16 bits": deepfiles.png(deepfiles.words(3)),
        "PNG, animated": saved(picture, "PNG", save_all=True, append_images=frames),
        "TIFF, 16 bits": saved(Image.fromarray(gray.astype(np.uint16)), "TIFF"),
        "TIFF, float": saved(Image.fromarray(gray), "TIFF", compression="tiff_lzw"),
        "TIFF, RGB 16 bits": deepfiles.tiff(deepfiles.words(3), compression=8),
        "TIFF, pages": saved(picture, "TIFF", save_all=True, append_images=frames,
                             compression="tiff_adobe_deflate", icc_profile=profile),
        "TIFF, CMYK": saved(picture.convert("CMYK"), "TIFF", compression="packbits"),
        "AVIF": saved(picture, "AVIF", icc_profile=profile, exif=exif),
        "AVIF, alpha": saved(alpha, "AVIF", speed=9),
        "WebP": saved(alpha, "WEBP", icc_profile=profile),
        "WebP, animated": saved(picture, "WEBP", save_all=True, append_images=frames),
        "GIF": saved(picture, "GIF", save_all=True, append_images=frames),
        "BMP": saved(picture, "BMP"),
    }  # fmt: skip


# -- damage ----------------------------------------------------------------------------------------


def _span(data: bytearray, name: str) -> tuple[int, int]:
    """The bytes to damage: a part of a file, as far as it has one."""
    size = len(data)
    if name == "profile":
        start = data.find(b"acsp") - 36
        return (start, min(size, start + 700)) if start > 0 else (0, min(size, 300))
    if name == "tags" and bytes(data[:2]) in (b"II", b"MM"):
        (start,) = struct.unpack_from("<I" if data[:2] == b"II" else ">I", data, 4)
        return min(start, size - 2), min(size, start + 400)
    if name == "boxes" and data[4:8] == b"ftyp":
        return 0, min(size, data.find(b"mdat") + 4 or 400)
    if name == "body":
        return size // 3, size
    return 0, min(size, 200)


def _overwrite(data: bytearray, start: int, end: int, random: Random) -> None:
    order, width = random.choice(["<", ">"]), int(random.choice([1, 2, 4]))
    at = int(random.integers(start, max(start + 1, end - width)))
    value = (
        int(random.choice(INTERESTING)) if random.random() < 0.6 else int(random.integers(2**32))
    )
    code = {1: "B", 2: "H", 4: "I"}[width]
    new = struct.pack(order + code, value % (1 << 8 * width))
    data[at : at + width] = new


def _nudge(data: bytearray, start: int, end: int, random: Random) -> None:
    at = int(random.integers(start, end))
    data[at] = (data[at] + int(random.choice([-1, 1, 16, 128]))) % 256


def _move(data: bytearray, start: int, end: int, random: Random) -> None:
    """Copy bytes to another place: over what is there, or in between."""
    at, to = (int(random.integers(start, end)) for _ in range(2))
    part = data[at : at + int(random.choice([1, 4, 12, 40]))]
    data[to : to + (len(part) if random.random() < 0.5 else 0)] = part


def _cut(data: bytearray, start: int, end: int, random: Random) -> None:
    at = int(random.integers(start, end))
    if random.random() < 0.3:
        del data[at:]
    else:
        del data[at : at + int(random.choice([1, 2, 8, 60]))]


def damaged(good: bytes, random: Random) -> tuple[str, bytes]:
    """Where a file was damaged, and the file."""
    where = str(random.choice(["header", "profile", "tags", "boxes", "body"]))
    data = bytearray(good)
    for _ in range(int(random.choice([1, 1, 2, 4, 12]))):
        start, end = _span(data, where)
        change = [_overwrite, _overwrite, _nudge, _nudge, _move, _cut][int(random.integers(6))]
        if end - start > 4:
            change(data, start, end, random)
    return where, bytes(data)


# -- reading ---------------------------------------------------------------------------------------


@dataclass
class Outcomes:
    """What came of the files."""

    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    bad: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    memory: int = 0  # most kB that one worker had
    done: threading.Event = field(default_factory=threading.Event)

    def read(self, name: str, data: bytes, reading: Reading) -> None:
        """Read a file in a worker and note what comes of it."""
        begin, outcome = time.monotonic(), "read"
        try:
            apart.read_image_apart(data, reading=reading, seconds=SECONDS, memory=MEMORY)
        except ReadTimeoutError:
            took = time.monotonic() - begin
            outcome = "gave up: time" if took > SECONDS - 1 else "gave up: the worker died"
        except ImageError as error:
            outcome = "nonsense" if "could not be read within" in str(error) else "refused"
        except BaseException as error:
            outcome = f"crash: {type(error).__name__}"
        took = time.monotonic() - begin
        self.counts[outcome] += 1
        self.slowest = max(self.slowest, (took, f"{name}, {outcome}"))
        if outcome not in ("read", "refused"):
            self.bad.append(f"{name}: {outcome} after {took:.2f} s")

    def watch(self) -> None:
        """Look at the memory of all workers again and again."""
        while not self.done.wait(0.01):
            keeper = apart.get_ready().process.pid
            with suppress(OSError):
                for pid in Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split():
                    with suppress(OSError):
                        status = Path(f"/proc/{pid}/status").read_text()
                        (line,) = [line for line in status.splitlines() if "VmHWM" in line] or [
                            "0 0"
                        ]
                        self.memory = max(self.memory, int(line.split()[1]))


def main() -> int:
    """Read the files and print what came of them; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=900, help="no further files after so long")
    options = parser.parse_args()
    good, outcomes = list(good_files().items()), Outcomes()
    for name, data in good:
        apart.read_image_apart(data)  # they are good
        assert data, name
    end = time.monotonic() + options.seconds
    watcher = threading.Thread(target=outcomes.watch)
    watcher.start()

    def read(number: int) -> None:
        if time.monotonic() > end:
            outcomes.counts["left out for lack of time"] += 1
            return
        random = np.random.default_rng((options.seed, number))
        name, data = good[number % len(good)]
        where, data = damaged(data, random)
        has_frames = "pages" in name or "animated" in name or name == "GIF"
        frame = int(random.integers(3)) if has_frames else 0
        reading = Reading(frame, LEVELS[int(random.integers(len(LEVELS)))])
        outcomes.read(f"file {number} ({name}, {where})", data, reading)

    begin = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(read, range(options.files)))
    outcomes.done.set()
    watcher.join()
    print(*outcomes.bad, sep="\n")
    print(f"{options.files} files in {time.monotonic() - begin:.0f} s: {dict(outcomes.counts)}")
    print(f"slowest: {outcomes.slowest[0]:.2f} s, {outcomes.slowest[1]}")
    print(f"most memory of a worker: {outcomes.memory / 1024:.0f} MB of {MEMORY >> 20}")
    failed = any(kind.startswith(("crash", "gave up: time")) for kind in outcomes.counts)
    return int(failed or outcomes.memory * 1024 > MEMORY)


if __name__ == "__main__":
    raise SystemExit(main())
