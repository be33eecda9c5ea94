"""The button "Share": the link to what is on the page, its QR code, and the form for lessons."""

from __future__ import annotations

from dataclasses import dataclass

from kmseg.settings import LINK_VERSION
from kmseg.ui.components.component import register
from kmseg.ui.handout import HIDEABLE, LIMITS, Handout
from kmseg.ui.shortening import DEFAULTS

_mount = register("share")


@dataclass(frozen=True, slots=True)
class ShareData:
    """Data sent to the button.

    Attributes
    ----------
    query : dict of str to str
        Query parameters of the link, without defaults and those that the browser adds.
    defaults : dict of str to str
        What missing parameters mean.
    is_own : bool
        Whether the picture is the visitor's own, so that the link does not contain it.
    qr : str
        Address of QR codes below the server's root.
    handout : dict of str to str
        Texts and hidden controls of the lesson on the page, by their names in the link.
    limits : dict of str to int
        Most characters of each text.
    hideable : dict of str to str
        Titles of the controls that a lesson may hide, by their names in the link.
    """

    query: dict[str, str]
    defaults: dict[str, str]
    is_own: bool
    qr: str
    handout: dict[str, str]
    limits: dict[str, int]
    hideable: dict[str, str]


def share(query: dict[str, str], is_own: bool, handout: Handout, qr: str) -> None:
    """Show the button.

    Parameters
    ----------
    query : dict of str to str
        Query parameters of the link, without those that the browser adds.
    is_own : bool
        Whether the picture is the visitor's own.
    handout : Handout
        The lesson on the page.
    qr : str
        Address of QR codes below the server's root.
    """
    titles = {name: part.title for name, part in HIDEABLE.items()}
    defaults, texts = DEFAULTS[LINK_VERSION], handout.to_query()
    _mount(ShareData(query, defaults, is_own, qr, texts, LIMITS, titles), key="share")
