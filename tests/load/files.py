"""A folder of files, good and bad, sent to the running page one after the other.

    python tests/load/files.py FOLDER

Each is read here first, apart, for what should become of it: the page must show a picture of the
same size, or refuse it in the same words; its process must stay the same, and another session is
asked for a change all the while.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from visits import Server, Visitor, header, machine, p95, parser, row, server

import kmseg
from kmseg.picture.apart import read_image_apart


def expected(data: bytes) -> tuple[int, int] | str:
    """Width and height, or why it is refused."""
    try:
        image = read_image_apart(data)
    except kmseg.KmsegError as error:
        return str(error)
    return image.width, image.height


async def bystander(url: str, done: asyncio.Event) -> list[float]:
    answers = []
    async with Visitor(url) as visitor:
        while not done.is_set():
            answers.append(await visitor.change(5 + len(answers) % 25))
            await asyncio.sleep(0.3)
    return answers


async def send_all(watched: Server, paths: list[Path]) -> tuple[dict[str, int], list[str], float]:
    done = asyncio.Event()
    other = asyncio.create_task(bystander(watched.url, done))
    counts = {"shown": 0, "refused": 0}
    wrong = []
    for path in paths:
        data = path.read_bytes()
        wanted = await asyncio.to_thread(expected, data)
        async with Visitor(watched.url) as visitor:
            await visitor.upload(path.name, data)
            texts = [text for kind, text in visitor.texts if kind == "error"]
            if isinstance(wanted, str):
                counts["refused"] += 1
                # One sentence or two, the file's name before it.
                if not (len(texts) == 1 and texts[0].endswith(wanted)):
                    wrong.append(f"{path.name}: {texts}, not {wanted!r}")
            else:
                counts["shown"] += 1
                if texts or tuple(visitor.data["full"]) != wanted:
                    wrong.append(f"{path.name}: {texts} {visitor.data.get('full')}, not {wanted}")
        if not watched.is_same():
            wrong.append(f"{path.name}: the server is another process")
            break
    done.set()
    return counts, wrong, p95(await other)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("folder", type=Path)
    options = arguments.parse_args()
    print(machine("streamlit"))
    paths = sorted(path for path in options.folder.rglob("*") if path.is_file())
    with server() as watched:
        counts, wrong, others = asyncio.run(send_all(watched, paths))
        header(
            "files", "shown", "refused", "wrong", "other session, 95 % s", "errors", "same process"
        )
        row(
            len(paths),
            counts["shown"],
            counts["refused"],
            len(wrong),
            f"{others:.2f}",
            f"{watched.metrics()['error_total']:.0f}",
            watched.is_same(),
        )
    print(*wrong, sep="\n")


if __name__ == "__main__":
    main()
