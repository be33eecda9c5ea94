"""One strip of thumbnails: the visitor's own pictures and the samples.

The browser keeps a copy of the visitor's pictures, and sends them again where the server's session
lacks them: after a reload, a dropped connection or a restart of the server.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kmseg.ui.components.component import register
from kmseg.ui.records import Refusal
from kmseg.ui.session import Key

_mount = register("album")


@dataclass(frozen=True, slots=True)
class AlbumPicture:
    """A picture of the strip.

    Attributes
    ----------
    key, name : str
    image : str
        Address of its thumbnail.
    """

    key: str
    name: str
    image: str


@dataclass(frozen=True, slots=True)
class AlbumData:
    """Data sent to the strip.

    Attributes
    ----------
    pictures, samples : list of AlbumPicture
        The visitor's, in the order in which they came, and everybody's.
    chosen : str
        Key of the picture that is shown; empty if none is.
    session : str
        Identifies the server's session: another one has none of the earlier one's files.
    files : dict of str to str
        Key of the picture in each uploaded file that the session has, by the file's id.
    refused : list of Refusal
        Files that were refused.
    wanted : str
        The link's name of the picture that should be shown and is not there, such as
        ``"upload-1a2b3c4d"``; empty if it is there.
    missing : str
        Message shown if the wanted picture is found neither on the server nor in the browser.
    kept : str
        What is kept of a visitor's pictures, and which formats are read.
    max_bytes : int
        The largest file that is accepted.
    """

    pictures: list[AlbumPicture]
    samples: list[AlbumPicture]
    chosen: str
    session: str
    files: dict[str, str]
    refused: list[Refusal]
    wanted: str
    missing: str
    kept: str
    max_bytes: int


def album(data: AlbumData, **callbacks: Callable[[], None]) -> None:
    """Show the strip.

    Parameters
    ----------
    data : AlbumData
    **callbacks
        ``on_picked_change``: the event is the key of a picture.
        ``on_removed_change``: the keys of the visitor's pictures that are to be removed.
        ``on_returning_change``: the keys of pictures that the browser is about to send again.
        ``on_dismissed_change``: ids of refused files that need not be shown any more.
        ``on_forgotten_change``: all of the visitor's pictures are to be removed.
        ``on_again_change``: nothing but another run is wanted, to open a file again or because the
        connection was lost.
    """
    _mount(data, key=Key.ALBUM, **callbacks)
