"""The undocumented parts of Streamlit and Starlette that kmseg relies on, contract by contract."""

from __future__ import annotations

import copy
import logging
from collections.abc import AsyncIterator
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser
from streamlit import config
from streamlit.runtime import Runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import ScriptRunContext
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from kmseg.ui import store
from kmseg.ui.server import gates, hosting, platform
from protocol import visit


class Session:
    """An expired session."""

    def __init__(self, name: str) -> None:
        self.id, self.ended = name, False

    def shutdown(self) -> None:
        self.ended = True


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A runtime of real parts, without a server."""
    storage = MemorySessionStorage(ttl_seconds=0)
    instance = SimpleNamespace(
        uploaded_file_mgr=MemoryUploadedFileManager("/upload"),
        _session_mgr=SimpleNamespace(_session_storage=storage),
        is_active_session=lambda session: session == "active",
    )
    monkeypatch.setattr(platform.runtime, "get_instance", lambda: instance)
    return instance


def test_starlette_keeps_an_upload_in_memory_as_it_is_told() -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n'
    body += bytes(3_000_000) + b"\r\n--x--\r\n"

    async def stream() -> AsyncIterator[bytes]:
        yield body

    async def parsed() -> Any:
        headers = Headers({"content-type": "multipart/form-data; boundary=x"})
        return await MultiPartParser(headers, stream()).parse()  # type: ignore[arg-type]

    platform.keep_uploads_in_memory()
    file = visit(parsed())["a"].file
    assert not file._rolled  # the temporary folder has nothing of it


def test_streamlit_stores_uploads_by_session(instance: Any) -> None:
    record = UploadedFileRec(file_id="1", name="a.png", type="image/png", data=b"12345")
    instance.uploaded_file_mgr.add_file("one", record)
    assert platform.uploads() == {"one": [5]}


def test_an_upload_is_removed_by_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"session_id", "uploaded_file_mgr"} <= {f.name for f in fields(ScriptRunContext)}
    manager = MemoryUploadedFileManager("/upload")
    for session in ("one", "other"):
        for file in ("1", "2"):
            record = UploadedFileRec(file_id=file, name="a.png", type="image/png", data=b"12345")
            manager.add_file(session, record)
    context = SimpleNamespace(session_id="one", uploaded_file_mgr=manager)
    monkeypatch.setattr(platform, "get_script_run_ctx", lambda: context)
    platform.remove_upload("1")
    platform.remove_upload("unknown")
    kept = {session: sorted(files) for session, files in manager.file_storage.items()}
    assert kept == {"one": ["2"], "other": ["1", "2"]}


def test_streamlit_knows_which_sessions_are_connected(instance: Any) -> None:
    assert callable(Runtime.is_active_session)
    assert platform.is_connected("active") and not platform.is_connected("other")


def test_streamlit_counts_the_largest_upload_in_units_of_two_to_the_twenty() -> None:
    assert platform.max_upload_bytes() % 2**20 == 0


def test_streamlit_keeps_disconnected_sessions_for_a_time(instance: Any) -> None:
    session = Session("one")
    instance._session_mgr._session_storage.save(SimpleNamespace(session=session))
    platform.end_expired_sessions()
    assert session.ended


def test_uploads_of_sessions_that_have_ended_are_removed(instance: Any) -> None:
    record = UploadedFileRec(file_id="1", name="a.png", type="image/png", data=b"12345")
    for session in ("active", "ended"):
        instance.uploaded_file_mgr.add_file(session, record)
    platform.remove_orphaned_uploads()
    assert list(platform.uploads()) == ["active"]


def test_no_session_outside_a_run_of_the_page() -> None:
    assert platform.session_id() is None
    gates.stop_if_cancelled()


def test_a_broken_contract_stopped_all_housekeeping(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    taken = []
    broken = SimpleNamespace(uploaded_file_mgr=SimpleNamespace())
    monkeypatch.setattr(platform.runtime, "get_instance", lambda: broken)
    monkeypatch.setattr(store, "drop_idle", lambda: taken.append("idle"))
    monkeypatch.setattr(hosting, "_broken", set())
    with caplog.at_level(logging.INFO, "kmseg"):
        hosting.tidy()
        hosting.tidy()
    assert taken == ["idle", "idle"]
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2  # one for each contract, once
    assert "platform contract of end_expired_sessions broken" in lines[0]
    assert all(record.exc_info is None for record in caplog.records)


@pytest.mark.parametrize(
    ("set_to", "follows"), [(None, 120), (20, 20), (500, 120)], ids=["unset", "lower", "higher"]
)
def test_the_largest_upload_follows_the_largest_file(
    monkeypatch: pytest.MonkeyPatch, set_to: int | None, follows: int
) -> None:
    option = config.get_config_options()["server.maxUploadSize"]
    monkeypatch.setattr(config, "_config_options", {**config.get_config_options()})
    monkeypatch.setitem(config._config_options, option.key, copy.copy(option))
    if set_to is not None:
        config.set_option("server.maxUploadSize", set_to)
    platform.limit_uploads(120 * 2**20)
    assert platform.max_upload_bytes() == follows * 2**20
