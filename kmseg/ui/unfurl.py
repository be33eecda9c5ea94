"""What other sites show of a link: tags in the page's head, and a card with both pictures.

Tags are those of the Open Graph protocol (ogp.me) and of X. They and the card contain only our own
words and validated values: no text of a lesson that is in the link, and nothing of an upload.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kmseg.color import COLOR_SPACES
from kmseg.errors import BusyError
from kmseg.kmeans.engines import DEFAULT_ENGINE
from kmseg.output import captions
from kmseg.output.card import HEIGHT, TYPE, WIDTH
from kmseg.samples import SAMPLES
from kmseg.settings import Settings
from kmseg.ui import link, presets, store
from kmseg.ui.groups import parse_groups, spelled
from kmseg.ui.lessons import Position
from kmseg.ui.pins import parse_pins
from kmseg.ui.records import Groups
from kmseg.ui.server import front, platform
from kmseg.ui.shortening import shortened

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Scope

_ADDRESS: Final = "kmseg/card"
# Longer queries are treated as empty.
_MAX_QUERY: Final = 8000
_MAX_PARAMETERS: Final = 100
# Increase this when cards are drawn differently.
_VERSION: Final = "1"
# Cards that are made at the same time, in a thread, and requests that may be under way. With two at
# a time, visitors wait longer and cards come no sooner.
_MAX_MAKING: Final = 1
_MAX_WAITING: Final = 100
_MAX_ATTEMPTS: Final = presets.MAX_SLOW_ATTEMPTS
_RETRY_AFTER: Final = "5"  # seconds
_HOST: Final = re.compile(
    r"([a-z0-9-]+(\.[a-z0-9-]+)*\.?|\[[0-9a-f:.]+\])(:\d{1,5})?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Card:
    """What a card shows: a sample at its own width, clustered by the exact engine.

    Attributes
    ----------
    picture : str
        Key of the sample.
    settings : Settings
    merges : tuple of tuple of int
    """

    picture: str
    settings: Settings
    merges: Groups = ()

    @classmethod
    def of(cls, shown: link.Link) -> Card:
        """The card of a link to a sample."""
        settings = replace(
            shown.settings,
            width=0,
            engine=DEFAULT_ENGINE,
            attempts=min(shown.settings.attempts, _MAX_ATTEMPTS),
        )
        return cls(shown.choices["picture"], settings, parse_groups(shown.choices["merge"]))

    @property
    def title(self) -> str:
        """Such as "Dahlia, CIELAB, K = 6"."""
        return f"{SAMPLES[self.picture].title}, {_space_and_k(self.settings)}"

    @property
    def caption(self) -> str:
        """The settings."""
        return captions.short(self.settings, self.settings.n_clusters)

    def to_query(self) -> dict[str, str]:
        """The query of the card's address."""
        given = {"picture": self.picture, "merge": spelled(self.merges)}
        return shortened(self.settings.to_query() | given)


@dataclass(frozen=True, slots=True)
class Summary:
    """What other sites show of a link.

    Attributes
    ----------
    card : Card
    title, description : str
    query : dict of str to str or None
        The link's query; None if it has what must not be shown.
    """

    card: Card
    title: str = front.TITLE
    description: str = front.DESCRIPTION
    query: dict[str, str] | None = field(default_factory=dict)


@cache
def default() -> Summary:
    """The summary of the page without a link."""
    return Summary(Card.of(link.parse({})))


@lru_cache(maxsize=256)
def summary(query: str) -> Summary:
    """What other sites show of a link with this query; if it is not valid, of the page."""
    if len(query) > _MAX_QUERY:
        return default()
    try:
        values = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS))
    except ValueError:  # too many parameters
        return default()
    position = Position.parse(values.get("lesson", ""))
    if "v" not in values:
        if position is None:
            return default()
        values = position.query
    shown = link.parse(values)
    if shown.corrections:
        return default()
    if shown.choices["picture"] not in SAMPLES:
        return Summary(
            default().card,
            f"kmseg: {_space_and_k(shown.settings)}",
            f"Settings for a picture of your own. {_in_words(shown.settings)}.",
            None,
        )
    card = Card.of(shown)
    browser = {name: shown.choices[name] for name in link.IN_BROWSER}
    full = None if shown.handout.has_text else shortened(shown.to_query() | browser)
    if position is not None:
        lesson = position.lesson
        said = f"A lesson of {lesson.minutes} minutes. {lesson.summary}"
        return Summary(card, f"kmseg: {lesson.title}", said, full)
    said = f"{SAMPLES[card.picture].title} and its segmentation. {_in_words(shown.settings)}"
    if n_pins := len(parse_pins(shown.choices["pins"])):
        said += f", and {n_pins} pinned for comparison"
    return Summary(card, f"kmseg: {card.title}", f"{said}.", full)


def _space_and_k(settings: Settings) -> str:
    space = COLOR_SPACES[settings.color_space]
    chosen = settings.channel_names
    channels = f" ({', '.join(chosen)})" if len(chosen) < len(space.channels) else ""
    return f"{space.title}{channels}, K = {settings.n_clusters}"


def _in_words(settings: Settings) -> str:
    return captions.short(settings, settings.n_clusters)


# -- tags ------------------------------------------------------------------------------------------


def tags(scope: Scope) -> str:
    """The tags of a request for the page, as HTML."""
    shown = summary(scope["query_string"].decode("latin-1"))
    page, card = _address(scope), shown.card
    query = {} if card == default().card else card.to_query()
    properties = {
        "og:type": "website",
        "og:site_name": "kmseg",
        "og:title": shown.title,
        "og:description": shown.description,
    }
    if page and shown.query is not None:
        properties["og:url"] = _with_query(page, shown.query)
    if page:
        properties |= {
            "og:image": _with_query(f"{page}{_ADDRESS}", query),
            "og:image:type": TYPE,
            "og:image:width": str(WIDTH),
            "og:image:height": str(HEIGHT),
            "og:image:alt": f"{SAMPLES[card.picture].title}, and the picture in "
            f"{card.settings.n_clusters} colours.",
        }
    lines = [
        f'<meta property="{name}" content="{escape(value)}">' for name, value in properties.items()
    ]
    return "\n".join([*lines, '<meta name="twitter:card" content="summary_large_image">', ""])


def _address(scope: Scope) -> str:
    """The page's absolute address as the visitor has it; "" if the request's host is not valid."""
    headers = Headers(scope=scope)

    def forwarded(name: str) -> str:
        return headers.get(f"x-forwarded-{name}", "").partition(",")[0].strip()

    host = forwarded("host") or headers.get("host", "")
    if len(host) > 255 or not _HOST.fullmatch(host):
        return ""
    scheme = forwarded("proto").lower()
    if scheme not in ("http", "https"):
        scheme = "https" if scope.get("scheme") == "https" else "http"
    return f"{scheme}://{host}{platform.page_path()}"


def _with_query(address: str, query: dict[str, str]) -> str:
    return f"{address}?{urlencode(query)}" if query else address


# -- the card --------------------------------------------------------------------------------------


class _Queue:
    """Requests that wait while other cards are made."""

    def __init__(self) -> None:
        self._making = asyncio.Semaphore(_MAX_MAKING)
        self._n_waiting = 0

    async def make(self, card: Card) -> bytes:
        """Make a card in a thread; raises ``BusyError``."""
        if self._n_waiting >= _MAX_WAITING:
            raise BusyError("This server is busy. Try again in a moment.")
        self._n_waiting += 1
        try:
            async with self._making:
                return await asyncio.to_thread(
                    store.card, card.picture, card.settings, card.merges, card.title, card.caption
                )
        finally:
            self._n_waiting -= 1


_queue: Final = cache(_Queue)


async def _serve(request: Request) -> Response:
    card = summary(request.url.query).card
    digest = hashlib.blake2b(repr((_VERSION, card)).encode(), digest_size=12).hexdigest()
    headers = {"Cache-Control": "public, max-age=86400", "ETag": f'"{digest}"'}
    known = request.headers.get("if-none-match", "")
    if headers["ETag"] in re.split(r"\s*,\s*", known.replace("W/", "")):
        return Response(status_code=304, headers=headers)
    try:
        content = await _queue().make(card)
    except BusyError as error:
        return PlainTextResponse(str(error), 503, {"Retry-After": _RETRY_AFTER})
    return Response(content, media_type=TYPE, headers=headers)


# Streamlit does not put an app's own routes below `server.baseUrlPath`, so match any base path.
ROUTES: Final = [Route(f"{base}/{_ADDRESS}", _serve) for base in ("", "/{base:path}")]
