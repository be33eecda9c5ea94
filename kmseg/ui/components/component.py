"""Registers components of the page from the files in their folders.

Streamlit is imported when the first component is drawn, so that :mod:`kmseg.ui.offline` can use the
components without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from kmseg.ui.components.assets import asset, style_sheet
from kmseg.ui.components.modules import bootstrap

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Mount(Protocol):
    """Puts a component on the page; ``on_<event>_change`` is called when it sends that event."""

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
        Whether the component has a shadow root, which isolates it from the page's styles.

    Returns
    -------
    Mount
    """

    @lru_cache(maxsize=1)
    def renderer() -> Callable[..., Any]:
        import streamlit as st

        return st.components.v2.component(
            f"kmseg_{name}",
            html=asset(f"{name}/{name}.html"),
            css=style_sheet(name),
            js=bootstrap(name),
            isolate_styles=isolate_styles,
        )

    def mount(record: DataclassInstance, key: str, **callbacks: Any) -> None:
        renderer()(key=key, data=message(record), **callbacks)

    return mount


def message(record: DataclassInstance) -> dict[str, Any]:
    """Convert a component's record into the ``data`` that its module receives.

    Parameters
    ----------
    record : dataclass
        Its fields are strings, numbers, booleans, None, sequences, dictionaries and records.

    Returns
    -------
    dict
        Values by field name.
    """
    return asdict(record)
