"""Registers a component of the page from the files in its folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

import streamlit as st

from kmseg.ui.components.assets import asset, style_sheet
from kmseg.ui.components.modules import bootstrap

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Mount(Protocol):
    """Puts a component on the page; ``on_<event>_change`` are called when it sends an event."""

    def __call__(
        self, record: DataclassInstance, key: str, **callbacks: Callable[[], None]
    ) -> None: ...


def register(name: str, *, isolate_styles: bool = True) -> Mount:
    """Register the component whose folder has this name.

    Parameters
    ----------
    name : str
        The folder contains ``<name>.html``, style sheets and the module ``<name>.js``.
    isolate_styles : bool
        Whether the component lives in a shadow root, apart from the styles of the page.

    Returns
    -------
    Mount
    """
    renderer = st.components.v2.component(
        f"kmseg_{name}",
        html=asset(f"{name}/{name}.html"),
        css=style_sheet(name),
        js=bootstrap(name),
        isolate_styles=isolate_styles,
    )

    def mount(record: DataclassInstance, key: str, **callbacks: Any) -> None:
        renderer(key=key, data=message(record), **callbacks)

    return mount


def message(record: DataclassInstance) -> dict[str, Any]:
    """Turn a component's record into what its module receives as ``data``.

    Parameters
    ----------
    record : dataclass
        Of strings, numbers, booleans, None, sequences, dictionaries and further records.

    Returns
    -------
    dict
        Under the names of the record's fields.
    """
    return asdict(record)
