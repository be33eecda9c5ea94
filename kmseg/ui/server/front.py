"""The page's HTML: Streamlit's own, with a placeholder that is shown until its scripts have loaded.

It also gets a title, a description, tags that describe the link to other sites, and a notice for
when the connection to the server is lost (``front.js``). The scripts have 3 MB.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from kmseg.ui.server import configuration, platform

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

TITLE: Final = "kmseg: k-means on your picture"
DESCRIPTION: Final = (
    "Drop in a photo, choose a colour space and K, and see the picture, its clusters and its "
    "colours as k-means sees them."
)


class Front:
    """ASGI middleware that answers requests for the page itself; others go on to Streamlit.

    Parameters
    ----------
    app : ASGI application
    preload : str
        Address of a script that every visit needs, relative to the page's; may be empty.
    describe : callable
        ``describe(scope)`` returns the tags, as HTML, that describe the request's link.
    """

    def __init__(
        self, app: ASGIApp, preload: str = "", describe: Callable[[Scope], str] = lambda scope: ""
    ) -> None:
        self.app = app
        self._preload = preload
        self._describe = describe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        is_page = (
            scope["type"] == "http"
            and scope["method"] in ("GET", "HEAD")
            and scope["path"] == platform.page_path()
        )
        answer = self._answer(scope) if is_page else self.app
        await answer(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        content, tag = page(self._preload, self._describe(scope))
        headers = {"Cache-Control": "no-cache", "ETag": tag}
        if ancestors := configuration.current().frame_ancestors:
            headers["Content-Security-Policy"] = f"frame-ancestors {ancestors}"
        known = dict(scope["headers"]).get(b"if-none-match", b"").decode("latin-1")
        if tag in re.split(r"\s*,\s*", known):
            return Response(status_code=304, headers=headers)
        return Response(content, media_type="text/html", headers=headers)


@lru_cache(maxsize=64)
def page(preload: str = "", tags: str = "") -> tuple[bytes, str]:
    """The page's HTML and its entity tag, which is weak because a proxy may compress the page.

    Streamlit's styles come first: ``fonts.js`` changes them before the browser requests their
    fonts, which are half as large as all scripts together.
    """
    html = platform.page_html()
    stylesheets = re.findall(r"[ \t]*<link rel=\"stylesheet\"[^>]*>\n?", html)
    for stylesheet in stylesheets:
        html = html.replace(stylesheet, "")
    html = re.sub(r'(<link\s+)(rel="preload"[^>]*as="font")', r"\1data-\2", html)
    head = (
        f'<title>{TITLE}</title>\n<meta name="description" content="{DESCRIPTION}">\n{tags}'
        + (f'<link rel="modulepreload" href="./{preload}">\n' if preload else "")
        + f"<style>\n{_asset('front.css')}</style>\n"
        + "".join(f"<script>\n{_asset(name)}</script>\n" for name in ("front.js", "fonts.js"))
    )
    for old, new in (
        ("<head>", "<head>\n" + "".join(stylesheets)),
        ('<html lang="en">', '<html lang="en-GB">'),
        ("<title>Streamlit</title>", head),
        ('<div id="root"></div>', _asset("front.html")),
    ):
        html = html.replace(old, new, 1)
    no_script = "<noscript><p>This page needs JavaScript.</p></noscript>"
    html = re.sub(r"<noscript>.*?</noscript>", no_script, html, flags=re.DOTALL)
    content = html.encode()
    return content, f'W/"{hashlib.blake2b(content, digest_size=8).hexdigest()}"'


def _asset(name: str) -> str:
    return files("kmseg.ui.server").joinpath(name).read_text(encoding="utf-8")
