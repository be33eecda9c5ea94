"""A visitor without a browser: one session of the page, by Streamlit's own protocol.

It uses a WebSocket for the page, and HTTP for uploads and for the pictures on the page. It keeps
little, so that many visitors fit beside the server on one machine.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from urllib3 import Retry
from websockets.asyncio.client import ClientConnection, connect

T = TypeVar("T")

UPLOAD_LABEL = "Your own pictures"
TIMEOUT = 120.0  # seconds


class Visitor:
    """One session of the page."""

    def __init__(self, url: str, query: str = "") -> None:
        self.url, self.query = url, query
        self.http = requests.Session()
        # As browsers do where the server has closed a connection that was idle.
        self.http.mount(
            "http://", HTTPAdapter(max_retries=Retry(2, allowed_methods=["GET", "DELETE"]))
        )
        self.widgets: dict[str, WidgetState] = {}
        self.clear()

    def clear(self) -> None:
        """Forget what the page shows."""
        self.ids: dict[str, str] = {}  # of widgets, by label
        self.labels = ""  # address of the labels that the viewer shows
        self.data: dict[str, Any] = {}  # of the viewer
        self.json: dict[str, str] = {}  # data of every component, by its name
        self.mounted: dict[str, str] = {}  # its id
        self.held = ""  # address of the exact pixels that are here
        self.texts: list[tuple[str, str]] = []  # (kind, text)
        self.options: list[str] = []  # of the visitor's pictures
        self.refused: set[str] = set()  # ids of files

    async def __aenter__(self) -> Visitor:
        self.socket = await self.connected()
        await self.run()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()
        self.http.close()

    async def connected(self, session: str = "") -> ClientConnection:
        await asyncio.to_thread(self.http.get, f"{self.url}/_stcore/host-config", timeout=TIMEOUT)
        await asyncio.to_thread(self.http.get, f"{self.url}/_stcore/health", timeout=TIMEOUT)
        self.xsrf = self.http.cookies.get("_streamlit_xsrf", "")
        protocols = ["streamlit", self.xsrf or "none", *([session] if session else [])]
        return await connect(
            self.url.replace("http", "ws") + "/_stcore/stream",
            subprotocols=protocols,  # type: ignore[arg-type]
            additional_headers={"Cookie": f"_streamlit_xsrf={self.xsrf}", "Origin": self.url},
            max_size=None,
            open_timeout=TIMEOUT,
            close_timeout=2,
        )

    async def send(self, *triggers: WidgetState, back: bool = False) -> None:
        """Ask for a run of the page with the widgets as they stand, and what is sent once.

        ``back`` says that Back or Forward has changed the address.
        """
        message = BackMsg()
        message.rerun_script.is_history_navigation = back
        message.rerun_script.query_string = self.query
        message.rerun_script.widget_states.widgets.extend([*self.widgets.values(), *triggers])
        await self.socket.send(message.SerializeToString())

    async def run(self, *triggers: WidgetState, back: bool = False) -> None:
        """One run of the page, to its end."""
        await self.send(*triggers, back=back)
        self.texts = []
        async with asyncio.timeout(TIMEOUT):
            while not await self._receive():
                pass

    async def press(self, label: str) -> None:
        """Press a button, and wait for the end of the page's run."""
        await self.run(WidgetState(id=self.ids[label], trigger_value=True))

    async def go(self, query: str) -> None:
        """Go to another address of the same session, as by Back or Forward."""
        self.query = query
        await self.run(back=True)

    async def _receive(self) -> bool:
        """One message; whether a run has ended with it."""
        data = await self.socket.recv()
        assert isinstance(data, bytes)
        message = ForwardMsg.FromString(data)
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.session = message.new_session.initialize.session_id
        elif kind == "file_urls_response":
            self.urls = message.file_urls_response.file_urls
        elif kind == "delta":
            self._take(message.delta.new_element)
        return kind == "script_finished" and (
            message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        )

    def _take(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        if kind in ("slider", "file_uploader", "button"):
            widget = getattr(element, kind)
            self.ids[widget.label] = widget.id
        elif kind == "alert":
            kind = Alert.Format.Name(element.alert.format).lower()
            self.texts.append((kind, element.alert.body))
        elif kind == "exception":
            self.texts.append(("exception", element.exception.message))
        elif kind == "bidi_component":
            component = element.bidi_component
            self.json[component.component_name] = component.json
            self.mounted[component.component_name] = component.id
            if component.component_name == "kmseg_viewer":
                self.data = json.loads(component.json)
                self.viewer = component.id
                self.labels = self.data["labels"]
            elif component.component_name == "kmseg_album":
                self._look_at(json.loads(component.json))

    def _look_at(self, strip: dict[str, Any]) -> None:
        """Note the visitor's pictures, each refused file once, and whether a picture is missing."""
        self.options = [picture["name"] for picture in strip["pictures"]]
        for refusal in strip["refused"]:
            if refusal["file"] not in self.refused:
                self.refused.add(refusal["file"])
                self.texts.append(("error", f"{refusal['name']}: {refusal['sentence']}"))
        if strip["wanted"]:
            self.texts.append(("missing", strip["missing"]))

    async def change(self, n_clusters: int) -> float:
        """Another K; seconds until its labels are here. The page's run goes on to its end."""
        number = self.data["answers"] + 1
        action = {"what": "k", "k": n_clusters, "final": True, "number": number}
        state = WidgetState(id=_make_trigger_id(self.viewer, "events"))
        state.json_trigger_value = json.dumps([{"event": "actions", "value": [action]}])
        before, begin = self.labels, time.perf_counter()
        await self.send(state)
        self.texts = []
        async with asyncio.timeout(TIMEOUT):
            finished = False
            while self.labels == before and not finished:
                finished = await self._receive()
            if self.labels == before:
                raise AssertionError(f"no new segmentation: {self.texts}")
            nearest = self.data["nearest"]
            if nearest is None or nearest["pixels"] != self.held:
                await self.fetch(self.labels)
            seconds = time.perf_counter() - begin
            while not finished:
                finished = await self._receive()
        return seconds

    async def look(self) -> None:
        """Fetch a new picture as the viewer does: original and labels, then the exact pixels."""
        for address in (self.data["original"], self.labels):
            await self.fetch(address)
        if (nearest := self.data["nearest"]) is not None:
            for number in range(nearest["stripes"]):
                await self.fetch(f"{nearest['pixels']}/{number}")
            self.held = nearest["pixels"]

    async def fetch(self, address: str) -> bytes:
        """What the page's server has at an address."""
        answer = await asyncio.to_thread(self.http.get, f"{self.url}{address}", timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.content

    async def announce(self, name: str) -> str:
        """Announce a file to the page; returns the path to send it to."""
        message = BackMsg()
        message.file_urls_request.request_id = "files"
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self.session
        await self.socket.send(message.SerializeToString())
        self.urls: Sequence[Any] = ()
        async with asyncio.timeout(TIMEOUT):
            while not self.urls:
                await self._receive()
        return str(self.urls[0].upload_url)

    async def put(self, name: str, data: bytes, kind: str = "image/jpeg") -> requests.Response:
        """Send a file, as the browser does before the page knows of it."""
        path = await self.announce(name)
        return await asyncio.to_thread(
            requests.put,  # on a new connection: the server may close an idle one at this moment
            f"{self.url}{path}",
            files={"file": (name, data, kind)},
            headers={"X-Xsrftoken": self.xsrf},
            cookies=self.http.cookies,
            timeout=TIMEOUT,
        )

    def raw_put(self, path: str, *headers: str) -> socket.socket:
        """A connection on which the head of an upload has been sent, and nothing of its body."""
        address = urlsplit(self.url)
        connection = socket.create_connection((address.hostname or "", address.port or 80), TIMEOUT)
        lines = [
            f"PUT {path} HTTP/1.1",
            f"Host: {address.netloc}",
            f"X-Xsrftoken: {self.xsrf}",
            f"Cookie: _streamlit_xsrf={self.xsrf}",
            "Content-Type: multipart/form-data; boundary=x",
            *headers,
        ]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection

    async def upload(self, name: str, data: bytes) -> None:
        """Put a picture on the list and see it."""
        answer = await self.put(name, data)
        if answer.status_code != 204:
            self.texts = [("refused", f"{answer.status_code} {answer.text}")]
            return
        self.add(name, len(data))
        self.labels = ""
        await self.run()

    def add(self, name: str, size: int) -> None:
        """Add the file that was sent last to the list of pictures."""
        state = self.widgets.setdefault(UPLOAD_LABEL, WidgetState(id=self.ids[UPLOAD_LABEL]))
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.name, info.size, info.file_id = name, size, self.urls[0].file_id
        info.file_urls.CopyFrom(self.urls[0])

    def delete(self, address: str) -> None:
        """Take a file off the server."""
        headers = {"X-Xsrftoken": self.xsrf}
        self.http.delete(f"{self.url}{address}", headers=headers, timeout=TIMEOUT)

    def take_off(self) -> None:
        """Empty the list of pictures."""
        if UPLOAD_LABEL in self.widgets:
            del self.widgets[UPLOAD_LABEL].file_uploader_state_value.uploaded_file_info[:]


def visit(story: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own: after a browser test, this thread has a loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, story).result()
