"""QR codes of links, drawn on request by the ``segno`` package."""

from __future__ import annotations

import asyncio
import io
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

ADDRESS: Final = "/kmseg/qr"
# Most bytes in the largest code, version 40 with error correction L (ISO/IEC 18004, table 7).
MAX_BYTES: Final = 2953
# Codes that are drawn at the same time: the largest takes 0.2 s of one core.
_MAX_DRAWING: Final = 1


@lru_cache(maxsize=256)
def svg(link: str) -> bytes:
    """A QR code as an SVG picture, black on white with the quiet zone of four modules.

    Parameters
    ----------
    link : str
        At most :data:`MAX_BYTES` bytes in UTF-8.
    """
    import segno

    buffer = io.BytesIO()
    code = segno.make_qr(link, mode="byte", encoding="utf-8", error="L")
    code.save(buffer, "svg", border=4, light="#fff", svgclass=None, omitsize=True)
    return buffer.getvalue()


@cache
def _drawing() -> asyncio.Semaphore:
    return asyncio.Semaphore(_MAX_DRAWING)


async def _serve(request: Request) -> Response:
    link = request.query_params.get("link", "")
    if not link.startswith(("http://", "https://")):
        return PlainTextResponse("link: must be a whole address, such as https://…", 400)
    if len(link.encode()) > MAX_BYTES:
        said = f"link: a QR code holds at most {MAX_BYTES:,} bytes; shorten the texts."
        return PlainTextResponse(said, 413)
    async with _drawing():
        drawn = await asyncio.to_thread(svg, link)
    headers = {"Cache-Control": "private, max-age=3600"}
    return Response(drawn, media_type="image/svg+xml", headers=headers)


# Streamlit does not put an app's own routes below `server.baseUrlPath`, so match any base path.
ROUTES: Final = [Route(f"{base}{ADDRESS}", _serve) for base in ("", "/{base:path}")]
