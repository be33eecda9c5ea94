"""The server's configuration, set by its operator."""

from __future__ import annotations

from functools import cache

from kmseg.config import Config


@cache
def current() -> Config:
    """The configuration, read from the environment at the first call.

    The server makes the first call at startup, after Streamlit has copied its secrets into the
    environment. Without a server, as in tests, the first use of a setting is the first call.

    Raises
    ------
    KmsegError
        A variable has a value that is not allowed.
    """
    return Config.from_environment()
