"""The view "Code": programs and commands that repeat the result, most of them without kmseg."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from kmseg.output import code
from kmseg.settings import Shell
from kmseg.settings.scripts import PROGRAMS
from kmseg.ui import failures, naming, store
from kmseg.ui.views.view import Option, Place, View, ViewContext, choose

if TYPE_CHECKING:
    from kmseg.segmentation import Segmentation
    from kmseg.settings import Language, Settings

# Titles of the shells in Settings.to_command_line.
_SHELLS: Final[dict[Shell, str]] = {"posix": "Linux, macOS", "cmd": "Windows"}
_COMMAND: Final = "command"

LANGUAGE: Final = Option(
    "code",
    {key: program.title for key, program in PROGRAMS.items()} | {_COMMAND: "Command line"},
)


def show(context: ViewContext) -> None:
    """Draw the choice of a language, and the program with its downloads."""
    st.caption(
        "The programs for OpenCV, scikit-learn and NumPy stand alone: they need no kmseg. The ZIP "
        "has program, notebook and picture."
    )
    chosen = choose("Language", LANGUAGE.titles, LANGUAGE.name)
    if (context.merged.untidied or context.merged).merges:
        st.caption("Merged clusters are part of the files and the link, but not of the code.")
    for language in PROGRAMS:
        if language == chosen:
            _program(context, language)
    if chosen == _COMMAND:
        _commands(context)


def _program(context: ViewContext, language: Language) -> None:
    picture, seg = context.picture, context.seg
    settings = _clipped(seg, context.merged.settings)
    width, height = store.size(picture, seg)
    # At another width, transparent pixels may have been averaged with others.
    opaque = not settings.width and seg.histogram.n_pixels == width * height
    source = naming.source_of(picture)
    script, notebook = (
        write(language, source, picture.reading, notes=picture.notes, opaque=opaque)
        for write in (settings.to_script, settings.to_notebook)
    )
    name = naming.file_name_of(picture)
    archive = partial(store.code_archive, picture, settings, language, name)
    files = (
        ("Program (.py)", "py", "text/x-python", script.encode()),
        ("Notebook (.ipynb)", "ipynb", "application/x-ipynb+json", notebook.encode()),
        ("All with the picture (ZIP)", "zip", "application/zip", archive),
    )
    with st.grid("auto", min_column_width=220, gap="small"):
        for title, extension, mime, data in files:
            st.download_button(
                title,
                failures.in_download(data, title) if callable(data) else data,
                code.file_name(name, language, extension),
                mime,
                on_click="ignore",
                key=f"code {extension}",
                width="stretch",
                icon=":material/folder_zip:" if extension == "zip" else None,
            )
    st.code(script, language="python", wrap_lines=True)


def _clipped(seg: Segmentation, settings: Settings) -> Settings:
    """The settings with the K that was found, unless that is 1; other programs do not clip it."""
    found = max(seg.n_clusters, 2)
    return replace(settings, n_clusters=found, centroids=settings.centroids[:found])


def _commands(context: ViewContext) -> None:
    st.markdown("Run it in a clone of the repository.")
    source = naming.source_of(context.picture)
    for shell, tab in zip(_SHELLS, st.tabs(list(_SHELLS.values())), strict=True):
        command = context.merged.settings.to_command_line(source, shell, context.picture.reading)
        tab.code(command, language="bash" if shell == "posix" else None, wrap_lines=True)


VIEW: Final = View(key="code", title="Code", place=Place.DOWNLOAD, show=show, options=(LANGUAGE,))
