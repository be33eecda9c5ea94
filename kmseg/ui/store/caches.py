"""The page's two caches, of pixels and of results, and the owners of their entries.

Keys are (owner, digest of the picture's bytes, reading, width). Values computed from an upload
belong to its session and are dropped with it; samples are shared by all sessions. Pixels have the
smaller limit: segmentations do not need them again, and they can be decoded again.
"""

from __future__ import annotations

from functools import cache
from typing import Final
from uuid import uuid4

import streamlit as st

from kmseg.config import MEGABYTE
from kmseg.ui.server import configuration, gates
from kmseg.ui.store.addresses import addresses
from kmseg.ui.store.store import Store

# Limit for segmentations, tiles and encoded labels of one picture.
MAX_PART_BYTES: Final = 24 * MEGABYTE
# Seconds after which unused entries are dropped.
IDLE: Final = 3600.0

EVERYBODY: Final = ""


@cache
def pixels() -> Store:
    """Decoded pictures, of type ``Image``."""
    return Store(configuration.current().pixel_cache_bytes)


@cache
def results() -> Store:
    """``PictureData`` of each picture at each width; its parts are results of settings."""
    return Store(configuration.current().result_cache_bytes, MAX_PART_BYTES)


def _drop_owner(owner: str) -> None:
    pixels().drop(owner)
    results().drop(owner)
    addresses().drop(owner)


@st.cache_resource(show_spinner=False, scope="session", on_release=_drop_owner)
def owner() -> str:
    """The owner of this session's pictures; its cached values are dropped with the session."""
    return uuid4().hex


def forget(picture: str) -> None:
    """Drop cached values of this session's picture with this key."""
    pixels().remove(owner(), picture)
    results().remove(owner(), picture)


def drop_idle() -> None:
    """Drop values that were not used for ``IDLE`` seconds."""
    pixels().drop_idle(IDLE)
    results().drop_idle(IDLE)


def gauges() -> dict[str, tuple[int, str]]:
    """Gauges for the operator: value and meaning, by name."""
    return {
        "pixel_bytes": (pixels().n_bytes, "decoded pixels that are cached"),
        "result_bytes": (results().n_bytes, "results that are cached"),
        "files_waiting": (gates.FILES.n_waiting, "exports of files that wait for a slot"),
        "large_waiting": (gates.LARGE.n_waiting, "large pictures that wait to be decoded"),
        "pixels_waiting": (gates.PIXELS.n_waiting, "page runs that wait for a slot to use pixels"),
        "regions_waiting": (gates.REGIONS.n_waiting, "page runs that wait for a slot for regions"),
        "work_waiting": (gates.WORK.n_waiting, "page runs that wait for a slot to compute"),
    }


def measured() -> dict[str, tuple[int, str]]:
    """Gauges recounted from all cached values; they must equal the running counts."""
    return {
        "pixel_reachable_bytes": (pixels().reachable_bytes(), "pixel_bytes, recounted"),
        "result_reachable_bytes": (results().reachable_bytes(), "result_bytes, recounted"),
    }
