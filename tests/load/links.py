"""Malformed and hostile links, and files with hostile names.

    python tests/load/links.py [--links 1000] [--seen 60]

Every link is opened by a visitor without a browser: the page must answer without an error, and what
it shows must lie within its ranges. Some of them, and the file names, are opened in a real browser,
which must run no script of theirs and ask no other host.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from visits import Server, Visitor, chromium, header, machine, parser, rest, row, server

from kmseg.kmeans.engines import ENGINES
from kmseg.settings import FIELDS
from kmseg.ui.link import CHOICES
from kmseg.ui.views import VIEWS
from test_hosting import HOSTILE_NAMES, png

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = (*FIELDS, *CHOICES, "v", "frame", "levels", "focus", "merge", "embed")
VALUES = (
    "0 1 -1 3 7 31 33 1e9 1e400 nan NaN inf -inf 0x10 1_000 ٣ ½ true null {} [] % %ff + & = ; 💥",
    "rgb lab hsv cielab manual random k-means++ ff0000-00ff00 #ff0000",
    "012 9 1.2 1.2_3.4 1.1 0.0 300.301 take-away plate-74",
    "upload-00000000 upload china swipe boundaries ../../etc/passwd javascript:alert(1)",
    '<script>alert(1)</script> "><img/src=x/onerror=alert(1)> [x](javascript:alert(1))',
    "![x](http://evil.example/x.png) $\\frac{1}{0}$ \u202e",
)
TEXTS = [value for line in VALUES for value in line.split(" ")]
TEXTS += [*VIEWS, *ENGINES]
TEXTS += ["", "\x00", "\r\nSet-Cookie: a=b", "9" * 400, "a" * 10_000]
WATCH = """() => {
  window.harm = []
  for (const name of ["alert", "confirm", "prompt"]) window[name] = () => harm.push(name)
}"""


def query(rng: random.Random) -> str:
    parts = []
    for _ in range(rng.choice((1, 2, 4, 8))):
        name = rng.choice(NAMES) if rng.random() < 0.9 else rng.choice(TEXTS)
        value = rng.choice(TEXTS) if rng.random() < 0.8 else str(rng.randint(-(10**6), 10**6))
        raw = rng.random() < 0.1 and value.isascii() and value.isprintable() and " " not in value
        parts.append(f"{quote(name)}={value if raw else quote(value)}")
    return "&".join(["v=1"] * (rng.random() < 0.9) + parts)  # without it, an address is empty


async def open_all(watched: Server, queries: list[str]) -> tuple[Counter[str], list[str]]:
    found: Counter[str] = Counter()
    wrong: list[str] = []
    for text in queries:
        try:
            async with Visitor(watched.url, text) as visitor:
                kinds = {kind for kind, _ in visitor.texts}
                k = len(visitor.data.get("palette", ()))
                if "exception" in kinds or not (1 <= k <= 32 or "missing" in kinds):
                    wrong.append(f"{text[:200]}: {visitor.texts}, K = {k}")
                corrected = any("link" in said for _, said in visitor.texts)
                found["corrected, and said so" if corrected else "taken as it is"] += 1
        except Exception as error:
            wrong.append(f"{text[:200]}: {type(error).__name__} {error}")
    return found, wrong


def look(browser: Browser, url: str, queries: list[str]) -> list[str]:
    """What a browser saw and should not have: scripts, requests to other hosts, errors."""
    wrong: list[str] = []
    for text in [*queries, *(f"name {name}" for name in HOSTILE_NAMES)]:
        context = browser.new_context()
        page = context.new_page()
        page.add_init_script(f"({WATCH})()")

        def asked(request: Any, text: str = text) -> None:
            parts = urlsplit(request.url)
            if parts.scheme in ("http", "https", "ws") and parts.hostname != "127.0.0.1":
                wrong.append(f"{text[:200]}: asked {request.url[:200]}")

        def broke(error: object, text: str = text) -> None:
            wrong.append(f"{text[:200]}: {str(error)[:200]}")

        page.on("request", asked)
        page.on("pageerror", broke)
        page.goto(url if text.startswith("name ") else f"{url}/?{text}")
        page.locator(".album").wait_for(timeout=60_000)
        if text.startswith("name "):
            name = text.removeprefix("name ")
            picture: Any = {"name": name, "mimeType": "image/png", "buffer": png()}
            page.locator("input[type=file]").set_input_files(picture)
            page.wait_for_timeout(500)
        rest(page)
        if page.evaluate("harm.length") or page.locator("[data-testid=stException]").count():
            wrong.append(f"{text[:200]}: ran a script, or ended in an error")
        context.close()
    return wrong


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--links", type=int, default=1000)
    arguments.add_argument("--seen", type=int, default=60, help="of them in a browser")
    options = arguments.parse_args()
    rng = random.Random(2026)
    queries = [query(rng) for _ in range(options.links)]
    assert all(parse_qs(text, keep_blank_values=True) is not None for text in queries)
    print(machine("streamlit"))
    with server() as watched:
        found, wrong = asyncio.run(open_all(watched, queries))
        with chromium() as browser:
            seen = look(browser, watched.url, queries[: options.seen])
        header("links", "corrected", "taken", "wrong", "in a browser", "wrong there", "errors")
        row(
            len(queries),
            found["corrected, and said so"],
            found["taken as it is"],
            len(wrong),
            options.seen + len(HOSTILE_NAMES),
            len(seen),
            f"{watched.metrics()['error_total']:.0f}",
        )
    print(*wrong, *seen, sep="\n")


if __name__ == "__main__":
    main()
