"""One strip of thumbnails: the visitor's uploads and the samples.

The browser keeps a copy of the uploads, and restores them if the server's session lacks them: after
a reload, a dropped connection or a restart of the server.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    pictures, samples, failing : list of AlbumPicture
        The visitor's uploads, oldest first; the samples; and those on which k-means fails.
    why : str
        Why k-means fails on the chosen picture, or does well; or "".
    chosen : str
        Key of the picture that is shown; empty if none is.
    session : str
        Identifier of the server's session; a new session has no files of an earlier one.
    files : dict of str to str
        Key of the picture in each of the session's uploaded files, by the file's id.
    expected : list of str
        Keys of uploads that the browser is about to restore, as far as the server knows.
    refused : list of Refusal
        Files that were refused.
    wanted : str
        The link's name of the requested picture if it is missing, such as ``"upload-1a2b3c4d"``;
        otherwise empty.
    missing : str
        Message shown if the wanted picture is found neither on the server nor in the browser.
    kept : str
        Note on supported formats and on where uploads are kept.
    max_bytes : int
        The largest file that is accepted.
    extensions : sequence of str
        Extensions of files that a phone's file dialog offers beside its pictures, without dots.
    """

    pictures: list[AlbumPicture]
    samples: list[AlbumPicture]
    failing: list[AlbumPicture]
    why: str
    chosen: str
    session: str
    files: dict[str, str]
    expected: list[str]
    refused: list[Refusal]
    wanted: str
    missing: str
    kept: str
    max_bytes: int
    extensions: Sequence[str]


def album(data: AlbumData, **callbacks: Callable[[], None]) -> None:
    """Show the strip.

    Parameters
    ----------
    data : AlbumData
    **callbacks
        ``on_picked_change``: the event is the key of the chosen picture.
        ``on_removed_change``: keys of uploads to remove.
        ``on_returning_change``: keys of uploads that the browser is about to restore.
        ``on_dismissed_change``: ids of refused files that the visitor dismissed.
        ``on_forgotten_change``: all uploads are to be removed.
        ``on_again_change``: only requests a script run, to open a file again or after the
        connection was lost.
    """
    _mount(data, key=Key.ALBUM, **callbacks)
