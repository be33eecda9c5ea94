"""The operator's settings that this server runs with."""

from __future__ import annotations

from functools import cache

from kmseg.config import Config


@cache
def current() -> Config:
    """The settings, read from the environment at the first call.

    The server makes that call when it begins to serve: by then Streamlit has put its secrets into
    the environment. Without a server, as in tests, the first use of a setting makes it.

    Raises
    ------
    KmsegError
        A variable has a value that is not allowed.
    """
    return Config.from_environment()
