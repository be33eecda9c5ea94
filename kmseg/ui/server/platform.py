"""Everything that kmseg relies on in Streamlit and Starlette beyond their documentation.

Each function relies on one contract, which its docstring states and tests/test_platform.py checks.
If a version breaks a contract, that test fails, and at run time only that function raises
``AttributeError``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.formparsers import MultiPartParser
from streamlit import config, file_util, runtime
from streamlit.config_option import ConfigOption
from streamlit.runtime.scriptrunner import get_script_run_ctx


def keep_uploads_in_memory() -> None:
    """Never write an upload to the temporary folder; uploads in memory are limited already.

    Contract: Starlette holds a file in memory up to ``MultiPartParser.spool_max_size`` bytes.
    """
    if not isinstance(MultiPartParser.spool_max_size, int):
        raise AttributeError("MultiPartParser.spool_max_size")
    MultiPartParser.spool_max_size = sys.maxsize


def uploads() -> dict[str, list[int]]:
    """Size in bytes of each stored upload, by session.

    Contract: ``MemoryUploadedFileManager.file_storage`` maps session to file id to a record with
    ``data``.
    """
    storage: Mapping[str, Mapping[str, Any]] = runtime.get_instance().uploaded_file_mgr.file_storage  # type: ignore[attr-defined]
    return {
        session: [len(file.data) for file in list(files.values())]
        for session, files in list(storage.items())
    }


def remove_upload(file: str) -> None:
    """Remove an upload of this run's session from the server.

    Contract: a run's context has the manager of uploads and the session's id;
    ``MemoryUploadedFileManager.remove_file`` takes the ids of session and file, and ignores unknown
    ones. A widget that still names the file leaves it out of its value from the next run on.
    """
    context = get_script_run_ctx()
    if context is not None:
        context.uploaded_file_mgr.remove_file(context.session_id, file)  # type: ignore[attr-defined]


def limit_uploads(n_bytes: int) -> None:
    """Set Streamlit's limit for one upload; a smaller limit that the operator set is kept.

    Contract: ``server.maxUploadSize`` counts units of 2**20 bytes and is looked up at each use;
    ``streamlit.config`` knows whether it was set, and can set it.
    """
    option, megabytes = "server.maxUploadSize", max(1, n_bytes // 2**20)
    if not config.is_manually_set(option) or config.get_option(option) > megabytes:
        config.set_option(option, megabytes, ConfigOption.STREAMLIT_DEFINITION)


def max_upload_bytes() -> int:
    """The largest upload that Streamlit accepts, in bytes.

    Contract: ``server.maxUploadSize`` counts units of 2**20 bytes.
    """
    return int(st.get_option("server.maxUploadSize")) * 2**20


def is_connected(session: str) -> bool:
    """Whether a session has an open connection; Streamlit accepts uploads only for such sessions.

    Contract: ``Runtime.is_active_session``.
    """
    return runtime.get_instance().is_active_session(session)


def end_expired_sessions() -> None:
    """End sessions disconnected for ``server.disconnectedSessionTTL``, and remove their uploads.

    Streamlit itself does this only when another session disconnects.

    Contract: ``Runtime._session_mgr._session_storage._cache`` is a ``cachetools.TTLCache`` of
    session infos.
    """
    sessions = runtime.get_instance()._session_mgr._session_storage._cache  # type: ignore[attr-defined]
    for _, expired in sessions.expire():
        expired.session.shutdown()


def remove_orphaned_uploads() -> None:
    """Remove uploads that were stored just after their session ended.

    Contract: ``MemoryUploadedFileManager.file_storage`` and ``remove_session_files``, and
    ``Runtime._session_mgr._session_storage.get``, which knows the disconnected sessions.
    """
    instance = runtime.get_instance()
    manager, disconnected = instance.uploaded_file_mgr, instance._session_mgr._session_storage  # type: ignore[attr-defined]
    for session in list(manager.file_storage):  # type: ignore[attr-defined]
        if not instance.is_active_session(session) and disconnected.get(session) is None:
            manager.remove_session_files(session)


def page_path() -> str:
    """The path of the page.

    Contract: Streamlit serves it at ``server.baseUrlPath``, with a slash at its end.
    """
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    return f"/{base}/" if base else "/"


def page_html() -> str:
    """The HTML that Streamlit serves as the page.

    Contract: it is ``index.html`` in the folder ``file_util.get_static_dir()``. It is in English,
    has the title "Streamlit", and an empty element "root" that Streamlit's script fills.
    """
    return Path(file_util.get_static_dir(), "index.html").read_text(encoding="utf-8")


def session_id() -> str | None:
    """The session whose script runs in this thread; None in other threads.

    Contract: ``get_script_run_ctx`` returns a context with ``session_id``, or None.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return None if context is None else context.session_id
