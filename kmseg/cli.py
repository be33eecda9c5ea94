"""The command line: a superset of the article's ``color_segmentation.py``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from kmseg.config import Config
from kmseg.errors import KmsegError
from kmseg.kmeans.engines import ENGINES
from kmseg.picture import formats
from kmseg.settings import INITS, STOPS, Settings, shown

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation

FORMATS: Final = ("jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff")


class _Parser(argparse.ArgumentParser):
    """Mistakes get one line, not a usage text."""

    def error(self, message: str) -> NoReturn:
        raise KmsegError(f"{message}; see python -m kmseg --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0, or 2 after one line on standard error.

    Ctrl-C ends it with one line, too, and the status that shells give it, 130.
    """
    try:
        _run(_parser().parse_args(arguments))
    except KmsegError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.strerror or error}: choose a folder and a name that can be written")
    except MemoryError:
        return _refuse("not enough memory for this picture; make it smaller with -w WIDTH")
    except KeyboardInterrupt:
        return _refuse("stopped by Ctrl-C", status=130)
    return 0


def _refuse(message: str, status: int = 2) -> int:
    print("kmseg:", " ".join(message.split()), file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m kmseg",
        description="Segment a picture by k-means on its colours. Without -o, --labels or --json "
        "the clusters are printed as a table.",
    )
    add = parser.add_argument
    add(
        "-i",
        "--image",
        required=True,
        metavar="FILE",
        help=f"the picture: {formats.listed()}",
    )
    add("-w", "--width", default=0, help="resize to this width first; 0 keeps the size")
    add(
        "-s",
        "--color-space",
        default="bgr",
        help="bgr, rgb, hsv, hsv-circular, lab, cielab, oklab, ycrcb (ycc) or gray",
    )
    add("-c", "--channels", default="all", help="channels to cluster, by index (02) or name (HV)")
    add("-n", "--num-clusters", default=3, help="K, 2-255 (default 3)")
    add(
        "-o",
        "--output-file",
        action="store_true",
        help="save original and gray ranks side by side under a timestamped name in this folder",
    )
    add("-f", "--output-format", default="png", help=f"format of -o: {', '.join(FORMATS)}")
    add("--attempts", default=10, help="starts, of which the best is kept, 1-100")
    add("--init", default=None, help=" or ".join(INITS))
    add(
        "--centroids",
        default="",
        metavar="COLOURS",
        help="starting colours of --init manual: #rrggbb,#rrggbb,...",
    )
    add("--seed", default=0, help="equal seeds give equal results")
    add("--engine", default="exact", help=" or ".join(ENGINES))
    add("--max-iter", default=300, help="iterations at most, 1-1000")
    add("--epsilon", default=0.01, help="the largest move of a centroid that counts as rest")
    add("--stop", default="both", help=" or ".join(STOPS))
    add("--labels", metavar="FILE.png", help="save an indexed PNG: pixel value = cluster")
    add("--json", action="store_true", help="print everything as one JSON object")
    return parser


def _run(options: argparse.Namespace) -> None:
    settings = _settings(options)
    extension = options.output_format.lower().removeprefix(".")
    if extension not in FORMATS:
        raise KmsegError(f"-f: one of {', '.join(FORMATS)}, not {options.output_format!r}")
    if options.labels and not options.labels.lower().endswith(".png"):
        raise KmsegError(f"--labels: a name that ends in .png, not {options.labels!r}")
    from kmseg.picture.image import read_image

    started = time.perf_counter()
    image = read_image(options.image, limits=Config.from_environment().limits)
    seconds = {"read": time.perf_counter() - started}
    from kmseg.segmentation import segment

    with _progress(settings) as progress:
        seg = segment(image, settings, progress=progress)
    seconds |= seg.seconds
    if options.output_file:
        tail = f"{options.color_space}_c{options.channels}n{settings.n_clusters}.{extension}"
        saved = _save_side_by_side(seg, tail, extension)
        print(saved, file=sys.stderr if options.json else sys.stdout)
    if options.labels:
        from kmseg.output.export import indexed_png

        Path(options.labels).write_bytes(indexed_png(seg.labels, seg.palette))
    if options.json:
        from kmseg.output.export import report

        print(json.dumps(report(seg) | {"seconds": seconds}, allow_nan=False))
    elif not (options.output_file or options.labels):
        print(_table(seg))


def _settings(options: argparse.Namespace) -> Settings:
    values: dict[str, Any] = {
        "color_space": options.color_space,
        "channels": options.channels,
        "n_clusters": options.num_clusters,
        "centroids": options.centroids,
        "init": options.init or ("manual" if options.centroids else "k-means++"),
    }
    values |= {
        name: getattr(options, name)
        for name in ("attempts", "max_iter", "epsilon", "stop", "seed", "engine", "width")
    }
    try:
        too_few = int(values["n_clusters"]) < 2
    except ValueError:
        too_few = False  # not a number at all: Settings says so
    if too_few:
        given = shown(values["n_clusters"])
        print(f"kmseg: -n: 2 clusters at least, not {given}; 2 are used", file=sys.stderr)
        values["n_clusters"] = 2
    return Settings(**values)


@contextmanager
def _progress(settings: Settings) -> Iterator[Callable[[int, int], None] | None]:
    """What a reference engine is at, as a line on a terminal that is gone in the end."""
    if settings.engine == "exact" or not sys.stderr.isatty():
        yield None
        return

    def show(text: str) -> None:
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def tell(done: int, attempts: int) -> None:
        show(f"kmseg: {settings.engine}, attempt {min(done + 1, attempts)} of {attempts}")

    tell(0, 1 if settings.init == "manual" else settings.attempts)
    try:
        yield tell
    finally:
        show("")


def _save_side_by_side(seg: Segmentation, tail: str, extension: str) -> Path:
    """Save the article's picture under a timestamped name, never over another file."""
    from kmseg.output.export import encode
    from kmseg.output.render import side_by_side

    content = encode(side_by_side(seg), extension)
    tail = tail.replace("/", "-").replace("\\", "-")
    while True:
        path = Path(f"{datetime.now():%Y%m%d%H%M%S}{tail}")
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            time.sleep(0.1)  # another picture took this second's name
        else:
            return path


def _table(seg: Segmentation) -> str:
    from kmseg.settings import to_hex

    names = seg.settings.coordinate_names
    lines = [
        f"{'':>4} {'colour':7} {'pixels':>10} {'share':>6}  {'  '.join(f'{n:>7}' for n in names)}"
    ]
    for number in range(seg.n_clusters):
        centroid = "  ".join(f"{value:7.2f}" for value in seg.centroids[number])
        lines.append(
            f"{number + 1:4d} {to_hex(seg.palette[number])} {seg.pixel_counts[number]:10d}"
            f" {seg.shares[number]:6.1%}  {centroid}"
        )
    return "\n".join(lines)
