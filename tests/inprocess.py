"""The page in this process, run by Streamlit's AppTest."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from streamlit.components.v2 import manifest_scanner
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.testing.v1 import AppTest

import kmseg
from kmseg.settings import LINK_VERSION
from kmseg.ui.views import VIEWS

ROOT = Path(__file__).resolve().parent.parent

# Each AppTest would read the metadata of all installed packages, which takes half of its time.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


def open_page(*, version: str = LINK_VERSION, **query: str) -> AppTest:
    """The page after its first run, opened by a link with these values, or by an empty address.

    A link has its version, unless that is "".
    """
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    if query and version:
        query = {"v": version} | query
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def rerun(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def open_view(app: AppTest, key: str) -> AppTest:
    """The page after a visitor opened a view: its place, then its part of that place."""
    app.segmented_control(key="place").set_value(VIEWS[key].place)
    rerun(app)
    if any(control.key == "part" for control in app.segmented_control):
        app.segmented_control(key="part").set_value(key)
        rerun(app)
    return app


def component(app: AppTest, name: str) -> dict[str, Any]:
    """The data that one of the page's own components was sent."""
    found = [e.proto for e in app.get("bidi_component") if e.proto.component_name == name]
    data: dict[str, Any] = json.loads(found[0].json)
    return data


def counts(app: AppTest) -> list[int]:
    return [row["pixels"] for row in component(app, "kmseg_table")["rows"]]


def expected_counts(sample: str, /, **settings: Any) -> list[int]:
    seg = kmseg.segment(kmseg.sample_image(sample), kmseg.Settings(**settings))
    return seg.pixel_counts.tolist()


def texts(app: AppTest) -> str:
    """All captions and messages of the page."""
    said = (*app.caption, *app.info, *app.warning, *app.error)
    return "\n".join(element.value for element in said)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def send(app: AppTest, name: str, event: str, value: object) -> AppTest:
    """Run the page as if one of its components had sent an event."""
    found = [e.proto for e in app.get("bidi_component") if e.proto.component_name == name]
    states = app._tree.get_widget_states()
    state = states.widgets.add(id=_make_trigger_id(found[0].id, "events"))
    state.json_trigger_value = json.dumps([{"event": event, "value": value}])
    app._run(states)
    assert not app.exception
    return app


def act(app: AppTest, *actions: dict[str, Any]) -> AppTest:
    """Run the page as if the viewer had sent these actions."""
    last = component(app, "kmseg_viewer")["answers"]
    numbered = [action | {"number": last + 1 + i} for i, action in enumerate(actions)]
    return send(app, "kmseg_viewer", "actions", numbered)


def act_on_clusters(app: AppTest, what: str, *clusters: int) -> AppTest:
    """Run the page as if a button for the clusters in focus, numbered from 0, had been clicked."""
    shown = component(app, "kmseg_viewer")["segmentation"]
    return act(app, {"what": what, "segmentation": shown, "clusters": clusters})


def set_k(app: AppTest, k: int, *, final: bool = True) -> AppTest:
    """Run the page as if K had been set below the pictures."""
    return act(app, {"what": "k", "k": k, "final": final})


def set_space(app: AppTest, space: str) -> AppTest:
    """Run the page as if a colour space had been chosen below the pictures."""
    return act(app, {"what": "space", "space": space, "final": True})


def gallery(app: AppTest, number: int = 0) -> list[dict[str, Any]]:
    found = [e.proto for e in app.get("bidi_component") if "gallery" in e.proto.component_name]
    tiles: list[dict[str, Any]] = json.loads(found[number].json)["tiles"]
    return tiles


def recorded(
    monkeypatch: pytest.MonkeyPatch, *functions: tuple[object, str]
) -> list[tuple[str, Any]]:
    """A list that grows with each call of these functions: name and result."""
    calls: list[tuple[str, Any]] = []

    def record(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            result = function(*arguments, **options)
            calls.append((name, result))
            return result

        return call

    for module, name in functions:
        monkeypatch.setattr(module, name, record(name, getattr(module, name)))
    return calls


def pictures(app: AppTest) -> dict[str, str]:
    """Names of the visitor's own pictures in the strip, by key."""
    return {each["key"]: each["name"] for each in component(app, "kmseg_album")["pictures"]}


def refused(app: AppTest) -> list[str]:
    """The sentences on files that could not be opened."""
    said = component(app, "kmseg_album")["refused"]
    return [f"{each['name']}: {each['sentence']}" for each in said]


def choose_picture(app: AppTest, name: str) -> AppTest:
    """Choose a sample by its key, or one of the visitor's own pictures by its name."""
    own = {own_name: key for key, own_name in pictures(app).items()}
    return send(app, "kmseg_album", "picked", own.get(name, name))
