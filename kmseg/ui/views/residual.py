"""The view "Residual": how far each pixel is from its cluster's colour."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st

from kmseg.output import encode, render
from kmseg.ui import store
from kmseg.ui.views.view import Place, View, ViewContext


def show(context: ViewContext) -> None:
    """Draw the colour differences as a picture, with a colour scale and statistics."""
    st.markdown("**How far is each pixel from its cluster's colour?** Brighter is further.")
    distances = store.residual(context.picture, context.merged)
    known = distances[~np.isnan(distances)]
    if not len(known):
        st.info(
            "Every pixel of the preview is transparent, so there is no difference to show. Crop "
            "the picture to its visible part."
        )
        return
    top = max(float(np.percentile(known, 99.5)), 1.0)  # a few outliers would darken the rest
    picture_at, text = st.columns([3, 2], gap="medium")
    with picture_at:
        st.image(
            encode.png(render.heat(distances, top)),
            width="stretch",
            alt=f"Residual: colour differences, {known.mean():.1f} on average",
        )
        st.html(_scale(top))
    with text:
        st.metric("Average difference", f"{known.mean():.1f} ΔE")
        st.metric("Worst 1% of pixels: at least", f"{np.percentile(known, 99):.1f} ΔE")
        st.caption(
            "ΔE (CIE 1976) estimates how different a pixel and its cluster look. About 2.3 is just "
            "noticeable (Mahy et al. 1994). More clusters usually lower it, and so does clustering "
            "channels that were left out."
        )


def _scale(top: float) -> str:
    """The colour scale of the residual from 0 to ``top``."""
    ramp = render.heat(np.linspace(0, top, 9)[None], top)[0]
    stops = ", ".join(f"rgb({r},{g},{b})" for r, g, b in ramp[:, :3].tolist())
    digits = 0 if top >= 8 else 2
    ticks = "".join(f"<span>{top * part:.{digits}f}</span>" for part in (0, 0.25, 0.5, 0.75))
    ticks += f"<span>{top:.{digits}f} and more</span>"
    return (
        f'<div aria-hidden="true" style="height:.8rem;border-radius:3px;'
        f'background:linear-gradient(to right,{stops})"></div>'
        '<div style="display:flex;justify-content:space-between;font-size:.8rem">'
        f"{ticks}</div><div style='font-size:.8rem;text-align:center'>ΔE</div>"
    )


VIEW: Final = View(key="residual", title="Residual", place=Place.EXPLORE, show=show)
