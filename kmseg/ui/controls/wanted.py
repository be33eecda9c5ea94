"""The settings of the controls."""

from __future__ import annotations

from kmseg.settings import Settings
from kmseg.ui import store
from kmseg.ui.controls import starts
from kmseg.ui.session import session


def settings(picture: store.Picture) -> Settings:
    """The settings of the controls, even before this run has drawn them.

    Raises
    ------
    KmsegError
        The initial starting colours of a manual start cannot be computed.
    """
    starts.fill(picture)
    return session.settings()
