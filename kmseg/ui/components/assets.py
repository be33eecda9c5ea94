"""Text of the components' files, and addresses of files that the page fetches."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from importlib.resources import files


@lru_cache
def asset(name: str) -> str:
    """Read a text file of this folder, once per process.

    Parameters
    ----------
    name : str
        Path below this folder, such as ``"cloud/cloud.css"``.

    Returns
    -------
    str
    """
    return files("kmseg.ui.components").joinpath(name).read_text(encoding="utf-8")


def style_sheet(component: str) -> str:
    """Join the style sheets in a component's folder, in the order of their names."""
    found = files("kmseg.ui.components").joinpath(component).iterdir()
    names = sorted(file.name for file in found if file.name.endswith(".css"))
    return "\n".join(asset(f"{component}/{name}") for name in names)


def media_url(data: bytes, mimetype: str, key: str) -> str:
    """Pass bytes to Streamlit's file server and return their address.

    Call it in every script run that uses the address: Streamlit drops files that the last run did
    not register. The address depends only on the content, so equal bytes are sent once.

    Parameters
    ----------
    data : bytes
        Content of the file.
    mimetype : str
        Its media type, such as ``"image/png"``, which the server sends unchanged.
    key : str
        Name of the file's position on the page; a new file with the same key replaces the old one.

    Returns
    -------
    str
        Address below the server's root; a ``data:`` address if there is no server.
    """
    # Streamlit derives the address of a file above 1 MiB from samples of its bytes and from the
    # file's name. A digest as the name gives different files different addresses.
    name = hashlib.blake2b(data, digest_size=16).hexdigest() if len(data) > 1 << 20 else None
    return _serve(data, mimetype, key, name)


def data_url(data: bytes, mimetype: str) -> str:
    """Return the bytes of a small file as a ``data:`` address."""
    return f"data:{mimetype};base64,{base64.b64encode(data).decode()}"


# Two ways of loading the 4.8 MB of plotly.min.js, measured in Chromium on a machine with 2 cores
# (medians of 8 visits and of 24 reruns by a slider):
#
#                              first visit   rerun    websocket, each rerun   script run
#   Streamlit's file server    4.2 s         0.14 s   2 KB                    2 ms
#   inside the component's js  4.4 s         0.42 s   4.9 MB                  48 ms
#
# The file server compresses it to 1.5 MB, in 0.27 s in a separate thread. Precompressing it and
# decompressing it in the page was not faster (4.1 s).
def plotly_url() -> str:
    """Return the address of the ``plotly.min.js`` that the plotly package contains.

    Call it in every script run, like :func:`media_url`.

    Returns
    -------
    str
        Address to use as the ``src`` of a script.
    """
    return _serve(plotly_source(), "text/javascript", "plotly", None)


@lru_cache
def plotly_source() -> bytes:
    """Read the ``plotly.min.js`` that the plotly package contains."""
    return files("plotly").joinpath("package_data/plotly.min.js").read_bytes()


def _serve(data: bytes, mimetype: str, key: str, name: str | None) -> str:
    from streamlit import runtime

    if not runtime.exists():
        return data_url(data, mimetype)
    return runtime.get_instance().media_file_mgr.add(data, mimetype, f"kmseg.{key}", name)
