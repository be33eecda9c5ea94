"""What the load scripts share: a server whose memory is watched, and visitors without a browser.

A visitor speaks Streamlit's protocol as a browser does: a WebSocket for the page, HTTP for uploads
and for the pictures on the page. He keeps nothing that he does not need, so that many fit beside
the server on one machine.
"""

from __future__ import annotations

import asyncio
import io
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import requests
from PIL import Image
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "benchmarks"), str(ROOT / "tests")]

from common import header, machine, parser, row  # noqa: E402, F401
from pages import served, wait_for_server  # noqa: E402

K_LABEL = "K, number of clusters"
UPLOAD_LABEL = "Your own pictures"
PATIENCE = 120.0  # seconds


class Server:
    """The running page: its processes, its memory, its own counts."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.port = int(url.rpartition(":")[2])
        self.pid = _listener(self.port)

    def processes(self) -> list[int]:
        """The server and all that it started."""
        found = [self.pid]
        for pid in found:
            try:
                for task in Path(f"/proc/{pid}/task").iterdir():
                    found += map(int, (task / "children").read_text().split())
            except OSError:
                continue
        return found

    def memory(self) -> float:
        """Proportional set size of all of its processes, MB."""
        total = 0
        for pid in self.processes():
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total / 1000

    def metrics(self) -> dict[str, float]:
        """What the page counts."""
        text = requests.get(f"{self.url}/kmseg/metrics", timeout=30).text
        lines = (line.split() for line in text.splitlines() if not line.startswith("#"))
        return {name.removeprefix("kmseg_"): float(value) for name, value in lines}

    def is_same(self) -> bool:
        """Whether it is still the process that was started."""
        return _listener(self.port) == self.pid


def _listener(port: int) -> int:
    """The process that listens on a port."""
    inodes = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        cells = line.split()
        if cells[1].endswith(f":{port:04X}") and cells[3] == "0A":
            inodes.add(f"socket:[{cells[9]}]")
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if any(str(link.readlink()) in inodes for link in (folder / "fd").iterdir()):
                return int(folder.name)
        except OSError:
            continue
    raise LookupError(f"nobody listens on port {port}")


@contextmanager
def server(**environment: str) -> Iterator[Server]:
    """The page, served by a process of its own and warmed up."""
    with served("streamlit_app.py", **environment) as url:
        wait_for_server(url)
        asyncio.run(_warm(url))
        time.sleep(5)  # what it loads behind the first page
        yield Server(url)


async def _warm(url: str) -> None:
    async with Visitor(url) as visitor:
        await visitor.change(5)


class Visitor:
    """One session of the page."""

    def __init__(self, url: str, query: str = "") -> None:
        self.url, self.query = url, query
        self.http = requests.Session()
        self.widgets: dict[str, WidgetState] = {}
        self.clear()

    def clear(self) -> None:
        """Forget what the page shows."""
        self.ids: dict[str, str] = {}  # of widgets, by label
        self.labels = ""  # address of the labels that the viewer shows
        self.data: dict[str, Any] = {}  # of the viewer
        self.texts: list[tuple[str, str]] = []  # (kind, text)

    async def __aenter__(self) -> Visitor:
        self.socket = await self.connected()
        await self.run()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()
        self.http.close()

    async def connected(self, session: str = "") -> ClientConnection:
        await asyncio.to_thread(self.http.get, f"{self.url}/_stcore/host-config", timeout=PATIENCE)
        await asyncio.to_thread(self.http.get, f"{self.url}/_stcore/health", timeout=PATIENCE)
        self.xsrf = self.http.cookies.get("_streamlit_xsrf", "")
        protocols = ["streamlit", self.xsrf or "none", *([session] if session else [])]
        return await connect(
            self.url.replace("http", "ws") + "/_stcore/stream",
            subprotocols=protocols,  # type: ignore[arg-type]
            additional_headers={"Cookie": f"_streamlit_xsrf={self.xsrf}", "Origin": self.url},
            max_size=None,
            open_timeout=PATIENCE,
        )

    async def send(self) -> None:
        """Ask for a run of the page with the widgets as they stand."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.widget_states.widgets.extend(self.widgets.values())
        await self.socket.send(message.SerializeToString())

    async def run(self) -> None:
        """One run of the page, to its end."""
        await self.send()
        self.texts = []
        async with asyncio.timeout(PATIENCE):
            while not await self._receive():
                pass

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
        if kind in ("slider", "file_uploader", "selectbox", "button"):
            widget = getattr(element, kind)
            self.ids[widget.label] = widget.id
        elif kind == "alert":
            self.texts.append(("alert", element.alert.body))
        elif kind == "exception":
            self.texts.append(("exception", element.exception.message))
        elif kind == "bidi_component":
            component = element.bidi_component
            if component.component_name == "kmseg_viewer":
                self.data = json.loads(component.json)
                self.labels = self.data["labels"]

    async def change(self, n_clusters: int) -> float:
        """Another K; seconds until its labels are here. The page's run goes on to its end."""
        state = WidgetState(id=self.ids[K_LABEL])
        state.int_array_value.data.append(n_clusters)
        self.widgets[K_LABEL] = state
        before, begin = self.labels, time.perf_counter()
        await self.send()
        self.texts = []
        async with asyncio.timeout(PATIENCE):
            finished = False
            while self.labels == before and not finished:
                finished = await self._receive()
            if self.labels == before:
                raise AssertionError(f"no new segmentation: {self.texts}")
            await self.fetch(self.labels)
            seconds = time.perf_counter() - begin
            while not finished:
                finished = await self._receive()
        return seconds

    async def fetch(self, address: str) -> bytes:
        """What the page's server has at an address."""
        answer = await asyncio.to_thread(self.http.get, f"{self.url}{address}", timeout=PATIENCE)
        answer.raise_for_status()
        return answer.content

    async def put(self, name: str, data: bytes, kind: str = "image/jpeg") -> requests.Response:
        """Send a file, as the browser does before the page knows of it."""
        message = BackMsg()
        message.file_urls_request.request_id = "files"
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self.session
        await self.socket.send(message.SerializeToString())
        self.urls: Sequence[Any] = ()
        async with asyncio.timeout(PATIENCE):
            while not self.urls:
                await self._receive()
        return await asyncio.to_thread(
            self.http.put,
            f"{self.url}{self.urls[0].upload_url}",
            files={"file": (name, data, kind)},
            headers={"X-Xsrftoken": self.xsrf},
            timeout=PATIENCE,
        )

    async def upload(self, name: str, data: bytes) -> None:
        """Put a picture on the list and see it."""
        answer = await self.put(name, data)
        if answer.status_code != 204:
            self.texts = [("refused", f"{answer.status_code} {answer.text}")]
            return
        state = self.widgets.setdefault(UPLOAD_LABEL, WidgetState(id=self.ids[UPLOAD_LABEL]))
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.name, info.size, info.file_id = name, len(data), self.urls[0].file_id
        info.file_urls.CopyFrom(self.urls[0])
        self.labels = ""
        await self.run()

    def take_off(self) -> None:
        """Empty the list of pictures."""
        if UPLOAD_LABEL in self.widgets:
            del self.widgets[UPLOAD_LABEL].file_uploader_state_value.uploaded_file_info[:]


def photos(number: int, megapixels: float = 12.0) -> list[bytes]:
    """Different JPEGs with as many colours as photos have: parts of samples, enlarged, with grain."""
    import kmseg

    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    size = round(1.5 * height), height
    found = []
    for seed in range(number):
        rng = np.random.default_rng(seed)
        pixels = kmseg.sample_image(("china", "flower")[seed % 2]).pixels
        top, left = rng.integers(0, 80, 2)
        part = Image.fromarray(pixels[top : top + 340, left : left + 510])
        large = np.asarray(part.resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
        grain = rng.normal(0, 1.5, (size[1] // 2, size[0] // 2, 3)).repeat(2, 0).repeat(2, 1)
        large[: grain.shape[0], : grain.shape[1]] += grain.astype(np.int16)
        file = io.BytesIO()
        Image.fromarray(large.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=88)
        found.append(file.getvalue())
    return found


def p95(seconds: Sequence[float]) -> float:
    """The time that 19 of 20 stay within."""
    return statistics.quantiles(seconds, n=20)[18] if len(seconds) > 1 else max(seconds)


def orphans() -> int:
    """Decoding processes that no server looks after."""
    found = subprocess.run(["pgrep", "-f", "kmseg.apart"], capture_output=True, text=True)
    return len(found.stdout.split())
