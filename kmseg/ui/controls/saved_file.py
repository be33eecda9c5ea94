"""Opens a saved ``settings.json``: the page is then as it was."""

from __future__ import annotations

import streamlit as st

from kmseg import saved
from kmseg.errors import KmsegError
from kmseg.samples import SAMPLES
from kmseg.ui import failures, link
from kmseg.ui.groups import spelled
from kmseg.ui.picture_names import picture_name
from kmseg.ui.session import Key, session
from kmseg.ui.shortening import MAX_CODEBOOK
from kmseg.ui.views.pictures import BY


def draw() -> None:
    """Draw the field for the file."""
    st.file_uploader(
        "Open saved settings",
        ["json"],
        key=Key.SETTINGS_FILE,
        on_change=failures.in_callback(_open, "Saved settings"),
        help="A settings.json of Download sets every control as it was, and the picture if it was "
        "a sample.",
    )


def _open() -> None:
    file = session.uploaded(Key.SETTINGS_FILE)
    if file is None:
        return
    found = saved.read_settings(file.getvalue())
    kept = {}
    if found.carried:
        kept = {"view": "pictures", BY.name: "file", "codebook": saved.packed(found.codebook)}
        kept |= {"merge": "", "focus": ""}
        if len(kept["codebook"]) > MAX_CODEBOOK:
            raise KmsegError(
                "These clusters were carried over from another picture, and are too many for a "
                "link: open the file in Compare, Pictures, Kept clusters."
            )
    picture = found.picture if found.picture in SAMPLES else picture_name(session.picture)
    link.open_query(
        found.settings.to_query()
        | found.reading.to_query()
        | {
            "picture": picture,
            "view": session.view,
            "merge": spelled(found.merges),
            "focus": spelled((found.focus,)) if found.focus else "",
        }
        | kept
    )
