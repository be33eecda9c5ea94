"""A page of the same layout as ours that computes nothing: what Streamlit itself takes.

    streamlit run tests/benchmarks/bare_page.py -- FOLDER

The folder holds `original`, `even` and `odd`: encoded pictures, the last two by turns as K changes;
and `layout.css`, so that its pictures are as large as ours.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import streamlit as st
from PIL import Image

st.set_page_config("Bare", layout="wide", initial_sidebar_state=340)


@st.cache_resource
def files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(sys.argv[1]).iterdir()}


@st.cache_resource
def width() -> int:
    return Image.open(io.BytesIO(files()["original"])).width


k = st.sidebar.slider("K, number of clusters", 2, 32)
st.html(f"<style>{files()['layout.css'].decode()}</style>")
left, right = st.columns(2, gap="small")
# Of this width, the bytes are sent as they are; a column shows them no wider than itself.
left.image(files()["original"], width=width())
right.image(files()["odd" if k % 2 else "even"], width=width())
