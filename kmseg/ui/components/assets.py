"""Where the page's files come from: the components' own scripts and styles, Plotly, pictures."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from importlib.resources import files

from streamlit import runtime


@lru_cache
def asset(name: str, package: str = __package__) -> str:
    """Read a script or style that lies beside this module, or in another package.

    Parameters
    ----------
    name
        File name, such as ``"cloud.js"``.
    package
        Where it lies.

    Returns
    -------
    str
        Its text; read once per process.
    """
    return files(package).joinpath(name).read_text(encoding="utf-8")


def media_url(data: bytes, mimetype: str, key: str) -> str:
    """Hand bytes to Streamlit's file server and return the address they are served at.

    Call it in every script run that uses the address: Streamlit drops the files that the last run
    did not ask for. The address depends on the content alone, so equal bytes are sent once.

    Parameters
    ----------
    data
        Content of the file.
    mimetype
        Its type, such as ``"image/png"``; a browser is told exactly this.
    key
        Names the place on the page; a new file under the same key replaces the old one.

    Returns
    -------
    str
        Address to use in ``src`` or ``fetch``; a ``data:`` address where there is no server.
    """
    # Streamlit names a file above 1 MiB after samples of its bytes, so two pictures of equal length
    # that differ elsewhere would share an address. The file's name counts too: make it a digest.
    name = hashlib.blake2b(data, digest_size=16).hexdigest() if len(data) > 1 << 20 else None
    return _serve(data, mimetype, key, name)


def data_url(data: bytes, mimetype: str) -> str:
    """Return an address that holds the bytes themselves, for small files."""
    return f"data:{mimetype};base64,{base64.b64encode(data).decode()}"


# Two ways of getting the 4.8 MB of plotly.min.js into the page were measured in Chromium on a
# machine with 2 cores (medians of 8 visits and of 24 reruns by a slider):
#
#                              first visit   rerun    websocket, each rerun   script run
#   Streamlit's file server    4.2 s         0.14 s   2 KB                    2 ms
#   inside the component's js  4.4 s         0.42 s   4.9 MB                  48 ms
#
# The file server compresses it to 1.5 MB (0.27 s in a thread of its own); handing it over already
# compressed, to be unpacked by the page, was no quicker (4.1 s), so the plain script won.
def plotly_url() -> str:
    """Return the address of the ``plotly.min.js`` that comes with the plotly package.

    Call it in every script run, like :func:`media_url`.

    Returns
    -------
    str
        Address to use as the ``src`` of a script.
    """
    return _serve(_plotly_source(), "text/javascript", "plotly", None)


@lru_cache
def _plotly_source() -> bytes:
    return files("plotly").joinpath("package_data/plotly.min.js").read_bytes()


def _serve(data: bytes, mimetype: str, key: str, name: str | None) -> str:
    if not runtime.exists():
        return data_url(data, mimetype)
    return runtime.get_instance().media_file_mgr.add(data, mimetype, f"kmseg.{key}", name)
