"""A button that copies the link to the segmentation on the page."""

from __future__ import annotations

from dataclasses import dataclass

from kmseg.ui.components.component import register

_mount = register("copy_link")


@dataclass(frozen=True, slots=True)
class CopyLinkData:
    """Data sent to the button.

    Attributes
    ----------
    query : dict of str to str
        Query parameters of the link, without those that the browser adds.
    """

    query: dict[str, str]


def copy_link(query: dict[str, str]) -> None:
    """Show the button."""
    _mount(CopyLinkData(query), key="copy_link")
