"""The page as one HTML file, which works without a server and without any request.

This package imports no Streamlit, so the command line may use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kmseg.output.export import Context, Download, Group

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation

# The longest side of the picture in the file, in pixels: the default, and the least and greatest.
# Browsers need four canvases of this size.
SIDE: Final = 2048
SIDES: Final = (64, 8192)


def page(side: int = SIDE, *, link: str = "", source: str = "PICTURE") -> Download:
    """The download of a segmentation as one HTML file.

    It contains the original, reduced and without metadata, the labels, the table of clusters, the
    colour cloud and the settings in words.

    Parameters
    ----------
    side : int
        The longest side of the picture in the file, in pixels, within `SIDES`. A smaller picture
        keeps its size.
    link : str
        Address of the page with these settings.
    source : str
        Without a link, the file has the command that repeats the segmentation: the picture's name
        there.
    """

    def make(seg: Segmentation, context: Context) -> bytes:
        from kmseg.ui.offline.document import document  # it reads the components' files

        return document(seg, context.picture, side, link, source)

    return Download(
        "page",
        "Page that works offline (HTML)",
        "text/html",
        "_page.html",
        make,
        Group.PAGE,
        in_archive=False,
    )
