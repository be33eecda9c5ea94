"""What the browser does with the page as a whole, without a message to the server."""

from __future__ import annotations

from dataclasses import dataclass

from kmseg.ui.components.component import register

_mount = register("layout")


@dataclass(frozen=True, slots=True)
class LayoutData:
    """Data sent to the component.

    Attributes
    ----------
    view : str
        Key of the open view; another one is scrolled into sight.
    picture : str
        Key of the chosen picture; another one closes the sidebar of a phone.
    """

    view: str
    picture: str


def layout(view: str, picture: str) -> None:
    """Bring a newly opened view into sight, and show whether the page is up to date.

    Parameters
    ----------
    view : str
        Key of the open view.
    picture : str
        Key of the chosen picture.
    """
    _mount(LayoutData(view, picture), key="layout")
