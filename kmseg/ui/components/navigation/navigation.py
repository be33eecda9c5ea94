"""What the browser does when another view or picture is chosen: scroll, close, mark as busy."""

from __future__ import annotations

from dataclasses import dataclass

from kmseg.ui.components.component import register

_mount = register("navigation")


@dataclass(frozen=True, slots=True)
class NavigationData:
    """Data sent to the component.

    Attributes
    ----------
    view : str
        Key of the open view; a change scrolls the view into the window.
    picture : str
        Key of the chosen picture; a change closes the sidebar on phones.
    lesson : str
        Position in the lessons; a change scrolls to the top, where its card is.
    """

    view: str
    picture: str
    lesson: str


def navigation(view: str, picture: str, lesson: str) -> None:
    """Scroll a newly opened view into the window, and mark the page while it is out of date.

    Parameters
    ----------
    view : str
        Key of the open view.
    picture : str
        Key of the chosen picture.
    lesson : str
        Position in the lessons; may be empty.
    """
    _mount(NavigationData(view, picture, lesson), key="navigation")
